//! Instructions as text, close to the verifier's log and `llvm-objdump`.

use std::fmt;

use super::{Atomic, Insn, Kind, Swap};
use crate::uapi::*;

/// A run of slots, one line each: `   3: r1 = *(u64 *)(r10 - 8)`.
pub struct Listing<'a>(pub &'a [Insn]);

impl<'a> Listing<'a> {
    /// The instructions by their first slots, each with its text.
    pub fn lines(&self) -> impl Iterator<Item = (usize, impl fmt::Display + use<>)> + use<'a> {
        let insns = self.0;
        let mut wide = false;
        insns.iter().enumerate().filter_map(move |(index, &insn)| {
            if std::mem::take(&mut wide) {
                return None;
            }
            wide = insn.is_ld_imm64();
            let high = if wide { insns.get(index + 1).map_or(0, |next| next.imm) } else { 0 };
            Some((index, Text { insn, high, index }))
        })
    }
}

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines().try_for_each(|(index, text)| writeln!(f, "{index:>5}: {text}"))
    }
}

struct Text {
    insn: Insn,
    /// The second slot's immediate, of an `ld_imm64`.
    high: i32,
    index: usize,
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Insn { code, dst, src, off, imm } = self.insn;
        let Some(kind) = self.insn.kind() else {
            return write!(f, ".insn {code:#04x} dst={dst} src={src} off={off} imm={imm}");
        };
        let (width, reg) = (self.width(), self.reg());
        match kind {
            Kind::Alu { op, signed } => {
                let sign = if signed { "s" } else { "" };
                write!(f, "{reg}{dst} {sign}{} {}", assignment(op), self.operand())
            }
            Kind::Mov => write!(f, "{reg}{dst} = {}", self.operand()),
            Kind::MovSx { bits } => write!(f, "{reg}{dst} = (s{bits}){reg}{src}"),
            Kind::AddrSpaceCast { from, to } => write!(f, "r{dst} = addr_space_cast(r{src}, {to}, {from})"),
            Kind::Neg => write!(f, "{reg}{dst} = -{reg}{dst}"),
            Kind::Swap(Swap::Le, bits) => write!(f, "r{dst} = le{bits} r{dst}"),
            Kind::Swap(Swap::Be, bits) => write!(f, "r{dst} = be{bits} r{dst}"),
            Kind::Swap(Swap::Bswap, bits) => write!(f, "r{dst} = bswap{bits} r{dst}"),
            Kind::LdImm64 => self.load_immediate(f),
            Kind::LdAbs => write!(f, "r0 = *(u{width} *)skb[{imm}]"),
            Kind::LdInd => write!(f, "r0 = *(u{width} *)skb[r{src} + {imm}]"),
            Kind::Load => write!(f, "r{dst} = *(u{width} *){}", self.place(src)),
            Kind::LoadSx => write!(f, "r{dst} = *(s{width} *){}", self.place(src)),
            Kind::Store => write!(f, "*(u{width} *){} = r{src}", self.place(dst)),
            Kind::StoreImm => write!(f, "*(u{width} *){} = {imm}", self.place(dst)),
            Kind::Atomic(atomic) => self.atomic(f, atomic),
            Kind::Goto if self.insn.class() == BPF_JMP32 => write!(f, "gotol {}", self.target(imm)),
            Kind::Goto => write!(f, "goto {}", self.target(off.into())),
            Kind::GotoX => write!(f, "gotox r{dst}"),
            Kind::MayGoto => write!(f, "may_goto {}", self.target(off.into())),
            Kind::Branch => {
                let (operand, target) = (self.operand(), self.target(off.into()));
                write!(f, "if {reg}{dst} {} {operand} goto {target}", comparison(self.insn.op()))
            }
            Kind::Call => match src {
                BPF_PSEUDO_CALL => write!(f, "call {}", self.target(imm)),
                BPF_PSEUDO_KFUNC_CALL => write!(f, "call kfunc {imm} in {off}"),
                _ => write!(f, "call helper {imm}"),
            },
            Kind::CallX => write!(f, "callx r{dst}"),
            Kind::Exit => f.write_str("exit"),
        }
    }
}

