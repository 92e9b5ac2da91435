//! What kernels and compilers get wrong, how skelgen recognises it, and what it does about it.

use std::fmt;

use super::{KernelVersion, arena, cpu_values, verifier};
use crate::Result;

/// Something that some kernels or compilers get wrong, or do in another way.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Quirk {
    /// What they do.
    pub what: &'static str,
    /// Which do it.
    pub affected: Affected,
    /// How skelgen recognises it: before it matters, or by how the kernel refuses something.
    pub recognised: &'static str,
    /// What skelgen does.
    pub done: &'static str,
    /// The file of this repository that does it.
    pub place: &'static str,
    /// Asks the running kernel whether it is affected, without a lasting effect; `None` as the answer if this machine
    /// cannot show it.
    pub probe: Option<fn() -> Result<Option<bool>>>,
}

/// Whom a [`Quirk`] affects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Affected {
    /// Kernels from the first release on, up to but without the second; `None` is without an end.
    Kernels(Option<KernelVersion>, Option<KernelVersion>),
    /// Any kernel, for reasons that its release does not tell.
    AnyKernel,
    /// These compilers.
    Compilers(&'static str),
}

impl Affected {
    /// Whether kernels of this release are affected; `None` if the release does not tell.
    #[must_use]
    pub fn is(self, kernel: KernelVersion) -> Option<bool> {
        match self {
            Affected::Kernels(from, before) => {
                Some(from.is_none_or(|from| from <= kernel) && before.is_none_or(|before| kernel < before))
            }
            Affected::AnyKernel | Affected::Compilers(_) => None,
        }
    }
}

impl fmt::Display for Affected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Affected::Kernels(None, None) => f.write_str("all"),
            Affected::Kernels(Some(from), None) => write!(f, "{from} and later"),
            Affected::Kernels(None, Some(before)) => write!(f, "before {before}"),
            Affected::Kernels(Some(from), Some(before)) => write!(f, "from {from}, before {before}"),
            Affected::AnyKernel => f.write_str("some"),
            Affected::Compilers(names) => f.write_str(names),
        }
    }
}

const fn before(major: u32, minor: u32) -> Affected {
    Affected::Kernels(None, Some(KernelVersion::new(major, minor)))
}

const fn from(major: u32, minor: u32) -> Affected {
    Affected::Kernels(Some(KernelVersion::new(major, minor)), None)
}

/// All quirks.
pub fn quirks() -> impl Iterator<Item = &'static Quirk> {
    QUIRKS.iter()
}

