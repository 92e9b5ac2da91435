//! What BTF.ext says of a program, as the records that `BPF_PROG_LOAD` points to (`include/uapi/linux/bpf.h`).

use super::attr::{CORE_RELO_LEN, FUNC_INFO_LEN, LINE_INFO_LEN};
use crate::Endian;
use crate::insn::INSN_SIZE;
use crate::link::Program;

/// `func_info`.
pub(super) fn func_info(program: &Program, endian: Endian) -> Vec<u8> {
    let mut out = Vec::with_capacity(program.func_info.len() * FUNC_INFO_LEN);
    for info in &program.func_info {
        endian.put_u32(&mut out, info.insn as u32);
        endian.put_u32(&mut out, info.type_id.0);
    }
    out
}

/// `line_info`.
pub(super) fn line_info(program: &Program, endian: Endian) -> Vec<u8> {
    let mut out = Vec::with_capacity(program.line_info.len() * LINE_INFO_LEN);
    for info in &program.line_info {
        for word in [info.insn as u32, info.file.0, info.line.0, info.line_col] {
            endian.put_u32(&mut out, word);
        }
    }
    out
}

/// `core_relos`: here the kernel counts bytes, not slots.
pub(super) fn core_relos(program: &Program, endian: Endian) -> Vec<u8> {
    let mut out = Vec::with_capacity(program.core_relos.len() * CORE_RELO_LEN);
    for relo in &program.core_relos {
        let insn_off = relo.insn * INSN_SIZE;
        for word in [insn_off as u32, relo.type_id.0, relo.access.0, relo.kind] {
            endian.put_u32(&mut out, word);
        }
    }
    out
}
