//! Small programs for this stage's tests.

use crate::insn::Insn;
use crate::insn::build::*;
use crate::insn::uapi::*;
use crate::link::{Function, Program};

/// A program of these functions, each static but the first.
pub(super) fn program(functions: &[(&str, Vec<Insn>)]) -> Program {
    let mut program = Program {
        name: functions[0].0.into(),
        functions: Vec::new(),
        insns: Vec::new(),
        func_info: Vec::new(),
        line_info: Vec::new(),
        core_relos: Vec::new(),
    };
    for (name, insns) in functions {
        let start = program.insns.len();
        program.insns.extend(insns);
        program.functions.push(Function { name: (*name).into(), span: start..program.insns.len(), global: start == 0 });
    }
    program
}

pub(super) fn one_function(insns: &[Insn]) -> Program {
    program(&[("main", insns.to_vec())])
}

/// `dst = &section + offset`
pub(super) fn section(dst: Reg, map: i32, offset: i32) -> [Insn; 2] {
    ld_imm64(dst, BPF_PSEUDO_MAP_IDX_VALUE, map, offset)
}
