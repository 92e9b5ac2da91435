// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Loads the object through the light skeleton that bpftool generates. As common/src/lib.rs, in C.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "peer.lskel.h"

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int argc, char **argv)
{
	long times = 1;

	if (argc == 3 && !strcmp(argv[1], "--time")) {
		times = strtol(argv[2], NULL, 10);
	} else if (argc != 1) {
		fprintf(stderr, "usage: [--time N]\n");
		return 2;
	}
	for (long i = 0; i < times; i++) {
		long long start = now_ns();
		struct peer *skel = peer__open();
		int err = skel ? peer__load(skel) : -errno;
		long long took = now_ns() - start;

		if (err) {
			fprintf(stderr, "errno %d\n", -err);
			return 1;
		}
		printf("%lld\n", took);
		peer__destroy(skel);
	}
	return 0;
}
