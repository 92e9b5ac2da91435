//! How the runtime attaches a program, by what its section says.

use crate::object::{AttachTo, SecDef, UsdtTarget};

/// How the runtime attaches a program: its `desc::Attach`, owned, for tools that load an object without generating.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttachPlan {
    /// By `BPF_RAW_TRACEPOINT_OPEN`, to a tracepoint.
    RawTracepoint {
        /// The tracepoint.
        name: String,
    },
    /// By `BPF_RAW_TRACEPOINT_OPEN`, to what it was loaded for.
    Tracing,
    /// By `BPF_LINK_CREATE`, as an iterator.
    Iter,
    /// Through a perf event.
    Tracepoint {
        /// As in `sched`.
        category: String,
        /// As in `sched_switch`.
        name: String,
    },
    /// Through a perf event.
    Kprobe {
        /// The kernel function.
        function: String,
        /// Bytes from its start.
        offset: u64,
        /// On return.
        ret: bool,
    },
    /// By `BPF_LINK_CREATE`, to all functions that match.
    TracingMulti {
        /// Of which module, if not of the kernel proper.
        module: Option<String>,
        /// As in `vfs_*`.
        pattern: Option<String>,
    },
    /// To a static probe of a binary; how depends on the kernel.
    Usdt {
        /// Which, as in `libc.so.6:libc:setjmp`.
        probe: Option<String>,
    },
    /// The user names the target.
    Manual,
    /// Not by this runtime.
    Unsupported {
        /// What is missing.
        why: String,
    },
}

impl AttachPlan {
    /// The way to attach a program of this section.
    pub fn of(sec: &SecDef) -> Self {
        match &sec.attach {
            AttachTo::RawTracepoint { name: Some(name) } => AttachPlan::RawTracepoint { name: name.clone() },
            AttachTo::Trace { .. } | AttachTo::Freplace { .. } => AttachPlan::Tracing,
            AttachTo::Iter { target: Some(target) } if needs_more(&target.name) => AttachPlan::Manual,
            AttachTo::Iter { .. } => AttachPlan::Iter,
            AttachTo::Tracepoint { target: Some(target) } => {
                AttachPlan::Tracepoint { category: target.category.clone(), name: target.name.clone() }
            }
            AttachTo::Kprobe { target: Some(target), ret } => {
                AttachPlan::Kprobe { function: target.function.clone(), offset: target.offset, ret: *ret }
            }
            AttachTo::TraceMulti { module, pattern } => {
                AttachPlan::TracingMulti { module: module.clone(), pattern: pattern.clone() }
            }
            AttachTo::Usdt { target } => {
                let probe = |target: &UsdtTarget| format!("{}:{}:{}", target.binary, target.provider, target.name);
                AttachPlan::Usdt { probe: target.as_ref().map(probe) }
            }
            AttachTo::Malformed { extra, expected } => {
                AttachPlan::Unsupported { why: format!("`{extra}` is not {expected}") }
            }
            attach if attach.is_automatic() => {
                let kind = not_attached_yet(attach);
                AttachPlan::Unsupported { why: format!("skelgen does not attach {kind} programs by their section yet") }
            }
            _ => AttachPlan::Manual,
        }
    }
}

/// The `SEC()` name of a kind whose targets the runtime does not look up.
fn not_attached_yet(attach: &AttachTo) -> &'static str {
    match attach {
        AttachTo::KprobeMulti { session: true, .. } => "kprobe.session",
        AttachTo::KprobeMulti { ret: true, .. } => "kretprobe.multi",
        AttachTo::KprobeMulti { .. } => "kprobe.multi",
        AttachTo::Ksyscall { ret: true, .. } => "kretsyscall",
        AttachTo::Ksyscall { .. } => "ksyscall",
        AttachTo::Uprobe { ret: true, .. } => "uretprobe",
        AttachTo::Uprobe { .. } => "uprobe",
        AttachTo::UprobeMulti { session: true, .. } => "uprobe.session",
        AttachTo::UprobeMulti { ret: true, .. } => "uretprobe.multi",
        AttachTo::UprobeMulti { .. } => "uprobe.multi",
        _ => "such",
    }
}

/// Iterators over what one map holds are attached to that map, and one over cgroups has no order of its own.
fn needs_more(target: &str) -> bool {
    const ITERATORS: [&str; 4] = ["bpf_map_elem", "bpf_sk_storage_map", "sockmap", "cgroup"];
    target.strip_prefix("bpf_iter_").is_some_and(|name| ITERATORS.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::sec;

    fn plan(section: &str) -> AttachPlan {
        AttachPlan::of(&sec::parse(section).unwrap())
    }

    #[test]
    fn what_a_section_leaves_open_the_user_says() {
        for section in ["iter/bpf_map_elem", "iter/bpf_sk_storage_map", "iter/sockmap", "iter/cgroup", "xdp", "kprobe"]
        {
            assert_eq!(plan(section), AttachPlan::Manual, "{section}");
        }
        assert_eq!(plan("iter/task"), AttachPlan::Iter);
        assert_eq!(plan("usdt"), AttachPlan::Usdt { probe: None });
        assert_eq!(plan("fexit.multi"), AttachPlan::TracingMulti { module: None, pattern: None });
    }

    #[test]
    fn a_kind_that_is_not_attached_yet_is_named() {
        for section in [
            "kprobe.multi/vfs_*",
            "kretprobe.multi/vfs_*",
            "kprobe.session/vfs_*",
            "ksyscall/openat",
            "kretsyscall/openat",
            "uprobe//bin/sh:main",
            "uretprobe//bin/sh:main",
            "uprobe.multi//bin/sh:ma*",
            "uretprobe.multi//bin/sh:ma*",
            "uprobe.session//bin/sh:ma*",
        ] {
            let kind = section.split('/').next().unwrap();
            let why = format!("skelgen does not attach {kind} programs by their section yet");
            assert_eq!(plan(section), AttachPlan::Unsupported { why }, "{section}");
        }
    }

    #[test]
    fn what_it_says_is_handed_on() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(plan("usdt.s/libc.so.6:libc:setjmp"), AttachPlan::Usdt { probe: text("libc.so.6:libc:setjmp") });
        let multi = |module, pattern| AttachPlan::TracingMulti { module, pattern };
        assert_eq!(plan("fentry.multi/vfs_*"), multi(None, text("vfs_*")));
        assert_eq!(plan("fsession.multi.s/ext4:ext4_?et"), multi(text("ext4"), text("ext4_?et")));
        assert!(matches!(plan("fentry.multi/a-b"), AttachPlan::Unsupported { why } if why.contains("`a-b`")));
    }
}
