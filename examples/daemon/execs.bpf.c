// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Reports each program that is run, at most so many a second on each CPU.

#include "skelgen_bpf.h"
#include "vmlinux_min.h"

LICENSE;

#define EVERYBODY 0xffffffff

struct exec {
	__u64 time_ns;
	__u32 pid;
	__u32 parent;
	__u32 uid;
	__u32 cpu;
	char comm[16];
};

// .data: whose programs are reported. User space changes it while this runs.
__u32 only_uid = EVERYBODY;

// .percpu: what each CPU has seen. Only the CPU itself writes these.
__percpu __u64 seen = 0;
__percpu __u64 sent = 0;
__percpu __u64 over_limit = 0;
__percpu __u64 lost = 0;

// .percpu.budget: how many records the CPU may still send. User space fills it up every second, on all CPUs at once;
// a section of its own, as that would overwrite the counts beside it.
__percpu_in("budget") __u64 left = 0;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} execs SEC(".maps");

// A function of its own, so that BTF knows `struct exec`: local variables leave no types there.
static __noinline int fill(struct exec *exec, __u32 uid)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct task_struct *parent = CORE_GET(task, real_parent);

	exec->time_ns = bpf_ktime_get_ns();
	exec->pid = bpf_get_current_pid_tgid() >> 32;
	exec->parent = CORE_GET(parent, tgid);
	exec->uid = uid;
	exec->cpu = bpf_get_smp_processor_id();
	return bpf_get_current_comm(exec->comm, sizeof(exec->comm));
}

SEC("raw_tp/sched_process_exec")
int on_exec(void *ctx)
{
	__u32 uid = bpf_get_current_uid_gid();
	struct exec *exec;

	seen++;
	if (only_uid != EVERYBODY && only_uid != uid)
		return 0;
	if (!left) {
		over_limit++;
		return 0;
	}
	exec = bpf_ringbuf_reserve(&execs, sizeof(*exec), 0);
	if (!exec) {
		lost++;
		return 0;
	}
	fill(exec, uid);
	bpf_ringbuf_submit(exec, 0);
	left--;
	sent++;
	return 0;
}
