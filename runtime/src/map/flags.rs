//! The flags of an operation on an element, checked before the kernel is asked.

use std::fmt;
use std::ops::BitOr;

use crate::cpus::PossibleCpus;
use crate::sys::elem::Shape;
use crate::sys::uapi::*;

/// Whether an update may make an element, and whether it must.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Update {
    /// `BPF_ANY`: the element may be there already.
    #[default]
    Any,
    /// `BPF_NOEXIST`: it must not be, or the error is `EEXIST`.
    New,
    /// `BPF_EXIST`: it must be, or the error is `ENOENT`.
    Existing,
}

impl Update {
    pub(crate) fn flags(self) -> u64 {
        match self {
            Update::Any => BPF_ANY,
            Update::New => BPF_NOEXIST,
            Update::Existing => BPF_EXIST,
        }
    }
}

/// Flags of [`Map::lookup_flags`](super::Map::lookup_flags) and [`Map::update_flags`](super::Map::update_flags), as the
/// kernel has them.
///
/// Typed maps need none: [`PerCpuMap`](crate::PerCpuMap) takes a CPU's number and an [`Update`], and does on every
/// kernel what these flags do since Linux 7.0.
///
/// ```
/// use skelgen_runtime::ElemFlags;
///
/// assert_eq!(ElemFlags::cpu(3).bits(), 3 << 32 | 8);
/// assert_eq!(format!("{:?}", ElemFlags::EXIST | ElemFlags::LOCK), "BPF_EXIST | BPF_F_LOCK");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ElemFlags(u64);

impl ElemFlags {
    /// `BPF_ANY`: no flags.
    pub const ANY: ElemFlags = ElemFlags(BPF_ANY);
    /// `BPF_NOEXIST`: an update makes the element.
    pub const NOEXIST: ElemFlags = ElemFlags(BPF_NOEXIST);
    /// `BPF_EXIST`: an update changes an element that is there.
    pub const EXIST: ElemFlags = ElemFlags(BPF_EXIST);
    /// `BPF_F_LOCK`: the value's `bpf_spin_lock` is held meanwhile.
    pub const LOCK: ElemFlags = ElemFlags(BPF_F_LOCK);
    /// `BPF_F_ALL_CPUS`: an update gives one value to every CPU (Linux 7.0).
    pub const ALL_CPUS: ElemFlags = ElemFlags(BPF_F_ALL_CPUS);

    /// `BPF_F_CPU`: the value is that of one CPU (Linux 7.0).
    #[must_use]
    pub const fn cpu(cpu: u32) -> ElemFlags {
        ElemFlags(BPF_F_CPU | (cpu as u64) << 32)
    }

    /// Any bits: what is wrong about them is told when they are used.
    #[must_use]
    pub const fn from_bits(bits: u64) -> ElemFlags {
        ElemFlags(bits)
    }

