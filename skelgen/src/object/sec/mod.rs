//! What a program section's name says: the program's type and what it is attached to.
//!
//! In: the name given to `SEC()`. Out: a [`SecDef`], whose numbers go into `BPF_PROG_LOAD` and whose [`AttachTo`] says
//! how the loaded program is attached. The forms are those libbpf 7.3 knows (`section_defs` in
//! `tools/lib/bpf/libbpf.c`); they stand in `table`, and `extra` reads what follows the prefix.

use crate::uapi::*;
mod extra;
mod table;
#[cfg(test)]
mod tests;

/// What a section's name says of the programs in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecDef {
    /// The program type.
    pub prog_type: ProgType,
    /// The attach type; 0 if the section's name does not say it.
    ///
    /// A `usdt` program has 0: where the kernel has uprobe_multi links, it is loaded with `BPF_TRACE_UPROBE_MULTI`, which
    /// only the running system can tell.
    pub expected_attach_type: AttachType,
    /// The program may sleep (`.s`, and all `syscall` programs).
    pub sleepable: bool,
    /// The program takes packets of several fragments (`xdp.frags`).
    pub xdp_frags: bool,
    /// Whether it is loaded unless the user says otherwise: false for `SEC("?...")`.
    pub autoload: bool,
    /// What it is attached to, and how.
    pub attach: AttachTo,
}

impl SecDef {
    /// The `prog_flags` of `BPF_PROG_LOAD` that follow from the name.
    pub fn prog_flags(&self) -> ProgFlags {
        let mut flags = ProgFlags(0);
        if self.sleepable {
            flags |= BPF_F_SLEEPABLE;
        }
        if self.xdp_frags {
            flags |= BPF_F_XDP_HAS_FRAGS;
        }
        flags
    }

    /// What is known of a program whose section's name says nothing: not even its type, until the user gives one.
    pub(crate) fn unknown(section: &str) -> Self {
        SecDef {
            prog_type: BPF_PROG_TYPE_UNSPEC,
            expected_attach_type: AttachType(0),
            sleepable: false,
            xdp_frags: false,
            autoload: !section.starts_with('?'),
            attach: AttachTo::Unknown,
        }
    }

    /// A socket filter: the least of programs, to ask the kernel what it takes.
    pub(crate) fn socket_filter() -> Self {
        SecDef {
            prog_type: BPF_PROG_TYPE_SOCKET_FILTER,
            expected_attach_type: AttachType(0),
            sleepable: false,
            xdp_frags: false,
            autoload: true,
            attach: AttachTo::Socket,
        }
    }

    /// A value that the verifier lets such a program return, for a branch that is never taken: 0, or 1 where 0 is
    /// refused (`check_return_code` in `kernel/bpf/verifier.c`).
    pub fn null_return(&self) -> i32 {
        let only_one = [
            BPF_CGROUP_UDP4_RECVMSG,
            BPF_CGROUP_UDP6_RECVMSG,
            BPF_CGROUP_UNIX_RECVMSG,
            BPF_CGROUP_INET4_GETPEERNAME,
            BPF_CGROUP_INET6_GETPEERNAME,
            BPF_CGROUP_UNIX_GETPEERNAME,
            BPF_CGROUP_INET4_GETSOCKNAME,
            BPF_CGROUP_INET6_GETSOCKNAME,
            BPF_CGROUP_UNIX_GETSOCKNAME,
        ];
        let sock_addr = self.prog_type == BPF_PROG_TYPE_CGROUP_SOCK_ADDR;
        i32::from(sock_addr && only_one.contains(&self.expected_attach_type))
    }

    /// The kernel type whose id is `attach_btf_id` of `BPF_PROG_LOAD`.
    pub fn btf_target(&self) -> Option<&BtfTarget> {
        match &self.attach {
            AttachTo::Trace { target } | AttachTo::Iter { target } | AttachTo::LsmCgroup { target } => target.as_ref(),
            _ => None,
        }
    }

