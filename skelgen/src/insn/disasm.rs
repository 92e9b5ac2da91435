//! Instructions as text, close to the verifier's log and `llvm-objdump`.

use std::fmt;

use super::Insn;
use super::uapi::*;

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
        match self.insn.class() {
            BPF_LD => self.load_immediate(f),
            BPF_LDX | BPF_ST | BPF_STX => self.memory(f),
            BPF_ALU | BPF_ALU64 => self.alu(f),
            _ => self.jump(f),
        }
    }
}

impl Text {
    fn raw(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Insn { code, dst, src, off, imm } = self.insn;
        write!(f, ".insn {code:#04x} dst={dst} src={src} off={off} imm={imm}")
    }

    fn load_immediate(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Insn { dst, src, imm, .. } = self.insn;
        if !self.insn.is_ld_imm64() {
            return self.raw(f);
        }
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

    fn memory(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Insn { code, dst, src, off, imm } = self.insn;
        let size = match code & 0x18 {
            BPF_B => 8,
            BPF_H => 16,
            BPF_W => 32,
            _ => 64,
        };
        let place = |reg: u8| {
            let sign = if off < 0 { '-' } else { '+' };
            format!("(r{reg} {sign} {})", off.unsigned_abs())
        };
        match (self.insn.class(), self.insn.mode()) {
            (BPF_LDX, BPF_MEM) => write!(f, "r{dst} = *(u{size} *){}", place(src)),
            (BPF_LDX, BPF_MEMSX) => write!(f, "r{dst} = *(s{size} *){}", place(src)),
            (BPF_STX, BPF_MEM) => write!(f, "*(u{size} *){} = r{src}", place(dst)),
            (BPF_ST, BPF_MEM) => write!(f, "*(u{size} *){} = {imm}", place(dst)),
            (BPF_STX, BPF_ATOMIC) => write!(f, "atomic u{size} {} op {imm:#x} r{src}", place(dst)),
            _ => self.raw(f),
        }
    }

    fn alu(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Insn { code, dst, src, imm, .. } = self.insn;
        let reg = if self.insn.class() == BPF_ALU { 'w' } else { 'r' };
        let sign = match self.insn.op() {
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
            BPF_MOV => "=",
            BPF_ARSH => "s>>=",
            BPF_NEG => return write!(f, "{reg}{dst} = -{reg}{dst}"),
            _ => return self.raw(f),
        };
        if code & BPF_X != 0 { write!(f, "{reg}{dst} {sign} {reg}{src}") } else { write!(f, "{reg}{dst} {sign} {imm}") }
    }

    fn jump(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Insn { code, dst, src, off, imm } = self.insn;
        let reg = if self.insn.class() == BPF_JMP32 { 'w' } else { 'r' };
        let sign = match self.insn.op() {
            BPF_CALL if code & BPF_X != 0 => return write!(f, "callx r{dst}"),
            BPF_CALL => {
                return match src {
                    BPF_PSEUDO_CALL => write!(f, "call {}", self.target(imm)),
                    BPF_PSEUDO_KFUNC_CALL => write!(f, "call kfunc {imm} in {off}"),
                    _ => write!(f, "call helper {imm}"),
                };
            }
            BPF_EXIT => return f.write_str("exit"),
            BPF_JA if self.insn.is_indirect_jump() => return write!(f, "gotox r{dst}"),
            BPF_JA if reg == 'w' => return write!(f, "gotol {}", self.target(imm)),
            BPF_JA => return write!(f, "goto {}", self.target(off.into())),
            BPF_JCOND => return write!(f, "may_goto {}", self.target(off.into())),
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
            BPF_JSLE => "s<=",
            _ => return self.raw(f),
        };
        let target = self.target(off.into());
        if code & BPF_X != 0 {
            write!(f, "if {reg}{dst} {sign} {reg}{src} goto {target}")
        } else {
            write!(f, "if {reg}{dst} {sign} {imm} goto {target}")
        }
    }

    /// A jump's or call's target, as the index of its slot.
    fn target(&self, distance: i32) -> i64 {
        self.index as i64 + 1 + i64::from(distance)
    }
}
