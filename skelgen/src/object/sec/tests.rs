//! Every form of libbpf 7.3, and what follows its prefix.

use super::*;
use crate::uapi::{AttachType, BTF_KIND_FUNC, BTF_KIND_TYPEDEF};

/// Each row of libbpf's table: the section (a `+` means that a target may follow), the program type without
/// `BPF_PROG_TYPE_`, the expected attach type without `BPF_`, and `s`leepable, `x`dp frags.
const FORMS: &[(&str, &str, &str, &str)] = &[
    ("socket", "SOCKET_FILTER", "", ""),
    ("sk_reuseport/migrate", "SK_REUSEPORT", "SK_REUSEPORT_SELECT_OR_MIGRATE", ""),
    ("sk_reuseport", "SK_REUSEPORT", "SK_REUSEPORT_SELECT", ""),
    ("kprobe+", "KPROBE", "", ""),
    ("uprobe+", "KPROBE", "", ""),
    ("uprobe.s+", "KPROBE", "", "s"),
    ("kretprobe+", "KPROBE", "", ""),
    ("uretprobe+", "KPROBE", "", ""),
    ("uretprobe.s+", "KPROBE", "", "s"),
    ("kprobe.multi+", "KPROBE", "TRACE_KPROBE_MULTI", ""),
    ("kretprobe.multi+", "KPROBE", "TRACE_KPROBE_MULTI", ""),
    ("kprobe.session+", "KPROBE", "TRACE_KPROBE_SESSION", ""),
    ("uprobe.multi+", "KPROBE", "TRACE_UPROBE_MULTI", ""),
    ("uretprobe.multi+", "KPROBE", "TRACE_UPROBE_MULTI", ""),
    ("uprobe.session+", "KPROBE", "TRACE_UPROBE_SESSION", ""),
    ("uprobe.multi.s+", "KPROBE", "TRACE_UPROBE_MULTI", "s"),
    ("uretprobe.multi.s+", "KPROBE", "TRACE_UPROBE_MULTI", "s"),
    ("uprobe.session.s+", "KPROBE", "TRACE_UPROBE_SESSION", "s"),
    ("ksyscall+", "KPROBE", "", ""),
    ("kretsyscall+", "KPROBE", "", ""),
    ("usdt+", "KPROBE", "", ""),
    ("usdt.s+", "KPROBE", "", "s"),
    ("tc/ingress", "SCHED_CLS", "TCX_INGRESS", ""),
    ("tc/egress", "SCHED_CLS", "TCX_EGRESS", ""),
    ("tcx/ingress", "SCHED_CLS", "TCX_INGRESS", ""),
    ("tcx/egress", "SCHED_CLS", "TCX_EGRESS", ""),
    ("tc", "SCHED_CLS", "", ""),
    ("classifier", "SCHED_CLS", "", ""),
    ("action", "SCHED_ACT", "", ""),
    ("netkit/primary", "SCHED_CLS", "NETKIT_PRIMARY", ""),
    ("netkit/peer", "SCHED_CLS", "NETKIT_PEER", ""),
    ("tracepoint+", "TRACEPOINT", "", ""),
    ("tp+", "TRACEPOINT", "", ""),
    ("tracepoint.s+", "TRACEPOINT", "", "s"),
    ("tp.s+", "TRACEPOINT", "", "s"),
    ("raw_tracepoint+", "RAW_TRACEPOINT", "", ""),
    ("raw_tp+", "RAW_TRACEPOINT", "", ""),
    ("raw_tracepoint.s+", "RAW_TRACEPOINT", "", "s"),
    ("raw_tp.s+", "RAW_TRACEPOINT", "", "s"),
    ("raw_tracepoint.w+", "RAW_TRACEPOINT_WRITABLE", "", ""),
    ("raw_tp.w+", "RAW_TRACEPOINT_WRITABLE", "", ""),
    ("tp_btf+", "TRACING", "TRACE_RAW_TP", ""),
    ("tp_btf.s+", "TRACING", "TRACE_RAW_TP", "s"),
    ("fentry+", "TRACING", "TRACE_FENTRY", ""),
    ("fmod_ret+", "TRACING", "MODIFY_RETURN", ""),
    ("fexit+", "TRACING", "TRACE_FEXIT", ""),
    ("fentry.s+", "TRACING", "TRACE_FENTRY", "s"),
    ("fmod_ret.s+", "TRACING", "MODIFY_RETURN", "s"),
    ("fexit.s+", "TRACING", "TRACE_FEXIT", "s"),
    ("fsession+", "TRACING", "TRACE_FSESSION", ""),
    ("fsession.s+", "TRACING", "TRACE_FSESSION", "s"),
    ("fsession.multi+", "TRACING", "TRACE_FSESSION_MULTI", ""),
    ("fsession.multi.s+", "TRACING", "TRACE_FSESSION_MULTI", "s"),
    ("fentry.multi+", "TRACING", "TRACE_FENTRY_MULTI", ""),
    ("fexit.multi+", "TRACING", "TRACE_FEXIT_MULTI", ""),
    ("fentry.multi.s+", "TRACING", "TRACE_FENTRY_MULTI", "s"),
    ("fexit.multi.s+", "TRACING", "TRACE_FEXIT_MULTI", "s"),
    ("freplace+", "EXT", "", ""),
    ("lsm+", "LSM", "LSM_MAC", ""),
    ("lsm.s+", "LSM", "LSM_MAC", "s"),
    ("lsm_cgroup+", "LSM", "LSM_CGROUP", ""),
    ("iter+", "TRACING", "TRACE_ITER", ""),
    ("iter.s+", "TRACING", "TRACE_ITER", "s"),
    ("syscall", "SYSCALL", "", "s"),
    ("xdp.frags/devmap", "XDP", "XDP_DEVMAP", "x"),
    ("xdp/devmap", "XDP", "XDP_DEVMAP", ""),
    ("xdp.frags/cpumap", "XDP", "XDP_CPUMAP", "x"),
    ("xdp/cpumap", "XDP", "XDP_CPUMAP", ""),
    ("xdp.frags", "XDP", "XDP", "x"),
    ("xdp", "XDP", "XDP", ""),
    ("perf_event", "PERF_EVENT", "", ""),
    ("lwt_in", "LWT_IN", "", ""),
    ("lwt_out", "LWT_OUT", "", ""),
    ("lwt_xmit", "LWT_XMIT", "", ""),
    ("lwt_seg6local", "LWT_SEG6LOCAL", "", ""),
    ("sockops", "SOCK_OPS", "CGROUP_SOCK_OPS", ""),
    ("sk_skb/stream_parser", "SK_SKB", "SK_SKB_STREAM_PARSER", ""),
    ("sk_skb/stream_verdict", "SK_SKB", "SK_SKB_STREAM_VERDICT", ""),
    ("sk_skb/verdict", "SK_SKB", "SK_SKB_VERDICT", ""),
    ("sk_skb", "SK_SKB", "", ""),
    ("sk_msg", "SK_MSG", "SK_MSG_VERDICT", ""),
    ("lirc_mode2", "LIRC_MODE2", "LIRC_MODE2", ""),
    ("flow_dissector", "FLOW_DISSECTOR", "FLOW_DISSECTOR", ""),
    ("cgroup_skb/ingress", "CGROUP_SKB", "CGROUP_INET_INGRESS", ""),
    ("cgroup_skb/egress", "CGROUP_SKB", "CGROUP_INET_EGRESS", ""),
    ("cgroup/skb", "CGROUP_SKB", "", ""),
    ("cgroup/sock_create", "CGROUP_SOCK", "CGROUP_INET_SOCK_CREATE", ""),
    ("cgroup/sock_release", "CGROUP_SOCK", "CGROUP_INET_SOCK_RELEASE", ""),
    ("cgroup/sock", "CGROUP_SOCK", "CGROUP_INET_SOCK_CREATE", ""),
    ("cgroup/post_bind4", "CGROUP_SOCK", "CGROUP_INET4_POST_BIND", ""),
    ("cgroup/post_bind6", "CGROUP_SOCK", "CGROUP_INET6_POST_BIND", ""),
    ("cgroup/bind4", "CGROUP_SOCK_ADDR", "CGROUP_INET4_BIND", ""),
    ("cgroup/bind6", "CGROUP_SOCK_ADDR", "CGROUP_INET6_BIND", ""),
    ("cgroup/connect4", "CGROUP_SOCK_ADDR", "CGROUP_INET4_CONNECT", ""),
    ("cgroup/connect6", "CGROUP_SOCK_ADDR", "CGROUP_INET6_CONNECT", ""),
    ("cgroup/connect_unix", "CGROUP_SOCK_ADDR", "CGROUP_UNIX_CONNECT", ""),
    ("cgroup/sendmsg4", "CGROUP_SOCK_ADDR", "CGROUP_UDP4_SENDMSG", ""),
    ("cgroup/sendmsg6", "CGROUP_SOCK_ADDR", "CGROUP_UDP6_SENDMSG", ""),
    ("cgroup/sendmsg_unix", "CGROUP_SOCK_ADDR", "CGROUP_UNIX_SENDMSG", ""),
    ("cgroup/recvmsg4", "CGROUP_SOCK_ADDR", "CGROUP_UDP4_RECVMSG", ""),
    ("cgroup/recvmsg6", "CGROUP_SOCK_ADDR", "CGROUP_UDP6_RECVMSG", ""),
    ("cgroup/recvmsg_unix", "CGROUP_SOCK_ADDR", "CGROUP_UNIX_RECVMSG", ""),
    ("cgroup/getpeername4", "CGROUP_SOCK_ADDR", "CGROUP_INET4_GETPEERNAME", ""),
    ("cgroup/getpeername6", "CGROUP_SOCK_ADDR", "CGROUP_INET6_GETPEERNAME", ""),
    ("cgroup/getpeername_unix", "CGROUP_SOCK_ADDR", "CGROUP_UNIX_GETPEERNAME", ""),
    ("cgroup/getsockname4", "CGROUP_SOCK_ADDR", "CGROUP_INET4_GETSOCKNAME", ""),
    ("cgroup/getsockname6", "CGROUP_SOCK_ADDR", "CGROUP_INET6_GETSOCKNAME", ""),
    ("cgroup/getsockname_unix", "CGROUP_SOCK_ADDR", "CGROUP_UNIX_GETSOCKNAME", ""),
    ("cgroup/sysctl", "CGROUP_SYSCTL", "CGROUP_SYSCTL", ""),
    ("cgroup/getsockopt", "CGROUP_SOCKOPT", "CGROUP_GETSOCKOPT", ""),
    ("cgroup/setsockopt", "CGROUP_SOCKOPT", "CGROUP_SETSOCKOPT", ""),
    ("cgroup/dev", "CGROUP_DEVICE", "CGROUP_DEVICE", ""),
    ("struct_ops+", "STRUCT_OPS", "", ""),
    ("struct_ops.s+", "STRUCT_OPS", "", "s"),
    ("sk_lookup", "SK_LOOKUP", "SK_LOOKUP", ""),
    ("netfilter", "NETFILTER", "NETFILTER", ""),
];

