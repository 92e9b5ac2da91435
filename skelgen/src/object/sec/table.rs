//! The forms of section names.

use super::AttachTo;
use super::extra;
use crate::uapi::*;

/// One form of section name.
pub(super) struct Form {
    /// The whole name, or what stands before the first `/`.
    name: &'static str,
    /// What may follow the name.
    tail: Tail,
    /// When its programs may sleep.
    sleep: Sleep,
    pub(super) prog_type: ProgType,
    pub(super) attach_type: Option<AttachType>,
    pub(super) xdp_frags: bool,
    /// Reads what follows `name/`; empty if nothing does.
    pub(super) attach: fn(&str) -> AttachTo,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tail {
    /// Nothing.
    None,
    /// Nothing, or `/` and anything.
    Target,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sleep {
    Never,
    Always,
    /// If the name is followed by `.s`.
    Suffix,
}

impl Form {
    const fn new(
        name: &'static str,
        tail: Tail,
        prog_type: ProgType,
        attach_type: Option<AttachType>,
        attach: fn(&str) -> AttachTo,
    ) -> Self {
        Form { name, tail, sleep: Sleep::Never, prog_type, attach_type, xdp_frags: false, attach }
    }

    /// The form exists with `.s` too.
    const fn or_sleepable(self) -> Self {
        Form { sleep: Sleep::Suffix, ..self }
    }

    const fn sleepable(self) -> Self {
        Form { sleep: Sleep::Always, ..self }
    }

    const fn xdp_frags(self) -> Self {
        Form { xdp_frags: true, ..self }
    }

    /// Whether `name` is of this form; if so, whether the program may sleep and what follows the prefix.
    fn matches<'n>(&self, name: &'n str) -> Option<(bool, &'n str)> {
        let rest = name.strip_prefix(self.name)?;
        let (sleepable, rest) = match (self.sleep, rest.strip_prefix(".s")) {
            (Sleep::Suffix, Some(rest)) => (true, rest),
            (sleep, _) => (sleep == Sleep::Always, rest),
        };
        match rest.strip_prefix('/') {
            Some(extra) if self.tail == Tail::Target => Some((sleepable, extra)),
            None if rest.is_empty() => Some((sleepable, "")),
            _ => None,
        }
    }
}

/// The form of `name`, whether its programs may sleep, and what follows the prefix.
///
/// No name is of two forms, so the table's order means nothing.
pub(super) fn find(name: &str) -> Option<(&'static Form, bool, &str)> {
    FORMS.iter().find_map(|form| form.matches(name).map(|(sleepable, extra)| (form, sleepable, extra)))
}

/// `name`, and nothing else.
const fn plain(name: &'static str, prog_type: ProgType, attach: fn(&str) -> AttachTo) -> Form {
    Form::new(name, Tail::None, prog_type, None, attach)
}

/// `name`, and nothing else; the program is verified for one way of attaching it.
const fn typed(name: &'static str, prog_type: ProgType, attach_type: AttachType, attach: fn(&str) -> AttachTo) -> Form {
    Form::new(name, Tail::None, prog_type, Some(attach_type), attach)
}

/// `name` or `name/target`.
const fn target(name: &'static str, prog_type: ProgType, attach: fn(&str) -> AttachTo) -> Form {
    Form::new(name, Tail::Target, prog_type, None, attach)
}

/// `name` or `name/target`; the program is verified for one way of attaching it.
const fn typed_target(
    name: &'static str,
    prog_type: ProgType,
    attach_type: AttachType,
    attach: fn(&str) -> AttachTo,
) -> Form {
    Form::new(name, Tail::Target, prog_type, Some(attach_type), attach)
}

const fn cgroup(name: &'static str, prog_type: ProgType, attach_type: AttachType) -> Form {
    typed(name, prog_type, attach_type, |_| AttachTo::Cgroup)
}

const fn sock_addr(name: &'static str, attach_type: AttachType) -> Form {
    cgroup(name, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, attach_type)
}

static FORMS: &[Form] = &[
    // Probes.
    target("kprobe", BPF_PROG_TYPE_KPROBE, extra::kprobe),
    target("kretprobe", BPF_PROG_TYPE_KPROBE, extra::kretprobe),
    target("ksyscall", BPF_PROG_TYPE_KPROBE, |name| extra::ksyscall(name, false)),
    target("kretsyscall", BPF_PROG_TYPE_KPROBE, |name| extra::ksyscall(name, true)),
    target("uprobe", BPF_PROG_TYPE_KPROBE, extra::uprobe).or_sleepable(),
    target("uretprobe", BPF_PROG_TYPE_KPROBE, extra::uretprobe).or_sleepable(),
    target("usdt", BPF_PROG_TYPE_KPROBE, extra::usdt).or_sleepable(),
    typed_target("kprobe.multi", BPF_PROG_TYPE_KPROBE, BPF_TRACE_KPROBE_MULTI, |extra| {
        extra::kprobe_multi(extra, false, false)
    }),
    typed_target("kretprobe.multi", BPF_PROG_TYPE_KPROBE, BPF_TRACE_KPROBE_MULTI, |extra| {
        extra::kprobe_multi(extra, true, false)
    }),
    typed_target("kprobe.session", BPF_PROG_TYPE_KPROBE, BPF_TRACE_KPROBE_SESSION, |extra| {
        extra::kprobe_multi(extra, false, true)
    }),
    typed_target("uprobe.multi", BPF_PROG_TYPE_KPROBE, BPF_TRACE_UPROBE_MULTI, |extra| {
        extra::uprobe_multi(extra, false, false)
    })
    .or_sleepable(),
    typed_target("uretprobe.multi", BPF_PROG_TYPE_KPROBE, BPF_TRACE_UPROBE_MULTI, |extra| {
        extra::uprobe_multi(extra, true, false)
    })
    .or_sleepable(),
    typed_target("uprobe.session", BPF_PROG_TYPE_KPROBE, BPF_TRACE_UPROBE_SESSION, |extra| {
        extra::uprobe_multi(extra, false, true)
    })
    .or_sleepable(),
    // Tracepoints.
    target("tracepoint", BPF_PROG_TYPE_TRACEPOINT, extra::tracepoint).or_sleepable(),
    target("tp", BPF_PROG_TYPE_TRACEPOINT, extra::tracepoint).or_sleepable(),
    target("raw_tracepoint", BPF_PROG_TYPE_RAW_TRACEPOINT, extra::raw_tracepoint).or_sleepable(),
    target("raw_tp", BPF_PROG_TYPE_RAW_TRACEPOINT, extra::raw_tracepoint).or_sleepable(),
    target("raw_tracepoint.w", BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, extra::raw_tracepoint),
    target("raw_tp.w", BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, extra::raw_tracepoint),
    typed_target("tp_btf", BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, extra::tp_btf).or_sleepable(),
    // Functions of the kernel and of BPF programs.
    typed_target("fentry", BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, extra::function).or_sleepable(),
    typed_target("fexit", BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, extra::function).or_sleepable(),
    typed_target("fmod_ret", BPF_PROG_TYPE_TRACING, BPF_MODIFY_RETURN, extra::function).or_sleepable(),
    typed_target("fsession", BPF_PROG_TYPE_TRACING, BPF_TRACE_FSESSION, extra::function).or_sleepable(),
    typed_target("fentry.multi", BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY_MULTI, extra::functions).or_sleepable(),
    typed_target("fexit.multi", BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT_MULTI, extra::functions).or_sleepable(),
    typed_target("fsession.multi", BPF_PROG_TYPE_TRACING, BPF_TRACE_FSESSION_MULTI, extra::functions).or_sleepable(),
    target("freplace", BPF_PROG_TYPE_EXT, extra::freplace),
    typed_target("lsm", BPF_PROG_TYPE_LSM, BPF_LSM_MAC, extra::lsm).or_sleepable(),
    typed_target("lsm_cgroup", BPF_PROG_TYPE_LSM, BPF_LSM_CGROUP, extra::lsm_cgroup),
    typed_target("iter", BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, extra::iter).or_sleepable(),
    target("struct_ops", BPF_PROG_TYPE_STRUCT_OPS, |_| AttachTo::StructOps).or_sleepable(),
    plain("syscall", BPF_PROG_TYPE_SYSCALL, |_| AttachTo::Syscall).sleepable(),
    plain("perf_event", BPF_PROG_TYPE_PERF_EVENT, |_| AttachTo::PerfEvent),
    // Network devices, routes and namespaces.
    typed("xdp", BPF_PROG_TYPE_XDP, BPF_XDP, |_| AttachTo::Xdp),
    typed("xdp/devmap", BPF_PROG_TYPE_XDP, BPF_XDP_DEVMAP, |_| AttachTo::Devmap),
    typed("xdp/cpumap", BPF_PROG_TYPE_XDP, BPF_XDP_CPUMAP, |_| AttachTo::Cpumap),
    typed("xdp.frags", BPF_PROG_TYPE_XDP, BPF_XDP, |_| AttachTo::Xdp).xdp_frags(),
    typed("xdp.frags/devmap", BPF_PROG_TYPE_XDP, BPF_XDP_DEVMAP, |_| AttachTo::Devmap).xdp_frags(),
    typed("xdp.frags/cpumap", BPF_PROG_TYPE_XDP, BPF_XDP_CPUMAP, |_| AttachTo::Cpumap).xdp_frags(),
    plain("tc", BPF_PROG_TYPE_SCHED_CLS, |_| AttachTo::Tc),
    plain("classifier", BPF_PROG_TYPE_SCHED_CLS, |_| AttachTo::Tc),
    plain("action", BPF_PROG_TYPE_SCHED_ACT, |_| AttachTo::Tc),
    typed("tc/ingress", BPF_PROG_TYPE_SCHED_CLS, BPF_TCX_INGRESS, |_| AttachTo::Tcx),
    typed("tc/egress", BPF_PROG_TYPE_SCHED_CLS, BPF_TCX_EGRESS, |_| AttachTo::Tcx),
    typed("tcx/ingress", BPF_PROG_TYPE_SCHED_CLS, BPF_TCX_INGRESS, |_| AttachTo::Tcx),
    typed("tcx/egress", BPF_PROG_TYPE_SCHED_CLS, BPF_TCX_EGRESS, |_| AttachTo::Tcx),
    typed("netkit/primary", BPF_PROG_TYPE_SCHED_CLS, BPF_NETKIT_PRIMARY, |_| AttachTo::Netkit),
    typed("netkit/peer", BPF_PROG_TYPE_SCHED_CLS, BPF_NETKIT_PEER, |_| AttachTo::Netkit),
    typed("netfilter", BPF_PROG_TYPE_NETFILTER, BPF_NETFILTER, |_| AttachTo::Netfilter),
    plain("lwt_in", BPF_PROG_TYPE_LWT_IN, |_| AttachTo::Lwt),
    plain("lwt_out", BPF_PROG_TYPE_LWT_OUT, |_| AttachTo::Lwt),
    plain("lwt_xmit", BPF_PROG_TYPE_LWT_XMIT, |_| AttachTo::Lwt),
    plain("lwt_seg6local", BPF_PROG_TYPE_LWT_SEG6LOCAL, |_| AttachTo::Lwt),
    typed("flow_dissector", BPF_PROG_TYPE_FLOW_DISSECTOR, BPF_FLOW_DISSECTOR, |_| AttachTo::Netns),
    typed("sk_lookup", BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP, |_| AttachTo::Netns),
    // Sockets.
    plain("socket", BPF_PROG_TYPE_SOCKET_FILTER, |_| AttachTo::Socket),
    typed("sk_reuseport", BPF_PROG_TYPE_SK_REUSEPORT, BPF_SK_REUSEPORT_SELECT, |_| AttachTo::Reuseport),
    typed("sk_reuseport/migrate", BPF_PROG_TYPE_SK_REUSEPORT, BPF_SK_REUSEPORT_SELECT_OR_MIGRATE, |_| {
        AttachTo::Reuseport
    }),
    plain("sk_skb", BPF_PROG_TYPE_SK_SKB, |_| AttachTo::Sockmap),
    typed("sk_skb/stream_parser", BPF_PROG_TYPE_SK_SKB, BPF_SK_SKB_STREAM_PARSER, |_| AttachTo::Sockmap),
    typed("sk_skb/stream_verdict", BPF_PROG_TYPE_SK_SKB, BPF_SK_SKB_STREAM_VERDICT, |_| AttachTo::Sockmap),
    typed("sk_skb/verdict", BPF_PROG_TYPE_SK_SKB, BPF_SK_SKB_VERDICT, |_| AttachTo::Sockmap),
    typed("sk_msg", BPF_PROG_TYPE_SK_MSG, BPF_SK_MSG_VERDICT, |_| AttachTo::Sockmap),
    typed("lirc_mode2", BPF_PROG_TYPE_LIRC_MODE2, BPF_LIRC_MODE2, |_| AttachTo::Lirc),
    // Cgroups.
    cgroup("sockops", BPF_PROG_TYPE_SOCK_OPS, BPF_CGROUP_SOCK_OPS),
    plain("cgroup/skb", BPF_PROG_TYPE_CGROUP_SKB, |_| AttachTo::Cgroup),
    cgroup("cgroup_skb/ingress", BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_INGRESS),
    cgroup("cgroup_skb/egress", BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS),
    cgroup("cgroup/sock", BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE),
    cgroup("cgroup/sock_create", BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE),
    cgroup("cgroup/sock_release", BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_RELEASE),
    cgroup("cgroup/post_bind4", BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET4_POST_BIND),
    cgroup("cgroup/post_bind6", BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET6_POST_BIND),
    cgroup("cgroup/sysctl", BPF_PROG_TYPE_CGROUP_SYSCTL, BPF_CGROUP_SYSCTL),
    cgroup("cgroup/getsockopt", BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_CGROUP_GETSOCKOPT),
    cgroup("cgroup/setsockopt", BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_CGROUP_SETSOCKOPT),
    cgroup("cgroup/dev", BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE),
    sock_addr("cgroup/bind4", BPF_CGROUP_INET4_BIND),
    sock_addr("cgroup/bind6", BPF_CGROUP_INET6_BIND),
    sock_addr("cgroup/connect4", BPF_CGROUP_INET4_CONNECT),
    sock_addr("cgroup/connect6", BPF_CGROUP_INET6_CONNECT),
    sock_addr("cgroup/connect_unix", BPF_CGROUP_UNIX_CONNECT),
    sock_addr("cgroup/sendmsg4", BPF_CGROUP_UDP4_SENDMSG),
    sock_addr("cgroup/sendmsg6", BPF_CGROUP_UDP6_SENDMSG),
    sock_addr("cgroup/sendmsg_unix", BPF_CGROUP_UNIX_SENDMSG),
    sock_addr("cgroup/recvmsg4", BPF_CGROUP_UDP4_RECVMSG),
    sock_addr("cgroup/recvmsg6", BPF_CGROUP_UDP6_RECVMSG),
    sock_addr("cgroup/recvmsg_unix", BPF_CGROUP_UNIX_RECVMSG),
    sock_addr("cgroup/getpeername4", BPF_CGROUP_INET4_GETPEERNAME),
    sock_addr("cgroup/getpeername6", BPF_CGROUP_INET6_GETPEERNAME),
    sock_addr("cgroup/getpeername_unix", BPF_CGROUP_UNIX_GETPEERNAME),
    sock_addr("cgroup/getsockname4", BPF_CGROUP_INET4_GETSOCKNAME),
    sock_addr("cgroup/getsockname6", BPF_CGROUP_INET6_GETSOCKNAME),
    sock_addr("cgroup/getsockname_unix", BPF_CGROUP_UNIX_GETSOCKNAME),
];
