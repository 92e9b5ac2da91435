//! Small programs for this stage's tests, and the tests of the stage as a whole.

mod arguments;
mod image;
mod interpreter;
mod refused;
mod same;

use crate::btf::Btf;
use crate::fds::FdSlot;
use crate::insn::Insn;
use crate::insn::build::*;
use crate::link::{Function, Program};
use crate::lower::PerCpuMap;
use crate::object::{FuncIdx, MapIdx};
use crate::uapi::*;
use crate::{Error, Result};

/// Map 3 is the `.percpu` section of these tests, map 4 another one; 5 and 6 stand in for them.
pub(super) const SECTIONS: &[PerCpuMap] =
    &[PerCpuMap { section: MapIdx(3), stand_in: FdSlot(5) }, PerCpuMap { section: MapIdx(4), stand_in: FdSlot(6) }];

/// A program of these functions, each static but the first.
pub(super) fn program(functions: &[(&str, Vec<Insn>)]) -> Program {
    let mut program = Program {
        name: functions[0].0.into(),
        functions: Vec::new(),
        insns: Vec::new(),
        func_info: Vec::new(),
        line_info: Vec::new(),
        core_relos: Vec::new(),
        ksym_refs: Vec::new(),
        jump_tables: Vec::new(),
    };
    for (index, (name, insns)) in functions.iter().enumerate() {
        let start = program.insns.len();
        program.insns.extend(insns);
        let (index, span) = (FuncIdx(index), start..program.insns.len());
        program.functions.push(Function { index, name: (*name).into(), span, global: start == 0 });
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

/// A call of the function that starts `distance` slots behind the next slot.
pub(super) fn call_function(distance: i32) -> Insn {
    Insn { code: BPF_JMP | BPF_CALL, dst: 0, src: BPF_PSEUDO_CALL, off: 0, imm: distance }
}

fn lowered(program: &Program) -> Result<Program> {
    let lowered = super::lower(program, SECTIONS, &Btf::default(), 0)?;
    lowered.ok_or_else(|| Error::unresolved("nothing to lower"))
}
