//! The kernel's user-space interface, spelled as in `include/uapi/linux/bpf.h`: numbers only, and only those used.
#![allow(missing_docs, reason = "the names are the kernel's; include/uapi/linux/bpf.h tells what they mean")]

// enum bpf_cmd
pub const BPF_MAP_CREATE: u32 = 0;
pub const BPF_MAP_LOOKUP_ELEM: u32 = 1;
pub const BPF_MAP_UPDATE_ELEM: u32 = 2;
pub const BPF_MAP_DELETE_ELEM: u32 = 3;
pub const BPF_MAP_GET_NEXT_KEY: u32 = 4;
pub const BPF_PROG_LOAD: u32 = 5;
pub const BPF_OBJ_PIN: u32 = 6;
pub const BPF_OBJ_GET: u32 = 7;
pub const BPF_PROG_TEST_RUN: u32 = 10;
pub const BPF_OBJ_GET_INFO_BY_FD: u32 = 15;
pub const BPF_RAW_TRACEPOINT_OPEN: u32 = 17;
pub const BPF_BTF_LOAD: u32 = 18;
pub const BPF_BTF_GET_FD_BY_ID: u32 = 19;
pub const BPF_MAP_LOOKUP_AND_DELETE_ELEM: u32 = 21;
pub const BPF_MAP_FREEZE: u32 = 22;
pub const BPF_BTF_GET_NEXT_ID: u32 = 23;
pub const BPF_MAP_LOOKUP_BATCH: u32 = 24;
pub const BPF_MAP_LOOKUP_AND_DELETE_BATCH: u32 = 25;
pub const BPF_MAP_UPDATE_BATCH: u32 = 26;
pub const BPF_MAP_DELETE_BATCH: u32 = 27;
pub const BPF_LINK_CREATE: u32 = 28;
pub const BPF_LINK_UPDATE: u32 = 29;
pub const BPF_ITER_CREATE: u32 = 33;
pub const BPF_LINK_DETACH: u32 = 34;
pub const BPF_PROG_BIND_MAP: u32 = 35;
pub const BPF_TOKEN_CREATE: u32 = 36;

macro_rules! map_types {
    ($($name:ident = $number:literal;)*) => {
        $(pub const $name: u32 = $number;)*

        /// The name of a map's type; `None` if skelgen knows none.
        #[must_use]
        pub const fn map_type_name(map_type: u32) -> Option<&'static str> {
            match map_type {
                $($name => Some(stringify!($name)),)*
                _ => None,
            }
        }
    };
}

// enum bpf_map_type
map_types! {
    BPF_MAP_TYPE_HASH = 1;
    BPF_MAP_TYPE_ARRAY = 2;
    BPF_MAP_TYPE_PROG_ARRAY = 3;
    BPF_MAP_TYPE_PERF_EVENT_ARRAY = 4;
    BPF_MAP_TYPE_PERCPU_HASH = 5;
    BPF_MAP_TYPE_PERCPU_ARRAY = 6;
    BPF_MAP_TYPE_STACK_TRACE = 7;
    BPF_MAP_TYPE_CGROUP_ARRAY = 8;
    BPF_MAP_TYPE_LRU_HASH = 9;
    BPF_MAP_TYPE_LRU_PERCPU_HASH = 10;
    BPF_MAP_TYPE_LPM_TRIE = 11;
    BPF_MAP_TYPE_ARRAY_OF_MAPS = 12;
    BPF_MAP_TYPE_HASH_OF_MAPS = 13;
    BPF_MAP_TYPE_DEVMAP = 14;
    BPF_MAP_TYPE_SOCKMAP = 15;
    BPF_MAP_TYPE_CPUMAP = 16;
    BPF_MAP_TYPE_XSKMAP = 17;
    BPF_MAP_TYPE_SOCKHASH = 18;
    BPF_MAP_TYPE_CGROUP_STORAGE = 19;
    BPF_MAP_TYPE_REUSEPORT_SOCKARRAY = 20;
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE = 21;
    BPF_MAP_TYPE_QUEUE = 22;
    BPF_MAP_TYPE_STACK = 23;
    BPF_MAP_TYPE_SK_STORAGE = 24;
    BPF_MAP_TYPE_DEVMAP_HASH = 25;
    BPF_MAP_TYPE_STRUCT_OPS = 26;
    BPF_MAP_TYPE_RINGBUF = 27;
    BPF_MAP_TYPE_INODE_STORAGE = 28;
    BPF_MAP_TYPE_TASK_STORAGE = 29;
    BPF_MAP_TYPE_BLOOM_FILTER = 30;
    BPF_MAP_TYPE_USER_RINGBUF = 31;
    BPF_MAP_TYPE_CGRP_STORAGE = 32;
    BPF_MAP_TYPE_ARENA = 33;
    BPF_MAP_TYPE_INSN_ARRAY = 34;
    BPF_MAP_TYPE_RHASH = 35;
}

