//! Which programs each `attach_*` method takes.
//!
//! The kernel answers a program of another type with a bare `EINVAL`. The methods ask here first, so that the error names the
//! program's type, what the method takes, and the method to call instead. Counterpart: `link_create` and
//! `bpf_prog_attach_check_attach_type` in `kernel/bpf/syscall.c`.

use super::by_hand;
use crate::Result;
use crate::prog::Program;
use crate::sys::uapi::*;

/// A method that attaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    RawTracepoint,
    Tracepoint,
    Kprobe,
    PerfEvent,
    UprobeMulti,
    Functions,
    Iter,
    Xdp,
    Cgroup,
    Interface,
}

impl Method {
    /// What it takes, as in `attach_xdp takes XDP programs`.
    const fn takes(self) -> &'static str {
        match self {
            Method::RawTracepoint => "attach_raw_tracepoint takes raw_tp programs",
            Method::Tracepoint => "attach_tracepoint takes tracepoint programs",
            Method::Kprobe => "attach_kprobe and attach_kretprobe take kprobe programs",
            Method::PerfEvent => "attach_perf_event takes perf_event, kprobe, uprobe and tracepoint programs",
            Method::UprobeMulti => "attach_uprobe_multi takes uprobe.multi, uprobe.session and usdt programs",
            Method::Functions => {
                "attach_functions and attach_functions_with_cookies take fentry.multi, fexit.multi and fsession.multi programs"
            }
            Method::Iter => "attach_iter_* take iter programs",
            Method::Xdp => "attach_xdp takes XDP programs",
            Method::Cgroup => "attach_cgroup takes cgroup/*, sockops and lsm_cgroup programs",
            Method::Interface => "attach_interface takes tcx, netkit and XDP programs",
        }
    }

    /// Whether the kernel may take a program of these types, as far as they decide it.
    fn suits(self, prog_type: ProgType, attach_type: AttachType) -> bool {
        match self {
            Method::RawTracepoint => {
                matches!(prog_type, BPF_PROG_TYPE_RAW_TRACEPOINT | BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE)
            }
            Method::Tracepoint => matches!(prog_type, BPF_PROG_TYPE_TRACEPOINT),
            Method::Kprobe | Method::UprobeMulti => matches!(prog_type, BPF_PROG_TYPE_KPROBE),
            Method::PerfEvent => {
                matches!(prog_type, BPF_PROG_TYPE_PERF_EVENT | BPF_PROG_TYPE_KPROBE | BPF_PROG_TYPE_TRACEPOINT)
            }
            Method::Functions => {
                prog_type == BPF_PROG_TYPE_TRACING
                    && matches!(attach_type, BPF_TRACE_FENTRY_MULTI | BPF_TRACE_FEXIT_MULTI | BPF_TRACE_FSESSION_MULTI)
            }
            Method::Iter => prog_type == BPF_PROG_TYPE_TRACING && attach_type == BPF_TRACE_ITER,
            Method::Xdp => prog_type == BPF_PROG_TYPE_XDP,
            Method::Cgroup => match prog_type {
                BPF_PROG_TYPE_LSM => attach_type == BPF_LSM_CGROUP,
                _ => by_hand::is_of_cgroups(prog_type),
            },
            Method::Interface => match prog_type {
                BPF_PROG_TYPE_SCHED_CLS => {
                    matches!(attach_type, BPF_TCX_INGRESS | BPF_TCX_EGRESS | BPF_NETKIT_PRIMARY | BPF_NETKIT_PEER)
                }
                BPF_PROG_TYPE_XDP => true,
                _ => false,
            },
        }
    }
}

impl Program {
    /// Refuses a program of a type that `method` cannot attach, before the kernel is asked.
    pub(crate) fn check_method(&self, method: Method) -> Result<()> {
        if method.suits(self.prog_type, self.expected_attach_type) {
            return Ok(());
        }
        let why = format!("{}, and this program is {}: SEC({:?})", method.takes(), name(self.prog_type), self.section);
        let hint = by_hand::hint(&self.section, self.prog_type, self.expected_attach_type);
        Err(self.failed("attach program").because(why).hint(hint))
    }
}

/// `BPF_PROG_TYPE_XDP`; the number of a type that is newer than this crate.
fn name(prog_type: ProgType) -> String {
    prog_type.name().map_or_else(|| format!("of type {}", prog_type.0), ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use skelgen::object::sec;

    use super::*;

    fn suits(method: Method, section: &str) -> bool {
        let def = sec::parse(section).unwrap();
        method.suits(def.prog_type, def.expected_attach_type)
    }

    #[test]
    fn each_method_takes_its_own_kinds() {
        let kinds = [
            (Method::RawTracepoint, &["raw_tp", "raw_tp.w/x"][..]),
            (Method::Tracepoint, &["tp/sched/sched_switch"]),
            (Method::Kprobe, &["kprobe", "kretprobe/x", "ksyscall/openat", "uprobe", "usdt", "uprobe.multi"]),
            (
                Method::PerfEvent,
                &[
                    "perf_event",
                    "kprobe",
                    "uprobe",
                    "uprobe.multi",
                    "usdt",
                    "kretprobe/x",
                    "ksyscall/openat",
                    "tp/sched/sched_switch",
                ],
            ),
            (Method::UprobeMulti, &["uprobe.multi", "usdt", "kprobe", "kretprobe/x", "ksyscall/openat", "uprobe"]),
            (Method::Functions, &["fentry.multi", "fsession.multi.s"]),
            (Method::Iter, &["iter/task", "iter.s/cgroup", "iter/bpf_map_elem"]),
            (Method::Xdp, &["xdp", "xdp/devmap"]),
            (Method::Cgroup, &["cgroup/skb", "cgroup/dev", "sockops", "lsm_cgroup/socket_bind", "cgroup/getsockopt"]),
            (Method::Interface, &["tcx/ingress", "netkit/peer", "xdp", "xdp/devmap"]),
        ];
        let others = ["socket", "tc", "lsm/x", "fentry/x", "syscall", "sk_lookup"];
        let sections: Vec<&str> = kinds.iter().flat_map(|(_, of)| of.iter().copied()).chain(others).collect();
        for (method, of) in kinds {
            for section in &sections {
                assert_eq!(suits(method, section), of.contains(section), "{method:?} {section}");
            }
        }
    }
}
