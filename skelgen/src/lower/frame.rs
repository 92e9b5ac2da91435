//! How much of its stack frame a function uses, as far as that can be read off its constants.
//!
//! One pass over the steps in their order follows `r10` through moves and additions and notes the lowest address that
//! is made or accessed. Two things are taken as they are in compiled code, not proved: a variable index is not
//! negative, and a pointer that a loop moves down starts where the constants put it. Memory is not followed either.
//!
//! That is safe because the verifier, which does know, looks at the result once more: a store to the slot where
//! lowering keeps its pointer makes that slot a number, and the next use of it is refused. It cannot go wrong silently.

use super::body::{Body, Step};
use crate::insn::Insn;
use crate::insn::limits::MAX_BPF_STACK;
use crate::uapi::*;

/// What a register holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    /// Anything but a known address of the frame.
    Unknown,
    /// This number or a higher one.
    Number(i64),
    /// `r10` plus this or more.
    Frame(i64),
}

use Value::*;

/// `r0` to `r9`; `r10` is always [`Frame(0)`](Frame).
type Values = [Value; 10];

/// The bytes below `r10` that `body` uses.
pub(super) fn depth(body: &Body<'_>) -> u32 {
    let mut entering: Vec<Option<Box<Values>>> = vec![None; body.steps.len()];
    let mut flowing = None;
    let mut lowest = 0;
    for (at, step) in body.steps() {
        // What flows in from the step above, and what jumps forward to here; backward jumps are left out.
        let mut values = match (flowing.take(), entering[at].take()) {
            (Some(flowing), Some(entering)) => join(flowing, &entering),
            (Some(values), None) => values,
            (None, Some(values)) => *values,
            (None, None) => [Unknown; 10],
        };
        lowest = lowest.min(accessed(body.insns[at], &values));
        lowest = lowest.min(execute(body.insns[at], step, &mut values));
        for to in body.jumps(step).filter(|&to| to > at) {
            let joined = entering[to].take().map_or(values, |others| join(values, &others));
            entering[to] = Some(Box::new(joined));
        }
        flowing = step.next.map(|_| values);
    }
    u32::try_from(-lowest).unwrap_or_default()
}

fn join(mut values: Values, others: &Values) -> Values {
    for (value, &other) in values.iter_mut().zip(others) {
        *value = match (*value, other) {
            (Frame(a), Frame(b)) => Frame(a.min(b)),
            // Whoever uses it as an address came the way on which it is one.
            (Frame(a), _) | (_, Frame(a)) => Frame(a),
            (Number(a), Number(b)) => Number(a.min(b)),
            _ => Unknown,
        };
    }
    values
}

fn get(values: &Values, reg: u8) -> Value {
    values.get(usize::from(reg)).copied().unwrap_or(Frame(0))
}

/// The offset from `r10` that `insn` accesses, or 0.
fn accessed(insn: Insn, values: &Values) -> i64 {
    let base = match insn.class() {
        // Of the stores, only a load-acquire reads at its source.
        BPF_STX if insn.mode() == BPF_ATOMIC && insn.imm == BPF_LOAD_ACQ => insn.src,
        BPF_ST | BPF_STX => insn.dst,
        BPF_LDX => insn.src,
        _ => return 0,
    };
    match get(values, base) {
        Frame(low) => inside(low + i64::from(insn.off)),
        _ => 0,
    }
}

/// An address outside any frame is a value on the way to another one, or of another pointer: it counts for nothing.
fn inside(low: i64) -> i64 {
    if low < -i64::from(MAX_BPF_STACK) { 0 } else { low.min(0) }
}

/// Follows `insn`; returns the offset from `r10` that it makes, or 0.
fn execute(insn: Insn, step: &Step, values: &mut Values) -> i64 {
    let result = match insn.class() {
        BPF_ALU64 => alu64(insn, values),
        // The upper half of the register becomes zero: a negative number would not stay one.
        BPF_ALU if insn.code == BPF_ALU | BPF_MOV | BPF_K && insn.imm >= 0 => Number(insn.imm.into()),
        _ => Unknown,
    };
    for reg in step.kills.iter() {
        if let Some(value) = values.get_mut(usize::from(reg)) {
            *value = result;
        }
    }
    if let Frame(low) = result { inside(low) } else { 0 }
}

