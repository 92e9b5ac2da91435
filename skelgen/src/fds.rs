//! The table of file descriptors in the image, which is also the `fd_array` of every program.
//!
//! | run | at rest | holds |
//! |---|---|---|
//! | [`Maps`](Run::Maps) | -1 | the object's maps, so that a map's index is also its slot |
//! | [`JumpTables`](Run::JumpTables) | -1 | the programs' jump tables, in the order of the programs |
//! | [`Fallbacks`](Run::Fallbacks) | -1 | fallback maps of `.percpu` sections |
//! | [`Btf`](Run::Btf) | -1 | the object's BTF |
//! | [`InnerMaps`](Run::InnerMaps) | -1 | the inner maps after which maps of maps are created |
//! | [`ModuleBtfs`](Run::ModuleBtfs) | 0 | BTF of modules; 0 is the kernel's own |
//! | [`Programs`](Run::Programs) | -1 | the programs |
//! | [`Probes`](Run::Probes) | -1 | what the kernel is probed with |
//!
//! The slots of a run follow from the lengths of the runs before it. So the linker can number jump tables before it knows how
//! many there are.

use std::fmt;

use crate::insn::Insn;
use crate::object::MapIdx;
use crate::uapi::{BPF_PSEUDO_MAP_IDX, BPF_PSEUDO_MAP_IDX_VALUE};
use crate::{Error, Result};

/// A slot in the table of file descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FdSlot(pub usize);

impl FdSlot {
    /// The slot of the map that an instruction refers to: `ld_imm64` with `BPF_PSEUDO_MAP_IDX` or
    /// `BPF_PSEUDO_MAP_IDX_VALUE`.
    pub fn referred_to_by(insn: Insn) -> Option<FdSlot> {
        let refers = insn.is_ld_imm64() && matches!(insn.src, BPF_PSEUDO_MAP_IDX | BPF_PSEUDO_MAP_IDX_VALUE);
        refers.then(|| usize::try_from(insn.imm).ok().map(FdSlot)).flatten()
    }

    /// The slot as the immediate of an instruction.
    pub(crate) fn imm(self) -> Result<i32> {
        i32::try_from(self.0).map_err(|_| {
            Error::too_large(format!("file descriptor {self} is past the largest index that an instruction can hold"))
        })
    }
}

impl From<MapIdx> for FdSlot {
    /// The maps are the first run.
    fn from(map: MapIdx) -> FdSlot {
        FdTable::default().slot(Run::Maps, map.0)
    }
}

impl fmt::Display for FdSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Slots in a row that hold the same kind of file descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the module's table describes them")]
pub enum Run {
    Maps,
    JumpTables,
    Fallbacks,
    Btf,
    InnerMaps,
    ModuleBtfs,
    Programs,
    Probes,
}

impl Run {
    /// The runs, in their order.
    pub const ALL: [Run; 8] = [
        Run::Maps,
        Run::JumpTables,
        Run::Fallbacks,
        Run::Btf,
        Run::InnerMaps,
        Run::ModuleBtfs,
        Run::Programs,
        Run::Probes,
    ];

    /// What an image at rest holds in each slot.
    pub(crate) fn at_rest(self) -> i32 {
        if self == Run::ModuleBtfs { 0 } else { -1 }
    }
}

/// The lengths of the runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FdTable {
    lens: [usize; Run::ALL.len()],
}

impl FdTable {
    /// The same table with `len` slots in a run.
    #[must_use]
    pub fn with(mut self, run: Run, len: usize) -> Self {
        self.lens[run as usize] = len;
        self
    }

    /// The slots of a run.
    pub fn len(&self, run: Run) -> usize {
        self.lens[run as usize]
    }

    /// Slot number `index` of a run.
    pub fn slot(&self, run: Run, index: usize) -> FdSlot {
        FdSlot(self.lens[..run as usize].iter().sum::<usize>() + index)
    }

    /// The run of a slot and the slot's number in it; `None` past the end of the table.
    pub fn find(&self, slot: FdSlot) -> Option<(Run, usize)> {
        let mut index = slot.0;
        for run in Run::ALL {
            match index.checked_sub(self.len(run)) {
                None => return Some((run, index)),
                Some(rest) => index = rest,
            }
        }
        None
    }

    /// The map in a slot; `None` if the slot is in another run.
    pub fn map(&self, slot: FdSlot) -> Option<MapIdx> {
        self.find(slot).filter(|&(run, _)| run == Run::Maps).map(|(_, index)| MapIdx(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insn::build::{R1, ld_imm64, mov_imm};
    use crate::uapi::BPF_PSEUDO_FUNC;

    #[test]
    fn each_slot_is_in_one_run() {
        let table = FdTable::default().with(Run::Maps, 2).with(Run::JumpTables, 3).with(Run::Btf, 1);
        let table = table.with(Run::Programs, 2);
        let slots: Vec<_> = (0..9).map(|slot| table.find(FdSlot(slot))).collect();
        let expected = [
            (Run::Maps, 0),
            (Run::Maps, 1),
            (Run::JumpTables, 0),
            (Run::JumpTables, 1),
            (Run::JumpTables, 2),
            (Run::Btf, 0),
            (Run::Programs, 0),
            (Run::Programs, 1),
        ];
        assert_eq!(slots, expected.into_iter().map(Some).chain([None]).collect::<Vec<_>>());
        for (slot, (run, index)) in expected.into_iter().enumerate() {
            assert_eq!(table.slot(run, index), FdSlot(slot));
        }
        assert_eq!((table.map(FdSlot(1)), table.map(FdSlot(2))), (Some(MapIdx(1)), None));
    }

    #[test]
    fn an_instruction_refers_to_a_slot() {
        let slot = |src| FdSlot::referred_to_by(ld_imm64(R1, src, 7, 0)[0]);
        assert_eq!([slot(BPF_PSEUDO_MAP_IDX), slot(BPF_PSEUDO_MAP_IDX_VALUE)], [Some(FdSlot(7)); 2]);
        assert_eq!((slot(BPF_PSEUDO_FUNC), FdSlot::referred_to_by(mov_imm(R1, 7))), (None, None));
    }
}
