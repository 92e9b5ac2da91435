//! Which instruction a slot is, of those that Linux 7.3 has.
//!
//! The counterpart is `bpf_opcode_in_insntable` in `kernel/bpf/core.c` with the fields that choose among the
//! instructions of one opcode (`check_alu_fields` and `check_jmp_fields` in `kernel/bpf/verifier.c`). What prints
//! instructions and what follows them both match on [`Kind`], so that neither knows one that the other does not.

use super::Insn;
use crate::uapi::*;

/// What a slot does, as far as opcode, offset and immediate decide it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `dst op= operand`, with `op` one of `BPF_ADD`, `BPF_AND`, ...; `signed` of `BPF_DIV` and `BPF_MOD` only.
    Alu {
        /// The operation.
        op: u8,
        /// Whether both operands have a sign.
        signed: bool,
    },
    /// `dst = operand`
    Mov,
    /// `dst = (s8)src`, or of 16 or 32 bits.
    MovSx {
        /// Bits of the source that are extended.
        bits: u8,
    },
    /// `dst = addr_space_cast(src, to, from)`: a pointer into the arena, as programs or as user space have it.
    AddrSpaceCast {
        /// The address space it comes from.
        from: u16,
        /// The one it becomes of.
        to: u16,
    },
    /// `dst = -dst`
    Neg,
    /// `dst = le16 dst`, `be32`, `bswap64`, ...
    Swap(Swap, u8),
    /// `dst = imm ll`, two slots
    LdImm64,
    /// `r0 = *(size *)skb[imm]`
    LdAbs,
    /// `r0 = *(size *)skb[src + imm]`
    LdInd,
    /// `dst = *(size *)(src + off)`
    Load,
    /// The same, with the sign extended.
    LoadSx,
    /// `*(size *)(dst + off) = src`
    Store,
    /// `*(size *)(dst + off) = imm`
    StoreImm,
    /// One of the atomic instructions, on `*(size *)(dst + off)` but for [`Atomic::LoadAcquire`].
    Atomic(Atomic),
    /// `goto`, with its distance in `off`, or `gotol`, with it in `imm`
    Goto,
    /// `gotox dst`, through a jump table
    GotoX,
    /// `may_goto`: jumps when the kernel says that the loop has run long enough
    MayGoto,
    /// `if dst op operand goto +off`
    Branch,
    /// A call of a helper, a kfunc or a function of the program.
    Call,
    /// `callx dst`, which compilers make and no kernel takes
    CallX,
    /// `exit`
    Exit,
}

/// Which byte order a register is brought to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Swap {
    /// Little-endian.
    Le,
    /// Big-endian.
    Be,
    /// The other one.
    Bswap,
}

/// What an atomic instruction does with the place in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Atomic {
    /// `lock *place op= src`
    Op(u8),
    /// `src = atomic_fetch_op(place, src)`
    Fetch(u8),
    /// `src = xchg(place, src)`
    Xchg,
    /// `r0 = cmpxchg(place, r0, src)`
    CmpXchg,
    /// `dst = load_acquire((size *)(src + off))`
    LoadAcquire,
    /// `store_release(place, src)`
    StoreRelease,
}

impl Insn {
    /// Which instruction this is; `None` if Linux 7.3 has no such, as of the second slot of an `ld_imm64`.
    pub fn kind(self) -> Option<Kind> {
        match self.class() {
            BPF_ALU | BPF_ALU64 => self.alu(),
            BPF_JMP | BPF_JMP32 => self.jump_kind(),
            BPF_LD => match (self.mode(), self.size()) {
                (BPF_IMM, BPF_DW) => Some(Kind::LdImm64),
                (BPF_ABS, BPF_B | BPF_H | BPF_W) => Some(Kind::LdAbs),
                (BPF_IND, BPF_B | BPF_H | BPF_W) => Some(Kind::LdInd),
                _ => None,
            },
            class => match (class, self.mode(), self.size()) {
                (BPF_LDX, BPF_MEM, _) => Some(Kind::Load),
                (BPF_LDX, BPF_MEMSX, BPF_B | BPF_H | BPF_W) => Some(Kind::LoadSx),
                (BPF_ST, BPF_MEM, _) => Some(Kind::StoreImm),
                (BPF_STX, BPF_MEM, _) => Some(Kind::Store),
                (BPF_STX, BPF_ATOMIC, size) => atomic(self.imm, size).map(Kind::Atomic),
                _ => None,
            },
        }
    }

