//! Random programs that the verifier takes: all that is read was written, all that is accessed is inside its section.

use skelgen::insn::Insn;
use skelgen::insn::build::*;
use skelgen::object::{FuncIdx, Function, MapIdx, Reloc, Target};
use skelgen::uapi::*;
use skelgen_tests::random::Random;

use super::{GET_SMP_PROCESSOR_ID, PROBE_READ_KERNEL, SECTION_SIZES};
use crate::in_memory::{PROGRAM, function};

const REGS: [Reg; 10] = [R0, R1, R2, R3, R4, R5, R6, R7, R8, R9];

/// Slots of a frame for whatever a function puts aside. Counters of loops are below them.
const SLOTS: usize = 6;

/// The kinds of step that a function is made of.
const STEPS: [fn(&mut Writer<'_>, usize); 20] = [
    |writer, _| writer.constant(),
    |writer, _| writer.arithmetic(),
    |writer, _| writer.arithmetic(),
    |writer, _| writer.address(),
    |writer, _| writer.move_address(),
    |writer, _| writer.variable_index(),
    |writer, _| writer.load(),
    |writer, _| writer.load(),
    |writer, _| writer.store(),
    |writer, _| writer.store(),
    |writer, _| writer.store(),
    |writer, _| writer.atomic(),
    |writer, _| writer.put_aside(),
    |writer, _| writer.take_back(),
    |writer, _| writer.callers_slot(),
    |writer, _| writer.argument(),
    |writer, _| writer.helper(),
    |writer, _| writer.call(),
    |writer, left| writer.branch(left),
    |writer, left| writer.repeat(left),
];

/// What is known of a register or of a stack slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Not to be read.
    Unknown,
    Number,
    /// An address in a section, from `at` up to `slack` bytes further.
    Section {
        map: usize,
        at: i64,
        slack: i64,
    },
    /// The address of a number in the caller's frame.
    CallersSlot,
    Context,
}

/// What a function takes and gives back.
struct Signature {
    params: Vec<Kind>,
    result: Kind,
}

/// The functions of a program, its entry first; the first is to become function number `base` of the object.
pub(super) fn program(name: &str, seed: u64, base: usize) -> Vec<Function> {
    let mut random = Random(seed);
    let mut signatures = vec![Signature { params: vec![Kind::Context], result: Kind::Number }];
    for _ in 0..random.below(4) {
        let params = (0..random.pick(&[0, 1, 2, 3, 4, 5, 5])).map(|_| parameter(&mut random)).collect();
        let result = if random.one_in(4) { exact(&mut random) } else { Kind::Number };
        signatures.push(Signature { params, result });
    }
    let functions = (0..signatures.len()).map(|index| {
        let (insns, calls) = Writer::new(&mut random, &signatures, index).write();
        let relocs = calls.into_iter().map(|(insn, target)| Reloc {
            insn,
            target: match target {
                Target::Call(FuncIdx(callee)) => Target::Call(FuncIdx(base + callee)),
                other => other,
            },
        });
        let section = if index == 0 { PROGRAM } else { ".text" };
        function(if index == 0 { name.to_owned() } else { format!("{name}_{index}") }, section, insns, relocs.collect())
    });
    functions.collect()
}

fn parameter(random: &mut Random) -> Kind {
    match random.below(5) {
        0 => exact(random),
        1 => Kind::CallersSlot,
        _ => Kind::Number,
    }
}

/// An address that is known.
fn exact(random: &mut Random) -> Kind {
    let map = random.below(SECTION_SIZES.len());
    Kind::Section { map, at: 4 * random.below(SECTION_SIZES[map] / 4 - 1) as i64, slack: 0 }
}

/// Writes one function.
struct Writer<'a> {
    random: &'a mut Random,
    signatures: &'a [Signature],
    /// Which function this is: it calls only those behind it.
    index: usize,
    insns: Vec<Insn>,
    relocs: Vec<(usize, Target)>,
    regs: [Kind; 10],
    slots: [Kind; SLOTS],
    /// Whether it has a loop, of which the verifier goes through each round.
    has_loop: bool,
}

