//! Fixtures as descriptions, as generated code has them in statics and `cargo skelgen load` makes them at run time.
#![allow(dead_code, unused_imports, reason = "each test crate uses what it needs")]

use skelgen::emit::AttachPlan;
use skelgen::loader::Loader;
use skelgen::object::{DataKind as Kind, Kconfig, KconfigType as Type, Object, OpsMember, Var};
use skelgen::plan::LoadPlan;
use skelgen::{link, loader, plan};
use skelgen_runtime::{
    Attach, DataDesc, DataKind, ImageDesc, KconfigDesc, KconfigType, Loaded, MapDesc, MemberDesc, ObjectDesc, Opened,
    ProgDesc, Repeat, StepDesc, StructOpsDesc,
};

pub(crate) use skelgen_tests::may_load;

fn leak<T>(values: Vec<T>) -> &'static [T] {
    Vec::leak(values)
}

fn text(text: &str) -> &'static str {
    String::leak(text.to_owned())
}

/// A fixture's bytes, which are part of the test, as that also runs where there are no files.
fn bytes(fixture: &str) -> &'static [u8] {
    macro_rules! fixtures {
        ($($name:literal)*) => {
            match fixture {
                $($name => include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/", $name, ".bpf.o")),)*
                _ => panic!("{fixture} is not among the fixtures that the tests embed"),
            }
        };
    }
    fixtures! { "agent" "attach_all" "attach_perf" "bad/verifier_reject" "counters" "jump_tables" "kconfig" "many" "maps_all" "percpu_basic" "struct_ops" }
}

/// The description of a fixture, named as in `fixtures/`.
pub(crate) fn describe(fixture: &str) -> ObjectDesc<'static> {
    describe_changed(fixture, |_| {})
}

/// The description of a fixture whose plan is not quite what the object says.
pub(crate) fn describe_changed(fixture: &str, change: impl FnOnce(&mut LoadPlan)) -> ObjectDesc<'static> {
    let bytes = bytes(fixture);
    let object = Object::parse(&format!("{fixture}.bpf.o"), bytes).unwrap();
    let mut plan = plan::plan(&object, link::link(&object).unwrap()).unwrap();
    change(&mut plan);
    let loader = loader::assemble(&plan).unwrap();
    let maps = plan.maps.iter().zip(&loader.maps).map(|(map, slots)| MapDesc {
        name: text(&map.name),
        map_type: map.def.map_type.0,
        key_size: map.def.key_size,
        value_size: map.def.value_size,
        max_entries: map.def.max_entries,
        map_flags: map.def.map_flags.0,
        attrs: leak(slots.attrs.iter().map(|at| at.0).collect()),
        fd: slots.fd.0,
        reused: slots.reused.0,
        data: map.data.as_ref().map(|data| DataDesc {
            kind: match data.kind {
                Kind::Data => DataKind::Data,
                Kind::Rodata => DataKind::Rodata,
                Kind::Bss => DataKind::Bss,
                Kind::PerCpu => DataKind::PerCpu,
                Kind::Kconfig => DataKind::Kconfig,
            },
            init: slots.init.clone().map(|range| (range.start, range.end - range.start)),
            section: text(&map.name),
            metadata: data.has_metadata(),
            kconfig: leak(data.vars.iter().filter_map(kconfig).collect()),
        }),
        arena: None,
        pinning: map.def.pin_by_name.into(),
        struct_ops: map.struct_ops.as_ref().map(|ops| StructOpsDesc {
            type_name: text(&ops.type_name),
            autocreate: ops.autocreate,
            init: leak(ops.bytes.clone()),
            members: leak(ops.members.iter().map(member).collect()),
        }),
    });
    let progs = plan.programs.iter().zip(&loader.programs).map(|(program, slots)| ProgDesc {
        name: text(&program.native.name),
        section: text(&program.section),
        prog_type: program.sec.prog_type.0,
        expected_attach_type: program.sec.expected_attach_type.0,
        attrs: leak(slots.attrs.iter().map(|at| at.0).collect()),
        fd: slots.fd.0,
        skip: slots.skip.0,
        autoload: program.autoload(),
        attach: attach(AttachPlan::of(&program.sec)),
    });
    let steps = plan.steps.iter().map(|step| {
        let (what, subject) = plan.words(step);
        StepDesc { what, subject: text(subject) }
    });
    ObjectDesc {
        name: text(&plan.name),
        min_kernel: plan.min_kernel.map(|kernel| (kernel.major, kernel.minor)),
        maps: leak(maps.collect()),
        progs: leak(progs.collect()),
        steps: leak(steps.collect()),
        image: image(&loader),
        loader: leak(loader.interpreter.code(plan.endian)),
        loader_btf: leak(loader.interpreter.btf),
        loader_func_info: leak(loader.interpreter.func_info),
    }
}