    /// As the kernel has them.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    const fn has(self, flag: u64) -> bool {
        self.0 & flag != 0
    }

    /// Whether a value is one CPU's bytes, or one for all, rather than those of all CPUs.
    pub(crate) const fn is_one_value(self) -> bool {
        self.has(BPF_F_CPU | BPF_F_ALL_CPUS)
    }

    /// Says what keeps the kernel from taking the flags for `operation` on a map of this shape.
    ///
    /// It would say `EINVAL` to all of it but an impossible CPU, and to some of it nothing: `BPF_NOEXIST` and `BPF_EXIST`
    /// go unheeded beside `BPF_F_CPU` (Linux 7.0 to 7.3, `check_flags` in `kernel/bpf/hashtab.c`).
    pub(crate) fn check(self, operation: Operation, shape: Shape, cpus: Option<&PossibleCpus>) -> Result<(), String> {
        const KNOWN: u64 = BPF_NOEXIST | BPF_EXIST | BPF_F_LOCK | BPF_F_CPU | BPF_F_ALL_CPUS;
        let update = operation == Operation::Update;
        let name = shape.map_type;
        let cpu = (self.0 >> 32) as u32;
        let (low, one_value) = (self.0 & u64::from(u32::MAX), self.is_one_value());
        let wrong = match () {
            () if low & !KNOWN != 0 => format!("{:#x} are flags that no operation on an element has", low & !KNOWN),
            () if self.has(BPF_F_CPU) && self.has(BPF_F_ALL_CPUS) => {
                "BPF_F_CPU is for one CPU and BPF_F_ALL_CPUS for all: not both at once".into()
            }
            () if cpu != 0 && !self.has(BPF_F_CPU) => {
                format!("the upper 32 bits are a CPU's number ({cpu}), which goes with BPF_F_CPU only")
            }
            () if one_value && !shape.per_cpu() => format!("{self:?} is for per-CPU maps, and this is a {name}"),
            () if self.has(BPF_F_LOCK) && shape.per_cpu() => format!("BPF_F_LOCK: a {name} has no locks"),
            () if self.has(BPF_F_ALL_CPUS) && !update => {
                "BPF_F_ALL_CPUS is for updates; without flags, the values of all CPUs are read".into()
            }
            () if self.has(BPF_NOEXIST | BPF_EXIST) && !update => format!("{self:?} is for updates"),
            () if self.has(BPF_NOEXIST) && self.has(BPF_EXIST) => "BPF_NOEXIST and BPF_EXIST exclude each other".into(),
            () if self.has(BPF_EXIST) && one_value && shape.map_type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE => {
                format!("BPF_EXIST says nothing here: a write never makes an element of a {name}")
            }
            () if self.has(BPF_NOEXIST | BPF_EXIST) && one_value => {
                "beside BPF_F_CPU and BPF_F_ALL_CPUS the kernel does not heed BPF_NOEXIST and BPF_EXIST".into()
            }
            () if self.has(BPF_NOEXIST) && shape.map_type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE => {
                format!("BPF_NOEXIST: elements of a {name} are made by attaching a program to the cgroup")
            }
            () => match cpus {
                Some(cpus) if self.has(BPF_F_CPU) && !cpus.contains(cpu) => {
                    format!("CPU {cpu} is {}", not_possible(cpus))
                }
                _ => return Ok(()),
            },
        };
        Err(wrong)
    }
}

/// What is said of a CPU that this machine cannot have.
pub(crate) fn not_possible(cpus: &PossibleCpus) -> String {
    format!("not possible; the possible CPUs are {cpus:?}")
}

/// What flags are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Lookup,
    Update,
}

impl From<Update> for ElemFlags {
    fn from(how: Update) -> Self {
        ElemFlags(how.flags())
    }
}

impl BitOr for ElemFlags {
    type Output = ElemFlags;

    fn bitor(self, other: ElemFlags) -> ElemFlags {
        ElemFlags(self.0 | other.0)
    }
}

