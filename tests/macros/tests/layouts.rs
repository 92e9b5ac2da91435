//! The layout that `derive(PerCpu)` reads from BTF is the layout of the generated types.

use std::collections::BTreeSet;
use std::fs;

use skelgen::Skeleton;
use skelgen::object::Object;
use skelgen_macros_tests::{c_value, is_storage};
use skelgen_runtime::Value;
use skelgen_runtime::plain::{TypeLayout, compare};

/// Skeletons of the fixtures that have per-CPU data, and of the one that has every type.
mod skeletons {
    macro_rules! skeletons {
        ($($object:literal $name:ident)*) => {$(
            #[allow(dead_code, reason = "its types are what is looked at")]
            #[derive(skelgen_runtime::Skeleton)]
            #[skeleton(object = $object)]
            pub(super) struct $name;
        )*};
    }

    skeletons! {
        "../../fixtures/agent.bpf.o" Agent
        "../../fixtures/agent_percpu.bpf.o" AgentPercpu
        "../../fixtures/agent_thirty.bpf.o" AgentThirty
        "../../fixtures/core_relos.bpf.o" CoreRelos
        "../../fixtures/core_types.bpf.o" CoreTypes
        "../../fixtures/counters.bpf.o" Counters
        "../../fixtures/data_sections.bpf.o" DataSections
        "../../fixtures/deep_stack_ok.bpf.o" DeepStackOk
        "../../fixtures/exclusive.bpf.o" Exclusive
        "../../fixtures/insns.bpf.o" Insns
        "../../fixtures/jump_tables.bpf.o" JumpTables
        "../../fixtures/kfuncs.bpf.o" Kfuncs
        "../../fixtures/maps_all.bpf.o" MapsAll
        "../../fixtures/optional_maps.bpf.o" OptionalMaps
        "../../fixtures/percpu_basic.bpf.o" PercpuBasic
        "../../fixtures/percpu_const_str.bpf.o" PercpuConstStr
        "../../fixtures/percpu_maps.bpf.o" PercpuMaps
        "../../fixtures/percpu_shapes.bpf.o" PercpuShapes
        "../../fixtures/percpu_types.bpf.o" PercpuTypes
        "../../fixtures/refused_map_types.bpf.o" RefusedMapTypes
        "../../fixtures/refused_types.bpf.o" RefusedTypes
        "../../fixtures/tail_call_stack_ok.bpf.o" TailCallStackOk
        "../../fixtures/unread_addresses.bpf.o" UnreadAddresses
    }
}

/// The generated type of a section or of a map's value.
struct Generated {
    fixture: &'static str,
    map: &'static str,
    layout: TypeLayout,
    align: usize,
}

macro_rules! generated {
    ($($fixture:ident: { $($map:literal => $ty:ident),* $(,)? })*) => {
        &[$($(Generated {
            fixture: stringify!($fixture),
            map: $map,
            layout: skeletons::$fixture::types::$ty::LAYOUT,
            align: align_of::<skeletons::$fixture::types::$ty>(),
        }),*),*]
    };
}