fn attach(section: &str) -> AttachTo {
    parse(section).unwrap_or_else(|| panic!("{section} is not known")).attach
}

#[test]
fn every_form() {
    for &(form, prog_type, attach_type, flags) in FORMS {
        let name = form.trim_end_matches('+');
        let def = parse(name).unwrap_or_else(|| panic!("{name} is not known"));
        assert_eq!(def.prog_type.name(), Some(format!("BPF_PROG_TYPE_{prog_type}").as_str()), "{name}");
        if attach_type.is_empty() {
            assert_eq!(def.expected_attach_type, AttachType(0), "{name}");
        } else {
            assert_eq!(def.expected_attach_type.name(), Some(format!("BPF_{attach_type}").as_str()), "{name}");
        }
        assert_eq!((def.sleepable, def.xdp_frags), (flags == "s", flags == "x"), "{name}");
        assert_eq!(def.prog_flags().0, if flags == "s" { 16 } else { u32::from(flags == "x") * 32 }, "{name}");
        assert!(def.autoload, "{name}");
        assert!(!matches!(def.attach, AttachTo::Malformed { .. }), "{name}");

        let off = parse(&format!("?{name}")).unwrap_or_else(|| panic!("?{name} is not known"));
        assert_eq!(off, SecDef { autoload: false, ..def }, "{name}");
        assert_eq!(parse(&format!("{name}/a")).is_some(), form.ends_with('+'), "{name}/a");
        assert_eq!(parse(&format!("{name}a")), None, "{name}a");
    }
}

