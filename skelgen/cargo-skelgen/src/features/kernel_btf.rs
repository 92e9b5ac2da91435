//! What the running kernel says of itself in its BTF.

use std::collections::{HashMap, HashSet};
use std::fs;

use skelgen::btf::{Btf, Kind, Type};

use crate::native;

/// The kernel's own.
pub(super) const PATH: &str = "/sys/kernel/btf/vmlinux";
/// Beside it are its modules'.
const FOLDER: &str = "/sys/kernel/btf";

/// The kernel's BTF, as far as it is asked for.
pub(super) struct KernelBtf {
    btf: Btf,
    /// The values of the enums of `bpf.h`, by the enum's name.
    enums: HashMap<&'static str, HashSet<i64>>,
}

impl KernelBtf {
    /// Reads it; `None` if it is not there, or not to be understood.
    pub(super) fn read() -> Option<Self> {
        let btf = Btf::parse(&fs::read(PATH).ok()?, native::ENDIAN).ok()?;
        let names = ["bpf_map_type", "bpf_prog_type", "bpf_attach_type"];
        let enums = names.into_iter().map(|name| (name, values(&btf, name))).collect();
        Some(KernelBtf { btf, enums })
    }

    /// Whether `enum` of `bpf.h` has a value of this number; `None` if the kernel does not say.
    pub(super) fn has(&self, name: &str, number: u32) -> Option<bool> {
        let values = self.enums.get(name).filter(|values| !values.is_empty())?;
        Some(values.contains(&i64::from(number)))
    }

    /// Where there is a function, variable or typedef of this name: in the kernel, or in which module.
    pub(super) fn find(&self, kind: Kind, name: &str) -> Option<Place> {
        if self.btf.find(kind, name).is_some() {
            return Some(Place::Kernel);
        }
        // A module's BTF continues the kernel's; its strings are its own, though, and the name is enough here.
        let wanted = [b"\0", name.as_bytes(), b"\0"].concat();
        let modules = fs::read_dir(FOLDER).ok()?.filter_map(|entry| entry.ok());
        let mut modules = modules.filter(|entry| entry.file_name() != "vmlinux");
        let module = modules.find(|entry| fs::read(entry.path()).is_ok_and(|bytes| contains(&bytes, &wanted)))?;
        Some(Place::Module(module.file_name().to_string_lossy().into_owned()))
    }
}

/// Where something of the kernel is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Kernel,
    Module(String),
}

fn values(btf: &Btf, name: &str) -> HashSet<i64> {
    let found = btf.find(Kind::Enum, name).or_else(|| btf.find(Kind::Enum64, name)).map(|id| btf.get(id));
    let Some(Type::Enum(found) | Type::Enum64(found)) = found else { return HashSet::new() };
    // `__MAX_BPF_MAP_TYPE` is a number of the next kernel's.
    let named = found.values.iter().filter(|value| !btf.name(value.name).starts_with("__"));
    named.map(|value| value.value).collect()
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
