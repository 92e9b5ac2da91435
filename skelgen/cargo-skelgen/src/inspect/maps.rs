//! The maps, data sections among them.

use serde::Serialize;
use skelgen::Skeleton;
use skelgen::btf::{Btf, TypeId};
use skelgen::object::{MapDef, Slot};
use skelgen::uapi::MapFlags;

use crate::ui::{Align, Cell, Table, style};

/// A map.
#[derive(Debug, Serialize)]
pub(super) struct Map {
    name: String,
    kernel_name: String,
    #[serde(flatten)]
    def: Def,
    pinning: Option<&'static str>,
    /// For a map of maps: the template of its inner maps.
    #[serde(skip_serializing_if = "Option::is_none")]
    inner: Option<Def>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    slots: Vec<Filled>,
}

/// The parameters of `BPF_MAP_CREATE`.
#[derive(Debug, Serialize)]
struct Def {
    #[serde(rename = "type")]
    map_type: String,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    map_flags: u32,
    flags: Vec<String>,
    #[serde(skip_serializing_if = "is_zero")]
    numa_node: u32,
    #[serde(skip_serializing_if = "is_zero_u64")]
    map_extra: u64,
    key_type: Option<String>,
    value_type: Option<String>,
}

/// A slot with an initial value.
#[derive(Debug, Serialize)]
struct Filled {
    slot: u32,
    value: String,
}

/// The maps of a skeleton.
pub(super) fn maps(skeleton: &Skeleton) -> Vec<Map> {
    let (plan, btf) = (&skeleton.plan, &skeleton.object.btf);
    let value = |slot: Slot| match slot {
        Slot::Map(map) => plan.map(map).name.clone(),
        Slot::Program(program) => plan.program(program).native.name.clone(),
    };
    plan.maps
        .iter()
        .map(|map| Map {
            name: map.name.clone(),
            kernel_name: map.kernel_name.clone(),
            def: Def::new(&map.def, btf),
            pinning: map.def.pin_by_name.then_some("by name"),
            inner: map.inner.as_ref().map(|inner| Def::new(inner, btf)),
            slots: map.slots.iter().map(|&(slot, held)| Filled { slot, value: value(held) }).collect(),
        })
        .collect()
}

impl Def {
    fn new(def: &MapDef, btf: &Btf) -> Self {
        let c_type = |id: Option<TypeId>| id.map(|id| type_name(btf, id));
        Def {
            map_type: def.map_type.short().to_string(),
            key_size: def.key_size,
            value_size: def.value_size,
            max_entries: def.max_entries,
            map_flags: def.map_flags.0,
            flags: flags(def.map_flags),
            numa_node: def.numa_node,
            map_extra: def.map_extra,
            key_type: c_type(def.key_type),
            value_type: c_type(def.value_type),
        }
    }
}

/// A type in C syntax; for a data section, its name.
fn type_name(btf: &Btf, id: TypeId) -> String {
    if btf.get(id).as_datasec().is_some() { btf.name_of(id).to_owned() } else { btf.c_type(id) }
}

/// The names of the flags that are set; a bit without a name is a number.
fn flags(set: MapFlags) -> Vec<String> {
    set.names().map(|name| name.map_or_else(|bit| format!("{bit:#x}"), str::to_owned)).collect()
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_zero_u64(number: &u64) -> bool {
    *number == 0
}

/// The maps as a table. Below a map of maps are its inner maps' template and its static slots.
pub(super) fn table(maps: &[Map]) -> Table {
    let mut table = Table::new(&[
        ("NAME", Align::Left),
        ("TYPE", Align::Left),
        ("KEY", Align::Right),
        ("VALUE", Align::Right),
        ("ENTRIES", Align::Right),
        ("PINNED", Align::Left),
        ("FLAGS", Align::Left),
        ("MORE", Align::Left),
    ]);
    for map in maps {
        let mut more = map.def.more();
        more.extend(map.slots.iter().map(|Filled { slot, value }| format!("[{slot}] = {value}")));
        table.row(map.def.row(map.name.as_str(), map.pinning.unwrap_or_default(), more));
        if let Some(inner) = &map.inner {
            table.row(inner.row("  of", "", inner.more()));
        }
    }
    table
}

impl Def {
    fn row(&self, name: &str, pinned: &str, more: Vec<String>) -> [Cell; 8] {
        [
            Cell::styled(name, style::NAME),
            Cell::styled(self.map_type.as_str(), style::TYPE),
            self.key_size.into(),
            self.value_size.into(),
            self.max_entries.into(),
            pinned.into(),
            self.flags.join(" | ").into(),
            more.join(", ").into(),
        ]
    }

    fn more(&self) -> Vec<String> {
        let numa = self.flags.iter().any(|flag| flag == "BPF_F_NUMA_NODE");
        let numa = numa.then(|| format!("numa_node {}", self.numa_node));
        let extra = (self.map_extra != 0).then(|| format!("map_extra {}", self.map_extra));
        numa.into_iter().chain(extra).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_have_the_kernels_names() {
        assert_eq!(flags(MapFlags(1 << 10 | 1 << 7)), ["BPF_F_RDONLY_PROG", "BPF_F_MMAPABLE"]);
        assert_eq!(flags(MapFlags(1 << 19 | 1 << 31)), ["BPF_F_RB_OVERWRITE", "0x80000000"]);
    }
}
