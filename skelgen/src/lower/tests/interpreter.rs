//! A machine for a few instructions that is as strict as the verifier: what nobody wrote cannot be read.

use std::collections::BTreeMap;

use crate::link::Program;
use crate::lower::helpers;
use crate::uapi::*;

/// What a register or a stack slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    Number(u64),
    /// An address in the frame of this depth.
    Stack(usize, i64),
    /// An address in a section.
    Section(i32, i64),
    Map(i32),
}

use Value::*;

/// What a run leaves behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) result: u64,
    /// The sections' words by map and offset.
    pub(super) memory: BTreeMap<(i32, i64), u64>,
    /// The arguments of each helper but the lookups.
    pub(super) seen: Vec<(i32, Vec<u64>)>,
}

struct Frame {
    regs: [Option<Value>; 10],
    /// The slot to go on at when it returns.
    back: usize,
}

struct Machine<'a> {
    program: &'a Program,
    frames: Vec<Frame>,
    stack: BTreeMap<(usize, i64), Value>,
    outcome: Outcome,
}

/// Runs `program` with `context` in `r1`, for `steps` steps at most: `None` if those do not suffice.
pub(super) fn run(program: &Program, context: u64, steps: usize) -> Result<Option<Outcome>, String> {
    let mut entry = Frame { regs: [None; 10], back: 0 };
    entry.regs[1] = Some(Number(context));
    let mut machine = Machine { program, frames: vec![entry], stack: BTreeMap::new(), outcome: Outcome::default() };
    let mut at = 0;
    for _ in 0..steps {
        match machine.step(at).map_err(|words| format!("slot {at}: {words}"))? {
            Some(next) => at = next,
            None => return Ok(Some(machine.outcome)),
        }
    }
    Ok(None)
}

