//! Which of the runtime's handles a section or a map gets, and the method of the runtime's `Loaded` that gives it.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::types::TypeEmitter;
use crate::btf::TypeId;
use crate::object::{DataKind, Map, MapDef};
use crate::uapi::{
    BPF_MAP_TYPE_ARENA, BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_BLOOM_FILTER, BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_LPM_TRIE,
    BPF_MAP_TYPE_LRU_HASH, BPF_MAP_TYPE_LRU_PERCPU_HASH, BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    BPF_MAP_TYPE_PERCPU_HASH, BPF_MAP_TYPE_QUEUE, BPF_MAP_TYPE_RHASH, BPF_MAP_TYPE_STACK,
};
use crate::{Error, Result};

/// The handle of a data section, without the type of its variables, and the method.
pub(super) fn section_handle(kind: DataKind, def: &MapDef) -> (TokenStream, &'static str) {
    match kind {
        DataKind::PerCpu => (quote!(rt::PerCpu), "percpu"),
        _ if !def.is_mmapable() => (quote!(rt::Unmapped), "unmapped"),
        DataKind::Rodata | DataKind::Kconfig => (quote!(rt::MappedRo), "mapped_ro"),
        DataKind::Data | DataKind::Bss => (quote!(rt::Mapped), "mapped"),
    }
}

/// The handle of a map, with the types of its keys and values, and the method.
///
/// A map that is declared with sizes only has byte arrays for keys and values; it is an untyped `Map` if a size is 0, to be
/// set before the load. Maps of programs, sockets, other maps and events are untyped too.
pub(super) fn map_handle(map: &Map, types: &mut TypeEmitter<'_>) -> Result<(TokenStream, &'static str)> {
    let def = &map.def;
    if let Some(ops) = &map.struct_ops {
        let value = types.use_of(ops.type_id, &map.name)?;
        return Ok((quote!(rt::StructOps<#value>), "struct_ops"));
    }
    if is_open(def) {
        return Ok((quote!(rt::Map), "map"));
    }
    let mut part = |id: Option<TypeId>, size: u32, name: &str| match id {
        Some(id) => types.use_of(id, &format!("{}_{name}", map.name)),
        None => {
            let size = Literal::u32_unsuffixed(size);
            Ok(quote!([::core::primitive::u8; #size]))
        }
    };
    let mut key_and_value =
        || Ok::<_, Error>((part(def.key_type, def.key_size, "key")?, part(def.value_type, def.value_size, "value")?));
    Ok(match def.map_type {
        BPF_MAP_TYPE_HASH | BPF_MAP_TYPE_ARRAY | BPF_MAP_TYPE_LRU_HASH | BPF_MAP_TYPE_LPM_TRIE | BPF_MAP_TYPE_RHASH => {
            let (key, value) = key_and_value()?;
            (quote!(rt::TypedMap<#key, #value>), "typed_map")
        }
        BPF_MAP_TYPE_PERCPU_ARRAY
        | BPF_MAP_TYPE_PERCPU_HASH
        | BPF_MAP_TYPE_LRU_PERCPU_HASH
        | BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE => {
            let (key, value) = key_and_value()?;
            (quote!(rt::PerCpuMap<#key, #value>), "percpu_map")
        }
        BPF_MAP_TYPE_QUEUE | BPF_MAP_TYPE_STACK => {
            let value = part(def.value_type, def.value_size, "value")?;
            (quote!(rt::Queue<#value>), "queue")
        }
        BPF_MAP_TYPE_BLOOM_FILTER => {
            let value = part(def.value_type, def.value_size, "value")?;
            (quote!(rt::BloomFilter<#value>), "bloom_filter")
        }
        BPF_MAP_TYPE_ARENA => (quote!(rt::Arena), "arena"),
        _ => (quote!(rt::Map), "map"),
    })
}

/// Whether the object leaves a size 0 that must be set before the load.
fn is_open(def: &MapDef) -> bool {
    match def.map_type {
        BPF_MAP_TYPE_ARENA => false,
        BPF_MAP_TYPE_QUEUE | BPF_MAP_TYPE_STACK | BPF_MAP_TYPE_BLOOM_FILTER => def.value_size == 0,
        _ => def.value_size == 0 || def.key_size == 0,
    }
}