impl Text {
    fn load_immediate(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Insn { dst, src, imm, .. } = self.insn;
        match src {
            BPF_PSEUDO_MAP_FD => write!(f, "r{dst} = map_fd[{imm}]"),
            BPF_PSEUDO_MAP_VALUE => write!(f, "r{dst} = map_fd_value[{imm}] + {}", self.high),
            BPF_PSEUDO_MAP_IDX => write!(f, "r{dst} = map[{imm}]"),
            BPF_PSEUDO_MAP_IDX_VALUE => write!(f, "r{dst} = map_value[{imm}] + {}", self.high),
            BPF_PSEUDO_BTF_ID => write!(f, "r{dst} = btf_id({imm})"),
            BPF_PSEUDO_FUNC => write!(f, "r{dst} = func {}", self.target(imm)),
            _ => {
                let value = (self.high as u32 as u64) << 32 | imm as u32 as u64;
                write!(f, "r{dst} = {value:#x} ll")
            }
        }
    }

    fn atomic(&self, f: &mut fmt::Formatter<'_>, atomic: Atomic) -> fmt::Result {
        let Insn { dst, src, .. } = self.insn;
        let width = self.width();
        let place = format!("(u{width} *){}", self.place(if atomic == Atomic::LoadAcquire { src } else { dst }));
        match atomic {
            Atomic::Op(op) => write!(f, "lock *{place} {} r{src}", assignment(op)),
            Atomic::Fetch(op) => {
                let name = match op {
                    BPF_ADD => "add",
                    BPF_AND => "and",
                    BPF_OR => "or",
                    _ => "xor",
                };
                write!(f, "r{src} = atomic_fetch_{name}({place}, r{src})")
            }
            Atomic::Xchg => write!(f, "r{src} = xchg({place}, r{src})"),
            Atomic::CmpXchg => write!(f, "r0 = cmpxchg({place}, r0, r{src})"),
            Atomic::LoadAcquire => write!(f, "r{dst} = load_acquire({place})"),
            Atomic::StoreRelease => write!(f, "store_release({place}, r{src})"),
        }
    }

    /// What the registers of an instruction are called: `w` where it takes 32 bits of them.
    fn reg(&self) -> char {
        if matches!(self.insn.class(), BPF_ALU | BPF_JMP32) { 'w' } else { 'r' }
    }

    fn operand(&self) -> String {
        let Insn { code, src, imm, .. } = self.insn;
        if code & BPF_X != 0 { format!("{}{src}", self.reg()) } else { imm.to_string() }
    }

    /// Bits of a memory access.
    fn width(&self) -> u8 {
        match self.insn.size() {
            BPF_B => 8,
            BPF_H => 16,
            BPF_W => 32,
            _ => 64,
        }
    }

    fn place(&self, reg: u8) -> String {
        let off = self.insn.off;
        let sign = if off < 0 { '-' } else { '+' };
        format!("(r{reg} {sign} {})", off.unsigned_abs())
    }

    /// A jump's or call's target, as the index of its slot.
    fn target(&self, distance: i32) -> i64 {
        self.index as i64 + 1 + i64::from(distance)
    }
}

/// The sign of an arithmetic operation.
fn assignment(op: u8) -> &'static str {
    match op {
        BPF_ADD => "+=",
        BPF_SUB => "-=",
        BPF_MUL => "*=",
        BPF_DIV => "/=",
        BPF_OR => "|=",
        BPF_AND => "&=",
        BPF_LSH => "<<=",
        BPF_RSH => ">>=",
        BPF_MOD => "%=",
        BPF_XOR => "^=",
        BPF_ARSH => "s>>=",
        _ => "=",
    }
}

