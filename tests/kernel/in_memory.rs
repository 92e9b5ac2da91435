//! Objects that no compiler made: put together here, and loaded as their skeletons would be.

use skelgen::btf::Btf;
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

/// Loads what was planned. What a skeleton has in statics is leaked here.
pub(crate) fn load(plan: &LoadPlan, mode: rt::PerCpuMode) -> rt::Result<rt::Loaded> {
    let mut opened = rt::Opened::new(&describe(plan))?;
    opened.set_percpu_mode(mode);
    opened.load([], [], &[])
}

pub(crate) fn describe(plan: &LoadPlan) -> rt::ObjectDesc<'static> {
    let loader = loader::assemble(plan).unwrap();
    let maps = plan.maps.iter().zip(&loader.maps).map(|(map, slots)| rt::MapDesc {
        name: text(&map.name),
        map_type: map.def.map_type.0,
        key_size: map.def.key_size,
        value_size: map.def.value_size,
        max_entries: map.def.max_entries,
        map_flags: map.def.map_flags.0,
        attrs: Vec::leak(slots.attrs.iter().map(|at| at.0).collect()),
        fd: slots.fd.0,
        reused: slots.reused.0,
        data: slots.init.clone().map(|init| rt::DataDesc {
            // Other sections than these are not made here.
            kind: rt::DataKind::PerCpu,
            init: Some((init.start, init.end - init.start)),
            section: text(&map.name),
            metadata: false,
            kconfig: &[],
        }),
        arena: None,
        pinning: 0,
        struct_ops: None,
    });
    let progs = plan.programs.iter().zip(&loader.programs).map(|(program, slots)| rt::ProgDesc {
        name: text(&program.native.name),
        section: PROGRAM,
        prog_type: program.sec.prog_type.0,
        expected_attach_type: program.sec.expected_attach_type.0,
        attrs: Vec::leak(slots.attrs.iter().map(|at| at.0).collect()),
        fd: slots.fd.0,
        skip: slots.skip.0,
        autoload: true,
        attach: rt::Attach::Manual,
    });
    let steps = plan.steps.iter().map(|step| {
        let (what, subject) = plan.words(step);
        rt::StepDesc { what, subject: text(subject) }
    });
    rt::ObjectDesc {
        name: text(&plan.name),
        min_kernel: plan.min_kernel.map(|kernel| (kernel.major, kernel.minor)),
        maps: Vec::leak(maps.collect()),
        progs: Vec::leak(progs.collect()),
        steps: Vec::leak(steps.collect()),
        loader: Vec::leak(loader.interpreter.code(plan.endian)),
        loader_btf: Vec::leak(loader.interpreter.btf),
        loader_func_info: Vec::leak(loader.interpreter.func_info),
        image: rt::ImageDesc::whole(Vec::leak(loader.image)),
    }
}

fn text(text: &str) -> &'static str {
    String::leak(text.to_owned())
}
