//! What one instruction reads and writes, and where control goes from it.
//!
//! The kernel's counterpart is `check_reg_arg` and its callers in `kernel/bpf/verifier.c`. Here an instruction is
//! either understood in full or refused: a wrong guess would lose a register's value silently.

use super::regs::Regs;
use crate::insn::{Atomic, Insn, Kind};
use crate::uapi::*;
use crate::{Error, Result};

/// What one instruction does to the registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Effect {
    /// Read by name. What a call reads depends on what it calls: see [`Callee`].
    pub(super) reads: Regs,
    /// The value from before is gone.
    pub(super) kills: Regs,
    /// Readable afterwards. A call kills `r1` to `r5` and defines only `r0`.
    pub(super) defines: Regs,
    pub(super) flow: Flow,
    pub(super) callee: Option<Callee>,
}

/// Where control goes next. Distances count slots from the next slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Jump(i32),
    Branch(i32),
    /// To where a jump table says.
    Table,
    End,
}

/// What a call calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Callee {
    /// A helper, by its `enum bpf_func_id`.
    Helper(i32),
    /// A function of the kernel, by its BTF id, which is not known here.
    Kfunc,
    /// A function of the program, by its distance.
    Function(i32),
}

/// The effect of `insn`, the first slot of an instruction.
pub(super) fn effect(insn: Insn) -> Result<Effect> {
    let kind = insn.kind().ok_or_else(|| unknown(insn))?;
    let nothing = plain(Regs::NONE, Regs::NONE);
    let operand = || if insn.code & BPF_X != 0 { read(insn.src) } else { Ok(Regs::NONE) };
    // The old packet loads call into the kernel: they take the context in r6, and leave r1 to r5 unreadable.
    let after_packet = |reads| Effect { kills: Regs::CALLER_SAVED, ..plain(reads, Regs::one(0)) };
    Ok(match kind {
        Kind::Mov => plain(operand()?, write(insn.dst)?),
        Kind::MovSx { .. } | Kind::AddrSpaceCast { .. } => plain(read(insn.src)?, write(insn.dst)?),
        Kind::Alu { .. } => plain(write(insn.dst)?.or(operand()?), write(insn.dst)?),
        // BPF_X chooses the byte order, and no register.
        Kind::Neg | Kind::Swap(..) => plain(write(insn.dst)?, write(insn.dst)?),
        Kind::LdImm64 => plain(Regs::NONE, write(insn.dst)?),
        Kind::LdAbs => after_packet(Regs::one(6)),
        Kind::LdInd => after_packet(Regs::one(6).or(read(insn.src)?)),
        Kind::Load | Kind::LoadSx => plain(read(insn.src)?, write(insn.dst)?),
        Kind::Store => plain(read(insn.dst)?.or(read(insn.src)?), Regs::NONE),
        Kind::StoreImm => plain(read(insn.dst)?, Regs::NONE),
        Kind::Atomic(atomic) => of_atomic(insn, atomic)?,
        Kind::Goto => Effect { flow: Flow::Jump(insn.jump().unwrap_or_default()), ..nothing },
        Kind::GotoX => Effect { reads: read(insn.dst)?, flow: Flow::Table, ..nothing },
        // Whether it jumps is up to the kernel.
        Kind::MayGoto => Effect { flow: Flow::Branch(insn.off.into()), ..nothing },
        Kind::Branch => {
            Effect { reads: read(insn.dst)?.or(operand()?), flow: Flow::Branch(insn.off.into()), ..nothing }
        }
        Kind::Call => of_call(insn)?,
        Kind::CallX => return Err(Error::unsupported("calls through a register (callx)")),
        Kind::Exit => Effect { reads: Regs::one(0), flow: Flow::End, ..nothing },
    })
}

fn plain(reads: Regs, writes: Regs) -> Effect {
    Effect { reads, kills: writes, defines: writes, flow: Flow::Next, callee: None }
}