    fn alu(self) -> Option<Kind> {
        let Insn { off, imm, .. } = self;
        let (wide, register) = (self.class() == BPF_ALU64, self.code & BPF_X != 0);
        match self.op() {
            BPF_MOV => match off {
                0 => Some(Kind::Mov),
                8 | 16 if register => Some(Kind::MovSx { bits: off as u8 }),
                32 if register && wide => Some(Kind::MovSx { bits: 32 }),
                BPF_ADDR_SPACE_CAST if register && wide => match imm as u32 {
                    0x0000_0001 => Some(Kind::AddrSpaceCast { from: 1, to: 0 }),
                    0x0001_0000 => Some(Kind::AddrSpaceCast { from: 0, to: 1 }),
                    _ => None,
                },
                _ => None,
            },
            BPF_NEG if !register => Some(Kind::Neg),
            BPF_END => {
                let bits = u8::try_from(imm).ok().filter(|bits| matches!(bits, 16 | 32 | 64))?;
                match (wide, register) {
                    (false, false) => Some(Kind::Swap(Swap::Le, bits)),
                    (false, true) => Some(Kind::Swap(Swap::Be, bits)),
                    (true, false) => Some(Kind::Swap(Swap::Bswap, bits)),
                    (true, true) => None,
                }
            }
            op @ (BPF_DIV | BPF_MOD) if off == 1 => Some(Kind::Alu { op, signed: true }),
            op @ (BPF_ADD | BPF_SUB | BPF_MUL | BPF_DIV | BPF_OR | BPF_AND | BPF_LSH | BPF_RSH | BPF_MOD | BPF_XOR
            | BPF_ARSH)
                if off == 0 =>
            {
                Some(Kind::Alu { op, signed: false })
            }
            _ => None,
        }
    }

    fn jump_kind(self) -> Option<Kind> {
        let (wide, register) = (self.class() == BPF_JMP, self.code & BPF_X != 0);
        match self.op() {
            BPF_JA if !register => Some(Kind::Goto),
            BPF_JA if wide => Some(Kind::GotoX),
            BPF_CALL if wide && !register => Some(Kind::Call),
            BPF_CALL if wide => Some(Kind::CallX),
            BPF_EXIT if wide && !register => Some(Kind::Exit),
            // The source says which condition; there is only this one.
            BPF_JCOND if wide && !register && self.src == BPF_MAY_GOTO => Some(Kind::MayGoto),
            BPF_JEQ | BPF_JGT | BPF_JGE | BPF_JSET | BPF_JNE | BPF_JSGT | BPF_JSGE | BPF_JLT | BPF_JLE | BPF_JSLT
            | BPF_JSLE => Some(Kind::Branch),
            _ => None,
        }
    }
}