const GENERATED: &[Generated] = generated! {
    agent: { "counters" => CpuCounters, "run_time" => CpuHistogram }
    agent_percpu: { ".percpu" => Percpu }
    agent_thirty: { "counters" => CpuCounters, "run_time" => CpuHistogram, "wait_time" => CpuHistogram }
    core_relos: { ".percpu" => Percpu }
    core_types: { ".percpu" => Percpu }
    counters: { ".percpu" => Percpu }
    data_sections: {
        ".data" => Data, ".data.x" => DataX, ".data.zero" => DataZero, ".rodata" => Rodata, ".rodata.x" => RodataX,
        ".bss" => Bss, ".bss.x" => BssX,
    }
    deep_stack_ok: { ".percpu" => Percpu }
    insns: { ".percpu" => Percpu }
    jump_tables: { ".percpu" => Percpu }
    kfuncs: { ".percpu" => Percpu }
    exclusive: { ".percpu" => Percpu }
    maps_all: { "percpu_array" => Totals, "percpu_cgroup_storage" => Totals }
    optional_maps: { ".percpu" => Percpu }
    percpu_basic: {
        ".percpu" => Percpu, ".percpu.custom" => PercpuCustom, ".percpu.with_a_long_name" => PercpuWithALongName,
    }
    percpu_const_str: { ".percpu" => Percpu, ".percpu.fmt" => PercpuFmt }
    percpu_maps: {
        "array_sample" => Sample, "hash_sample" => Sample, "lru_sample" => Sample, "cgroup_sample" => Sample,
        "array_triple" => Triple, "hash_triple" => Triple, "malloc_triple" => Triple, "lru_triple" => Triple, "cgroup_triple" => Triple,
    }
    percpu_shapes: { ".percpu" => Percpu, ".percpu.other" => PercpuOther }
    percpu_types: {
        ".percpu" => Percpu, ".percpu.of_function" => PercpuOfFunction, "flags" => Flags, "nameless" => Nameless,
        "packed_values" => Packed, "points" => Point, "shapes" => Shape,
    }
    refused_map_types: { "lock_in_percpu_hash" => Locked }
    refused_types: { ".percpu" => Percpu }
    tail_call_stack_ok: { ".percpu" => Percpu }
    unread_addresses: { ".percpu" => Percpu }
};

/// File names and objects of the fixtures that this machine can have skeletons of.
fn fixtures() -> Vec<(String, Object)> {
    let files = fs::read_dir("../../fixtures").unwrap().map(|entry| entry.unwrap().path());
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let skeleton = Skeleton::new(&name, &fs::read(&path).unwrap()).ok()?;
        let same_endian = (skeleton.object.endian == skelgen::Endian::Little) == cfg!(target_endian = "little");
        same_endian.then_some((name, skeleton.object))
    };
    files.filter(|path| path.to_string_lossy().ends_with(".bpf.o")).filter_map(read).collect()
}

#[test]
fn macros_and_runtime_agree_on_padding() {
    for name in ["_align", "_pad0", "_pad123", "_pad", "_pad1x", "pad1", "_padding", "", "_", "_pad_1"] {
        assert_eq!(is_storage(name), skelgen_runtime::plain::is_padding(name), "{name}");
    }
}

#[test]
fn the_layouts_are_those_of_generated_types() {
    let mut found = BTreeSet::new();
    for (file, object) in fixtures() {
        for map in &object.maps {
            // Only structs have a layout.
            let everything = object.name == "data_sections" && map.data.is_some();
            if !(everything || map.def.is_percpu()) {
                continue;
            }
            let Some(c) = c_value(&object, &file, map) else { continue };
            let place = format!("{} {}", object.name, map.name);
            let generated = GENERATED.iter().find(|it| it.fixture == object.name && it.map == map.name);
            let Generated { layout, align, .. } = generated.unwrap_or_else(|| panic!("{place}: which type?"));
            assert_same(&place, layout, *align, c);
            found.insert((object.name.clone(), map.name.clone()));
        }
    }
    let listed = GENERATED.iter().map(|it| (it.fixture.to_owned(), it.map.to_owned())).collect();
    assert_eq!(found, listed);
}

fn assert_same(place: &str, layout: &TypeLayout, align: usize, value: compare::CValue) {
    let &TypeLayout::Struct { name, fields, .. } = layout else { panic!("{place}: {layout:?}") };
    for (index, member) in value.members.iter().enumerate() {
        let mut fields = fields.iter().map(|field| (skelgen_runtime::plain::field_name(field.name), field));
        let field = fields.find(|(name, _)| *name == member.name);
        let (_, field) = field.unwrap_or_else(|| panic!("{place}: no field {}", member.name));
        assert_eq!(value.field(index, name, field).as_str(), "", "{place}");
    }
    assert_eq!(value.total(layout, align).as_str(), "", "{place}");
}
