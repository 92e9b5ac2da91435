//! Which method attaches a program whose section leaves the target to the caller.
//!
//! In: the program's type, its attach type, and the prefix of its section, because `kprobe`, `uprobe`, `ksyscall` and
//! `usdt` programs share one type. Out: a hint for the error of [`Program::attach`](crate::Program::attach).

use crate::sys::uapi::*;

/// What to call instead of `attach` for a program of this type, as an imperative clause.
pub(crate) fn hint(section: &str, prog_type: ProgType, attach_type: AttachType) -> &'static str {
    match prog_type {
        BPF_PROG_TYPE_KPROBE => probe(section, attach_type),
        BPF_PROG_TYPE_TRACEPOINT => "attach it with attach_tracepoint",
        BPF_PROG_TYPE_RAW_TRACEPOINT | BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE => "attach it with attach_raw_tracepoint",
        BPF_PROG_TYPE_PERF_EVENT => "attach it with attach_perf_event",
        BPF_PROG_TYPE_TRACING => tracing(section, attach_type),
        BPF_PROG_TYPE_LSM if attach_type == BPF_LSM_CGROUP => "attach it with attach_cgroup",
        BPF_PROG_TYPE_LSM => "name its target with set_attach_target before the load",
        BPF_PROG_TYPE_EXT => "name its target with set_attach_target_program before the load",
        BPF_PROG_TYPE_STRUCT_OPS => "call attach of the struct_ops map that it is a member of",
        BPF_PROG_TYPE_SYSCALL => "run it with test_run: a syscall program is not attached",
        BPF_PROG_TYPE_XDP if attach_type == BPF_XDP => "attach it with attach_xdp",
        BPF_PROG_TYPE_XDP => "write its file descriptor, fd(), to the entry of a devmap or cpumap",
        BPF_PROG_TYPE_SCHED_CLS => match attach_type {
            BPF_TCX_INGRESS | BPF_TCX_EGRESS | BPF_NETKIT_PRIMARY | BPF_NETKIT_PEER => {
                "attach it with attach_interface"
            }
            _ => "change its section to tcx/ingress or tcx/egress for attach_interface, or pin it for tc(8)",
        },
        BPF_PROG_TYPE_SCHED_ACT => "pin it for tc(8)",
        BPF_PROG_TYPE_LWT_IN | BPF_PROG_TYPE_LWT_OUT | BPF_PROG_TYPE_LWT_XMIT | BPF_PROG_TYPE_LWT_SEG6LOCAL => {
            "pin it for ip-route(8)"
        }
        BPF_PROG_TYPE_SOCKET_FILTER => "give its file descriptor, fd(), to setsockopt(SO_ATTACH_BPF)",
        BPF_PROG_TYPE_SK_REUSEPORT => "give its file descriptor, fd(), to setsockopt(SO_ATTACH_REUSEPORT_EBPF)",
        _ if is_of_cgroups(prog_type) => "attach it with attach_cgroup",
        // netfilter, flow_dissector, sk_lookup, sk_skb, sk_msg, lirc_mode2, and types that are newer than this crate.
        _ => NO_METHOD,
    }
}

/// Whether programs of this type are attached to a cgroup, whatever their attach type.
pub(super) fn is_of_cgroups(prog_type: ProgType) -> bool {
    matches!(
        prog_type,
        BPF_PROG_TYPE_CGROUP_SKB
            | BPF_PROG_TYPE_CGROUP_SOCK
            | BPF_PROG_TYPE_CGROUP_DEVICE
            | BPF_PROG_TYPE_CGROUP_SOCK_ADDR
            | BPF_PROG_TYPE_CGROUP_SYSCTL
            | BPF_PROG_TYPE_CGROUP_SOCKOPT
            | BPF_PROG_TYPE_SOCK_OPS
    )
}

/// The hint where the runtime has no method, and neither has another tool that can be named.
const NO_METHOD: &str =
    "skelgen has no method that attaches programs of this type: call bpf(2) with its descriptor, fd()";

/// `kprobe`, `uprobe`, `ksyscall`, `usdt` and their kin.
fn probe(section: &str, attach_type: AttachType) -> &'static str {
    match attach_type {
        BPF_TRACE_UPROBE_MULTI | BPF_TRACE_UPROBE_SESSION => return "attach it with attach_uprobe_multi",
        BPF_TRACE_KPROBE_MULTI | BPF_TRACE_KPROBE_SESSION => return NO_METHOD,
        _ => {}
    }
    match prefix(section) {
        "kretprobe" => "attach it with attach_kretprobe",
        "ksyscall" => "attach it to the system call's function, as in __x64_sys_openat, with attach_kprobe",
        "kretsyscall" => "attach it to the system call's function, as in __x64_sys_openat, with attach_kretprobe",
        "uprobe" | "uretprobe" => "open a perf event for its place and attach it with attach_perf_event",
        "usdt" => "attach it to the places of the probe with attach_uprobe_multi",
        _ => "attach it with attach_kprobe",
    }
}

/// `fentry`, `fentry.multi`, `iter` and their kin.
fn tracing(section: &str, attach_type: AttachType) -> &'static str {
    match attach_type {
        BPF_TRACE_FENTRY_MULTI | BPF_TRACE_FEXIT_MULTI | BPF_TRACE_FSESSION_MULTI => "attach it with attach_functions",
        BPF_TRACE_ITER if section.ends_with("/cgroup") => "attach it with attach_iter_cgroup",
        BPF_TRACE_ITER => "attach it with attach_iter_map",
        _ => "name its target with set_attach_target before the load",
    }
}

