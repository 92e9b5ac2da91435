//! What BTF.ext says of a program, as the records that `BPF_PROG_LOAD` points to.

use skelgen_abi::attr::{CoreRelo, FuncInfo, LineInfo};

use crate::Endian;
use crate::insn::INSN_SIZE;
use crate::link::Program;

/// `func_info`.
pub(super) fn func_info(program: &Program, endian: Endian) -> Vec<u8> {
    let infos = program.func_info.iter();
    infos.flat_map(|info| FuncInfo { insn_off: info.insn as u32, type_id: info.type_id.0 }.encode(endian)).collect()
}

/// `line_info`.
pub(super) fn line_info(program: &Program, endian: Endian) -> Vec<u8> {
    let infos = program.line_info.iter().map(|info| LineInfo {
        insn_off: info.insn as u32,
        file_name_off: info.file.0,
        line_off: info.line.0,
        line_col: info.line_col,
    });
    infos.flat_map(|info| info.encode(endian)).collect()
}

/// `core_relos`: here the kernel counts bytes, not slots.
pub(super) fn core_relos(program: &Program, endian: Endian) -> Vec<u8> {
    let relos = program.core_relos.iter().map(|relo| CoreRelo {
        insn_off: (relo.insn * INSN_SIZE) as u32,
        type_id: relo.type_id.0,
        access_str_off: relo.access.0,
        kind: relo.kind,
    });
    relos.flat_map(|relo| relo.encode(endian)).collect()
}