impl<'a> Writer<'a> {
    fn new(random: &'a mut Random, signatures: &'a [Signature], index: usize) -> Self {
        let mut regs = [Kind::Unknown; 10];
        let params = &signatures[index].params;
        regs[1..=params.len()].copy_from_slice(params);
        let slots = [Kind::Unknown; SLOTS];
        Writer { random, signatures, index, insns: Vec::new(), relocs: Vec::new(), regs, slots, has_loop: false }
    }

    fn write(mut self) -> (Vec<Insn>, Vec<(usize, Target)>) {
        if self.index > 0 && self.random.one_in(2) {
            self.read_arguments();
        }
        let steps = 3 + self.random.below(14);
        self.block(steps);
        self.finish();
        (self.insns, self.relocs)
    }

    /// `*(u64 *)(r10 - 8) = r0 = r1 ^ r2 ^ ...`, of addresses what is there. By chance alone few arguments are read
    /// before something else is in their registers.
    fn read_arguments(&mut self) {
        self.insns.push(mov_imm(R0, 0));
        let params = self.signatures[self.index].params.len();
        for &reg in &REGS[1..=params] {
            match self.kind(reg) {
                Kind::Number => {}
                Kind::Section { .. } => self.insns.push(load(Size::W, reg, reg, 0)),
                _ => self.insns.push(load(Size::DW, reg, reg, 0)),
            }
            self.insns.push(alu(BPF_XOR, R0, reg));
            self.is(reg, Kind::Number);
        }
        self.insns.push(store(Size::DW, R10, slot_at(0), R0));
        self.is(R0, Kind::Number);
        self.slots[0] = Kind::Number;
    }

    fn block(&mut self, steps: usize) {
        for _ in 0..steps {
            self.random.pick(&STEPS)(self, steps / 2);
        }
    }

    fn kind(&self, reg: Reg) -> Kind {
        self.regs[usize::from(reg.n())]
    }

    fn is(&mut self, reg: Reg, kind: Kind) -> Reg {
        self.regs[usize::from(reg.n())] = kind;
        reg
    }

    /// Any register but `others`, to be written.
    fn free(&mut self, others: &[Reg]) -> Reg {
        let free: Vec<Reg> = REGS.into_iter().filter(|reg| !others.contains(reg)).collect();
        self.random.pick(&free)
    }

    /// A register of this kind, if there is one.
    fn find(&mut self, is: impl Fn(Kind) -> bool) -> Option<Reg> {
        let found: Vec<Reg> = REGS.into_iter().filter(|&reg| is(self.kind(reg))).collect();
        (!found.is_empty()).then(|| self.random.pick(&found))
    }

    /// A number in a register other than `other`.
    fn number(&mut self, other: &[Reg]) -> Reg {
        match self.find(|kind| kind == Kind::Number) {
            Some(reg) if !other.contains(&reg) => reg,
            _ => {
                let reg = self.free(other);
                self.number_in(reg)
            }
        }
    }

    fn number_in(&mut self, reg: Reg) -> Reg {
        let value = self.random.number();
        self.insns.push(mov_imm(reg, value));
        self.is(reg, Kind::Number)
    }

    fn constant(&mut self) {
        let (reg, low, high) = (self.free(&[]), self.random.number(), self.random.number());
        self.insns.extend(ld_imm64(reg, 0, low, high));
        self.is(reg, Kind::Number);
    }

    fn arithmetic(&mut self) {
        let dst = self.number(&[]);
        let op = self.random.pick(&[
            BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_MOD, BPF_OR, BPF_AND, BPF_XOR, BPF_LSH, BPF_RSH, BPF_ARSH, BPF_NEG,
            BPF_MOV,
        ]);
        let class = self.random.pick(&[BPF_ALU, BPF_ALU64]);
        let is_shift = matches!(op, BPF_LSH | BPF_RSH | BPF_ARSH);
        let insn = if op == BPF_NEG {
            alu_imm(op, dst, 0)
        } else if is_shift {
            alu_imm(op, dst, self.random.below(32) as i32)
        } else if self.random.one_in(2) {
            // No division by a 0 that can be seen.
            let value = self.random.number();
            alu_imm(op, dst, if value == 0 { 3 } else { value })
        } else {
            let src = self.number(&[dst]);
            alu(op, dst, src)
        };
        self.insns.push(Insn { code: insn.code & !BPF_ALU64 | class, ..insn });
    }