#[test]
fn not_program_sections() {
    for name in ["", "?", "??kprobe", ".text", "license", ".maps", "kprobe.s/f", "xdp/lo", "tc.s", "cgroup", "tcx"] {
        assert_eq!(parse(name), None, "{name}");
    }
}

#[test]
fn btf_targets() {
    let target = |kind, name: &str, module: Option<&str>| BtfTarget {
        kind,
        name: name.to_owned(),
        module: module.map(str::to_owned),
    };
    let cases = [
        ("tp_btf/sched_switch", target(BTF_KIND_TYPEDEF, "btf_trace_sched_switch", None)),
        ("fentry/do_unlinkat", target(BTF_KIND_FUNC, "do_unlinkat", None)),
        ("fentry.s/do_unlinkat", target(BTF_KIND_FUNC, "do_unlinkat", None)),
        ("fexit/vmlinux:do_unlinkat", target(BTF_KIND_FUNC, "do_unlinkat", None)),
        ("fmod_ret/nf_tables:nft_do_chain", target(BTF_KIND_FUNC, "nft_do_chain", Some("nf_tables"))),
        ("tp_btf/xfs:xfs_read", target(BTF_KIND_TYPEDEF, "btf_trace_xfs_read", Some("xfs"))),
        ("lsm.s/file_open", target(BTF_KIND_FUNC, "bpf_lsm_file_open", None)),
        ("lsm_cgroup/socket_bind", target(BTF_KIND_FUNC, "bpf_lsm_socket_bind", None)),
        ("iter/task", target(BTF_KIND_FUNC, "bpf_iter_task", None)),
    ];
    for (section, expected) in cases {
        let def = parse(section).unwrap_or_else(|| panic!("{section} is not known"));
        assert_eq!(def.btf_target(), Some(&expected), "{section}");
        assert!(!def.needs_target(), "{section}");
    }
    for section in ["tp_btf", "fentry", "fsession.s", "lsm", "lsm_cgroup", "iter", "freplace", "freplace/f"] {
        assert!(parse(section).is_some_and(|def| def.needs_target() && def.btf_target().is_none()), "{section}");
    }
    for section in ["kprobe/f", "struct_ops/f", "xdp", "fentry.multi/f*", "raw_tp"] {
        assert!(parse(section).is_some_and(|def| !def.needs_target()), "{section}");
    }
    assert!(matches!(attach("lsm_cgroup/socket_bind"), AttachTo::LsmCgroup { target: Some(_) }));
    assert!(matches!(attach("iter/task"), AttachTo::Iter { target: Some(_) }));
}

