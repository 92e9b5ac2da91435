//! A lowered program does what it did before: random programs, run by the [interpreter](super::interpreter).

use proptest::prelude::*;

use super::interpreter::run;
use super::*;
use crate::uapi::{BPF_ADD, BPF_JEQ, BPF_JNE, BPF_XOR};

const REGS: [Reg; 10] = [R0, R1, R2, R3, R4, R5, R6, R7, R8, R9];

/// Numbers to decide by; 0 when they run out.
struct Choices<'a>(std::slice::Iter<'a, u8>);

impl Choices<'_> {
    fn below(&mut self, n: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0)) % n
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// What can be read at a point.
#[derive(Clone, Default)]
struct Known {
    regs: [bool; 10],
    slots: [bool; 8],
}

impl Known {
    fn after_call(&mut self) {
        self.regs[1..6].fill(false);
        self.regs[0] = true;
    }

    fn on_both_ways(&mut self, other: &Known) {
        self.regs.iter_mut().zip(other.regs).for_each(|(known, other)| *known &= other);
        self.slots.iter_mut().zip(other.slots).for_each(|(known, other)| *known &= other);
    }
}

/// Writes one function. Everything it keeps in registers and on the stack is a number, but for the address in use.
struct Writer<'a, 'b> {
    choices: &'a mut Choices<'b>,
    known: Known,
    insns: Vec<Insn>,
    /// Slots that call a function, and which.
    calls: Vec<(usize, usize)>,
    /// The parameters of each function of the program.
    params: &'a [usize],
    /// Which function this is: it calls only those behind it.
    index: usize,
}

impl Writer<'_, '_> {
    fn readable(&mut self) -> Reg {
        let known: Vec<Reg> = REGS.into_iter().filter(|reg| self.known.regs[usize::from(reg.n())]).collect();
        if known.is_empty() { self.constant() } else { self.choices.pick(&known) }
    }

    fn constant(&mut self) -> Reg {
        let reg = self.choices.pick(&REGS);
        self.set(reg)
    }

    fn set(&mut self, reg: Reg) -> Reg {
        let value = self.choices.below(7) as i32;
        self.insns.push(mov_imm(reg, value));
        self.known.regs[usize::from(reg.n())] = true;
        reg
    }

    /// Makes `r1` to `rN` readable; now and then also one that is.
    fn arguments(&mut self, n: usize) {
        for &reg in &REGS[1..=n] {
            if !self.known.regs[usize::from(reg.n())] || self.choices.below(4) == 0 {
                self.set(reg);
            }
        }
    }

    fn block(&mut self, len: usize) {
        for _ in 0..len {
            match self.choices.below(9) {
                0 => {
                    self.constant();
                }
                1 => {
                    let (dst, src) = (self.readable(), self.readable());
                    self.insns.push(if self.choices.below(2) == 0 { add(dst, src) } else { alu(BPF_XOR, dst, src) });
                }
                2 => self.section(),
                3 => {
                    let (src, slot) = (self.readable(), self.choices.below(8));
                    self.insns.push(store(Size::DW, R10, -8 * (slot as i16 + 1), src));
                    self.known.slots[slot] = true;
                }
                4 => {
                    let slots: Vec<usize> = (0..8).filter(|&slot| self.known.slots[slot]).collect();
                    if !slots.is_empty() {
                        let (slot, dst) = (self.choices.pick(&slots), self.choices.pick(&REGS));
                        self.insns.push(load(Size::DW, dst, R10, -8 * (slot as i16 + 1)));
                        self.known.regs[usize::from(dst.n())] = true;
                    }
                }
                5 => self.helper(),
                6 if self.index + 1 < self.params.len() => {
                    let callee = self.index + 1 + self.choices.below(self.params.len() - self.index - 1);
                    self.arguments(self.params[callee]);
                    self.calls.push((self.insns.len(), callee));
                    self.insns.push(call_function(0));
                    self.known.after_call();
                }
                7 => self.branch(len / 2),
                _ => self.repeat(len / 2),
            }
        }
    }

    /// Reads or writes a word of a section, by way of an address in a register.
    fn section(&mut self) {
        let value = self.readable();
        let address = self.choices.pick(&REGS);
        let (map, offset) = (self.choices.pick(&[3, 4]), self.choices.below(3) as i32 * 8);
        self.insns.extend(section(address, map, offset));
        if self.choices.below(2) == 0 && value != address {
            self.insns.push(store(Size::DW, address, 8, value));
        }
        self.insns.push(load(Size::DW, address, address, 0));
        self.known.regs[usize::from(address.n())] = true;
    }

