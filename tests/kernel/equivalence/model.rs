//! What a program does, without a kernel: an interpreter of the linked, native image.

use std::collections::BTreeMap;

use skelgen::insn::Insn;
use skelgen::uapi::*;

use super::{GET_SMP_PROCESSOR_ID, PROBE_READ_KERNEL};

/// What a register or a stack slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    Number(u64),
    /// An address in a section: the map's index, and bytes from its start.
    Section(usize, i64),
    /// An address in the frame of this depth.
    Stack(usize, i64),
    /// An address in the context.
    Context(i64),
}

use Value::*;

/// A function that is being run.
struct Frame {
    regs: [Option<Value>; 10],
    stack: BTreeMap<i64, Value>,
    /// The slot that its caller goes on at.
    back: usize,
}

/// The machine, with the variables of the CPU that it is.
pub(super) struct Machine<'a> {
    pub(super) insns: &'a [Insn],
    pub(super) args: [u64; 2],
    pub(super) cpu: u32,
    /// The bytes of each section.
    pub(super) sections: Vec<Vec<u8>>,
    frames: Vec<Frame>,
}

/// Steps after which a program is not one that the verifier would have taken.
const STEPS: usize = 1_000_000;

impl<'a> Machine<'a> {
    pub(super) fn new(insns: &'a [Insn], args: [u64; 2], cpu: u32, sections: Vec<Vec<u8>>) -> Machine<'a> {
        Machine { insns, args, cpu, sections, frames: Vec::new() }
    }

    /// Runs the program and returns its result. Panics where it does something that no verifier would let pass.
    pub(super) fn run(&mut self) -> u32 {
        let mut regs = [None; 10];
        regs[1] = Some(Context(0));
        self.frames.push(Frame { regs, stack: BTreeMap::new(), back: 0 });
        let mut at = 0;
        for _ in 0..STEPS {
            match self.step(at) {
                Ok(next) => at = next,
                Err(Number(result)) => return result as u32,
                Err(address) => panic!("the program returns {address:?}"),
            }
        }
        panic!("the program does not end");
    }

    fn frame(&mut self) -> &mut Frame {
        self.frames.last_mut().unwrap()
    }

    fn get(&self, reg: u8) -> Value {
        let depth = self.frames.len() - 1;
        if reg == 10 {
            Stack(depth, 0)
        } else {
            self.frames[depth].regs[usize::from(reg)].expect("a register is written")
        }
    }

    fn number(&self, reg: u8) -> u64 {
        let Number(number) = self.get(reg) else { panic!("r{reg} is no number") };
        number
    }

    fn set(&mut self, reg: u8, value: Value) {
        self.frame().regs[usize::from(reg)] = Some(value);
    }

    /// Executes one instruction. `Ok` is the next one's slot, `Err` what the program returns.
    fn step(&mut self, at: usize) -> Result<usize, Value> {
        let insn = self.insns[at];
        match insn.class() {
            BPF_LD => {
                let high = self.insns[at + 1].imm;
                let value = match insn.src {
                    BPF_PSEUDO_MAP_IDX_VALUE => Section(insn.imm as usize, high.into()),
                    _ => Number(u64::from(insn.imm as u32) | u64::from(high as u32) << 32),
                };
                self.set(insn.dst, value);
                return Ok(at + 2);
            }
            BPF_ALU | BPF_ALU64 => self.arithmetic(insn),
            BPF_LDX => {
                let value = self.load(offset(self.get(insn.src), insn.off), insn.code);
                self.set(insn.dst, value);
            }
            BPF_ST => self.store(offset(self.get(insn.dst), insn.off), insn.code, Number(insn.imm as i64 as u64)),
            BPF_STX if insn.mode() == BPF_ATOMIC => self.atomic(insn),
            BPF_STX => self.store(offset(self.get(insn.dst), insn.off), insn.code, self.get(insn.src)),
            _ if insn.is_exit() => return self.leave(),
            _ if insn.is_pseudo_call() => {
                let mut regs = [None; 10];
                regs[1..6].copy_from_slice(&self.frame().regs[1..6]);
                self.frames.push(Frame { regs, stack: BTreeMap::new(), back: at + 1 });
                return Ok((at as i64 + 1 + i64::from(insn.imm)) as usize);
            }
            _ if insn.is_call() => {
                self.help(insn.imm);
                self.frame().regs[1..6].fill(None);
            }
            _ if self.jumps(insn) => return Ok((at as i64 + 1 + i64::from(insn.jump().unwrap())) as usize),
            _ => {}
        }
        Ok(at + 1)
    }

    fn leave(&mut self) -> Result<usize, Value> {
        let result = self.get(0);
        let back = self.frames.pop().unwrap().back;
        if self.frames.is_empty() {
            return Err(result);
        }
        self.set(0, result);
        self.frame().regs[1..6].fill(None);
        Ok(back)
    }

    fn arithmetic(&mut self, insn: Insn) {
        let operand = if insn.code & BPF_X != 0 { self.get(insn.src) } else { Number(insn.imm as i64 as u64) };
        let wide = insn.class() == BPF_ALU64;
        let value = match (insn.op(), operand) {
            (BPF_MOV, value) if wide => value,
            (BPF_ADD, Number(number)) if !matches!(self.get(insn.dst), Number(_)) => match self.get(insn.dst) {
                Section(map, at) => Section(map, at.wrapping_add(number as i64)),
                Stack(depth, at) => Stack(depth, at.wrapping_add(number as i64)),
                other => panic!("arithmetic with {other:?}"),
            },
            (BPF_MOV, Number(number)) => Number(number & 0xffff_ffff),
            (op, Number(number)) if wide => Number(alu64(op, self.number(insn.dst), number)),
            (op, Number(number)) => Number(alu32(op, self.number(insn.dst) as u32, number as u32).into()),
            (_, address) => panic!("arithmetic with {address:?}"),
        };
        self.set(insn.dst, value);
    }

    /// Whether a jump is taken.
    fn jumps(&self, insn: Insn) -> bool {
        if insn.op() == BPF_JA {
            return true;
        }
        let operand = if insn.code & BPF_X != 0 { self.number(insn.src) } else { insn.imm as i64 as u64 };
        let wide = insn.class() == BPF_JMP;
        let narrow = |number: u64| if wide { number } else { number & 0xffff_ffff };
        let (a, b) = (narrow(self.number(insn.dst)), narrow(operand));
        let signed = |number: u64| if wide { number as i64 } else { (number as i32).into() };
        match insn.op() {
            BPF_JEQ => a == b,
            BPF_JNE => a != b,
            BPF_JSET => a & b != 0,
            BPF_JGT => a > b,
            BPF_JGE => a >= b,
            BPF_JLT => a < b,
            BPF_JLE => a <= b,
            BPF_JSGT => signed(a) > signed(b),
            BPF_JSGE => signed(a) >= signed(b),
            BPF_JSLT => signed(a) < signed(b),
            BPF_JSLE => signed(a) <= signed(b),
            op => panic!("jump {op:#x}"),
        }
    }

    fn load(&mut self, from: Value, code: u8) -> Value {
        match from {
            Section(map, at) => Number(self.read(map, at, size_of_access(code))),
            Stack(depth, at) => *self.frames[depth].stack.get(&at).expect("a stack slot is written"),
            Context(at) => Number(self.args[at as usize / 8]),
            Number(_) => panic!("no address"),
        }
    }

    fn store(&mut self, to: Value, code: u8, value: Value) {
        match (to, value) {
            (Section(map, at), Number(number)) => self.write(map, at, size_of_access(code), number),
            (Stack(depth, at), value) => {
                assert!((-512..0).contains(&at));
                self.frames[depth].stack.insert(at, value);
            }
            (to, value) => panic!("{value:?} stored to {to:?}"),
        }
    }

    fn atomic(&mut self, insn: Insn) {
        let Section(map, at) = offset(self.get(insn.dst), insn.off) else { panic!("atomic elsewhere") };
        let size = size_of_access(insn.code);
        let (old, operand) = (self.read(map, at, size), self.number(insn.src));
        if insn.imm == BPF_CMPXCHG {
            let expected = if size == 4 { self.number(0) & 0xffff_ffff } else { self.number(0) };
            self.write(map, at, size, if old == expected { operand } else { old });
            return self.set(0, Number(old));
        }
        let new = match insn.imm & !BPF_FETCH {
            op if op == i32::from(BPF_ADD) => old.wrapping_add(operand),
            op if op == i32::from(BPF_OR) => old | operand,
            op if op == i32::from(BPF_AND) => old & operand,
            op if op == i32::from(BPF_XOR) => old ^ operand,
            op if op == BPF_XCHG & !BPF_FETCH => operand,
            op => panic!("atomic {op:#x}"),
        };
        self.write(map, at, size, new);
        if insn.imm & BPF_FETCH != 0 {
            self.set(insn.src, Number(old));
        }
    }

    fn help(&mut self, helper: i32) {
        let result = match helper {
            GET_SMP_PROCESSOR_ID => self.cpu.into(),
            PROBE_READ_KERNEL => {
                let (Section(to, at), Section(from, start)) = (self.get(1), self.get(3)) else { panic!("elsewhere") };
                assert_eq!(self.number(2), 8);
                let word = self.read(from, start, 8);
                self.write(to, at, 8, word);
                0
            }
            other => panic!("helper {other}"),
        };
        self.set(0, Number(result));
    }

    fn read(&self, map: usize, at: i64, size: usize) -> u64 {
        let bytes = &self.sections[map][at as usize..][..size];
        match size {
            1 => bytes[0].into(),
            2 => u16::from_ne_bytes(bytes.try_into().unwrap()).into(),
            4 => u32::from_ne_bytes(bytes.try_into().unwrap()).into(),
            _ => u64::from_ne_bytes(bytes.try_into().unwrap()),
        }
    }

    fn write(&mut self, map: usize, at: i64, size: usize, value: u64) {
        let bytes = &mut self.sections[map][at as usize..][..size];
        match size {
            1 => bytes.copy_from_slice(&(value as u8).to_ne_bytes()),
            2 => bytes.copy_from_slice(&(value as u16).to_ne_bytes()),
            4 => bytes.copy_from_slice(&(value as u32).to_ne_bytes()),
            _ => bytes.copy_from_slice(&value.to_ne_bytes()),
        }
    }
}

fn offset(base: Value, off: i16) -> Value {
    match base {
        Section(map, at) => Section(map, at + i64::from(off)),
        Stack(depth, at) => Stack(depth, at + i64::from(off)),
        Context(at) => Context(at + i64::from(off)),
        Number(_) => panic!("no address"),
    }
}

fn size_of_access(code: u8) -> usize {
    match code & 0x18 {
        BPF_B => 1,
        BPF_H => 2,
        BPF_W => 4,
        _ => 8,
    }
}

fn alu64(op: u8, a: u64, b: u64) -> u64 {
    match op {
        BPF_ADD => a.wrapping_add(b),
        BPF_SUB => a.wrapping_sub(b),
        BPF_MUL => a.wrapping_mul(b),
        BPF_DIV => a.checked_div(b).unwrap_or(0),
        BPF_MOD => a.checked_rem(b).unwrap_or(a),
        BPF_OR => a | b,
        BPF_AND => a & b,
        BPF_XOR => a ^ b,
        BPF_LSH => a << (b & 63),
        BPF_RSH => a >> (b & 63),
        BPF_ARSH => ((a as i64) >> (b & 63)) as u64,
        BPF_NEG => a.wrapping_neg(),
        op => panic!("arithmetic {op:#x}"),
    }
}

fn alu32(op: u8, a: u32, b: u32) -> u32 {
    match op {
        BPF_LSH => a << (b & 31),
        BPF_RSH => a >> (b & 31),
        BPF_ARSH => ((a as i32) >> (b & 31)) as u32,
        // What is left is the same in the low half, or has no other half.
        op => alu64(op, a.into(), b.into()) as u32,
    }
}
