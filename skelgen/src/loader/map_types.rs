//! Which types of maps the kernel is told the types of keys and values of.

use crate::object::MapDef;
use crate::uapi::*;

/// What `BPF_MAP_CREATE` is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Types {
    /// Nothing.
    None,
    /// The value's type.
    Value,
    /// Both.
    KeyAndValue,
}

/// What the kernel takes, of a map of a section's variables if `is_section`.
///
/// libbpf asks for the same ones. Where a kernel refuses types, and which ones changes from one to the next, the runtime makes
/// the map without.
pub(super) fn types_of(def: &MapDef, is_section: bool) -> Types {
    if is_section {
        return Types::Value;
    }
    match def.map_type {
        BPF_MAP_TYPE_PERF_EVENT_ARRAY
        | BPF_MAP_TYPE_CGROUP_ARRAY
        | BPF_MAP_TYPE_STACK_TRACE
        | BPF_MAP_TYPE_ARRAY_OF_MAPS
        | BPF_MAP_TYPE_HASH_OF_MAPS
        | BPF_MAP_TYPE_DEVMAP
        | BPF_MAP_TYPE_DEVMAP_HASH
        | BPF_MAP_TYPE_CPUMAP
        | BPF_MAP_TYPE_XSKMAP
        | BPF_MAP_TYPE_SOCKMAP
        | BPF_MAP_TYPE_SOCKHASH
        | BPF_MAP_TYPE_QUEUE
        | BPF_MAP_TYPE_STACK
        | BPF_MAP_TYPE_ARENA
        | BPF_MAP_TYPE_INSN_ARRAY => Types::None,
        BPF_MAP_TYPE_BLOOM_FILTER => Types::Value,
        _ => Types::KeyAndValue,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `enum bpf_map_type` of Linux 7.3, with what a declaration of both types leads to.
    #[test]
    fn each_type_is_known() {
        use Types::{KeyAndValue as Both, None as Neither, Value};
        let table = [
            ("UNSPEC", Both),
            ("HASH", Both),
            ("ARRAY", Both),
            // Refused by the kernel, and then made without, as libbpf does.
            ("PROG_ARRAY", Both),
            ("PERF_EVENT_ARRAY", Neither),
            ("PERCPU_HASH", Both),
            ("PERCPU_ARRAY", Both),
            ("STACK_TRACE", Neither),
            ("CGROUP_ARRAY", Neither),
            ("LRU_HASH", Both),
            ("LRU_PERCPU_HASH", Both),
            ("LPM_TRIE", Both),
            ("ARRAY_OF_MAPS", Neither),
            ("HASH_OF_MAPS", Neither),
            ("DEVMAP", Neither),
            ("SOCKMAP", Neither),
            ("CPUMAP", Neither),
            ("XSKMAP", Neither),
            ("SOCKHASH", Neither),
            ("CGROUP_STORAGE", Both),
            ("REUSEPORT_SOCKARRAY", Both),
            ("PERCPU_CGROUP_STORAGE", Both),
            ("QUEUE", Neither),
            ("STACK", Neither),
            ("SK_STORAGE", Both),
            ("DEVMAP_HASH", Neither),
            ("STRUCT_OPS", Both),
            // Without key and value, so without types.
            ("RINGBUF", Both),
            ("INODE_STORAGE", Both),
            ("TASK_STORAGE", Both),
            ("BLOOM_FILTER", Value),
            ("USER_RINGBUF", Both),
            ("CGRP_STORAGE", Both),
            ("ARENA", Neither),
            ("INSN_ARRAY", Neither),
            ("RHASH", Both),
        ];
        let known = |number: usize| MapType(number as u32).name();
        for (number, (name, types)) in table.into_iter().enumerate() {
            assert_eq!(known(number), Some(format!("BPF_MAP_TYPE_{name}").as_str()));
            let def = MapDef { map_type: MapType(number as u32), ..MapDef::default() };
            assert_eq!(types_of(&def, false), types, "{name}");
        }
        assert_eq!(known(table.len()), None);
        let section = MapDef { map_type: BPF_MAP_TYPE_ARRAY, ..MapDef::default() };
        assert_eq!(types_of(&section, true), Types::Value);
    }
}