    /// `reg = &section + at`
    fn address_in(&mut self, reg: Reg, kind: Kind) -> Reg {
        let Kind::Section { map, at, slack: 0 } = kind else { unreachable!("a known address") };
        self.relocs.push((self.insns.len(), Target::MapValue(MapIdx(map), at as i32)));
        self.insns.extend(ld_imm64(reg, 0, 0, 0));
        self.is(reg, kind)
    }

    fn address(&mut self) {
        let (reg, kind) = (self.free(&[]), exact(self.random));
        self.address_in(reg, kind);
    }

    /// A register with an address in a section; new or not.
    fn some_address(&mut self, other: &[Reg]) -> Reg {
        match self.find(|kind| matches!(kind, Kind::Section { .. })) {
            Some(reg) if !other.contains(&reg) => reg,
            _ => {
                let (reg, kind) = (self.free(other), exact(self.random));
                self.address_in(reg, kind)
            }
        }
    }

    /// An address that comes of another one.
    fn move_address(&mut self) {
        let from = self.some_address(&[]);
        let Kind::Section { map, at, slack } = self.kind(from) else { unreachable!("an address") };
        let to = self.free(&[]);
        let room = SECTION_SIZES[map] as i64 - 4 - slack - at;
        let by = 4 * self.random.below(room as usize / 4 + 1) as i64;
        if to != from {
            self.insns.push(mov(to, from));
        }
        self.insns.push(alu_imm(BPF_ADD, to, by as i32));
        self.is(to, Kind::Section { map, at: at + by, slack });
    }

    /// `address = &section + at + 8 * (index & 3)`
    fn variable_index(&mut self) {
        let from = self.number(&[]);
        let index = self.free(&[from]);
        self.insns.extend([mov(index, from), alu_imm(BPF_AND, index, 3), alu_imm(BPF_LSH, index, 3)]);
        self.is(index, Kind::Number);
        let reg = self.free(&[index]);
        let map = self.random.below(SECTION_SIZES.len());
        let at = 4 * self.random.below((SECTION_SIZES[map] - 24) / 4) as i64;
        self.address_in(reg, Kind::Section { map, at, slack: 0 });
        self.insns.push(add(reg, index));
        self.is(reg, Kind::Section { map, at, slack: 24 });
    }

    /// An access that fits the address: its width, and its offset in the instruction.
    fn access(&mut self, address: Reg, widths: &[(Size, i64)]) -> Option<(Size, i16)> {
        let Kind::Section { map, at, slack } = self.kind(address) else { unreachable!("an address") };
        let (size, width) = self.random.pick(widths);
        let end = SECTION_SIZES[map] as i64 - slack - width;
        let places: Vec<i64> = (0..=end).filter(|place| place % width == 0).collect();
        // Before the address or behind it.
        let place = places.get(self.random.below(places.len().max(1)))?;
        Some((size, (place - at) as i16))
    }

    fn load(&mut self) {
        let address = self.some_address(&[]);
        let widths = [(Size::B, 1), (Size::H, 2), (Size::W, 4), (Size::DW, 8)];
        if let Some((size, off)) = self.access(address, &widths) {
            let to = self.free(&[]);
            self.insns.push(load(size, to, address, off));
            self.is(to, Kind::Number);
        }
    }

    fn store(&mut self) {
        let address = self.some_address(&[]);
        let widths = [(Size::B, 1), (Size::H, 2), (Size::W, 4), (Size::DW, 8)];
        if let Some((size, off)) = self.access(address, &widths) {
            let insn = if self.random.one_in(4) {
                store_imm(size, address, off, self.random.number())
            } else {
                let value = self.number(&[address]);
                store(size, address, off, value)
            };
            self.insns.push(insn);
        }
    }

