// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the tables of the guide's chapter `moving` speak of, for loaders that do not know `.percpu`.

#include "skelgen_bpf.h"

LICENSE;

struct exec_event {
	__u64 id;
	__u64 hits;
	__u32 pid;
	__u32 cpu;
	char comm[16];
};

struct flow {
	__u32 source;
	__u32 destination;
	__u16 port;
};

struct totals {
	__u64 packets;
	__u64 bytes;
};

// Events before this one are dropped.
const volatile __u32 threshold = 0;

__u64 next_event_id;
__u64 dropped;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct flow);
	__type(value, struct totals);
} typed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} percpu_array SEC(".maps");

SEC("raw_tp/sched_process_exec")
int on_exec(void *ctx)
{
	__u64 id = __sync_fetch_and_add(&next_event_id, 1), *hits;
	struct totals totals = { .packets = id };
	struct exec_event *event;
	struct flow flow = {};
	__u32 first = 0;

	hits = bpf_map_lookup_elem(&percpu_array, &first);
	if (hits)
		++*hits;
	bpf_map_update_elem(&typed, &flow, &totals, BPF_ANY);
	event = id < threshold ? NULL : bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&dropped, 1);
		return 0;
	}
	event->id = id;
	event->hits = hits ? *hits : 0;
	event->pid = bpf_get_current_pid_tgid() >> 32;
	event->cpu = bpf_get_smp_processor_id();
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	bpf_ringbuf_submit(event, 0);
	return 0;
}
