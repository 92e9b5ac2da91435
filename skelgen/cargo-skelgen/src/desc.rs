//! From a skeleton in memory to the description that the runtime loads by; generated code has the same as statics.

use std::borrow::Cow;

use skelgen::emit::AttachPlan;
use skelgen::loader::{BlobOff, Loader, MapSlots, ProgramSlots};
use skelgen::object::{DataKind as Kind, Kconfig, KconfigType as Type, Map, OpsMember, Var};
use skelgen::plan::{LoadPlan, PlannedProgram};
use skelgen_runtime::{
    ArenaDesc, Attach, DataDesc, DataKind, ImageDesc, KconfigDesc, KconfigType, MapDesc, MemberDesc, ObjectDesc,
    ProgDesc, Repeat, StepDesc, StructOpsDesc,
};

/// Describes what `plan` and `loader` make to `then`, called `name`.
pub(crate) fn described<R>(plan: &LoadPlan, loader: &Loader, name: &str, then: impl FnOnce(&ObjectDesc<'_>) -> R) -> R {
    let map_attrs: Vec<Vec<u32>> = loader.maps.iter().map(|slots| places(&slots.attrs)).collect();
    let prog_attrs: Vec<Vec<u32>> = loader.programs.iter().map(|slots| places(&slots.attrs)).collect();
    let kconfig: Vec<Vec<KconfigDesc<'_>>> = plan.maps.iter().map(kconfig_descs).collect();
    let members: Vec<Vec<MemberDesc<'_>>> = plan.maps.iter().map(members).collect();
    let offsets: Vec<Vec<u32>> = loader.maps.iter().map(|slots| places(&slots.offsets)).collect();
    let maps: Vec<MapDesc<'_>> = plan
        .maps
        .iter()
        .zip(&loader.maps)
        .zip(map_attrs.iter().zip(&offsets))
        .zip(kconfig.iter().zip(&members))
        .map(|(((map, slots), (attrs, offsets)), (kconfig, members))| {
            map_desc(map, slots, attrs, offsets, kconfig, members)
        })
        .collect();
    let progs: Vec<ProgDesc<'_>> = plan
        .programs
        .iter()
        .zip(&loader.programs)
        .zip(&prog_attrs)
        .map(|((program, slots), attrs)| prog_desc(program, slots, attrs))
        .collect();
    let steps: Vec<StepDesc<'_>> = plan
        .steps
        .iter()
        .map(|step| {
            let (what, subject) = plan.words(step);
            StepDesc { what, subject }
        })
        .collect();
    let repeats: Vec<Repeat> = loader.repeats.iter().map(repeat).collect();
    then(&ObjectDesc {
        name,
        min_kernel: plan.min_kernel.map(|kernel| (kernel.major, kernel.minor)),
        image: ImageDesc { len: loader.image.len() as u32, bytes: &loader.image_at_rest(), repeats: &repeats },
        loader: &loader.interpreter.code(plan.endian),
        loader_btf: &loader.interpreter.btf,
        loader_func_info: &loader.interpreter.func_info,
        maps: &maps,
        progs: &progs,
        steps: &steps,
    })
}

fn repeat(repeat: &skelgen::loader::Repeat) -> Repeat {
    let skelgen::loader::Repeat { to, from, len, stride, add } = *repeat;
    Repeat { to, from, len, stride, add }
}

fn map_desc<'a>(
    map: &'a Map,
    slots: &MapSlots,
    attrs: &'a [u32],
    offsets: &'a [u32],
    kconfig: &'a [KconfigDesc<'a>],
    members: &'a [MemberDesc<'a>],
) -> MapDesc<'a> {
    let def = &map.def;
    MapDesc {
        name: &map.name,
        map_type: def.map_type.0,
        key_size: def.key_size,
        value_size: def.value_size,
        max_entries: def.max_entries,
        map_flags: def.map_flags.0,
        attrs,
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
            init: slots.init.as_ref().map(|range| (range.start, range.end - range.start)),
            section: &map.name,
            metadata: data.has_metadata(),
            kconfig,
        }),
        arena: map.arena.as_ref().map(|arena| ArenaDesc {
            size: arena.size,
            init: slots.init.as_ref().map(|range| (range.start, range.end - range.start)),
            offsets,
        }),
        pinning: def.pin_by_name.into(),
        struct_ops: map.struct_ops.as_ref().map(|ops| StructOpsDesc {
            type_name: &ops.type_name,
            autocreate: ops.autocreate,
            init: &ops.bytes,
            members,
        }),
    }
}

fn members(map: &Map) -> Vec<MemberDesc<'_>> {
    map.struct_ops.iter().flat_map(|ops| &ops.members).map(member_desc).collect()
}

fn member_desc(member: &OpsMember) -> MemberDesc<'_> {
    MemberDesc {
        name: &member.name,
        offset: member.offset,
        size: member.size,
        kind: member.kind.0,
        bitfield: member.bitfield,
        function: member.function,
        program: member.program.map(|program| program.0),
    }
}

/// The variables of `.kconfig`; none of other maps.
fn kconfig_descs(map: &Map) -> Vec<KconfigDesc<'_>> {
    map.data.iter().flat_map(|data| &data.vars).filter_map(kconfig_desc).collect()
}

fn kconfig_desc(var: &Var) -> Option<KconfigDesc<'_>> {
    let Kconfig { ty, weak } = var.kconfig?;
    let ty = match ty {
        Type::Bool => KconfigType::Bool,
        Type::Char { signed } => KconfigType::Char { signed },
        Type::Int { signed } => KconfigType::Int { signed },
        Type::Tristate => KconfigType::Tristate,
        Type::String => KconfigType::String,
    };
    Some(KconfigDesc { name: &var.name, offset: var.offset, size: var.size, ty, weak })
}

fn prog_desc<'a>(program: &'a PlannedProgram, slots: &ProgramSlots, attrs: &'a [u32]) -> ProgDesc<'a> {
    ProgDesc {
        name: &program.native.name,
        section: &program.section,
        prog_type: program.sec.prog_type.0,
        expected_attach_type: program.sec.expected_attach_type.0,
        attrs,
        fd: slots.fd.0,
        skip: slots.skip.0,
        autoload: program.autoload(),
        attach: attach(AttachPlan::of(&program.sec)),
    }
}

fn attach(plan: AttachPlan) -> Attach<'static> {
    match plan {
        AttachPlan::RawTracepoint { name } => Attach::RawTracepoint { name: Cow::Owned(name) },
        AttachPlan::Tracing => Attach::Tracing,
        AttachPlan::Iter => Attach::Iter,
        AttachPlan::Tracepoint { category, name } => {
            Attach::Tracepoint { category: Cow::Owned(category), name: Cow::Owned(name) }
        }
        AttachPlan::Kprobe { function, offset, ret } => Attach::Kprobe { function: Cow::Owned(function), offset, ret },
        AttachPlan::TracingMulti { module, pattern } => {
            Attach::TracingMulti { module: module.map(Cow::Owned), pattern: pattern.map(Cow::Owned) }
        }
        AttachPlan::Usdt { probe } => Attach::Usdt { probe: probe.map(Cow::Owned) },
        AttachPlan::Manual => Attach::Manual,
        AttachPlan::Unsupported { why } => Attach::Unsupported { why: Cow::Owned(why) },
    }
}

fn places(attrs: &[BlobOff]) -> Vec<u32> {
    attrs.iter().map(|at| at.0).collect()
}