// enum bpf_prog_type
pub const BPF_PROG_TYPE_UNSPEC: u32 = 0;
pub const BPF_PROG_TYPE_SOCKET_FILTER: u32 = 1;
pub const BPF_PROG_TYPE_KPROBE: u32 = 2;
pub const BPF_PROG_TYPE_SCHED_CLS: u32 = 3;
pub const BPF_PROG_TYPE_SCHED_ACT: u32 = 4;
pub const BPF_PROG_TYPE_TRACEPOINT: u32 = 5;
pub const BPF_PROG_TYPE_XDP: u32 = 6;
pub const BPF_PROG_TYPE_PERF_EVENT: u32 = 7;
pub const BPF_PROG_TYPE_CGROUP_SKB: u32 = 8;
pub const BPF_PROG_TYPE_CGROUP_SOCK: u32 = 9;
pub const BPF_PROG_TYPE_LWT_IN: u32 = 10;
pub const BPF_PROG_TYPE_LWT_OUT: u32 = 11;
pub const BPF_PROG_TYPE_LWT_XMIT: u32 = 12;
pub const BPF_PROG_TYPE_SOCK_OPS: u32 = 13;
pub const BPF_PROG_TYPE_CGROUP_DEVICE: u32 = 15;
pub const BPF_PROG_TYPE_RAW_TRACEPOINT: u32 = 17;
pub const BPF_PROG_TYPE_CGROUP_SOCK_ADDR: u32 = 18;
pub const BPF_PROG_TYPE_LWT_SEG6LOCAL: u32 = 19;
pub const BPF_PROG_TYPE_SK_REUSEPORT: u32 = 21;
pub const BPF_PROG_TYPE_CGROUP_SYSCTL: u32 = 23;
pub const BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE: u32 = 24;
pub const BPF_PROG_TYPE_CGROUP_SOCKOPT: u32 = 25;
pub const BPF_PROG_TYPE_TRACING: u32 = 26;
pub const BPF_PROG_TYPE_STRUCT_OPS: u32 = 27;
pub const BPF_PROG_TYPE_EXT: u32 = 28;
pub const BPF_PROG_TYPE_LSM: u32 = 29;
pub const BPF_PROG_TYPE_SYSCALL: u32 = 31;

// enum bpf_attach_type
pub const BPF_TRACE_RAW_TP: u32 = 23;
pub const BPF_TRACE_ITER: u32 = 28;
pub const BPF_XDP: u32 = 37;
pub const BPF_PERF_EVENT: u32 = 41;
pub const BPF_TRACE_KPROBE_MULTI: u32 = 42;
pub const BPF_LSM_CGROUP: u32 = 43;
pub const BPF_STRUCT_OPS: u32 = 44;
pub const BPF_TCX_INGRESS: u32 = 46;
pub const BPF_TCX_EGRESS: u32 = 47;
pub const BPF_TRACE_UPROBE_MULTI: u32 = 48;
pub const BPF_NETKIT_PRIMARY: u32 = 54;
pub const BPF_NETKIT_PEER: u32 = 55;
pub const BPF_TRACE_KPROBE_SESSION: u32 = 56;
pub const BPF_TRACE_UPROBE_SESSION: u32 = 57;
pub const BPF_TRACE_FENTRY_MULTI: u32 = 59;
pub const BPF_TRACE_FEXIT_MULTI: u32 = 60;
pub const BPF_TRACE_FSESSION_MULTI: u32 = 61;

// BPF_MAP_CREATE's map_flags
pub const BPF_F_RDONLY: u32 = 1 << 3;
pub const BPF_F_WRONLY: u32 = 1 << 4;
pub const BPF_F_RDONLY_PROG: u32 = 1 << 7;
pub const BPF_F_MMAPABLE: u32 = 1 << 10;
pub const BPF_F_LINK: u32 = 1 << 13;
pub const BPF_F_VTYPE_BTF_OBJ_FD: u32 = 1 << 15;
pub const BPF_F_TOKEN_FD: u32 = 1 << 16;
pub const BPF_F_SEGV_ON_FAULT: u32 = 1 << 17;
pub const BPF_F_RB_OVERWRITE: u32 = 1 << 19;

// BPF_MAP_{LOOKUP,UPDATE}_ELEM's flags; BPF_F_CPU's number is the high 32 bits
pub const BPF_ANY: u64 = 0;
pub const BPF_NOEXIST: u64 = 1;
pub const BPF_EXIST: u64 = 2;
pub const BPF_F_LOCK: u64 = 4;
pub const BPF_F_CPU: u64 = 8;
pub const BPF_F_ALL_CPUS: u64 = 16;

// The header of a ring buffer's record: its length, with these bits, and 4 bytes of the kernel's
pub const BPF_RINGBUF_BUSY_BIT: u32 = 1 << 31;
pub const BPF_RINGBUF_DISCARD_BIT: u32 = 1 << 30;
pub const BPF_RINGBUF_HDR_SZ: usize = 8;

// BPF_PROG_LOAD's prog_flags; BPF_F_TOKEN_FD is one as well, and BPF_BTF_LOAD's only one
pub const BPF_F_SLEEPABLE: u32 = 1 << 4;

// BPF_LINK_CREATE's uprobe_multi.flags
pub const BPF_F_UPROBE_MULTI_RETURN: u32 = 1;

// BPF_PROG_TEST_RUN's flags
pub const BPF_F_TEST_RUN_ON_CPU: u32 = 1;

// The pseudo registers of a 64-bit immediate
pub const BPF_PSEUDO_MAP_VALUE: u8 = 2;
pub const BPF_PSEUDO_MAP_IDX: u8 = 5;
pub const BPF_PSEUDO_MAP_IDX_VALUE: u8 = 6;

/// Bytes of an object's name, its final 0 among them.
pub const BPF_OBJ_NAME_LEN: usize = 16;

// include/uapi/linux/perf_event.h
pub const PERF_TYPE_TRACEPOINT: u32 = 2;
pub const PERF_FLAG_FD_CLOEXEC: libc::c_ulong = 1 << 3;