/// The sign of a condition.
fn comparison(op: u8) -> &'static str {
    match op {
        BPF_JEQ => "==",
        BPF_JGT => ">",
        BPF_JGE => ">=",
        BPF_JSET => "&",
        BPF_JNE => "!=",
        BPF_JSGT => "s>",
        BPF_JSGE => "s>=",
        BPF_JLT => "<",
        BPF_JLE => "<=",
        BPF_JSLT => "s<",
        _ => "s<=",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_read_as_in_the_verifiers_log() {
        let raw = |code, dst, src, off, imm| Insn { code, dst, src, off, imm };
        let atomic = |size: u8, imm| raw(BPF_STX | BPF_ATOMIC | size, 1, 2, -8, imm);
        let table = [
            (raw(BPF_ALU64 | BPF_ADD | BPF_X, 1, 2, 0, 0), "r1 += r2"),
            (raw(BPF_ALU | BPF_MOD, 1, 0, 1, -3), "w1 s%= -3"),
            (raw(BPF_ALU64 | BPF_DIV | BPF_X, 1, 2, 1, 0), "r1 s/= r2"),
            (raw(BPF_ALU | BPF_MOV | BPF_X, 1, 2, 16, 0), "w1 = (s16)w2"),
            (raw(BPF_ALU64 | BPF_MOV | BPF_X, 1, 2, 32, 0), "r1 = (s32)r2"),
            (raw(BPF_ALU64 | BPF_MOV | BPF_X, 1, 2, 1, 1 << 16), "r1 = addr_space_cast(r2, 1, 0)"),
            (raw(BPF_ALU64 | BPF_MOV | BPF_X, 1, 2, 1, 1), "r1 = addr_space_cast(r2, 0, 1)"),
            (raw(BPF_ALU | BPF_NEG, 1, 0, 0, 0), "w1 = -w1"),
            (raw(BPF_ALU | BPF_END | BPF_X, 1, 0, 0, 16), "r1 = be16 r1"),
            (raw(BPF_ALU64 | BPF_END, 1, 0, 0, 32), "r1 = bswap32 r1"),
            (raw(BPF_LD | BPF_ABS | BPF_H, 0, 0, 0, 12), "r0 = *(u16 *)skb[12]"),
            (raw(BPF_LD | BPF_IND | BPF_B, 0, 3, 0, 12), "r0 = *(u8 *)skb[r3 + 12]"),
            (raw(BPF_LDX | BPF_MEMSX | BPF_W, 1, 2, -4, 0), "r1 = *(s32 *)(r2 - 4)"),
            (atomic(BPF_W, BPF_XOR.into()), "lock *(u32 *)(r1 - 8) ^= r2"),
            (atomic(BPF_DW, BPF_FETCH), "r2 = atomic_fetch_add((u64 *)(r1 - 8), r2)"),
            (atomic(BPF_DW, BPF_XCHG), "r2 = xchg((u64 *)(r1 - 8), r2)"),
            (atomic(BPF_DW, BPF_CMPXCHG), "r0 = cmpxchg((u64 *)(r1 - 8), r0, r2)"),
            (atomic(BPF_B, BPF_LOAD_ACQ), "r1 = load_acquire((u8 *)(r2 - 8))"),
            (atomic(BPF_H, BPF_STORE_REL), "store_release((u16 *)(r1 - 8), r2)"),
            (raw(BPF_JMP32 | BPF_JA, 0, 0, 0, 70_000), "gotol 70001"),
            (raw(BPF_JMP | BPF_JA | BPF_X, 1, 0, 0, 0), "gotox r1"),
            (raw(BPF_JMP | BPF_JCOND, 0, 0, 3, 0), "may_goto 4"),
            (raw(BPF_JMP32 | BPF_JSLE | BPF_X, 1, 2, 3, 0), "if w1 s<= w2 goto 4"),
            (raw(0xf7, 1, 2, 3, 4), ".insn 0xf7 dst=1 src=2 off=3 imm=4"),
        ];
        for (insn, text) in table {
            assert_eq!(Text { insn, high: 0, index: 0 }.to_string(), text);
        }
    }
}
