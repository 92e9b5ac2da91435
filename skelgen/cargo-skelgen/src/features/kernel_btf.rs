//! Facts from the running kernel's BTF.

use std::collections::{HashMap, HashSet};
use std::fs;

use skelgen::btf::{Btf, Kind, Type};

use crate::native;

/// The kernel's BTF.
pub(super) const PATH: &str = "/sys/kernel/btf/vmlinux";
/// The folder with the BTF of modules.
const FOLDER: &str = "/sys/kernel/btf";

/// The parts of the kernel's BTF that `features` needs.
pub(super) struct KernelBtf {
    btf: Btf,
    /// The values of the enums of `bpf.h`, by the enum's name.
    enums: HashMap<&'static str, HashSet<i64>>,
}

impl KernelBtf {
    /// Reads it; `None` if it is missing or malformed.
    pub(super) fn read() -> Option<Self> {
        let btf = Btf::parse(&fs::read(PATH).ok()?, native::ENDIAN).ok()?;
        let names = ["bpf_map_type", "bpf_prog_type", "bpf_attach_type"];
        let enums = names.into_iter().map(|name| (name, values(&btf, name))).collect();
        Some(KernelBtf { btf, enums })
    }

    /// Whether an enum of `bpf.h` has this value; `None` if the kernel's BTF lacks the enum.
    pub(super) fn has(&self, name: &str, number: u32) -> Option<bool> {
        let values = self.enums.get(name).filter(|values| !values.is_empty())?;
        Some(values.contains(&i64::from(number)))
    }

    /// Finds a function, variable or typedef of this name in the kernel or a module.
    pub(super) fn find(&self, kind: Kind, name: &str) -> Option<Place> {
        if self.btf.find(kind, name).is_some() {
            return Some(Place::Kernel);
        }
        // A module's BTF extends the kernel's, but has its own strings; the name is enough here.
        let wanted = [b"\0", name.as_bytes(), b"\0"].concat();
        let modules = fs::read_dir(FOLDER).ok()?.filter_map(|entry| entry.ok());
        let mut modules = modules.filter(|entry| entry.file_name() != "vmlinux");
        let module = modules.find(|entry| fs::read(entry.path()).is_ok_and(|bytes| contains(&bytes, &wanted)))?;
        Some(Place::Module(module.file_name().to_string_lossy().into_owned()))
    }
}

/// The place of a kernel symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Kernel,
    Module(String),
}

fn values(btf: &Btf, name: &str) -> HashSet<i64> {
    let found = btf.find(Kind::Enum, name).or_else(|| btf.find(Kind::Enum64, name)).map(|id| btf.get(id));
    let Some(Type::Enum(found) | Type::Enum64(found)) = found else { return HashSet::new() };
    // `__MAX_BPF_MAP_TYPE` is the number of a future type.
    let named = found.values.iter().filter(|value| !btf.name(value.name).starts_with("__"));
    named.map(|value| value.value).collect()
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