    /// Whether the program cannot be loaded before the user names a target: it needs an `attach_btf_id`, and the
    /// section's name gives none, or (freplace) gives one inside a program that only the user knows.
    pub fn needs_target(&self) -> bool {
        match &self.attach {
            AttachTo::Trace { target } | AttachTo::Iter { target } | AttachTo::LsmCgroup { target } => target.is_none(),
            AttachTo::Freplace { .. } => true,
            _ => false,
        }
    }
}

/// What a program is attached to, and how.
///
/// A target of `None` is one that the section's name leaves open, as in `SEC("kprobe")`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttachTo {
    /// `kprobe`, `kretprobe`: one place in the kernel, through a perf event.
    Kprobe {
        /// Where.
        target: Option<KprobeTarget>,
        /// On return.
        ret: bool,
    },
    /// `kprobe.multi`, `kretprobe.multi`, `kprobe.session`: all kernel functions that match, in one link.
    KprobeMulti {
        /// Function names, with `*` and `?`.
        pattern: Option<String>,
        /// On return.
        ret: bool,
        /// On entry and return.
        session: bool,
    },
    /// `ksyscall`, `kretsyscall`: a system call, by its name without the architecture's prefix.
    Ksyscall {
        /// Which, as in `nanosleep`.
        name: Option<String>,
        /// On return.
        ret: bool,
    },
    /// `uprobe`, `uretprobe`: one place in a binary, through a perf event.
    Uprobe {
        /// Where.
        target: Option<UprobeTarget>,
        /// On return.
        ret: bool,
    },
    /// `uprobe.multi`, `uretprobe.multi`, `uprobe.session`: all functions of a binary that match, in one link.
    UprobeMulti {
        /// Where.
        target: Option<UprobeMultiTarget>,
        /// On return.
        ret: bool,
        /// On entry and return.
        session: bool,
    },
    /// `usdt`: a static probe of a binary, which can be in many places.
    Usdt {
        /// Which.
        target: Option<UsdtTarget>,
    },
    /// `tracepoint`, `tp`: a tracepoint, through a perf event.
    Tracepoint {
        /// Which.
        target: Option<TracepointTarget>,
    },
    /// `raw_tracepoint`, `raw_tp` and their `.w`: a tracepoint by name, `BPF_RAW_TRACEPOINT_OPEN`.
    RawTracepoint {
        /// Which, as in `sched_switch`.
        name: Option<String>,
    },
    /// `tp_btf`, `fentry`, `fexit`, `fmod_ret`, `fsession`, `lsm`: the target is known by its BTF id at load;
    /// attaching takes no argument. An fentry, fexit or fsession program can be given a BPF program as target instead.
    Trace {
        /// The kernel's type.
        target: Option<BtfTarget>,
    },
    /// `fentry.multi`, `fexit.multi`, `fsession.multi`: all functions that match, in one link.
    TraceMulti {
        /// The module whose functions are meant (`module:pattern`), `None` for the kernel proper.
        module: Option<String>,
        /// Function names, with `*` and `?`.
        pattern: Option<String>,
    },
    /// `iter`: walks kernel objects; the link makes files to read.
    Iter {
        /// The kernel's `bpf_iter_*` function.
        target: Option<BtfTarget>,
    },
    /// `lsm_cgroup`: a security hook, for the tasks of a cgroup.
    LsmCgroup {
        /// The kernel's `bpf_lsm_*` function.
        target: Option<BtfTarget>,
    },
    /// `freplace`: takes the place of a global function of a loaded BPF program.
    Freplace {
        /// The replaced function's name.
        function: Option<String>,
    },
    /// `struct_ops`: a callback; the map that refers to it is what is attached.
    StructOps,
    /// `perf_event`: a perf event's fd.
    PerfEvent,
    /// `cgroup*`, `sockops`: a cgroup.
    Cgroup,
    /// `xdp`, `xdp.frags`: a network interface.
    Xdp,
    /// `xdp/devmap`: a device map's entry.
    Devmap,
    /// `xdp/cpumap`: a CPU map's entry.
    Cpumap,
    /// `tc`, `classifier`, `action`: a classifier or an action of a queueing discipline, through netlink.
    Tc,
    /// `tcx/*`, `tc/ingress`, `tc/egress`: a network interface.
    Tcx,
    /// `netkit/*`: a netkit device.
    Netkit,
    /// `netfilter`: a netfilter hook.
    Netfilter,
    /// `flow_dissector`, `sk_lookup`: a network namespace.
    Netns,
    /// `lwt_*`: a route, through netlink.
    Lwt,
    /// `socket`: a socket, `SO_ATTACH_BPF`.
    Socket,
    /// `sk_reuseport*`: a group of sockets, `SO_ATTACH_REUSEPORT_EBPF`.
    Reuseport,
    /// `sk_skb*`, `sk_msg`: a sockmap or sockhash.
    Sockmap,
    /// `lirc_mode2`: an infrared device.
    Lirc,
    /// `syscall`: nothing; it is run.
    Syscall,
    /// The name says nothing of the program: the user gives its type before the load.
    Unknown,
    /// What follows the prefix cannot be read. The program can be loaded, and attached by other means.
    Malformed {
        /// What follows the prefix.
        extra: String,
        /// What should, as in `binary:function[+offset]`.
        expected: &'static str,
    },
}