    fn atomic(&mut self) {
        let address = self.some_address(&[R0]);
        let Some((size, off)) = self.access(address, &[(Size::W, 4), (Size::DW, 8)]) else { return };
        let plain = [BPF_ADD, BPF_OR, BPF_AND, BPF_XOR].map(i32::from);
        let op = match self.random.below(4) {
            0 => BPF_XCHG,
            1 => BPF_CMPXCHG,
            2 => self.random.pick(&plain),
            _ => self.random.pick(&plain) | BPF_FETCH,
        };
        let value = self.number(&[address, R0]);
        if op == BPF_CMPXCHG {
            if self.random.one_in(2) {
                // So that it is there now and then.
                self.insns.push(load(size, R0, address, off));
            } else if self.kind(R0) != Kind::Number {
                self.number_in(R0);
            }
            self.is(R0, Kind::Number);
        }
        let insn = store(size, address, off, value);
        self.insns.push(Insn { code: insn.code & 0x1f | BPF_ATOMIC, imm: op, ..insn });
    }

    /// Whatever is known is put on the stack.
    fn put_aside(&mut self) {
        let Some(reg) = self.find(|kind| kind != Kind::Unknown) else { return };
        let slot = self.random.below(SLOTS);
        self.insns.push(store(Size::DW, R10, slot_at(slot), reg));
        self.slots[slot] = self.kind(reg);
    }

    fn take_back(&mut self) {
        let slot = self.random.below(SLOTS);
        if self.slots[slot] != Kind::Unknown {
            let reg = self.free(&[]);
            self.insns.push(load(Size::DW, reg, R10, slot_at(slot)));
            self.is(reg, self.slots[slot]);
        }
    }

    /// Reads or writes the number in the caller's frame that this was given.
    fn callers_slot(&mut self) {
        let Some(address) = self.find(|kind| kind == Kind::CallersSlot) else { return };
        if self.random.one_in(2) {
            let value = self.number(&[address]);
            self.insns.push(store(Size::DW, address, 0, value));
        } else {
            let to = self.free(&[]);
            self.insns.push(load(Size::DW, to, address, 0));
            self.is(to, Kind::Number);
        }
    }

    /// One of the two words that the program is run with.
    fn argument(&mut self) {
        let Some(context) = self.find(|kind| kind == Kind::Context) else { return };
        let (to, off) = (self.free(&[]), self.random.pick(&[0, 8]));
        self.insns.push(load(Size::DW, to, context, off));
        self.is(to, Kind::Number);
    }

    fn helper(&mut self) {
        if self.random.one_in(2) {
            self.insns.push(call(GET_SMP_PROCESSOR_ID));
        } else {
            // Eight bytes, neither of them partly of the other: the helper need not read before it writes.
            for reg in [R1, R3] {
                let map = self.random.below(SECTION_SIZES.len());
                let at = 8 * self.random.below(SECTION_SIZES[map] / 8) as i64;
                self.address_in(reg, Kind::Section { map, at, slack: 0 });
            }
            self.insns.extend([mov_imm(R2, 8), call(PROBE_READ_KERNEL)]);
        }
        self.is_called(Kind::Number);
    }

    fn is_called(&mut self, result: Kind) {
        self.regs[1..6].fill(Kind::Unknown);
        self.is(R0, result);
    }

    fn call(&mut self) {
        let behind = self.signatures.len() - self.index - 1;
        if behind == 0 {
            return;
        }
        let callee = self.index + 1 + self.random.below(behind);
        let signatures = self.signatures;
        let Signature { params, result } = &signatures[callee];
        for (&reg, &param) in REGS[1..].iter().zip(params) {
            self.pass(reg, param);
        }
        self.relocs.push((self.insns.len(), Target::Call(FuncIdx(callee))));
        self.insns.push(Insn { src: BPF_PSEUDO_CALL, ..call(0) });
        self.is_called(*result);
    }

