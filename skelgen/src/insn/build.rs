//! Instructions as they read in the verifier's log: one constructor each, its C meaning in its doc.

use super::Insn;
use crate::uapi::*;

/// A register: `R0` the result, `R1` to `R5` arguments, `R6` to `R9` kept across calls, `R10` the frame pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "they are numbered registers")]
pub enum Reg {
    R0,
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
    R10,
}

pub use Reg::*;

impl Reg {
    /// The register's number, as it stands in an instruction.
    pub const fn n(self) -> u8 {
        self as u8
    }
}

/// Width of a memory access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// `u8`
    B,
    /// `u16`
    H,
    /// `u32`
    W,
    /// `u64`
    DW,
}

impl Size {
    const fn bits(self) -> u8 {
        match self {
            Size::B => BPF_B,
            Size::H => BPF_H,
            Size::W => BPF_W,
            Size::DW => BPF_DW,
        }
    }
}

const fn insn(code: u8, dst: u8, src: u8, off: i16, imm: i32) -> Insn {
    Insn { code, dst, src, off, imm }
}

/// `dst = src`
pub const fn mov(dst: Reg, src: Reg) -> Insn {
    insn(BPF_ALU64 | BPF_MOV | BPF_X, dst.n(), src.n(), 0, 0)
}

/// `dst = imm`, sign-extended to 64 bits
pub const fn mov_imm(dst: Reg, imm: i32) -> Insn {
    insn(BPF_ALU64 | BPF_MOV | BPF_K, dst.n(), 0, 0, imm)
}

/// `dst += src`
pub const fn add(dst: Reg, src: Reg) -> Insn {
    insn(BPF_ALU64 | BPF_ADD | BPF_X, dst.n(), src.n(), 0, 0)
}

/// `dst op= imm`, with `op` one of `BPF_ADD`, `BPF_AND`, `BPF_MUL`, ...
pub const fn alu_imm(op: u8, dst: Reg, imm: i32) -> Insn {
    insn(BPF_ALU64 | op | BPF_K, dst.n(), 0, 0, imm)
}

/// `dst op= src`
pub const fn alu(op: u8, dst: Reg, src: Reg) -> Insn {
    insn(BPF_ALU64 | op | BPF_X, dst.n(), src.n(), 0, 0)
}

/// `dst = *(size *)(src + off)`
pub const fn load(size: Size, dst: Reg, src: Reg, off: i16) -> Insn {
    insn(BPF_LDX | BPF_MEM | size.bits(), dst.n(), src.n(), off, 0)
}

/// `*(size *)(dst + off) = src`
pub const fn store(size: Size, dst: Reg, off: i16, src: Reg) -> Insn {
    insn(BPF_STX | BPF_MEM | size.bits(), dst.n(), src.n(), off, 0)
}

/// `*(size *)(dst + off) = imm`
pub const fn store_imm(size: Size, dst: Reg, off: i16, imm: i32) -> Insn {
    insn(BPF_ST | BPF_MEM | size.bits(), dst.n(), 0, off, imm)
}

/// `goto +off`
pub const fn ja(off: i16) -> Insn {
    insn(BPF_JMP | BPF_JA, 0, 0, off, 0)
}

/// `if dst op imm goto +off`, with `op` one of `BPF_JEQ`, `BPF_JGT`, ...
pub const fn jump_imm(op: u8, dst: Reg, imm: i32, off: i16) -> Insn {
    insn(BPF_JMP | op | BPF_K, dst.n(), 0, off, imm)
}

/// `if dst op src goto +off`
pub const fn jump(op: u8, dst: Reg, src: Reg, off: i16) -> Insn {
    insn(BPF_JMP | op | BPF_X, dst.n(), src.n(), off, 0)
}

/// `r0 = helper(r1, r2, r3, r4, r5)`, the helper by its number in `enum bpf_func_id`
pub const fn call(helper: i32) -> Insn {
    insn(BPF_JMP | BPF_CALL, 0, 0, 0, helper)
}

/// `exit`
pub const fn exit() -> Insn {
    insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
}

/// `dst = imm ll`, with what `src` says of `imm`: one of the `BPF_PSEUDO_*` values, or 0 for a plain constant
pub const fn ld_imm64(dst: Reg, src: u8, low: i32, high: i32) -> [Insn; 2] {
    [insn(BPF_LD | BPF_IMM | BPF_DW, dst.n(), src, 0, low), insn(0, 0, 0, 0, high)]
}