impl Machine<'_> {
    fn depth(&self) -> usize {
        self.frames.len() - 1
    }

    fn get(&self, reg: u8) -> Result<Value, String> {
        if reg == 10 {
            return Ok(Stack(self.depth(), 0));
        }
        let depth = self.depth();
        self.frames[depth].regs[usize::from(reg)].ok_or_else(|| format!("r{reg} !read_ok"))
    }

    fn number(&self, reg: u8) -> Result<u64, String> {
        if let Number(number) = self.get(reg)? { Ok(number) } else { Err(format!("r{reg} is no number")) }
    }

    fn set(&mut self, reg: u8, value: Option<Value>) {
        let depth = self.depth();
        self.frames[depth].regs[usize::from(reg)] = value;
    }

    /// Executes the slot `at`; returns the next one, unless the program is over.
    fn step(&mut self, at: usize) -> Result<Option<usize>, String> {
        let insn = self.program.insns[at];
        let operand = |machine: &Self| {
            if insn.code & BPF_X != 0 { machine.get(insn.src) } else { Ok(Number(insn.imm as i64 as u64)) }
        };
        match insn.class() {
            BPF_LD => {
                let high = self.program.insns[at + 1].imm;
                let value = match insn.src {
                    BPF_PSEUDO_MAP_IDX => Map(insn.imm),
                    BPF_PSEUDO_MAP_IDX_VALUE => Section(insn.imm, high.into()),
                    _ => return Err("an unknown ld_imm64".into()),
                };
                self.set(insn.dst, Some(value));
                return Ok(Some(at + 2));
            }
            BPF_ALU64 => {
                let operand = operand(self)?;
                let value = match (insn.op(), operand) {
                    (BPF_MOV, value) => value,
                    (op, Number(number)) => arithmetic(op, self.get(insn.dst)?, number)?,
                    _ => return Err("arithmetic with an address".into()),
                };
                self.set(insn.dst, Some(value));
            }
            BPF_LDX => {
                let value = self.load(address(self.get(insn.src)?, insn.off)?)?;
                self.set(insn.dst, Some(value));
            }
            BPF_STX => self.store(address(self.get(insn.dst)?, insn.off)?, self.get(insn.src)?)?,
            BPF_ST => self.store(address(self.get(insn.dst)?, insn.off)?, Number(insn.imm as u64))?,
            _ if insn.is_exit() => return self.leave(),
            _ if insn.is_pseudo_call() => {
                let mut regs = [None; 10];
                regs[1..6].copy_from_slice(&self.frames[self.depth()].regs[1..6]);
                self.frames.push(Frame { regs, back: at + 1 });
                return Ok(Some((at as i64 + 1 + i64::from(insn.imm)) as usize));
            }
            _ if insn.is_call() => self.help(insn.imm)?,
            _ => {
                let taken = match (insn.op(), self.get(insn.dst)?) {
                    (BPF_JEQ, Number(number)) => Number(number) == operand(self)?,
                    (BPF_JNE, value) => value != operand(self)?,
                    _ => return Err("an unknown jump".into()),
                };
                if taken {
                    return Ok(Some((at as i64 + 1 + i64::from(insn.off)) as usize));
                }
            }
        }
        Ok(Some(at + 1))
    }

    fn load(&self, from: Value) -> Result<Value, String> {
        match from {
            Stack(depth, at) => {
                self.stack.get(&(depth, at)).copied().ok_or_else(|| format!("nothing at r10{at} of frame {depth}"))
            }
            Section(map, at) => Ok(Number(self.outcome.memory.get(&(map, at)).copied().unwrap_or(at as u64 + 1))),
            _ => Err("no address".into()),
        }
    }

    fn store(&mut self, to: Value, value: Value) -> Result<(), String> {
        match (to, value) {
            (Stack(depth, at), value) if (-512..0).contains(&at) => {
                self.stack.insert((depth, at), value);
                Ok(())
            }
            (Section(map, at), Number(number)) => {
                self.outcome.memory.insert((map, at), number);
                Ok(())
            }
            _ => Err("cannot be stored".into()),
        }
    }

    fn help(&mut self, id: i32) -> Result<(), String> {
        let result = if id == helpers::MAP_LOOKUP_ELEM {
            let (Map(map), Number(0)) = (self.get(1)?, self.load(self.get(2)?)?) else {
                return Err("a strange lookup".into());
            };
            Section(map, 0)
        } else {
            let known = helpers::reads(id).0.iter().count() as u8;
            // Of bpf_trace_printk the second argument says how many there are.
            let count = if id == 6 { self.number(2)?.clamp(2, 5) as u8 } else { known };
            let args = (1..=count).map(|reg| self.number(reg)).collect::<Result<Vec<_>, _>>()?;
            let result = args.iter().fold(id as u64, |sum, arg| sum.wrapping_mul(31).wrapping_add(*arg));
            self.outcome.seen.push((id, args));
            Number(result)
        };
        self.set(0, Some(result));
        (1..6).for_each(|reg| self.set(reg, None));
        Ok(())
    }

    fn leave(&mut self) -> Result<Option<usize>, String> {
        let result = self.get(0)?;
        let depth = self.depth();
        self.stack.retain(|&(frame, _), _| frame < depth);
        let back = self.frames.pop().map_or(0, |frame| frame.back);
        if self.frames.is_empty() {
            let Number(result) = result else { return Err("returns an address".into()) };
            self.outcome.result = result;
            return Ok(None);
        }
        self.set(0, Some(result));
        (1..6).for_each(|reg| self.set(reg, None));
        Ok(Some(back))
    }
}

fn address(base: Value, off: i16) -> Result<Value, String> {
    arithmetic(BPF_ADD, base, off as i64 as u64)
}

fn arithmetic(op: u8, value: Value, operand: u64) -> Result<Value, String> {
    Ok(match (op, value) {
        (BPF_ADD, Number(number)) => Number(number.wrapping_add(operand)),
        (BPF_XOR, Number(number)) => Number(number ^ operand),
        (BPF_ADD, Stack(depth, at)) => Stack(depth, at.wrapping_add(operand as i64)),
        (BPF_ADD, Section(map, at)) => Section(map, at.wrapping_add(operand as i64)),
        _ => return Err("unknown arithmetic".into()),
    })
}
