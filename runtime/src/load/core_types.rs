//! Relocations that the kernel's CO-RE refuses, put into the instructions here.
//!
//! The kernel is asked first, so that a load which needs none of this pays for none of it. Once it has given up on one,
//! those of all programs that ask about types are resolved, and left out of what the kernel gets.

use std::iter;

use super::object_btf;
use super::patch::Patches;
use crate::Result;
use crate::btf::{Blob, TypeId, Types};
use crate::core_relo::{KernelTypes, TypeRelo};
use crate::image::{OP_BPF, OP_POINT, Read as _, Step};
use crate::open::Opened;
use crate::sys::attr::{self, CoreRelo, place};
use crate::sys::uapi::{BPF_PROG_LOAD, BPF_X, LD_IMM64};

/// Words of a [`CoreRelo`].
const RELO_WORDS: u32 = size_of::<CoreRelo>() as u32 / 4;
/// Bytes of an instruction, and the place of its immediate.
const INSN_SIZE: u32 = size_of::<attr::Insn>() as u32;
const IMM: u32 = place!(Insn.imm);

/// Whether this log is of a kernel that could not compare a type with its own (`bpf_core_calc_relo_insn` in
/// `tools/lib/bpf/relo_core.c`, which the kernel is built with).
pub(super) fn is_refused(log: &str) -> bool {
    log.contains(": error matching candidate #")
}

/// What to write over the image for the kernel to have no relocations of types left; none if nothing can be resolved.
pub(super) fn words(opened: &Opened<'_>, patches: &Patches<'_, '_>) -> Result<Vec<(u32, u32)>> {
    let mut words = Vec::new();
    let types = object_btf::step(opened).and_then(|(_, load)| object_btf::bytes(opened, &load));
    // The kernel has taken them.
    let Some(Ok(blob)) = types.map(|bytes| Blob::parse(bytes, None)) else { return Ok(words) };
    let mut kernel = KernelTypes::read()?;
    let is_loaded = |step: &Step| step.op == OP_BPF && step.cmd == BPF_PROG_LOAD.0 && !patches.is_set(step.unless);
    for (_, step) in patches.steps().filter(|(_, step)| is_loaded(step)) {
        if let Some(program) = Program::of(opened, &step) {
            program.resolve(Types::new(&blob, None), &mut kernel, &mut words)?;
        }
    }
    Ok(words)
}

/// A program as the image has it for the kernel.
struct Program<'a> {
    image: &'a [u8],
    insns: u32,
    insn_count: u32,
    relos: u32,
    relo_count: u32,
    /// Where the count stands.
    count_at: u32,
}

/// A relocation, where it stands.
#[derive(Clone, Copy)]
struct Relo {
    words: [u32; RELO_WORDS as usize],
}

impl<'a> Program<'a> {
    /// The program that `load` loads, if it has relocations.
    fn of(opened: &'a Opened<'_>, load: &Step) -> Option<Self> {
        let image = opened.image();
        let at = |place: u32| load.arg.checked_add(place);
        let pointed = |place: u32| {
            let place = at(place)?;
            opened.header.steps(image).find(|step| step.op == OP_POINT && step.out == place).map(|step| step.arg)
        };
        let count_at = at(place!(ProgLoad.core_relo_cnt))?;
        Some(Program {
            image,
            insns: pointed(place!(ProgLoad.insns))?,
            insn_count: image.u32(at(place!(ProgLoad.insn_cnt))?)?,
            relos: pointed(place!(ProgLoad.core_relos))?,
            relo_count: image.u32(count_at)?,
            count_at,
        })
    }

    fn relos(&self) -> impl Iterator<Item = Relo> {
        (0..self.relo_count).map_while(|index| {
            let at = self.relos.checked_add(index.checked_mul(RELO_WORDS * 4)?)?;
            let word = |word: u32| self.image.u32(at.checked_add(word * 4)?);
            Some(Relo { words: [word(0)?, word(1)?, word(2)?, word(3)?] })
        })
    }

    /// Adds what to write for the relocations that can be resolved: into instructions, and to leave them out.
    fn resolve(&self, local: Types<'_>, kernel: &mut KernelTypes, words: &mut Vec<(u32, u32)>) -> Result<()> {
        let mut left = Vec::new();
        let mut count = 0;
        for relo in self.relos() {
            count += 1;
            match self.resolved(relo, local, kernel)? {
                Some(patch) => words.extend(patch),
                None => left.push(relo),
            }
        }
        // Those that are left move together.
        if left.len() < count {
            words.extend((self.relos..).step_by(4).zip(left.iter().flat_map(|relo| relo.words)));
            words.push((self.count_at, left.len() as u32));
        }
        Ok(())
    }

    /// The words of the instruction that the relocation is of.
    fn resolved(
        &self,
        relo: Relo,
        local: Types<'_>,
        kernel: &mut KernelTypes,
    ) -> Result<Option<impl Iterator<Item = (u32, u32)> + use<>>> {
        let [offset, type_id, access, kind] = relo.words;
        let Some(kind) = TypeRelo::of(kind).filter(|_| local.string(access) == b"0") else { return Ok(None) };
        let id = TypeId(type_id);
        let Some(insn) = Insn::at(self, offset) else { return Ok(None) };
        if kind.expected(local, id).is_some_and(|expected| insn.value != expected) {
            return Ok(None);
        }
        Ok(kind.resolve(local, id, kernel)?.and_then(|value| insn.with(value)))
    }
}

/// An instruction that a relocation of a type can be of.
#[derive(Clone, Copy)]
struct Insn {
    at: u32,
    value: u64,
    is_wide: bool,
}

impl Insn {
    /// `ld_imm64` of a number, and arithmetic with one.
    fn at(program: &Program<'_>, offset: u32) -> Option<Insn> {
        let index = offset / INSN_SIZE;
        let at = program.insns.checked_add(offset)?;
        let word = |place: u32| program.image.u32(at.checked_add(place)?);
        let [code, regs, off @ ..] = word(0)?.to_ne_bytes();
        let src = if cfg!(target_endian = "little") { regs >> 4 } else { regs & 0xf };
        let imm = word(IMM)?;
        if !offset.is_multiple_of(INSN_SIZE) || index >= program.insn_count {
            return None;
        }
        if code == LD_IMM64 && src == 0 && off == [0; 2] && index + 1 < program.insn_count && word(INSN_SIZE)? == 0 {
            let high = word(INSN_SIZE + IMM)?;
            return Some(Insn { at, value: u64::from(high) << 32 | u64::from(imm), is_wide: true });
        }
        // BPF_ALU and BPF_ALU64, with an immediate; the kernel compares it as a number with a sign.
        let is_alu = matches!(code & 7, 4 | 7) && code & BPF_X == 0;
        is_alu.then(|| Insn { at, value: i64::from(imm.cast_signed()).cast_unsigned(), is_wide: false })
    }

    /// The words for it to have `value`; `None` if there is no room for so much.
    fn with(self, value: u64) -> Option<impl Iterator<Item = (u32, u32)> + use<>> {
        let (low, high) = (value as u32, (value >> 32) as u32);
        if !self.is_wide && high != 0 {
            return None;
        }
        let upper = self.is_wide.then_some((self.at + INSN_SIZE + IMM, high));
        Some(iter::once((self.at + IMM, low)).chain(upper))
    }
}