/// `uprobe` of `?uprobe.s/binary:function`.
fn prefix(section: &str) -> &str {
    let section = section.strip_prefix('?').unwrap_or(section);
    section.split(['/', '.']).next().unwrap_or(section)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use skelgen::object::AttachTo;
    use skelgen::object::sec::{self, SecDef};

    use super::*;

    /// One section of each kind whose programs `Program::attach` refuses.
    const SECTIONS: &[(&str, &str)] = &[
        ("kprobe", "attach_kprobe"),
        ("kretprobe", "attach_kretprobe"),
        ("kprobe.multi", NO_METHOD),
        ("kprobe.multi/vfs_*", NO_METHOD),
        ("kretprobe.multi/vfs_*", NO_METHOD),
        ("kprobe.session/vfs_*", NO_METHOD),
        ("ksyscall", "attach_kprobe"),
        ("ksyscall/openat", "attach_kprobe"),
        ("kretsyscall/openat", "attach_kretprobe"),
        ("uprobe", "attach_perf_event"),
        ("?uprobe.s//bin/sh:main", "attach_perf_event"),
        ("uretprobe//bin/sh:main", "attach_perf_event"),
        ("uprobe.multi", "attach_uprobe_multi"),
        ("uretprobe.multi.s//bin/sh:ma*", "attach_uprobe_multi"),
        ("uprobe.session//bin/sh:ma*", "attach_uprobe_multi"),
        ("usdt", "attach_uprobe_multi"),
        ("usdt.s/libc.so.6:libc:setjmp", "attach_uprobe_multi"),
        ("tp", "attach_tracepoint"),
        ("raw_tp", "attach_raw_tracepoint"),
        ("raw_tp.w", "attach_raw_tracepoint"),
        ("fentry", "set_attach_target"),
        ("lsm", "set_attach_target"),
        ("freplace", "set_attach_target_program"),
        ("fentry.multi", "attach_functions"),
        ("fsession.multi.s", "attach_functions"),
        ("lsm_cgroup/socket_bind", "attach_cgroup"),
        ("iter/bpf_map_elem", "attach_iter_map"),
        ("iter.s/cgroup", "attach_iter_cgroup"),
        ("struct_ops/init", "struct_ops map"),
        ("syscall", "test_run"),
        ("perf_event", "attach_perf_event"),
        ("xdp.frags", "attach_xdp"),
        ("xdp/devmap", "fd()"),
        ("xdp/cpumap", "fd()"),
        ("tc", "tcx/ingress"),
        ("classifier", "tcx/ingress"),
        ("action", "tc(8)"),
        ("tc/ingress", "attach_interface"),
        ("tcx/egress", "attach_interface"),
        ("netkit/peer", "attach_interface"),
        ("netfilter", NO_METHOD),
        ("lwt_in", "ip-route(8)"),
        ("lwt_seg6local", "ip-route(8)"),
        ("flow_dissector", NO_METHOD),
        ("sk_lookup", NO_METHOD),
        ("socket", "SO_ATTACH_BPF"),
        ("sk_reuseport/migrate", "SO_ATTACH_REUSEPORT_EBPF"),
        ("sk_skb/verdict", NO_METHOD),
        ("sk_msg", NO_METHOD),
        ("lirc_mode2", NO_METHOD),
        ("sockops", "attach_cgroup"),
        ("cgroup/skb", "attach_cgroup"),
        ("cgroup/sock", "attach_cgroup"),
        ("cgroup/dev", "attach_cgroup"),
        ("cgroup/sysctl", "attach_cgroup"),
        ("cgroup/getsockopt", "attach_cgroup"),
        ("cgroup/bind4", "attach_cgroup"),
    ];

    fn of(section: &str) -> &'static str {
        let SecDef { prog_type, expected_attach_type, .. } = sec::parse(section).unwrap();
        hint(section, prog_type, expected_attach_type)
    }

    #[test]
    fn each_kind_is_told_its_own_method() {
        for (section, told) in SECTIONS {
            assert!(of(section).contains(told), "{section}: {}", of(section));
        }
    }

    #[test]
    fn the_methods_exist() {
        let mut sources = String::new();
        read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut sources);
        let hints = SECTIONS.iter().map(|(section, _)| of(section));
        let words = hints.flat_map(|hint| hint.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
        let methods: BTreeSet<&str> = words.filter(|word| word.contains("attach_") || *word == "test_run").collect();
        assert!(methods.len() > 10, "{methods:?}");
        for method in methods {
            assert!(sources.contains(&format!("    pub fn {method}(&")), "{method}");
        }
    }

    /// The source of all modules below `folder`.
    fn read(folder: &Path, sources: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, sources);
            } else {
                sources.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }

    #[test]
    fn no_kind_of_section_is_left_out() {
        let listed = |attach: &AttachTo| {
            SECTIONS.iter().any(|(section, _)| {
                std::mem::discriminant(&sec::parse(section).unwrap().attach) == std::mem::discriminant(attach)
            })
        };
        let object = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/sec_forms.bpf.o"));
        let object = skelgen::object::Object::parse("sec_forms.bpf.o", object).unwrap();
        assert!(object.programs.len() > 100);
        for program in &object.programs {
            assert!(listed(&program.sec.attach), "{:?}", program.sec.attach);
        }
    }
}
