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
            AttachTo::Usdt { target } => {
                let probe = |target: &UsdtTarget| format!("{}:{}:{}", target.binary, target.provider, target.name);
                AttachPlan::Usdt { probe: target.as_ref().map(probe) }
            }
            AttachTo::Malformed { extra, expected } => {
                AttachPlan::Unsupported { why: format!("`{extra}` is not {expected}") }
            }
            attach if attach.is_automatic() => {
                AttachPlan::Unsupported { why: "this kind of program is not attached by skelgen yet".to_owned() }
            }
            _ => AttachPlan::Manual,
        }
    }
}

/// Iterators over what one map holds are attached to that map, and one over cgroups has no order of its own.
fn needs_more(target: &str) -> bool {
    const ITERATORS: [&str; 4] = ["bpf_map_elem", "bpf_sk_storage_map", "sockmap", "cgroup"];
    target.strip_prefix("bpf_iter_").is_some_and(|name| ITERATORS.contains(&name))
}