/// The image at rest.
fn image(loader: &Loader) -> ImageDesc<'static> {
    let repeat = |repeat: &loader::Repeat| {
        let loader::Repeat { to, from, len, stride, add } = *repeat;
        Repeat { to, from, len, stride, add }
    };
    ImageDesc {
        len: loader.image.len() as u32,
        bytes: leak(loader.image_at_rest().into_owned()),
        repeats: leak(loader.repeats.iter().map(repeat).collect()),
    }
}

/// A variable of `.kconfig`, as the runtime has it.
fn kconfig(var: &Var) -> Option<KconfigDesc<'static>> {
    let Kconfig { ty, weak } = var.kconfig?;
    let ty = match ty {
        Type::Bool => KconfigType::Bool,
        Type::Char { signed } => KconfigType::Char { signed },
        Type::Int { signed } => KconfigType::Int { signed },
        Type::Tristate => KconfigType::Tristate,
        Type::String => KconfigType::String,
    };
    Some(KconfigDesc { name: text(&var.name), offset: var.offset, size: var.size, ty, weak })
}

fn member(member: &OpsMember) -> MemberDesc<'static> {
    MemberDesc {
        name: text(&member.name),
        offset: member.offset,
        size: member.size,
        kind: member.kind.0,
        bitfield: member.bitfield,
        function: member.function,
        program: member.program.map(|program| program.0),
    }
}

/// The generator's way to attach, as the runtime has it.
fn attach(plan: AttachPlan) -> Attach<'static> {
    match plan {
        AttachPlan::RawTracepoint { name } => Attach::RawTracepoint { name: name.into() },
        AttachPlan::Tracing => Attach::Tracing,
        AttachPlan::Iter => Attach::Iter,
        AttachPlan::Tracepoint { category, name } => {
            Attach::Tracepoint { category: category.into(), name: name.into() }
        }
        AttachPlan::Kprobe { function, offset, ret } => Attach::Kprobe { function: function.into(), offset, ret },
        AttachPlan::TracingMulti { module, pattern } => {
            Attach::TracingMulti { module: module.map(Into::into), pattern: pattern.map(Into::into) }
        }
        AttachPlan::Usdt { probe } => Attach::Usdt { probe: probe.map(Into::into) },
        AttachPlan::Manual => Attach::Manual,
        AttachPlan::Unsupported { why } => Attach::Unsupported { why: why.into() },
    }
}

/// The fixture, opened.
pub(crate) fn open(fixture: &str) -> Opened<'static> {
    Opened::new(&describe(fixture)).unwrap()
}

/// The fixture, loaded as it is.
pub(crate) fn load(fixture: &str) -> Loaded {
    open(fixture).load([], [], &[]).unwrap()
}

/// Index of a map of the object.
pub(crate) fn map(opened: &Opened<'_>, name: &str) -> usize {
    opened.maps().iter().position(|map| map.name == name).expect(name)
}

/// Index of a program of the object.
pub(crate) fn prog(opened: &Opened<'_>, name: &str) -> usize {
    opened.programs().iter().position(|prog| prog.name == name).expect(name)
}
