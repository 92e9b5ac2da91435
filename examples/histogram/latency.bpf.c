// SPDX-License-Identifier: MIT OR Apache-2.0
//
// How long system calls take, as a histogram in powers of two, kept by each CPU for itself.

#include "skelgen_bpf.h"

LICENSE;

#define SLOTS 40

// .rodata: 0 is every process.
const volatile __u32 target_pid = 0;

// .percpu: a CPU writes its own only, so counting needs no atomics and no lookup.
// Slot n counts calls of 2^n up to 2^(n+1) nanoseconds; the last one all that are longer.
__percpu __u64 slots[SLOTS] = {};
__percpu __u64 total_ns = 0;

// When the system call began that a thread is in.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, __u64);
} began SEC(".maps");

static __always_inline __u32 log2(__u64 value)
{
	__u32 log = 0;

	if (value >> 32) { log += 32; value >>= 32; }
	if (value >> 16) { log += 16; value >>= 16; }
	if (value >> 8) { log += 8; value >>= 8; }
	if (value >> 4) { log += 4; value >>= 4; }
	if (value >> 2) { log += 2; value >>= 2; }
	return log + (value >> 1);
}

SEC("raw_tp/sys_enter")
int on_enter(void *ctx)
{
	__u64 ids = bpf_get_current_pid_tgid();
	__u32 pid = ids >> 32, tid = ids;
	__u64 now = bpf_ktime_get_ns();

	if (target_pid == 0 || target_pid == pid)
		bpf_map_update_elem(&began, &tid, &now, BPF_ANY);
	return 0;
}

SEC("raw_tp/sys_exit")
int on_exit(void *ctx)
{
	__u32 tid = bpf_get_current_pid_tgid();
	__u64 *start = bpf_map_lookup_elem(&began, &tid);
	__u64 took;
	__u32 slot;

	if (!start)
		return 0;
	took = bpf_ktime_get_ns() - *start;
	bpf_map_delete_elem(&began, &tid);

	slot = log2(took);
	slots[slot < SLOTS ? slot : SLOTS - 1]++;
	total_ns += took;
	return 0;
}