impl AttachTo {
    /// Whether a loaded program can be attached without further arguments, as `attach` of a whole skeleton does.
    pub fn is_automatic(&self) -> bool {
        match self {
            AttachTo::Kprobe { target, .. } => target.is_some(),
            AttachTo::Uprobe { target, .. } => target.is_some(),
            AttachTo::UprobeMulti { target, .. } => target.is_some(),
            AttachTo::Usdt { target } => target.is_some(),
            AttachTo::Tracepoint { target } => target.is_some(),
            AttachTo::KprobeMulti { pattern, .. } | AttachTo::TraceMulti { pattern, .. } => pattern.is_some(),
            AttachTo::Ksyscall { name, .. } | AttachTo::RawTracepoint { name } => name.is_some(),
            // If the name left the target open, the user gave it before load.
            AttachTo::Trace { .. } | AttachTo::Iter { .. } | AttachTo::Freplace { .. } => true,
            // Refused with an error rather than passed over.
            AttachTo::Malformed { .. } => true,
            _ => false,
        }
    }
}

/// A type in the BTF of the kernel or of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BtfTarget {
    /// `BTF_KIND_FUNC`, or `BTF_KIND_TYPEDEF` for `tp_btf`.
    pub kind: BtfKind,
    /// The type's name, prefix included: `do_unlinkat`, `btf_trace_sched_switch`, `bpf_lsm_file_open`, `bpf_iter_task`.
    pub name: String,
    /// The module it must be in (`fentry/module:function`); `None` for the kernel proper, or else any module.
    pub module: Option<String>,
}

/// A place in the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KprobeTarget {
    /// A function's name.
    pub function: String,
    /// Bytes from its start.
    pub offset: u64,
}

/// A place in a binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UprobeTarget {
    /// A path, or a name to look for where programs and libraries are.
    pub binary: String,
    /// A function's name.
    pub function: String,
    /// Bytes from its start.
    pub offset: u64,
}

/// Functions of a binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UprobeMultiTarget {
    /// A path, or a name to look for where programs and libraries are.
    pub binary: String,
    /// Function names, with `*` and `?`.
    pub pattern: String,
}

/// A static probe of a binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsdtTarget {
    /// A path, or a name to look for where programs and libraries are.
    pub binary: String,
    /// The probe's provider.
    pub provider: String,
    /// The probe's name.
    pub name: String,
}

/// A tracepoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracepointTarget {
    /// The directory under `events`, as in `syscalls`.
    pub category: String,
    /// The event, as in `sys_enter_openat`.
    pub name: String,
}

/// Reads a section's name; `None` if it is not that of a program section libbpf knows.
pub fn parse(section: &str) -> Option<SecDef> {
    let (name, autoload) = match section.strip_prefix('?') {
        Some(name) => (name, false),
        None => (section, true),
    };
    let (form, sleepable, extra) = table::find(name)?;
    Some(SecDef {
        prog_type: form.prog_type,
        expected_attach_type: form.attach_type.unwrap_or_default(),
        sleepable,
        xdp_frags: form.xdp_frags,
        autoload,
        attach: (form.attach)(extra),
    })
}