#[test]
fn kernel_probes() {
    let at = |function: &str, offset, ret| AttachTo::Kprobe {
        target: Some(KprobeTarget { function: function.to_owned(), offset }),
        ret,
    };
    assert_eq!(attach("kprobe"), AttachTo::Kprobe { target: None, ret: false });
    assert_eq!(attach("kretprobe/"), AttachTo::Kprobe { target: None, ret: true });
    assert_eq!(attach("kprobe/do_exit"), at("do_exit", 0, false));
    assert_eq!(attach("kprobe/do_exit.isra.0+0x1f"), at("do_exit.isra.0", 31, false));
    assert_eq!(attach("kprobe/do_exit+010"), at("do_exit", 8, false));
    assert_eq!(attach("kretprobe/do_exit"), at("do_exit", 0, true));
    let multi = |pattern: &str, ret, session| AttachTo::KprobeMulti { pattern: Some(pattern.to_owned()), ret, session };
    assert_eq!(attach("kprobe.multi/tcp_*"), multi("tcp_*", false, false));
    assert_eq!(attach("kretprobe.multi/tcp_?"), multi("tcp_?", true, false));
    assert_eq!(attach("kprobe.session/tcp_*"), multi("tcp_*", false, true));
    let ksyscall = |ret| AttachTo::Ksyscall { name: Some("nanosleep".to_owned()), ret };
    assert_eq!(attach("ksyscall/nanosleep"), ksyscall(false));
    assert_eq!(attach("kretsyscall/nanosleep"), ksyscall(true));
    let multi = |module: Option<&str>, pattern: &str| AttachTo::TraceMulti {
        module: module.map(str::to_owned),
        pattern: Some(pattern.to_owned()),
    };
    assert_eq!(attach("fentry.multi/tcp_*"), multi(None, "tcp_*"));
    assert_eq!(attach("fexit.multi.s/xfs:xfs_*"), multi(Some("xfs"), "xfs_*"));
    assert_eq!(attach("fsession.multi"), AttachTo::TraceMulti { module: None, pattern: None });
}

