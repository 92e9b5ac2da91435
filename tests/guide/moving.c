// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What `moving` says that a light skeleton of bpftool's is told. Compiled, not run.

#include <errno.h>
#include <stdio.h>

#include "counters.lskel.h"

int main(void)
{
	struct counters *skel = counters__open();

	if (!skel)
		return 1;
	skel->rodata->threshold = 3;
#ifdef PERCPU
	skel->percpu->hits = 1;
#endif
	if (counters__load(skel) || counters__attach(skel))
		return 1;
	printf("%llu\n", (unsigned long long)skel->bss->dropped);
#ifdef PERCPU
	{
		int map = skel->maps.percpu.map_fd, zero = 0;
		struct counters__percpu value;

		if (!bpf_map_lookup_elem_flags(map, &zero, &value, BPF_F_CPU))
			printf("%llu\n", (unsigned long long)value.hits);
	}
#endif
	counters__destroy(skel);
	return 0;
}