    /// Makes `reg` the argument that `param` wants. What was passed before is in lower registers, and stays.
    fn pass(&mut self, reg: Reg, param: Kind) {
        if param == Kind::CallersSlot {
            let slot = self.random.below(SLOTS);
            if self.slots[slot] != Kind::Number {
                self.insns.push(store_imm(Size::DW, R10, slot_at(slot), 5));
                self.slots[slot] = Kind::Number;
            }
            self.insns.extend([mov(reg, R10), alu_imm(BPF_ADD, reg, slot_at(slot).into())]);
            self.is(reg, Kind::CallersSlot);
            return;
        }
        // As it stands, from another register, or new.
        if self.kind(reg) == param && self.random.one_in(2) {
            return;
        }
        match self.find(|kind| kind == param) {
            Some(from) if !self.random.one_in(4) => {
                self.insns.push(mov(reg, from));
                self.is(reg, param);
            }
            _ if param == Kind::Number => {
                self.number_in(reg);
            }
            _ => {
                self.address_in(reg, param);
            }
        }
    }

    /// `if (a op b) { ... }`, or with an `else`, or with an end of the function inside.
    fn branch(&mut self, steps: usize) {
        let condition = self.number(&[]);
        let op = self.random.pick(&[
            BPF_JEQ, BPF_JNE, BPF_JSET, BPF_JGT, BPF_JGE, BPF_JLT, BPF_JLE, BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE,
        ]);
        let class = self.random.pick(&[BPF_JMP, BPF_JMP32]);
        let insn = if self.random.one_in(2) {
            jump_imm(op, condition, self.random.number(), 0)
        } else {
            let other = self.number(&[condition]);
            jump(op, condition, other, 0)
        };
        let around = self.insns.len();
        self.insns.push(Insn { code: insn.code & !0x07 | class, ..insn });

        let before = (self.regs, self.slots);
        self.block(steps);
        if self.random.one_in(5) {
            self.finish();
            self.land(around);
            (self.regs, self.slots) = before;
        } else if self.random.one_in(2) {
            let over = self.insns.len();
            self.insns.push(ja(0));
            self.land(around);
            let after = std::mem::replace(&mut self.regs, before.0);
            let after = (after, std::mem::replace(&mut self.slots, before.1));
            self.block(steps);
            self.land(over);
            self.meet(after);
        } else {
            self.land(around);
            self.meet(before);
        }
    }

    /// Has the jump at `from` lead here.
    fn land(&mut self, from: usize) {
        self.insns[from].off = (self.insns.len() - from - 1) as i16;
    }

    /// Here two ways meet: this one, and one on which `other` is known.
    fn meet(&mut self, other: ([Kind; 10], [Kind; SLOTS])) {
        let known = self.regs.iter_mut().chain(&mut self.slots);
        for (kind, other) in known.zip(other.0.iter().chain(&other.1)) {
            if kind != other {
                *kind = Kind::Unknown;
            }
        }
    }

    /// Two rounds or three. In the second nothing is known but what it does itself.
    fn repeat(&mut self, steps: usize) {
        if std::mem::replace(&mut self.has_loop, true) {
            return;
        }
        (self.regs, self.slots) = ([Kind::Unknown; 10], [Kind::Unknown; SLOTS]);
        let (count, rounds) = (slot_at(SLOTS), self.random.pick(&[2, 3]));
        self.insns.push(store_imm(Size::DW, R10, count, rounds));
        let start = self.insns.len();
        self.block(steps);
        let reg = self.free(&[]);
        self.insns.extend([
            load(Size::DW, reg, R10, count),
            alu_imm(BPF_ADD, reg, -1),
            store(Size::DW, R10, count, reg),
        ]);
        self.is(reg, Kind::Number);
        let distance = start as i64 - self.insns.len() as i64 - 1;
        self.insns.push(jump_imm(BPF_JNE, reg, 0, distance as i16));
    }

    /// Returns what the signature says.
    fn finish(&mut self) {
        match self.signatures[self.index].result {
            Kind::Number => {
                let result = self.number(&[]);
                self.insns.push(mov(R0, result));
            }
            address => {
                self.address_in(R0, address);
            }
        }
        self.insns.push(exit());
    }
}

fn slot_at(slot: usize) -> i16 {
    -8 * (slot as i16 + 1)
}
