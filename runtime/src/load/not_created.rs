//! Maps that are not to be created (`set_autocreate(false)`): the image without what refers to them.
//!
//! ```text
//! step                  creates, fills or freezes it: the map's switch in the image, as for a map that exists
//! BPF_MAP_UPDATE_ELEM   puts it into another map: left out
//! ld_imm64              refers to it: both slots become a call of helper MISSING_MAP + map, which no kernel has
//! ```
//!
//! The verifier looks up a helper only where a program can get to the call, so that code which it finds to be dead may
//! refer to such a map. References are found by decoding the programs, and only if there is such a map: other loads and the
//! image pay nothing for them.
//!
//! libbpf's counterpart is `bpf_program__relocate` with `poison_map_ldimm64`.

use std::collections::{HashMap, HashSet};

use super::lookup::unknown_helper;
use super::patch::Patches;
use crate::desc::{MapDesc, ProgDesc};
use crate::image::{OP_BPF, OP_POINT, Read as _};
use crate::kernel::program::insn;
use crate::open::{OpenMap, Opened};
use crate::sys::attr::{Insn, place};
use crate::sys::uapi::{BPF_MAP_UPDATE_ELEM, BPF_PSEUDO_MAP_IDX, BPF_PSEUDO_MAP_IDX_VALUE, CALL, LD_IMM64};
use crate::{Error, Result};

/// A reference to a map that was not created becomes a call of the helper with this number, and the map's index added. Maps
/// are fewer than the numbers up to [`MISSING_KFUNC`](crate::image::MISSING_KFUNC).
const MISSING_MAP: u32 = 2_001_000_000;
/// Bytes of an instruction's slot.
const SLOT: u32 = size_of::<Insn>() as u32;

/// Leaves the maps out that are not to be created.
pub(super) fn leave_out(opened: &Opened<'_>, maps: &mut [OpenMap], patches: &mut Patches<'_, '_>) -> Result<()> {
    let header = &opened.header;
    // By their entries in the table of descriptors, which are their indexes in programs.
    let mut left_out = HashMap::new();
    for map in maps.iter_mut().filter(|map| !map.autocreate()) {
        let desc = &opened.desc.maps[map.index];
        if desc.reused == 0 {
            return Err(Error::new("leave out map").subject(desc.name).because("this object needs it"));
        }
        map.reuse = None;
        patches.word(desc.reused, 0, 1);
        left_out.insert((desc.fd - header.fds) / 4, map.index as u32);
    }
    if left_out.is_empty() {
        return Ok(());
    }
    // What the pointers in attrs point to, by the pointers' places.
    let pointed: HashMap<u32, u32> =
        patches.steps().filter(|(_, step)| step.op == OP_POINT).map(|(_, step)| (step.out, step.arg)).collect();
    let fds: HashSet<u32> = left_out.keys().map(|entry| header.fds + entry * 4).collect();
    for (index, step) in patches.steps().filter(|(_, step)| step.op == OP_BPF && step.cmd == BPF_MAP_UPDATE_ELEM.0) {
        let value = step.arg.checked_add(place!(MapElem.value)).and_then(|at| pointed.get(&at));
        if value.is_some_and(|value| fds.contains(value)) {
            patches.leave_out(index)?;
        }
    }
    opened.desc.progs.iter().try_for_each(|program| poison(opened, program, &left_out, &pointed, patches))
}

/// Replaces the references of a program, in each of its forms.
fn poison(
    opened: &Opened<'_>,
    program: &ProgDesc<'_>,
    left_out: &HashMap<u32, u32>,
    pointed: &HashMap<u32, u32>,
    patches: &mut Patches<'_, '_>,
) -> Result<()> {
    let image = opened.image();
    for &attr in program.attrs {
        let lost = || Error::new("prepare program").subject(program.name).because("its instructions are not inside");
        let insns = attr.checked_add(place!(ProgLoad.insns)).and_then(|at| pointed.get(&at)).ok_or_else(lost)?;
        let count = attr.checked_add(place!(ProgLoad.insn_cnt)).and_then(|at| image.u32(at)).ok_or_else(lost)?;
        let len = count.checked_mul(SLOT).ok_or_else(lost)?;
        let end = insns.checked_add(len).filter(|&end| end as usize <= image.len()).ok_or_else(lost)?;
        for at in (*insns..end).step_by(SLOT as usize) {
            let Some(map) = map_of(image, at).and_then(|entry| left_out.get(&entry)) else { continue };
            let number = MISSING_MAP.saturating_add(*map).cast_signed();
            let [c0, c1, c2, c3, i0, i1, i2, i3] = insn(CALL, 0, 0, 0, number);
            let call = [[c0, c1, c2, c3], [i0, i1, i2, i3]].map(u32::from_ne_bytes);
            for (offset, word) in [(0, call[0]), (4, call[1]), (SLOT, call[0]), (SLOT + 4, call[1])] {
                patches.at(at, offset, word)?;
            }
        }
    }
    Ok(())
}

/// The entry in the table of descriptors that the instruction at `at` refers to, if it refers to a map.
fn map_of(image: &[u8], at: u32) -> Option<u32> {
    let [code, regs, ..] = image.u32(at)?.to_ne_bytes();
    let src = if cfg!(target_endian = "little") { regs >> 4 } else { regs & 0xf };
    let is_map = code == LD_IMM64 && [BPF_PSEUDO_MAP_IDX, BPF_PSEUDO_MAP_IDX_VALUE].contains(&src);
    if is_map { image.u32(at.checked_add(4)?) } else { None }
}

/// Which map that was not created a refused program uses, by the verifier's log.
pub(super) fn reached<'a>(log: &str, maps: &'a [MapDesc<'_>]) -> Option<&'a str> {
    let map = unknown_helper(log)?.checked_sub(MISSING_MAP)?;
    maps.get(map as usize).map(|map| map.name)
}