fn unknown(insn: Insn) -> Error {
    let Insn { code, src, off, imm, .. } = insn;
    Error::malformed(format!(
        "unknown instruction: code {code:#04x}, source register {src}, offset {off}, immediate {imm}"
    ))
}

/// The register `reg`, to read.
fn read(reg: u8) -> Result<Regs> {
    match reg {
        0..=10 => Ok(Regs::one(reg)),
        11 => Err(Error::unsupported(
            "passes arguments on the stack (r11), which kernels without direct .percpu access do not support",
        )),
        _ => Err(Error::malformed(format!("there is no register r{reg}"))),
    }
}

/// The register `reg`, to write.
fn write(reg: u8) -> Result<Regs> {
    match reg {
        10 => Err(Error::malformed("writes r10, the frame pointer")),
        _ => read(reg),
    }
}

fn of_call(insn: Insn) -> Result<Effect> {
    let callee = match insn.src {
        0 => Callee::Helper(insn.imm),
        BPF_PSEUDO_CALL => Callee::Function(insn.imm),
        BPF_PSEUDO_KFUNC_CALL => Callee::Kfunc,
        other => return Err(Error::malformed(format!("unknown kind of call: source register {other}"))),
    };
    Ok(Effect {
        reads: Regs::NONE,
        kills: Regs::CALLER_SAVED,
        defines: Regs::one(0),
        flow: Flow::Next,
        callee: Some(callee),
    })
}

