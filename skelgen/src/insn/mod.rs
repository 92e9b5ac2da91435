//! One BPF instruction slot, as `struct bpf_insn` in `include/uapi/linux/bpf.h`.
//!
//! [`Insn`] is a plain value. `ld_imm64` takes two slots; the second holds the upper half of the immediate in its
//! own `imm` and is otherwise zero. Constructors are in [`build`], [`Kind`] is which instruction it is, text is in
//! [`disasm`].

pub mod build;
pub mod disasm;
mod kind;
pub mod limits;

use crate::uapi::*;
use crate::{Endian, Error, Result};
pub use kind::{Atomic, Kind, Swap};

/// Bytes of one instruction slot.
pub const INSN_SIZE: usize = 8;

/// One 8-byte instruction slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Insn {
    /// Class, operation or size, and source or mode: `BPF_ALU64 | BPF_ADD | BPF_K`.
    pub code: u8,
    /// Destination register, 0 to 10.
    pub dst: u8,
    /// Source register, 0 to 10, or one of the `BPF_PSEUDO_*` values.
    pub src: u8,
    /// Signed offset: of a jump in slots from the next slot, of a memory access in bytes.
    pub off: i16,
    /// Signed immediate.
    pub imm: i32,
}

impl Insn {
    /// The instruction class, `BPF_LD` to `BPF_ALU64`.
    pub const fn class(self) -> u8 {
        self.code & 0x07
    }

    /// The operation of an ALU or jump instruction: `BPF_ADD`, `BPF_JEQ`, ...
    pub const fn op(self) -> u8 {
        self.code & 0xf0
    }

    /// The mode of a load or store: `BPF_MEM`, `BPF_ATOMIC`, ...
    pub const fn mode(self) -> u8 {
        self.code & 0xe0
    }

    /// The width of a load or store: `BPF_B`, `BPF_DW`, ...
    pub const fn size(self) -> u8 {
        self.code & 0x18
    }

    /// Whether this is the first slot of a two-slot `ld_imm64`.
    pub const fn is_ld_imm64(self) -> bool {
        self.code == BPF_LD | BPF_IMM | BPF_DW
    }

    /// Whether this is an `ld_imm64` of an address in the value of the map with index `imm` (`BPF_PSEUDO_MAP_IDX_VALUE`).
    pub const fn is_map_value(self) -> bool {
        self.is_ld_imm64() && self.src == BPF_PSEUDO_MAP_IDX_VALUE
    }

    /// Whether this is a call of another function of the same program.
    pub const fn is_pseudo_call(self) -> bool {
        self.code == BPF_JMP | BPF_CALL && self.src == BPF_PSEUDO_CALL
    }

    /// Whether this is a call of a helper or a kfunc or of a function of the program.
    pub const fn is_call(self) -> bool {
        self.code == BPF_JMP | BPF_CALL || self.code == BPF_JMP | BPF_CALL | BPF_X
    }

    /// Whether this leaves the function.
    pub const fn is_exit(self) -> bool {
        self.code == BPF_JMP | BPF_EXIT
    }

    /// Whether this is an `ld_imm64` of a function's address (`BPF_PSEUDO_FUNC`).
    pub const fn is_func_addr(self) -> bool {
        self.is_ld_imm64() && self.src == BPF_PSEUDO_FUNC
    }

    /// Whether this is `gotox`, which jumps to where a register says.
    pub const fn is_indirect_jump(self) -> bool {
        self.code == BPF_JMP | BPF_JA | BPF_X
    }

    /// The distance of a jump inside the function, in slots from the next slot; `None` for anything else.
    ///
    /// `gotol` (`BPF_JMP32 | BPF_JA`) keeps it in `imm`, every other jump in `off`; `gotox` has none.
    pub const fn jump(self) -> Option<i32> {
        match (self.class(), self.op()) {
            _ if self.is_indirect_jump() => None,
            (BPF_JMP | BPF_JMP32, BPF_CALL | BPF_EXIT) => None,
            (BPF_JMP32, BPF_JA) => Some(self.imm),
            (BPF_JMP | BPF_JMP32, _) => Some(self.off as i32),
            _ => None,
        }
    }

    /// The eight bytes of this slot.
    pub fn encode(self, endian: Endian) -> [u8; INSN_SIZE] {
        let (off, imm) = (self.off, self.imm);
        let (regs, off, imm) = match endian {
            Endian::Little => (self.src << 4 | self.dst & 0xf, off.to_le_bytes(), imm.to_le_bytes()),
            Endian::Big => (self.dst << 4 | self.src & 0xf, off.to_be_bytes(), imm.to_be_bytes()),
        };
        [self.code, regs, off[0], off[1], imm[0], imm[1], imm[2], imm[3]]
    }

    /// Reads one slot. Every eight bytes are a slot; whether they are a valid instruction is the verifier's matter.
    pub fn decode(bytes: [u8; INSN_SIZE], endian: Endian) -> Self {
        let [code, regs, o0, o1, i0, i1, i2, i3] = bytes;
        let (high, low) = (regs >> 4, regs & 0xf);
        match endian {
            Endian::Little => Insn {
                code,
                dst: low,
                src: high,
                off: i16::from_le_bytes([o0, o1]),
                imm: i32::from_le_bytes([i0, i1, i2, i3]),
            },
            Endian::Big => Insn {
                code,
                dst: high,
                src: low,
                off: i16::from_be_bytes([o0, o1]),
                imm: i32::from_be_bytes([i0, i1, i2, i3]),
            },
        }
    }
}

/// Encodes a run of slots.
pub fn encode_all(insns: &[Insn], endian: Endian) -> Vec<u8> {
    insns.iter().flat_map(|insn| insn.encode(endian)).collect()
}

/// Decodes a run of slots; the length must be a multiple of eight.
pub fn decode_all(bytes: &[u8], endian: Endian) -> Result<Vec<Insn>> {
    let (slots, rest) = bytes.as_chunks::<INSN_SIZE>();
    if !rest.is_empty() {
        return Err(Error::malformed(format!("{} bytes of code are not a multiple of 8", bytes.len())));
    }
    Ok(slots.iter().map(|&slot| Insn::decode(slot, endian)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_has_a_distance_unless_a_register_says_where() {
        let jump = |code, off, imm| Insn { code, off, imm, ..Insn::default() }.jump();
        assert_eq!(jump(BPF_JMP | BPF_JA, -3, 7), Some(-3));
        assert_eq!(jump(BPF_JMP32 | BPF_JA, -3, 7), Some(7));
        assert_eq!(jump(BPF_JMP | BPF_JCOND, 4, 0), Some(4));
        assert_eq!(jump(BPF_JMP32 | BPF_JEQ | BPF_X, 5, 0), Some(5));
        for code in [BPF_JMP | BPF_JA | BPF_X, BPF_JMP | BPF_CALL, BPF_JMP | BPF_EXIT, BPF_ALU | BPF_ADD] {
            assert_eq!(jump(code, 1, 1), None, "{code:#04x}");
        }
    }
}
