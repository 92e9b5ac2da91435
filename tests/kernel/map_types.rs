//! Each type of maps that Linux 7.3 has is made as an object says, or refused with the kernel that has it.

use skelgen::object::{Map, MapDef};
use skelgen::uapi::*;
use skelgen_runtime::PerCpuMode;
use skelgen_runtime::kernel::features;
use skelgen_tests::{came_later, kernel_version, may_load};

use crate::in_memory;

/// Sizes of key and value, entries and flags with which the kernel makes one; `None` of those that have tests of their
/// own, as they cannot be without types.
fn def(ty: MapType) -> Option<MapDef> {
    let [key_size, value_size, max_entries, map_flags] = match ty {
        BPF_MAP_TYPE_UNSPEC | BPF_MAP_TYPE_STRUCT_OPS => return None,
        BPF_MAP_TYPE_SK_STORAGE
        | BPF_MAP_TYPE_INODE_STORAGE
        | BPF_MAP_TYPE_TASK_STORAGE
        | BPF_MAP_TYPE_CGRP_STORAGE => return None,
        BPF_MAP_TYPE_HASH
        | BPF_MAP_TYPE_ARRAY
        | BPF_MAP_TYPE_PERCPU_HASH
        | BPF_MAP_TYPE_PERCPU_ARRAY
        | BPF_MAP_TYPE_LRU_HASH
        | BPF_MAP_TYPE_LRU_PERCPU_HASH
        | BPF_MAP_TYPE_STACK_TRACE
        | BPF_MAP_TYPE_SOCKMAP
        | BPF_MAP_TYPE_SOCKHASH
        | BPF_MAP_TYPE_REUSEPORT_SOCKARRAY => [4, 8, 8, 0],
        BPF_MAP_TYPE_PROG_ARRAY
        | BPF_MAP_TYPE_PERF_EVENT_ARRAY
        | BPF_MAP_TYPE_CGROUP_ARRAY
        | BPF_MAP_TYPE_ARRAY_OF_MAPS
        | BPF_MAP_TYPE_HASH_OF_MAPS
        | BPF_MAP_TYPE_DEVMAP
        | BPF_MAP_TYPE_DEVMAP_HASH
        | BPF_MAP_TYPE_CPUMAP
        | BPF_MAP_TYPE_XSKMAP => [4, 4, 1, 0],
        BPF_MAP_TYPE_LPM_TRIE => [8, 8, 8, BPF_F_NO_PREALLOC.0],
        BPF_MAP_TYPE_CGROUP_STORAGE | BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE => [8, 8, 0, 0],
        BPF_MAP_TYPE_QUEUE | BPF_MAP_TYPE_STACK | BPF_MAP_TYPE_BLOOM_FILTER => [0, 8, 8, 0],
        BPF_MAP_TYPE_RINGBUF | BPF_MAP_TYPE_USER_RINGBUF => [0, 0, 4096, 0],
        BPF_MAP_TYPE_ARENA => [0, 0, 1, BPF_F_MMAPABLE.0],
        BPF_MAP_TYPE_INSN_ARRAY => [4, 16, 1, 0],
        BPF_MAP_TYPE_RHASH => [4, 8, 8, BPF_F_NO_PREALLOC.0],
        new => panic!("how is a map of the type {new} created?"),
    };
    let map_flags = MapFlags(map_flags);
    Some(MapDef { map_type: ty, key_size, value_size, max_entries, map_flags, ..MapDef::default() })
}

#[test]
fn each_type_is_made_or_said_to_be_newer() {
    if !may_load() {
        return;
    }
    let inner =
        MapDef { map_type: BPF_MAP_TYPE_ARRAY, key_size: 4, value_size: 8, max_entries: 1, ..MapDef::default() };
    for &ty in MapType::ALL {
        let Some(def) = def(ty) else { continue };
        let holds_maps = matches!(ty, BPF_MAP_TYPE_ARRAY_OF_MAPS | BPF_MAP_TYPE_HASH_OF_MAPS);
        let map = Map {
            name: "one".to_owned(),
            kernel_name: "one".to_owned(),
            inner: holds_maps.then(|| inner.clone()),
            def,
            slots: Vec::new(),
            data: None,
            struct_ops: None,
            arena: None,
        };
        let object = in_memory::object("one", vec![map], Vec::new());
        let loaded = in_memory::load(&in_memory::plan_of(&object), PerCpuMode::Auto);
        let newer = features().find(|feature| Some(feature.name) == ty.name()).map(|feature| feature.since);
        let is_known = newer.is_none_or(|since| since <= kernel_version().into());
        match loaded {
            Ok(mut loaded) => {
                assert_eq!(loaded.map(0).unwrap().map_type(), ty);
                assert!(is_known, "{ty} came earlier");
            }
            Err(error) => {
                let said = error.to_string();
                assert!(!is_known, "{ty}: {said}");
                assert!(said.contains(&came_later(&ty.to_string())), "{said}");
            }
        }
    }
}