fn atomic(imm: i32, size: u8) -> Option<Atomic> {
    // Only whole words can be changed in one step; a byte can be loaded and stored in order.
    let word = matches!(size, BPF_W | BPF_DW);
    Some(match imm {
        BPF_LOAD_ACQ => Atomic::LoadAcquire,
        BPF_STORE_REL => Atomic::StoreRelease,
        BPF_XCHG if word => Atomic::Xchg,
        BPF_CMPXCHG if word => Atomic::CmpXchg,
        _ if word => {
            let op =
                u8::try_from(imm & !BPF_FETCH).ok().filter(|&op| matches!(op, BPF_ADD | BPF_AND | BPF_OR | BPF_XOR))?;
            if imm & BPF_FETCH != 0 { Atomic::Fetch(op) } else { Atomic::Op(op) }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every opcode that the verifier of Linux 7.3 takes, and `callx`.
    fn opcodes() -> BTreeSet<u8> {
        let arithmetic = [
            BPF_ADD, BPF_SUB, BPF_AND, BPF_OR, BPF_LSH, BPF_RSH, BPF_XOR, BPF_MUL, BPF_MOV, BPF_ARSH, BPF_DIV, BPF_MOD,
        ];
        let conditions =
            [BPF_JEQ, BPF_JNE, BPF_JGT, BPF_JLT, BPF_JGE, BPF_JLE, BPF_JSGT, BPF_JSLT, BPF_JSGE, BPF_JSLE, BPF_JSET];
        let sizes = [BPF_B, BPF_H, BPF_W, BPF_DW];
        let mut all = BTreeSet::new();
        for operand in [BPF_K, BPF_X] {
            all.extend(arithmetic.iter().flat_map(|op| [BPF_ALU | op | operand, BPF_ALU64 | op | operand]));
            all.extend(conditions.iter().flat_map(|op| [BPF_JMP | op | operand, BPF_JMP32 | op | operand]));
        }
        for size in sizes {
            all.extend(
                [BPF_LDX | BPF_MEM, BPF_ST | BPF_MEM, BPF_STX | BPF_MEM, BPF_STX | BPF_ATOMIC].map(|c| c | size),
            );
            if size != BPF_DW {
                all.extend([BPF_LDX | BPF_MEMSX, BPF_LD | BPF_ABS, BPF_LD | BPF_IND].map(|code| code | size));
            }
        }
        all.extend([BPF_ALU | BPF_NEG, BPF_ALU64 | BPF_NEG]);
        all.extend([BPF_ALU | BPF_END, BPF_ALU | BPF_END | BPF_X, BPF_ALU64 | BPF_END]);
        all.extend([BPF_JMP | BPF_JA, BPF_JMP32 | BPF_JA, BPF_JMP | BPF_JA | BPF_X, BPF_JMP | BPF_JCOND]);
        all.extend([BPF_JMP | BPF_CALL, BPF_JMP | BPF_CALL | BPF_X, BPF_JMP | BPF_EXIT]);
        all.insert(BPF_LD | BPF_IMM | BPF_DW);
        all
    }

    #[test]
    fn the_opcodes_are_the_kernels() {
        // A 16 is a width for those that need one, and nothing to the others.
        let known = |code: &u8| {
            let imm = if code & 0x07 == BPF_STX { BPF_LOAD_ACQ } else { 16 };
            Insn { code: *code, imm, ..Insn::default() }.kind().is_some()
        };
        assert_eq!((0..=u8::MAX).filter(known).collect::<BTreeSet<_>>(), opcodes());
    }

    #[test]
    fn fields_choose_among_the_instructions_of_an_opcode() {
        let kind = |code, off, imm| Insn { code, dst: 1, src: 0, off, imm }.kind();
        let mov = |off, imm| kind(BPF_ALU64 | BPF_MOV | BPF_X, off, imm);
        let mov32 = |off| kind(BPF_ALU | BPF_MOV | BPF_X, off, 0);
        let atomic = |imm| match kind(BPF_STX | BPF_ATOMIC | BPF_DW, 0, imm) {
            Some(Kind::Atomic(atomic)) => Some(atomic),
            _ => None,
        };
        assert_eq!(
            (mov(0, 0), mov(8, 0), mov(32, 0)),
            (Some(Kind::Mov), Some(Kind::MovSx { bits: 8 }), Some(Kind::MovSx { bits: 32 }))
        );
        assert_eq!((mov32(16), mov32(32), mov(64, 0), mov(-1, 0)), (Some(Kind::MovSx { bits: 16 }), None, None, None));
        assert_eq!(mov(BPF_ADDR_SPACE_CAST, 1), Some(Kind::AddrSpaceCast { from: 1, to: 0 }));
        assert_eq!(mov(BPF_ADDR_SPACE_CAST, 1 << 16), Some(Kind::AddrSpaceCast { from: 0, to: 1 }));
        assert_eq!((mov(BPF_ADDR_SPACE_CAST, 2), mov32(BPF_ADDR_SPACE_CAST)), (None, None));
        assert_eq!(kind(BPF_ALU | BPF_DIV, 1, 7), Some(Kind::Alu { op: BPF_DIV, signed: true }));
        assert_eq!((kind(BPF_ALU | BPF_ADD, 1, 7), kind(BPF_ALU | BPF_MOD, 2, 7)), (None, None));
        assert_eq!(kind(BPF_ALU64 | BPF_END, 0, 64), Some(Kind::Swap(Swap::Bswap, 64)));
        assert_eq!(kind(BPF_ALU64 | BPF_END, 0, 8), None);
        assert_eq!(atomic(BPF_ADD.into()), Some(Atomic::Op(BPF_ADD)));
        assert_eq!(atomic(i32::from(BPF_XOR) | BPF_FETCH), Some(Atomic::Fetch(BPF_XOR)));
        assert_eq!((atomic(BPF_XCHG), atomic(BPF_CMPXCHG)), (Some(Atomic::Xchg), Some(Atomic::CmpXchg)));
        assert_eq!(
            (atomic(BPF_STORE_REL), atomic(BPF_SUB.into()), atomic(0x120)),
            (Some(Atomic::StoreRelease), None, None)
        );
        assert_eq!(kind(BPF_STX | BPF_ATOMIC | BPF_B, 0, BPF_ADD.into()), None);
        assert_eq!(Insn { code: BPF_JMP | BPF_JCOND, src: 1, ..Insn::default() }.kind(), None);
    }
}