    fn helper(&mut self) {
        // ktime_get_ns, get_attach_cookie, map_delete_elem, skb_load_bytes, perf_event_output, and one with a format
        let (id, count) = self.choices.pick(&[(5, 0), (174, 1), (3, 2), (26, 4), (25, 5), (6, 2)]);
        if id == 6 {
            // Those behind the second are passed as they stand.
            let rest = (3..6).take_while(|&reg| self.known.regs[reg]).count() as i32;
            self.arguments(1);
            self.insns.push(mov_imm(R2, 2 + rest));
        } else {
            self.arguments(count);
        }
        self.insns.push(call(id));
        self.known.after_call();
    }

    fn branch(&mut self, len: usize) {
        let condition = self.readable();
        let (at, before) = (self.insns.len(), self.known.clone());
        self.insns.push(exit());
        self.block(len);
        self.known.on_both_ways(&before);
        let distance = (self.insns.len() - at - 1) as i16;
        self.insns[at] = jump_imm(BPF_JEQ, condition, 3, distance);
    }

    /// Three rounds, counted in a slot that nothing else uses. What a call in the loop makes unreadable is no more so
    /// at its start.
    fn repeat(&mut self, len: usize) {
        let count = -8 * (9 + len as i16);
        self.known.regs[..6].fill(false);
        self.insns.push(store_imm(Size::DW, R10, count, 3));
        let (start, before) = (self.insns.len(), self.known.clone());
        self.block(len);
        self.known = before;
        self.insns.extend([load(Size::DW, R0, R10, count), alu_imm(BPF_ADD, R0, -1), store(Size::DW, R10, count, R0)]);
        let distance = start as i16 - self.insns.len() as i16 - 1;
        self.insns.push(jump_imm(BPF_JNE, R0, 0, distance));
        self.known.regs[0] = true;
    }

    fn finish(&mut self) {
        let result = self.readable();
        self.insns.extend([mov(R0, result), exit()]);
    }
}

/// A program that the verifier would take, made of `bytes`.
fn random_program(bytes: &[u8]) -> Program {
    let mut choices = Choices(bytes.iter());
    let mut params: Vec<usize> = (0..1 + choices.below(4)).map(|_| choices.below(6)).collect();
    params[0] = 1;
    let mut functions = Vec::new();
    let mut calls = Vec::new();
    for index in 0..params.len() {
        let mut known = Known::default();
        known.regs[1..=params[index]].fill(true);
        let mut writer =
            Writer { choices: &mut choices, known, insns: Vec::new(), calls: Vec::new(), params: &params, index };
        let len = 2 + writer.choices.below(7);
        writer.block(len);
        writer.finish();
        calls.push(writer.calls);
        functions.push(("f", writer.insns));
    }
    let mut program = program(&functions);
    for (caller, calls) in calls.into_iter().enumerate() {
        for (at, callee) in calls {
            let at = program.functions[caller].span.start + at;
            program.insns[at].imm = program.functions[callee].span.start as i32 - at as i32 - 1;
        }
    }
    program
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn lowering_changes_nothing(bytes in proptest::collection::vec(any::<u8>(), 20..300), context in 0..9u64) {
        let native = random_program(&bytes);
        let expected = run(&native, context, 20_000);
        prop_assert!(expected.is_ok(), "the verifier would not take it: {expected:?}");
        match lowered(&native) {
            Ok(_) if expected == Ok(None) => {}
            // No prologue has as many slots as this allows for each.
            Ok(lowered) => prop_assert_eq!(run(&lowered, context, 1_000_000), expected),
            // Four such functions can be too deep together.
            Err(error) => prop_assert!(matches!(error.kind(), crate::ErrorKind::TooLarge | crate::ErrorKind::Unresolved)),
        }
    }
}

/// Most random programs are worth the name.
#[test]
fn random_programs_touch_sections_in_functions_with_arguments() {
    let mut touched = 0;
    let mut kept = 0;
    for seed in 0..200u32 {
        let bytes: Vec<u8> =
            (0..200u32).map(|at| (seed.wrapping_add(at).wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        if let Ok(lowered) = lowered(&random_program(&bytes)) {
            touched += 1;
            kept += usize::from(lowered.insns.contains(&mov(R7, R2)));
        }
    }
    assert!(touched > 100 && kept > 10, "{touched} programs touch a section, {kept} keep an argument");
}
