//! An assembler with labels: no jump distance is counted by hand.

use crate::insn::Insn;
use crate::insn::build::{Reg, ja, jump, jump_imm, ld_imm64};
use crate::uapi::BPF_PSEUDO_FUNC;

/// A place in the program, to jump to before or after it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label(usize);

/// How a slot holds the distance to its label.
enum Fixup {
    /// In `off`.
    Jump,
    /// In `imm`, of the first slot of an `ld_imm64`.
    FuncAddr,
}

/// Instructions, with the labels placed among them and the slots that refer to them.
#[derive(Default)]
pub(crate) struct Asm {
    insns: Vec<Insn>,
    places: Vec<Option<usize>>,
    fixups: Vec<(usize, Label, Fixup)>,
}

impl Asm {
    pub(crate) fn label(&mut self) -> Label {
        self.places.push(None);
        Label(self.places.len() - 1)
    }

    /// Puts `label` before the next instruction.
    pub(crate) fn place(&mut self, label: Label) {
        self.places[label.0] = Some(self.insns.len());
    }

    pub(crate) fn emit(&mut self, insn: Insn) -> &mut Self {
        self.insns.push(insn);
        self
    }

    /// The slot of the next instruction.
    pub(crate) fn here(&self) -> usize {
        self.insns.len()
    }

    /// `goto label`
    pub(crate) fn goto(&mut self, label: Label) {
        self.refer(label, Fixup::Jump);
        self.emit(ja(0));
    }

    /// `if reg op imm goto label`
    pub(crate) fn goto_if_imm(&mut self, op: u8, reg: Reg, imm: i32, label: Label) {
        self.refer(label, Fixup::Jump);
        self.emit(jump_imm(op, reg, imm, 0));
    }

    /// `if dst op src goto label`
    pub(crate) fn goto_if(&mut self, op: u8, dst: Reg, src: Reg, label: Label) {
        self.refer(label, Fixup::Jump);
        self.emit(jump(op, dst, src, 0));
    }

    /// `reg = &function` (`BPF_PSEUDO_FUNC`)
    pub(crate) fn func_addr(&mut self, reg: Reg, function: Label) {
        self.refer(function, Fixup::FuncAddr);
        self.wide(ld_imm64(reg, BPF_PSEUDO_FUNC, 0, 0));
    }

    /// A two-slot instruction.
    pub(crate) fn wide(&mut self, [low, high]: [Insn; 2]) {
        self.emit(low).emit(high);
    }

    fn refer(&mut self, label: Label, fixup: Fixup) {
        self.fixups.push((self.insns.len(), label, fixup));
    }

    /// The program, every label resolved.
    ///
    /// # Panics
    ///
    /// If a label was never placed or is out of a jump's reach: a mistake in this crate's own program, which no input
    /// can cause and which every use of it would show.
    pub(crate) fn finish(mut self) -> Vec<Insn> {
        for (slot, label, fixup) in self.fixups {
            let place = self.places[label.0].expect("every label is placed");
            let distance = place as i64 - slot as i64 - 1;
            match fixup {
                Fixup::Jump => self.insns[slot].off = distance.try_into().expect("jumps are short"),
                Fixup::FuncAddr => self.insns[slot].imm = distance.try_into().expect("the program is short"),
            }
        }
        self.insns
    }
}