impl fmt::Debug for ElemFlags {
    /// `BPF_F_CPU(3) | BPF_EXIST`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, cpu) = (self.0 & u64::from(u32::MAX), self.0 >> 32);
        let mut names = Vec::new();
        if self.has(BPF_F_CPU) {
            names.push(format!("BPF_F_CPU({cpu})"));
        } else if cpu != 0 {
            names.push(format!("{:#x}", cpu << 32));
        }
        let flags = [
            (BPF_F_ALL_CPUS, "BPF_F_ALL_CPUS"),
            (BPF_NOEXIST, "BPF_NOEXIST"),
            (BPF_EXIST, "BPF_EXIST"),
            (BPF_F_LOCK, "BPF_F_LOCK"),
        ];
        names.extend(flags.iter().filter(|(flag, _)| self.has(*flag)).map(|(_, name)| (*name).to_owned()));
        let rest = flags.iter().fold(low & !BPF_F_CPU, |rest, (flag, _)| rest & !flag);
        if rest != 0 {
            names.push(format!("{rest:#x}"));
        }
        if names.is_empty() { f.write_str("BPF_ANY") } else { f.write_str(&names.join(" | ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::Operation::{Lookup, Update};
    use super::*;

    const NOEXIST: ElemFlags = ElemFlags::NOEXIST;
    const EXIST: ElemFlags = ElemFlags::EXIST;
    const LOCK: ElemFlags = ElemFlags::LOCK;
    const ALL: ElemFlags = ElemFlags::ALL_CPUS;

    fn wrong(flags: ElemFlags, operation: Operation, map_type: MapType) -> String {
        let shape = Shape { map_type, key_size: 4, value_size: 4, max_entries: 1, map_flags: MapFlags(0) };
        let cpus = PossibleCpus::parse("0-3,8").unwrap();
        flags.check(operation, shape, Some(&cpus)).err().unwrap_or_default()
    }

    #[test]
    fn flags_that_go_together() {
        for (flags, operation, map_type) in [
            (ElemFlags::ANY, Lookup, BPF_MAP_TYPE_HASH),
            (NOEXIST, Update, BPF_MAP_TYPE_HASH),
            (EXIST | LOCK, Update, BPF_MAP_TYPE_ARRAY),
            (LOCK, Lookup, BPF_MAP_TYPE_ARRAY),
            (NOEXIST, Update, BPF_MAP_TYPE_PERCPU_ARRAY),
            (EXIST, Update, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE),
            (ElemFlags::cpu(8), Lookup, BPF_MAP_TYPE_PERCPU_HASH),
            (ElemFlags::cpu(0), Update, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE),
            (ALL, Update, BPF_MAP_TYPE_LRU_PERCPU_HASH),
        ] {
            assert_eq!(wrong(flags, operation, map_type), "", "{flags:?} {operation:?} {map_type}");
        }
    }

    #[test]
    fn flags_that_do_not_are_told_why() {
        for (flags, operation, map_type, words) in [
            (ElemFlags::from_bits(0x60), Lookup, BPF_MAP_TYPE_HASH, "0x60 are flags that no operation"),
            (ElemFlags::cpu(1) | ALL, Update, BPF_MAP_TYPE_PERCPU_HASH, "not both at once"),
            (ElemFlags::from_bits(7 << 32), Lookup, BPF_MAP_TYPE_PERCPU_HASH, "a CPU's number (7), which goes with"),
            (
                ElemFlags::cpu(1),
                Lookup,
                BPF_MAP_TYPE_HASH,
                "BPF_F_CPU(1) is for per-CPU maps, and this is a BPF_MAP_TYPE_HASH",
            ),
            (ALL, Update, BPF_MAP_TYPE_ARRAY, "BPF_F_ALL_CPUS is for per-CPU maps, and this is a BPF_MAP_TYPE_ARRAY"),
            (ALL, Update, MapType(999), "this is a map of type 999"),
            (LOCK | ElemFlags::cpu(1), Lookup, BPF_MAP_TYPE_PERCPU_ARRAY, "a BPF_MAP_TYPE_PERCPU_ARRAY has no locks"),
            (ALL, Lookup, BPF_MAP_TYPE_PERCPU_ARRAY, "BPF_F_ALL_CPUS is for updates"),
            (EXIST, Lookup, BPF_MAP_TYPE_HASH, "BPF_EXIST is for updates"),
            (EXIST | NOEXIST, Update, BPF_MAP_TYPE_HASH, "exclude each other"),
            (EXIST | ElemFlags::cpu(1), Update, BPF_MAP_TYPE_PERCPU_HASH, "does not heed"),
            (NOEXIST | ALL, Update, BPF_MAP_TYPE_PERCPU_ARRAY, "does not heed"),
            (EXIST | ALL, Update, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, "a write never makes an element"),
            (NOEXIST, Update, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, "made by attaching"),
            (ElemFlags::cpu(4), Lookup, BPF_MAP_TYPE_PERCPU_HASH, "CPU 4 is not possible; the possible CPUs are 0-3,8"),
            (ElemFlags::cpu(u32::MAX), Update, BPF_MAP_TYPE_PERCPU_HASH, "CPU 4294967295 is not possible"),
        ] {
            let told = wrong(flags, operation, map_type);
            assert!(told.contains(words), "{flags:?} {operation:?} {map_type}: {told:?} should have {words:?}");
        }
    }

    #[test]
    fn flags_are_shown_by_name() {
        assert_eq!(format!("{:?}", ElemFlags::cpu(3) | EXIST), "BPF_F_CPU(3) | BPF_EXIST");
        assert_eq!(
            format!("{:?} {:?}", ElemFlags::ANY, ElemFlags::from_bits(1 << 40 | 0x20)),
            "BPF_ANY 0x10000000000 | 0x20"
        );
        assert_eq!(ElemFlags::from(crate::Update::New), NOEXIST);
    }
}