fn alu64(insn: Insn, values: &Values) -> Value {
    let dst = get(values, insn.dst);
    let operand = if insn.code & BPF_X != 0 { get(values, insn.src) } else { Number(insn.imm.into()) };
    let value = match (insn.op(), dst, operand) {
        // With an offset it extends a sign, or changes the address space.
        (BPF_MOV, ..) if insn.off == 0 => operand,
        (BPF_ADD, Frame(a), Number(b)) | (BPF_ADD, Number(a), Frame(b)) => Frame(a + b),
        (BPF_ADD, Frame(a), Unknown) | (BPF_ADD, Unknown, Frame(a)) => Frame(a),
        (BPF_ADD, Number(a), Number(b)) => Number(a + b),
        // Of a register only the lowest value is known, which gives the highest difference.
        (BPF_SUB, Frame(a), Number(b)) if insn.code & BPF_X == 0 => Frame(a - b),
        (BPF_SUB, Frame(a), Number(_) | Unknown) => Frame(a),
        (BPF_SUB, Number(a), Number(b)) if insn.code & BPF_X == 0 => Number(a - b),
        _ => Unknown,
    };
    // No frame is that large; so that sums of what is kept cannot overflow either.
    match value {
        Number(n) | Frame(n) if n.unsigned_abs() > 1 << 32 => Unknown,
        value => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insn::build::*;
    use crate::lower::tests::{one_function, section};

    #[test]
    fn depths() {
        let indexed = |base: i32| {
            vec![
                load(Size::DW, R3, R1, 0),
                mov(R2, R10),
                add(R2, R3),
                alu_imm(BPF_ADD, R2, base),
                store_imm(Size::B, R2, 0, 1),
            ]
        };
        let table: &[(&str, Vec<Insn>, u32)] = &[
            ("nothing", vec![], 0),
            ("a store", vec![store_imm(Size::B, R10, -3, 1)], 3),
            ("a load", vec![load(Size::DW, R0, R10, -64)], 64),
            ("an address", vec![mov(R2, R10), alu_imm(BPF_ADD, R2, -20)], 20),
            ("an address by subtraction", vec![mov(R2, R10), alu_imm(BPF_SUB, R2, 20)], 20),
            (
                "an access below an address",
                vec![mov(R2, R10), alu_imm(BPF_ADD, R2, -8), store(Size::W, R2, -16, R1)],
                24,
            ),
            ("an indexed address", indexed(-48), 48),
            ("a negative index", vec![mov_imm(R1, -32), mov(R2, R10), add(R2, R1), store_imm(Size::B, R2, 0, 0)], 32),
            (
                "either of two addresses",
                vec![
                    mov(R2, R10),
                    alu_imm(BPF_ADD, R2, -8),
                    jump_imm(BPF_JEQ, R1, 0, 2),
                    mov(R2, R10),
                    alu_imm(BPF_ADD, R2, -40),
                    store_imm(Size::B, R2, -1, 0),
                ],
                41,
            ),
            (
                "the address from before a jump",
                vec![
                    mov(R2, R10),
                    alu_imm(BPF_ADD, R2, -40),
                    jump_imm(BPF_JEQ, R1, 0, 2),
                    mov(R2, R10),
                    alu_imm(BPF_ADD, R2, -8),
                    store_imm(Size::B, R2, -1, 0),
                ],
                41,
            ),
            (
                "a pointer that runs down",
                vec![
                    mov(R2, R10),
                    alu_imm(BPF_ADD, R2, -64),
                    alu_imm(BPF_ADD, R2, -1),
                    store_imm(Size::B, R2, 0, 0),
                    jump_imm(BPF_JNE, R1, 0, -3),
                ],
                65,
            ),
            ("a frame that none can have", vec![mov(R2, R10), alu_imm(BPF_ADD, R2, -4096)], 0),
            ("another pointer", vec![store_imm(Size::B, R1, -100, 0)], 0),
            ("a load-acquire", vec![Insn { code: 0xdb, dst: 1, src: 10, off: -24, imm: BPF_LOAD_ACQ }], 24),
            (
                "a call in between",
                vec![mov(R2, R10), mov(R6, R10), call(5), store_imm(Size::B, R2, -9, 0), store_imm(Size::B, R6, -8, 0)],
                8,
            ),
            (
                "sums that would overflow",
                [[mov(R2, R10), mov_imm(R1, i32::MIN)].to_vec(), vec![add(R1, R1); 80], vec![add(R2, R1)]].concat(),
                0,
            ),
        ];
        for (name, insns, expected) in table {
            let program = one_function(&[insns.clone(), vec![exit()]].concat());
            let bodies = crate::lower::body::bodies(&program).unwrap();
            assert_eq!(depth(&bodies[0]), *expected, "{name}");
        }
        let program = one_function(&[section(R1, 0, 0).to_vec(), vec![exit()]].concat());
        assert_eq!(depth(&crate::lower::body::bodies(&program).unwrap()[0]), 0);
    }
}
