//! What a function begins with that looks its per-CPU data up.

use std::collections::BTreeMap;

use super::WITHOUT_LOOKUP;
use super::helpers;
use super::regs::Regs;
use crate::fds::FdSlot;
use crate::insn::Insn;
use crate::insn::build::*;
use crate::insn::limits::MAX_BPF_STACK;
use crate::object::MapIdx;
use crate::uapi::*;
use crate::{Error, Result};

/// Bytes of a stack slot that holds a register.
const SLOT: u32 = 8;

/// A function's prologue: what it keeps, and where.
#[derive(Clone, Debug)]
pub(super) struct Prologue {
    /// The arguments to keep across the lookups, each with its place.
    kept: Vec<(Reg, Place)>,
    /// The sections that the function uses: the map's index, and the offset from `r10` of the pointer to its value.
    sections: Vec<(MapIdx, i16)>,
    /// What the function does if a lookup finds nothing.
    missing: Missing,
    /// The frame's bytes, these slots included.
    pub(super) depth: u32,
}

/// What follows a lookup that finds nothing. None ever does, but older kernels do not know it.
#[derive(Clone, Debug)]
pub(super) enum Missing {
    /// The function returns this.
    Return(i32),
    /// It goes on with the value of the map that stands in for the section's, so that what it returns or fills in is
    /// what its caller expects.
    StandIn(BTreeMap<MapIdx, FdSlot>),
}

/// Where an argument waits.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// `r6` to `r9` are free when a function is entered.
    Register(Reg),
    /// At this offset from `r10`.
    Stack(i16),
}

impl Prologue {
    /// Lays the slots out below the `depth` bytes that the function uses: a pointer for each of the maps `sections`,
    /// and under them the fifth argument, if all five are `live`.
    pub(super) fn new(
        sections: impl IntoIterator<Item = MapIdx>,
        live: Regs,
        depth: u32,
        missing: Missing,
    ) -> Result<Self> {
        let mut depth = depth.next_multiple_of(SLOT);
        let mut slot = || {
            depth += SLOT;
            if depth > MAX_BPF_STACK {
                let words = format!(
                    "needs more than {MAX_BPF_STACK} bytes of stack with the lookup of its per-CPU data{WITHOUT_LOOKUP}"
                );
                return Err(Error::too_large(words));
            }
            Ok(-(depth as i16))
        };
        let sections = sections.into_iter().map(|map| Ok((map, slot()?))).collect::<Result<_>>()?;
        let mut registers = [R6, R7, R8, R9].into_iter();
        let kept = [R1, R2, R3, R4, R5].into_iter().filter(|reg| live.has(reg.n()));
        let kept = kept.map(|reg| match registers.next() {
            Some(free) => Ok((reg, Place::Register(free))),
            None => Ok((reg, Place::Stack(slot()?))),
        });
        let kept = kept.collect::<Result<_>>()?;
        Ok(Prologue { kept, sections, missing, depth })
    }

    /// The prologue itself.
    pub(super) fn insns(&self) -> Result<Vec<Insn>> {
        let mut out = Vec::new();
        for &(arg, place) in &self.kept {
            out.push(match place {
                Place::Register(free) => mov(free, arg),
                Place::Stack(slot) => store(Size::DW, R10, slot, arg),
            });
        }
        for &(map, slot) in &self.sections {
            out.extend(self.look_up(map, slot)?);
        }
        for &(arg, place) in &self.kept {
            out.push(match place {
                Place::Register(free) => mov(arg, free),
                Place::Stack(slot) => load(Size::DW, arg, R10, slot),
            });
        }
        Ok(out)
    }

    /// `*(u64 *)(r10 + slot) = bpf_map_lookup_elem(map, &0)`; the key lies where the pointer will.
    fn look_up(&self, map: MapIdx, slot: i16) -> Result<Vec<Insn>> {
        let missing = match &self.missing {
            Missing::Return(value) => [mov_imm(R0, *value), exit()],
            Missing::StandIn(stand_ins) => {
                let stand_in =
                    stand_ins.get(&map).ok_or_else(|| Error::malformed(format!("no fallback map replaces {map}")))?;
                ld_imm64(R0, BPF_PSEUDO_MAP_IDX_VALUE, stand_in.imm()?, 0)
            }
        };
        let [map, upper] = ld_imm64(R1, BPF_PSEUDO_MAP_IDX, FdSlot::from(map).imm()?, 0);
        Ok(vec![
            store_imm(Size::W, R10, slot, 0),
            mov(R2, R10),
            alu_imm(BPF_ADD, R2, slot.into()),
            map,
            upper,
            call(helpers::MAP_LOOKUP_ELEM),
            jump_imm(BPF_JNE, R0, 0, missing.len() as i16),
            missing[0],
            missing[1],
            store(Size::DW, R10, slot, R0),
        ])
    }

    /// `dst = &section + offset`, in two slots, for the section that is `map`; `None` if this prologue has it not.
    pub(super) fn address(&self, dst: Reg, map: MapIdx, offset: i32) -> Option<[Insn; 2]> {
        let &(_, slot) = self.sections.iter().find(|&&(of, _)| of == map)?;
        Some([load(Size::DW, dst, R10, slot), alu_imm(BPF_ADD, dst, offset)])
    }
}
