//! Where programs refer to variables in the arena, whose place is known on the target only.

use skelgen_abi::attr::place;

use super::assemble::Assembler;
use super::image::BlobOff;
use crate::insn::INSN_SIZE;
use crate::link::Program;

/// Place of `imm` in an instruction.
const AT_IMM: u32 = place!(Insn.imm);

impl Assembler<'_> {
    /// Notes where a program, whose code is at `code`, refers to variables in the arena.
    pub(super) fn arena_offsets(&mut self, program: &Program, code: BlobOff) {
        for (slot, insn) in program.insns.iter().enumerate() {
            let map = usize::try_from(insn.imm).ok().filter(|_| insn.is_map_value());
            if let Some(map) = map.filter(|&map| self.plan.maps.get(map).is_some_and(|map| map.arena.is_some())) {
                // The offset is the upper half.
                self.maps[map].offsets.push(code.plus((slot as u32 + 1) * INSN_SIZE as u32 + AT_IMM));
            }
        }
    }
}
