//! Program types and attach types that some tested kernels lack.

use super::feature::{Feature, FeatureKind};
use crate::sys::uapi::*;

/// Values of `enum bpf_prog_type`.
pub(super) const PROG_TYPES: [Feature; 1] = [prog_type(BPF_PROG_TYPE_NETFILTER, (6, 4), "net/netfilter/nf_bpf_link.c")];

const fn prog_type(ty: ProgType, since: (u32, u32), documented: &'static str) -> Feature {
    Feature::new(FeatureKind::ProgType(ty), ty.name().expect("the headers have it"), since, documented)
}

const fn attach_type(ty: AttachType, since: (u32, u32), documented: &'static str) -> Feature {
    Feature::new(FeatureKind::AttachType(ty), ty.name().expect("the headers have it"), since, documented)
}

const UAPI: &str = "include/uapi/linux/bpf.h";
const BPF_TRACE: &str = "kernel/trace/bpf_trace.c";
const UNIX: &str = "net/unix/af_unix.c";

/// Values of `enum bpf_attach_type`.
pub(super) const ATTACH_TYPES: [Feature; 18] = [
    attach_type(BPF_STRUCT_OPS, (6, 4), "kernel/bpf/bpf_struct_ops.c"),
    attach_type(BPF_NETFILTER, (6, 4), "net/netfilter/nf_bpf_link.c"),
    attach_type(BPF_TCX_INGRESS, (6, 6), "kernel/bpf/tcx.c"),
    attach_type(BPF_TCX_EGRESS, (6, 6), "kernel/bpf/tcx.c"),
    attach_type(BPF_TRACE_UPROBE_MULTI, (6, 6), BPF_TRACE),
    attach_type(BPF_CGROUP_UNIX_CONNECT, (6, 7), UNIX),
    attach_type(BPF_CGROUP_UNIX_SENDMSG, (6, 7), UNIX),
    attach_type(BPF_CGROUP_UNIX_RECVMSG, (6, 7), UNIX),
    attach_type(BPF_CGROUP_UNIX_GETPEERNAME, (6, 7), UNIX),
    attach_type(BPF_CGROUP_UNIX_GETSOCKNAME, (6, 7), UNIX),
    attach_type(BPF_NETKIT_PRIMARY, (6, 7), "drivers/net/netkit.c"),
    attach_type(BPF_NETKIT_PEER, (6, 7), "drivers/net/netkit.c"),
    attach_type(BPF_TRACE_KPROBE_SESSION, (6, 10), BPF_TRACE),
    attach_type(BPF_TRACE_UPROBE_SESSION, (6, 13), BPF_TRACE),
    attach_type(BPF_TRACE_FSESSION, (7, 0), "kernel/bpf/trampoline.c"),
    attach_type(BPF_TRACE_FENTRY_MULTI, (7, 2), UAPI),
    attach_type(BPF_TRACE_FEXIT_MULTI, (7, 2), UAPI),
    attach_type(BPF_TRACE_FSESSION_MULTI, (7, 2), UAPI),
];