static QUIRKS: [Quirk; 17] = [
    Quirk {
        what: "a comparison `!= 0` tells the verifier nothing of a register's range",
        affected: before(6, 8),
        recognised: "always assumed",
        done: "the loader compares with `< 1`",
        place: "skelgen/src/loader/interpreter.rs",
        probe: Some(verifier::learns_nothing_of_not_zero),
    },
    Quirk {
        what: "an instruction can load the address of a variable, but not of a kfunc",
        affected: before(6, 4),
        recognised: "verifier log: `in ldimm64 isn't KIND_VAR`",
        done: "the address becomes a constant that is not 0, which is what `bpf_ksym_exists` asks for",
        place: "runtime/src/load/kfunc_addresses.rs",
        probe: None,
    },
    Quirk {
        what: "BTF with `?` in the name of a section is refused",
        affected: before(6, 9),
        recognised: "always assumed",
        done: "`?` becomes `_`, as in libbpf",
        place: "skelgen/src/object/struct_ops.rs",
        probe: None,
    },
    Quirk {
        what: "each frame of the stack is rounded up to 32 bytes, not to 16",
        affected: before(6, 8),
        recognised: "always assumed, because kernels without a JIT do it too",
        done: "the generator rounds the frames of lowered programs to 32 bytes",
        place: "skelgen/src/lower/chain.rs",
        probe: Some(verifier::rounds_frames_to_32),
    },
    Quirk {
        what: "the verifier follows the NULL branch of an array lookup that cannot fail",
        affected: before(6, 14),
        recognised: "always assumed",
        done: "lowered programs return on that branch, or use a fallback map",
        place: "skelgen/src/lower/mod.rs",
        probe: Some(verifier::checks_lookups_that_cannot_fail),
    },
    Quirk {
        what: "on x86_64 the kernel's per-CPU variables begin at address 0, and `bpf_kallsyms_lookup_name` does not find the first",
        affected: before(6, 15),
        recognised: "the loader finds no such symbol, and /proc/kallsyms has it at 0",
        done: "the address is 0",
        place: "runtime/src/load/lookup.rs",
        probe: None,
    },
    Quirk {
        what: "programs cannot refer to the part of an arena from 512 MiB on",
        affected: Affected::Kernels(Some(KernelVersion::new(6, 9)), Some(KernelVersion::new(7, 0))),
        recognised: "the kernel rejects a program that refers to the end of 4 GiB",
        done: "the variables of an object are in the first pages of its arena, not in the last",
        place: "runtime/src/load/own/arena.rs",
        probe: Some(arena::refuses_far_offsets),
    },
    Quirk {
        what: "an update of a percpu_cgroup_storage writes behind the values if their size is not a multiple of 8",
        affected: before(7, 0),
        recognised: "the kernel lacks `BPF_F_CPU`, and the map has this type and such a size",
        done: "the bytes behind a value are read first and written back",
        place: "runtime/src/percpu/access.rs",
        probe: None,
    },
    Quirk {
        what: "an element of a per-CPU hash that `BPF_F_CPU` makes has old values for the other CPUs",
        affected: Affected::Kernels(Some(KernelVersion::new(7, 0)), Some(KernelVersion::new(7, 2))),
        recognised: "once in a process: create an element, delete it, create another",
        done: "a write for one CPU looks the element up first, and creates it with the values of all CPUs",
        place: "runtime/src/kernel/cpu_values.rs",
        probe: Some(cpu_values::leaves_old_values),
    },
    Quirk {
        what: "the kernel rejects BTF for a map whose value is a `.percpu` section",
        affected: before(7, 3),
        recognised: "the probe for `.percpu` addressed directly",
        done: "the map is created without BTF; bpftool shows its bytes",
        place: "skelgen/src/plan/build.rs",
        probe: None,
    },
    Quirk {
        what: "the number of elements in a record of BTF has 16 bits, not 24",
        affected: before(7, 1),
        recognised: "the other 8 bits are 0 on older kernels",
        done: "24 bits are read",
        place: "runtime/src/btf/types.rs",
        probe: None,
    },
    Quirk {
        what: "`BPF_MAP_GET_NEXT_KEY` returns one key too many for a cgroup storage",
        affected: Affected::AnyKernel,
        recognised: "a lookup of that key fails (seen on 6.18.15)",
        done: "the walk ends there",
        place: "runtime/src/map/mod.rs",
        probe: None,
    },
    Quirk {
        what: "with two readers, a ring buffer can reject all further records",
        affected: from(6, 12),
        recognised: "always assumed",
        done: "a process can open only one reader of a ring buffer",
        place: "runtime/src/map/ring",
        probe: None,
    },
    Quirk {
        what: "the kernel rejects BTF for maps of some types",
        affected: Affected::AnyKernel,
        recognised: "`BPF_MAP_CREATE` fails for a map with BTF",
        done: "the map is created without BTF, as libbpf does",
        place: "runtime/src/load/untyped.rs",
        probe: None,
    },
    Quirk {
        what: "the kernel rejects the object's BTF",
        affected: Affected::AnyKernel,
        recognised: "`BPF_BTF_LOAD` fails, with a log",
        done: "maps and programs are loaded without BTF, if none needs it",
        place: "runtime/src/load/untyped.rs",
        probe: None,
    },
    Quirk {
        what: "the kernel's CO-RE gives up on types that nest too deep",
        affected: Affected::AnyKernel,
        recognised: "verifier log: `error matching candidate #`",
        done: "the runtime resolves the relocations that ask about types",
        place: "runtime/src/load/core_types.rs",
        probe: None,
    },
    Quirk {
        what: "the compiler cannot fill a gap between variables of a `.percpu` section",
        affected: Affected::Compilers("clang 16 and 17"),
        recognised: "the compiler says `unable to write nop sequence`",
        done: "a hint: declare the larger variables first",
        place: "skelgen/src/clang/failure.rs",
        probe: None,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_releases_excludes_its_end() {
        let kernels = Affected::Kernels(Some(KernelVersion::new(7, 0)), Some(KernelVersion::new(7, 2)));
        let is = [(6, 19), (7, 0), (7, 1), (7, 2)].map(|version| kernels.is(version.into()));
        assert_eq!(is, [Some(false), Some(true), Some(true), Some(false)]);
        assert_eq!(kernels.to_string(), "from 7.0, before 7.2");
    }
}