fn of_atomic(insn: Insn, atomic: Atomic) -> Result<Effect> {
    let both = || Ok::<_, Error>(read(insn.dst)?.or(read(insn.src)?));
    Ok(match atomic {
        Atomic::LoadAcquire => plain(read(insn.src)?, write(insn.dst)?),
        Atomic::Op(_) | Atomic::StoreRelease => plain(both()?, Regs::NONE),
        Atomic::CmpXchg => plain(both()?.or(Regs::one(0)), Regs::one(0)),
        Atomic::Fetch(_) | Atomic::Xchg => plain(both()?, write(insn.src)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::insn::build::*;

    fn set(regs: &[u8]) -> Regs {
        regs.iter().fold(Regs::NONE, |set, &reg| set.or(Regs::one(reg)))
    }

    #[test]
    fn what_instructions_read_and_write() {
        let raw = |code, dst, src, imm| Insn { code, dst, src, off: 0, imm };
        let with_off = |insn, off| Insn { off, ..insn };
        let atomic = |imm| raw(BPF_STX | BPF_ATOMIC | BPF_DW, 1, 2, imm);
        let table: &[(Insn, &[u8], &[u8])] = &[
            (mov(R1, R2), &[2], &[1]),
            (mov_imm(R1, 7), &[], &[1]),
            (add(R1, R2), &[1, 2], &[1]),
            (alu(BPF_XOR, R3, R3), &[3], &[3]),
            (alu_imm(BPF_LSH, R4, 3), &[4], &[4]),
            (raw(BPF_ALU | BPF_NEG, 5, 0, 0), &[5], &[5]),
            (raw(BPF_ALU | BPF_END | BPF_X, 5, 0, 64), &[5], &[5]),
            (raw(BPF_ALU64 | BPF_END, 5, 0, 16), &[5], &[5]),
            (with_off(mov(R1, R2), 8), &[2], &[1]),
            (Insn { imm: 1 << 16, ..with_off(mov(R1, R2), BPF_ADDR_SPACE_CAST) }, &[2], &[1]),
            (with_off(alu(BPF_DIV, R1, R2), 1), &[1, 2], &[1]),
            (with_off(alu_imm(BPF_MOD, R1, 3), 1), &[1], &[1]),
            (load(Size::DW, R1, R10, -8), &[10], &[1]),
            (raw(BPF_LDX | BPF_MEMSX | BPF_W, 3, 4, 0), &[4], &[3]),
            (store(Size::B, R1, 0, R2), &[1, 2], &[]),
            (store_imm(Size::B, R1, 0, 2), &[1], &[]),
            (atomic(BPF_ADD as i32), &[1, 2], &[]),
            (atomic(BPF_ADD as i32 | BPF_FETCH), &[1, 2], &[2]),
            (atomic(BPF_XCHG), &[1, 2], &[2]),
            (atomic(BPF_CMPXCHG), &[0, 1, 2], &[0]),
            (atomic(BPF_LOAD_ACQ), &[2], &[1]),
            (atomic(BPF_STORE_REL), &[1, 2], &[]),
            (ld_imm64(R5, 0, 1, 2)[0], &[], &[5]),
            (ja(-1), &[], &[]),
            (jump_imm(BPF_JEQ, R1, 0, 1), &[1], &[]),
            (jump(BPF_JSGT, R1, R2, 1), &[1, 2], &[]),
            (raw(BPF_JMP | BPF_JCOND, 0, 0, 0), &[], &[]),
            (raw(BPF_JMP | BPF_JA | BPF_X, 4, 0, 0), &[4], &[]),
            (raw(BPF_JMP32 | BPF_JA, 0, 0, -1), &[], &[]),
        ];
        for &(insn, reads, writes) in table {
            let effect = effect(insn).unwrap();
            assert_eq!(
                (effect.reads, effect.kills, effect.defines),
                (set(reads), set(writes), set(writes)),
                "{insn:?}"
            );
        }
    }

    #[test]
    fn calls_and_packet_loads_leave_the_arguments_unreadable() {
        let packet = Insn { code: BPF_LD | BPF_IND | BPF_W, dst: 0, src: 7, off: 0, imm: 0 };
        for (insn, reads) in [(call(1), set(&[])), (packet, set(&[6, 7]))] {
            let effect = effect(insn).unwrap();
            assert_eq!((effect.reads, effect.kills, effect.defines), (reads, Regs::CALLER_SAVED, set(&[0])));
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let raw = |code, dst, src| effect(Insn { code, dst, src, off: 0, imm: 0 }).unwrap_err().kind();
        let malformed = [
            (BPF_ALU64 | 0xe0, 0, 0),
            (BPF_ALU64 | BPF_MOV | BPF_X, 0, 12),
            (BPF_ALU64 | BPF_MOV, 15, 0),
            (BPF_ALU64 | BPF_ADD, 10, 0),
            (BPF_LDX | BPF_MEM, 10, 1),
            (BPF_LDX | 0xa0, 1, 1),
            (BPF_ST | BPF_ATOMIC, 1, 1),
            (BPF_LD | BPF_IMM, 0, 0),
            (BPF_JMP | 0xf0, 0, 0),
            (BPF_JMP32 | BPF_EXIT, 0, 0),
            (BPF_JMP32 | BPF_CALL, 0, 0),
            (BPF_JMP32 | BPF_JA | BPF_X, 0, 0),
            (BPF_JMP32 | BPF_JCOND, 0, 0),
            (BPF_JMP | BPF_JCOND, 0, 1),
            (BPF_LDX | BPF_MEMSX | BPF_DW, 1, 1),
            (BPF_STX | BPF_ATOMIC | BPF_B, 1, 1),
            (BPF_ALU64 | BPF_END, 1, 0),
            (BPF_JMP | BPF_CALL, 0, 3),
        ];
        for (code, dst, src) in malformed {
            assert_eq!(raw(code, dst, src), ErrorKind::Malformed, "{code:#04x}");
        }
        let unsupported = [(BPF_JMP | BPF_CALL | BPF_X, 1, 0), (BPF_STX | BPF_MEM | BPF_DW, 11, 1)];
        for (code, dst, src) in unsupported {
            assert_eq!(raw(code, dst, src), ErrorKind::Unsupported, "{code:#04x}");
        }
    }
}
