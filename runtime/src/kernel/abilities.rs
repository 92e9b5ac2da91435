//! What the verifier accepts, what commands of bpf(2) do, and functions that programs call.

use super::feature::{Feature, FeatureKind, Probe};
use super::{commands, maps, uprobe_multi, verifier};

const fn ability(
    name: &'static str,
    since: (u32, u32),
    documented: &'static str,
    probe: fn() -> crate::Result<bool>,
) -> Feature {
    Feature::new(FeatureKind::Ability, name, since, documented).found_by(Probe::Try(probe))
}

const fn function(name: &'static str, since: (u32, u32), documented: &'static str) -> Feature {
    Feature::new(FeatureKind::Function, name, since, documented)
}

/// The loader is a loop of this helper.
const BPF_LOOP: Feature = function("bpf_loop", (5, 17), "bpf-helpers(7)").found_by(Probe::Btf("BPF_FUNC_loop"));

/// Memory of maps is counted by the memory cgroup, not by `RLIMIT_MEMLOCK`.
const MEMCG: Feature =
    Feature::new(FeatureKind::Ability, "maps without RLIMIT_MEMLOCK", (5, 11), "kernel/bpf/syscall.c")
        .found_by(Probe::None("a map that counts against the limit is made as well, below the limit"));

/// Relocations of the object's own, applied when a program is loaded. The kernel is compiled with its structs.
const CORE: Feature =
    Feature::new(FeatureKind::Ability, "CO-RE relocations by the kernel", (5, 17), "Documentation/bpf/llvm_reloc.rst")
        .found_by(Probe::Btf("bpf_core_relo"));

const GET_ATTACH_COOKIE: Feature = function("bpf_get_attach_cookie", (5, 15), "bpf-helpers(7)")
    .found_by(Probe::Try(commands::attach_cookie))
    .or_else("`LINUX_HAS_BPF_COOKIE` is 0");

/// One link for many places of a binary.
pub(crate) const UPROBE_MULTI: Feature =
    ability("uprobe_multi links", (6, 6), "kernel/trace/bpf_trace.c", uprobe_multi::are_known)
        .needing("CONFIG_UPROBE_EVENTS");

/// Where not, a link for a process means its first thread.
const UPROBE_MULTI_OF_PROCESSES: Feature = ability(
    "uprobe_multi links of all threads of a process",
    (6, 10),
    "kernel/trace/bpf_trace.c",
    uprobe_multi::of_processes,
)
.needing("CONFIG_UPROBE_EVENTS")
.or_else("`usdt` programs are loaded for one place each");

/// The tag `arg:ctx` of an argument of a global function.
pub(crate) const CONTEXT_TAG: Feature = Feature::new(FeatureKind::Ability, "__arg_ctx", (6, 8), "kernel/bpf/btf.c")
    .found_by(Probe::None("the verifier takes the tag and the type that skelgen gives such an argument alike"))
    .or_else("the argument has a type that older verifiers take for the context as well");

/// `BPF_MOVSX`, `BPF_MEMSX`, `BPF_BSWAP`, signed division, `BPF_JA` with 32 bits.
const MCPU_V4: Feature = ability(
    "instructions of -mcpu=v4",
    (6, 6),
    "Documentation/bpf/standardization/instruction-set.rst",
    verifier::extends_signs,
)
.needing("a JIT that has them");

const MAY_GOTO: Feature = ability("may_goto", (6, 9), "kernel/bpf/verifier.c", verifier::has_may_goto);

const LOAD_ACQUIRE: Feature = ability(
    "load-acquire and store-release",
    (6, 15),
    "Documentation/bpf/standardization/instruction-set.rst",
    verifier::loads_in_order,
)
.needing("a JIT that has them");

/// Rights in a user namespace.
pub(crate) const TOKENS: Feature = ability("BPF tokens", (6, 9), "kernel/bpf/token.c", commands::has_tokens);

const MAPPED_BTF: Feature =
    ability("mmap(2) of /sys/kernel/btf/vmlinux", (6, 16), "kernel/bpf/sysfs_btf.c", commands::maps_btf)
        .or_else("the file is read");

/// Maps that only one program may use.
pub(crate) const EXCLUSIVE_MAPS: Feature =
    ability("exclusive maps", (6, 18), "kernel/bpf/syscall.c", maps::are_exclusive);

/// Flags of commands on elements of per-CPU maps.
pub(crate) const CPU_FLAGS: Feature =
    ability("BPF_F_CPU, BPF_F_ALL_CPUS", (7, 0), "include/uapi/linux/bpf.h", commands::has_cpu_flags)
        .or_else("the values of all CPUs are read and written");

/// Iterators over the children of a cgroup.
const CGROUP_CHILDREN: Feature =
    Feature::new(FeatureKind::Ability, "BPF_CGROUP_ITER_CHILDREN", (7, 1), "kernel/bpf/cgroup_iter.c");

/// Programs that address `.percpu` variables.
pub(crate) const DIRECT_PERCPU: Feature =
    ability(".percpu addressed directly", (7, 3), "kernel/bpf/arraymap.c", commands::is_direct)
        .needing("a JIT with per-CPU instructions")
        .or_else("programs look the variables up");

/// Functions that programs call, and values that they are attached with.
pub(super) const FUNCTIONS: [Feature; 6] = [
    GET_ATTACH_COOKIE,
    BPF_LOOP,
    function("bpf_rcu_read_lock", (6, 2), "kernel/bpf/helpers.c"),
    function("bpf_iter_num_new", (6, 4), "Documentation/bpf/bpf_iterators.rst"),
    function("bpf_throw", (6, 7), "kernel/bpf/helpers.c"),
    function("bpf_percpu_obj_new_impl", (6, 7), "kernel/bpf/helpers.c"),
];

/// What the verifier accepts, and what commands of bpf(2) do.
pub(super) const ABILITIES: [Feature; 14] = [
    MEMCG,
    CORE,
    UPROBE_MULTI,
    MCPU_V4,
    CONTEXT_TAG,
    MAY_GOTO,
    TOKENS,
    UPROBE_MULTI_OF_PROCESSES,
    LOAD_ACQUIRE,
    MAPPED_BTF,
    EXCLUSIVE_MAPS,
    CPU_FLAGS,
    CGROUP_CHILDREN,
    DIRECT_PERCPU,
];
