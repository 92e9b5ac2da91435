//! Programs.

use alloc::borrow::{Cow, ToOwned as _};

/// One entry program.
#[derive(Clone, Debug)]
pub struct ProgDesc<'a> {
    /// The function's name.
    pub name: &'a str,
    /// The ELF section's name, which says what the program is for.
    pub section: &'a str,
    /// `enum bpf_prog_type`.
    pub prog_type: u32,
    /// `enum bpf_attach_type`.
    pub expected_attach_type: u32,
    /// Places of the attrs that can load this program, native and lowered.
    pub attrs: &'a [u32],
    /// Place of the program's entry in the table of descriptors.
    pub fd: u32,
    /// Place of the word that, if not 0, says not to load it.
    pub skip: u32,
    /// Whether it is loaded unless told otherwise: not with `SEC("?...")`.
    pub autoload: bool,
    /// How it is attached.
    pub attach: Attach<'a>,
}

/// What a program is attached to, as far as its section says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attach<'a> {
    /// To a raw tracepoint: `SEC("raw_tp/sched_switch")`.
    RawTracepoint {
        /// The tracepoint's name, without its category.
        name: Cow<'a, str>,
    },
    /// To what it was loaded for, by `BPF_RAW_TRACEPOINT_OPEN` without a name: `tp_btf`, `fentry`, `fexit`, `fmod_ret`,
    /// `lsm`, `freplace`.
    Tracing,
    /// It is an iterator: `SEC("iter/task")`. Iterators over a map's elements need the map, and those over cgroups an order:
    /// `Program::attach_iter_map`,
    /// `attach_iter_cgroup`.
    Iter,
    /// To a tracepoint: `SEC("tp/sched/sched_switch")`.
    Tracepoint {
        /// The category, as in `sched`.
        category: Cow<'a, str>,
        /// The tracepoint's name.
        name: Cow<'a, str>,
    },
    /// To a kernel function: `SEC("kprobe/do_unlinkat")`.
    Kprobe {
        /// The function's name.
        function: Cow<'a, str>,
        /// Bytes from its start; 0 for a `kretprobe`.
        offset: u64,
        /// Whether it is a `kretprobe`, run when the function returns.
        ret: bool,
    },
    /// To all functions that match, with one link: `SEC("fentry.multi/vfs_*")`.
    TracingMulti {
        /// The module whose functions are meant, `None` for the kernel proper.
        module: Option<Cow<'a, str>>,
        /// Functions' names, with `*` for any text and `?` for any character; `None` if the section has none.
        pattern: Option<Cow<'a, str>>,
    },
    /// To a static probe of a binary: `SEC("usdt")`. Where the kernel has links to many places of a binary, it is loaded
    /// for one, as the probe can be in many. `Program::attach_uprobe_multi`
    /// attaches it to places that the caller knows.
    Usdt {
        /// The binary, provider and name in the section's name, if it has them.
        probe: Option<Cow<'a, str>>,
    },
    /// The section names no target: the caller does, with one of the methods `attach_*`.
    Manual,
    /// This runtime cannot attach it.
    Unsupported {
        /// What is missing.
        why: Cow<'a, str>,
    },
}

impl Attach<'_> {
    /// Whether the caller has to name a target.
    #[must_use]
    pub fn needs_target(&self) -> bool {
        let of_many = Attach::TracingMulti { module: None, pattern: None };
        [Attach::Manual, of_many, Attach::Usdt { probe: None }].contains(self)
    }

    /// The same without borrowing.
    #[must_use]
    pub fn to_static(&self) -> Attach<'static> {
        fn owned(text: &str) -> Cow<'static, str> {
            Cow::Owned(text.to_owned())
        }
        match self {
            Attach::RawTracepoint { name } => Attach::RawTracepoint { name: owned(name) },
            Attach::Tracing => Attach::Tracing,
            Attach::Iter => Attach::Iter,
            Attach::Tracepoint { category, name } => {
                Attach::Tracepoint { category: owned(category), name: owned(name) }
            }
            Attach::Kprobe { function, offset, ret } => {
                Attach::Kprobe { function: owned(function), offset: *offset, ret: *ret }
            }
            Attach::TracingMulti { module, pattern } => {
                Attach::TracingMulti { module: module.as_deref().map(owned), pattern: pattern.as_deref().map(owned) }
            }
            Attach::Usdt { probe } => Attach::Usdt { probe: probe.as_deref().map(owned) },
            Attach::Manual => Attach::Manual,
            Attach::Unsupported { why } => Attach::Unsupported { why: owned(why) },
        }
    }
}
