//! Maps.

use super::{KconfigDesc, StructOpsDesc};

/// One map. Sizes and flags are those of `BPF_MAP_CREATE`.
#[derive(Clone, Copy, Debug)]
pub struct MapDesc<'a> {
    /// The map's name in the source; a data section's is the section's.
    pub name: &'a str,
    /// `enum bpf_map_type`.
    pub map_type: u32,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value.
    pub value_size: u32,
    /// Entries.
    pub max_entries: u32,
    /// `BPF_F_*`.
    pub map_flags: u32,
    /// Places of the attrs that can create this map, native and lowered.
    pub attrs: &'a [u32],
    /// Place of the map's entry in the table of descriptors.
    pub fd: u32,
    /// Place of the word that, if not 0, says that `fd` holds a map which exists, or that none is wanted: it is not
    /// created, filled or frozen. 0 if the map cannot be replaced.
    pub reused: u32,
    /// What makes it a data section.
    pub data: Option<DataDesc<'a>>,
    /// The object's variables that lie in it, if it is an arena and there are such.
    pub arena: Option<ArenaDesc<'a>>,
    /// `enum libbpf_pin_type`: 1 pins by name, 0 does not.
    pub pinning: u32,
    /// What makes it a struct_ops map.
    pub struct_ops: Option<StructOpsDesc<'a>>,
}

/// A map that holds a section's variables: an array of one value.
#[derive(Clone, Copy, Debug)]
pub struct DataDesc<'a> {
    /// Which kind of variables.
    pub kind: DataKind,
    /// Where in the image the value's first bytes are, and how many; `None` if they are all 0.
    pub init: Option<(u32, u32)>,
    /// The ELF section's name.
    pub section: &'a str,
    /// Whether every program keeps the map, those that do not use it too: it is `.rodata` and has variables that tell
    /// something of the programs, `bpf_metadata_*`.
    pub metadata: bool,
    /// In `.kconfig`, which is [`DataKind::Kconfig`]: the variables that get their values at load.
    pub kconfig: &'a [KconfigDesc<'a>],
}

/// The variables that lie in an arena.
#[derive(Clone, Copy, Debug)]
pub struct ArenaDesc<'a> {
    /// Their bytes.
    pub size: u32,
    /// Where in the image their first bytes are, and how many; `None` if they are all 0.
    pub init: Option<(u32, u32)>,
    /// Places of words in programs, each an offset among the variables: where in the arena they lie is added.
    pub offsets: &'a [u32],
}

/// A kind of data section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataKind {
    /// `.data`: anyone can write it.
    Data,
    /// `.rodata`: frozen once loaded.
    Rodata,
    /// `.bss`: as [`DataKind::Data`], all 0 at first.
    Bss,
    /// `.percpu`: each CPU has its own.
    PerCpu,
    /// `.kconfig`: filled with what the kernel is configured with, then frozen as [`DataKind::Rodata`] is.
    Kconfig,
}

impl MapDesc<'_> {
    /// Where the first bytes of its variables are, and how many variables have: a data section's or an arena's.
    #[must_use]
    pub fn variables(&self) -> Option<(Option<(u32, u32)>, u32)> {
        match (&self.data, &self.arena) {
            (Some(data), _) => Some((data.init, self.value_size)),
            (None, Some(arena)) => Some((arena.init, arena.size)),
            (None, None) => None,
        }
    }
}
