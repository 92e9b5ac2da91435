//! Programs that the runtime itself loads, to ask the kernel something.

use std::ffi::CStr;
use std::os::fd::{BorrowedFd, OwnedFd};

use crate::sys::Errno;
use crate::sys::bpf::{self, Prog};
use crate::sys::uapi::{AttachType, CALL, ProgType};

/// The license of the programs that the runtime itself brings.
pub(crate) const LICENSE: &CStr = c"Dual MIT/GPL";

/// The name of maps and programs that ask the kernel something.
pub(crate) const NAME: &str = "skel_probe";

/// `struct bpf_insn`.
pub(crate) fn insn(code: u8, dst: u8, src: u8, off: i16, imm: i32) -> [u8; 8] {
    // The registers are bit fields, which the C compiler fills from the byte order's own end.
    let regs = if cfg!(target_endian = "little") { src << 4 | dst } else { dst << 4 | src };
    let ([o0, o1], [i0, i1, i2, i3]) = (off.to_ne_bytes(), imm.to_ne_bytes());
    [code, regs, o0, o1, i0, i1, i2, i3]
}

/// `exit`
pub(crate) fn exit() -> [u8; 8] {
    insn(0x95, 0, 0, 0, 0)
}

/// `dst = imm`
pub(crate) fn mov(dst: u8, imm: i32) -> [u8; 8] {
    insn(0xb7, dst, 0, 0, imm)
}

/// `call helper`
pub(crate) fn call(helper: i32) -> [u8; 8] {
    insn(CALL, 0, 0, 0, helper)
}

/// Loads a program of these types that has these instructions.
pub(crate) fn load(
    prog_type: ProgType,
    expected_attach_type: AttachType,
    insns: &[[u8; 8]],
    token: Option<BorrowedFd<'_>>,
) -> Result<OwnedFd, Errno> {
    let insns = insns.as_flattened();
    bpf::prog_load(&Prog {
        prog_type,
        expected_attach_type,
        name: NAME,
        license: LICENSE,
        insns,
        token,
        ..Prog::default()
    })
}