#[test]
fn user_probes() {
    let at = |function: &str, offset, ret| AttachTo::Uprobe {
        target: Some(UprobeTarget { binary: "/bin/sh".to_owned(), function: function.to_owned(), offset }),
        ret,
    };
    assert_eq!(attach("uprobe.s"), AttachTo::Uprobe { target: None, ret: false });
    assert_eq!(attach("uprobe//bin/sh:main"), at("main", 0, false));
    assert_eq!(attach("uprobe//bin/sh:main+16"), at("main", 16, false));
    assert_eq!(attach("uprobe//bin/sh:operator+"), at("operator+", 0, false));
    assert_eq!(attach("uretprobe.s//bin/sh:main"), at("main", 0, true));
    let target = Some(UprobeMultiTarget { binary: "libc.so.6".to_owned(), pattern: "mem*".to_owned() });
    let multi = |ret, session| AttachTo::UprobeMulti { target: target.clone(), ret, session };
    assert_eq!(attach("uprobe.multi/libc.so.6:mem*"), multi(false, false));
    assert_eq!(attach("uretprobe.multi.s/libc.so.6:mem*"), multi(true, false));
    assert_eq!(attach("uprobe.session.s/libc.so.6:mem*"), multi(false, true));
    let target = UsdtTarget { binary: "libc.so.6".to_owned(), provider: "libc".to_owned(), name: "setjmp".to_owned() };
    assert_eq!(attach("usdt.s/libc.so.6:libc:setjmp"), AttachTo::Usdt { target: Some(target) });
}

#[test]
fn tracepoints() {
    let target = TracepointTarget { category: "syscalls".to_owned(), name: "sys_enter_openat".to_owned() };
    assert_eq!(attach("tp/syscalls/sys_enter_openat"), AttachTo::Tracepoint { target: Some(target.clone()) });
    assert_eq!(attach("tracepoint.s/syscalls/sys_enter_openat"), AttachTo::Tracepoint { target: Some(target) });
    assert_eq!(attach("tp"), AttachTo::Tracepoint { target: None });
    assert_eq!(attach("raw_tp"), AttachTo::RawTracepoint { name: None });
    for section in ["raw_tp/sys_enter", "raw_tracepoint.w/sys_enter", "raw_tp.s/sys_enter"] {
        assert_eq!(attach(section), AttachTo::RawTracepoint { name: Some("sys_enter".to_owned()) }, "{section}");
    }
    assert_eq!(attach("freplace/f"), AttachTo::Freplace { function: Some("f".to_owned()) });
}

#[test]
fn malformed_targets_load_but_do_not_attach() {
    let cases = [
        ("kprobe/a b", "function[+offset]"),
        ("kprobe/f+-4", "function[+offset]"),
        ("kprobe/f+0x", "function[+offset]"),
        ("kprobe/f+99999999999999999999", "function[+offset]"),
        ("kprobe/+4", "function[+offset]"),
        ("kretprobe/f+4", "function"),
        ("kprobe.multi/xfs:*", "function pattern"),
        ("uprobe//bin/sh", "binary:function[+offset]"),
        ("uprobe/:main", "binary:function[+offset]"),
        ("uretprobe//bin/sh:main+4", "binary:function"),
        ("uprobe.multi//bin/sh", "binary:function pattern"),
        ("usdt//bin/sh:provider", "binary:provider:name"),
        ("usdt/a:b:c:d", "binary:provider:name"),
        ("tp/syscalls", "category/name"),
        ("tp/syscalls/", "category/name"),
        ("fentry/:f", "[module:]name"),
        ("fentry/xfs:", "[module:]name"),
        ("fexit.multi/xfs:", "[module:]function pattern"),
    ];
    for (section, expected) in cases {
        match attach(section) {
            AttachTo::Malformed { extra, expected: says } => {
                assert_eq!(says, expected, "{section}");
                assert!(section.ends_with(&extra), "{section}");
            }
            other => panic!("{section}: {other:?}"),
        }
    }
}

#[test]
fn automatic() {
    for section in ["kprobe/f", "fentry", "iter/task", "freplace/f", "raw_tp/x", "tp/a/b", "tp/a", "usdt/a:b:c"] {
        assert!(attach(section).is_automatic(), "{section}");
    }
    for section in ["kprobe", "raw_tp", "xdp", "tc", "syscall", "struct_ops", "lsm_cgroup/socket_bind", "socket"] {
        assert!(!attach(section).is_automatic(), "{section}");
    }
}
