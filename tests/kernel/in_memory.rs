//! Objects that no compiler made: put together here, and loaded as their skeletons would be.

use skelgen::btf::Btf;
use skelgen::describe::Description;
use skelgen::insn::Insn;
use skelgen::link::link;
use skelgen::object::{Data, DataKind, FuncIdx, Function, Map, MapDef, Object, ProgramDef, Reloc, sec};
use skelgen::plan::{LoadPlan, plan};
use skelgen::uapi::BPF_MAP_TYPE_PERCPU_ARRAY;
use skelgen::{Endian, loader};
use skelgen_runtime as rt;

const BYTE_ORDER: Endian = if cfg!(target_endian = "big") { Endian::Big } else { Endian::Little };

/// The section that makes a function of [`object`] a program.
pub(crate) const PROGRAM: &str = "raw_tp";

/// A section of per-CPU variables, without types.
pub(crate) fn percpu_section(name: &str, bytes: Vec<u8>) -> Map {
    let def = MapDef {
        map_type: BPF_MAP_TYPE_PERCPU_ARRAY,
        key_size: 4,
        value_size: bytes.len() as u32,
        max_entries: 1,
        ..MapDef::default()
    };
    let data = Some(Data { kind: DataKind::PerCpu, bytes, vars: Vec::new() });
    Map {
        name: name.to_owned(),
        kernel_name: name.to_owned(),
        def,
        inner: None,
        slots: Vec::new(),
        data,
        struct_ops: None,
        arena: None,
    }
}

/// A function without types: a program's entry if `section` is [`PROGRAM`], else static.
pub(crate) fn function(name: String, section: &str, insns: Vec<Insn>, relocs: Vec<Reloc>) -> Function {
    Function {
        name,
        section: section.to_owned(),
        global: section == PROGRAM,
        insns,
        relocs,
        type_id: None,
        lines: Vec::new(),
        core_relos: Vec::new(),
        jump_tables: Vec::new(),
    }
}

/// An object of these maps and functions.
pub(crate) fn object(name: &str, maps: Vec<Map>, functions: Vec<Function>) -> Object {
    let entries = functions.iter().enumerate().filter(|(_, function)| function.section == PROGRAM);
    let programs = entries.map(|(index, function)| ProgramDef {
        entry: FuncIdx(index),
        name: function.name.clone(),
        section: PROGRAM.to_owned(),
        sec: sec::parse(PROGRAM).unwrap(),
        exception_callback: None,
    });
    let programs = programs.collect();
    Object {
        name: name.to_owned(),
        endian: BYTE_ORDER,
        license: "Dual MIT/GPL".to_owned(),
        btf: Btf::default(),
        maps,
        ksyms: Vec::new(),
        functions,
        programs,
    }
}

/// What a load of `object` does.
pub(crate) fn plan_of(object: &Object) -> LoadPlan {
    plan(object, link(object).unwrap()).unwrap()
}

/// Loads what was planned.
pub(crate) fn load(plan: &LoadPlan, mode: rt::PerCpuMode) -> rt::Result<rt::Loaded> {
    let loader = loader::assemble(plan).unwrap();
    let description = Description::of(plan, &loader);
    let mut opened = rt::Opened::new(&description.object())?;
    opened.set_percpu_mode(mode);
    opened.load([], [], &[])
}
