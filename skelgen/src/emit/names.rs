//! What a skeleton's items are called: fields as in C, types in camel case.
//!
//! Names in an object can be any text. Each scope of the skeleton has a [`Members`], which makes its names unique.

use proc_macro2::Ident;
use quote::format_ident;
use syn::ext::IdentExt;

use super::ops_names::OpsNames;
use super::options::Options;
use super::types::{Members, field_ident, type_name};
use crate::Skeleton;
use crate::object::{Map, object_name};

/// The names of one skeleton's items.
pub(super) struct Names {
    /// The module: `counters`.
    pub(super) module: Ident,
    /// The entry: `Counters`.
    pub(super) entry: Ident,
    /// Not loaded yet: `OpenCounters`.
    pub(super) open: Ident,
    /// Loaded: `LoadedCounters`.
    pub(super) loaded: Ident,
    /// Attached: `CountersLinks`.
    pub(super) links: Ident,
    /// The structs of the maps and programs, before the load and after it: `OpenMaps`, `OpenProgs`, `Maps`, `Progs`.
    pub(super) open_maps_type: Ident,
    pub(super) open_progs_type: Ident,
    pub(super) maps_type: Ident,
    pub(super) progs_type: Ident,
    /// By map: its field, among the sections or among the other maps.
    pub(super) maps: Vec<Ident>,
    /// By map: its field before the load, where sections' maps and others are side by side.
    pub(super) open_maps: Vec<Ident>,
    /// By program: its field.
    pub(super) programs: Vec<Ident>,
    /// By map: the field of its link, beside the programs', if it is a struct_ops map.
    pub(super) ops_links: Vec<Option<Ident>>,
    /// The field of the variables in the arena.
    pub(super) arena: Ident,
    /// What is made for struct_ops maps.
    pub(super) struct_ops: OpsNames,
}

impl Names {
    pub(super) fn new(skeleton: &Skeleton, options: &Options) -> Self {
        let written = options.entry.as_ref();
        let name = match (&options.name, written) {
            (Some(name), _) => name.clone(),
            (None, Some(entry)) => format_ident!("{entry}").to_string(),
            (None, None) => skeleton.plan.name.clone(),
        };
        let entry = written.cloned().unwrap_or_else(|| entry(&name));
        let stem = entry.unraw().to_string();
        // `_8021q` makes `Open8021q`, and `Self_` makes `SelfLinks`.
        let (behind, before) = (stem.trim_start_matches('_'), stem.trim_end_matches('_'));
        let [open, loaded, links] =
            [format_ident!("Open{behind}"), format_ident!("Loaded{behind}"), format_ident!("{before}Links")];
        let part = |name: &str| unlike(name, &[&entry, &open, &loaded, &links]);
        let [open_maps_type, open_progs_type, maps_type, progs_type] =
            ["OpenMaps", "OpenProgs", "Maps", "Progs"].map(part);
        let taken = [&entry, &open, &loaded, &links, &open_maps_type, &open_progs_type, &maps_type, &progs_type];
        let plan = &skeleton.plan;
        let mut beside_sections = Members::default();
        beside_sections.claim_all(SECTIONS_SIBLINGS);
        let arena = beside_sections.claim("arena");
        let maps = map_fields(&plan.maps, beside_sections);
        let mut links_fields = Members::default();
        let programs = links_fields.claim_all(plan.programs.iter().map(|program| program.native.name.as_str()));
        let mut ops_link =
            |(map, ident): (&Map, &Ident)| map.struct_ops.is_some().then(|| ops_link(ident, &mut links_fields));
        let ops_links = plan.maps.iter().zip(&maps).map(&mut ops_link).collect();
        Names {
            module: field_ident(&snake(&name)),
            struct_ops: OpsNames::new(skeleton, &taken),
            open_maps_type,
            open_progs_type,
            maps_type,
            progs_type,
            open,
            loaded,
            links,
            entry,
            open_maps: side_by_side(&plan.maps, &maps),
            ops_links,
            arena,
            maps,
            programs,
        }
    }

    /// The type of a data section.
    pub(super) fn section_type(&self, section: &str) -> String {
        section_type(section, &self.reserved())
    }

    /// Names that no C type may take.
    pub(super) fn reserved(&self) -> Vec<String> {
        let own = [&self.entry, &self.open, &self.loaded, &self.links];
        let parts = [&self.open_maps_type, &self.open_progs_type, &self.maps_type, &self.progs_type];
        let statics = STATICS.map(str::to_owned);
        own.into_iter().chain(parts).chain(self.struct_ops.all()).map(ToString::to_string).chain(statics).collect()
    }
}

/// Other fields of the structs that have a field for each section, before and after the load.
const SECTIONS_SIBLINGS: [&str; 4] = ["maps", "opened", "progs", "struct_ops"];

/// The module's constants.
const STATICS: [&str; 3] = ["IMAGE", "LOADER", "OBJECT"];

/// The entry's name, unless the user gave one.
fn entry(name: &str) -> Ident {
    let name = type_name(name);
    let taken = name == "Self" || STATICS.contains(&name.as_str());
    if taken { format_ident!("{name}_") } else { format_ident!("{name}") }
}

/// The name, or one like it if the skeleton itself, named `Maps` or `Progs`, has it.
fn unlike(name: &str, taken: &[&Ident]) -> Ident {
    let mut name = name.to_owned();
    while taken.iter().any(|taken| **taken == name) {
        name.push_str("Fields");
    }
    format_ident!("{name}")
}

/// The maps' fields: their names, without the leading dot of a section and with other dots as `_`. `beside_sections` has
/// the names that sections cannot have.
fn map_fields(maps: &[Map], mut beside_sections: Members) -> Vec<Ident> {
    let named = |of_sections: bool| {
        let maps = maps.iter().filter(move |map| map.data.is_some() == of_sections);
        maps.map(|map| map.name.trim_start_matches('.'))
    };
    let mut sections = beside_sections.claim_all(named(true)).into_iter();
    let mut others = Members::default().claim_all(named(false)).into_iter();
    maps.iter().filter_map(|map| if map.data.is_some() { sections.next() } else { others.next() }).collect()
}

/// The field of a struct_ops map's link: the map's name, with `_map` appended if a program has that name.
fn ops_link(map: &Ident, links: &mut Members) -> Ident {
    let name = map.unraw().to_string();
    let c_name = if links.has(&name) { format!("{name}_map") } else { name };
    links.claim(&c_name)
}

/// The fields in one struct: where a map has the name of a section's field, as `data` has that of `.data`, the section's
/// becomes `data_section`.
fn side_by_side(maps: &[Map], fields: &[Ident]) -> Vec<Ident> {
    let mut taken: Vec<_> =
        maps.iter().zip(fields).filter(|(map, _)| map.data.is_none()).map(|(_, id)| id.clone()).collect();
    let mut field = |(map, ident): (&Map, &Ident)| {
        let mut ident = ident.clone();
        if map.data.is_some() {
            while taken.contains(&ident) {
                ident = format_ident!("{ident}_section");
            }
            taken.push(ident.clone());
        }
        ident
    };
    maps.iter().zip(fields).map(&mut field).collect()
}

/// The type of a data section: `.data.x` is `DataX`, or `DataXSection` if the skeleton itself has one of that name.
fn section_type(section: &str, taken: &[String]) -> String {
    let mut name = type_name(&section.trim_start_matches('.').replace('.', "_"));
    while taken.contains(&name) {
        name.push_str("Section");
    }
    name
}

/// The module of the skeleton of an object in this file, unless it is given a name.
pub(crate) fn module_name(file_name: &str) -> String {
    field_ident(&snake(&object_name(file_name))).to_string()
}

/// `Counters` and `counters` are both module `counters`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    for (index, c) in name.chars().enumerate() {
        let boundary = c.is_uppercase() && index > 0 && !out.ends_with('_');
        let after_lower = name[..name.char_indices().nth(index).map_or(0, |(at, _)| at)].ends_with(char::is_lowercase);
        if boundary && after_lower {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{Data, DataKind, MapDef};

    fn map(name: &str) -> Map {
        let data = Data { kind: DataKind::Data, bytes: Vec::new(), vars: Vec::new() };
        let data = name.starts_with('.').then_some(data);
        let (name, kernel_name) = (name.to_owned(), name.to_owned());
        let def = MapDef::default();
        Map { name, kernel_name, def, inner: None, slots: Vec::new(), data, struct_ops: None, arena: None }
    }

    #[test]
    fn parts_give_way_to_the_skeleton() {
        let (maps, open) = (format_ident!("Maps"), format_ident!("OpenMaps"));
        let names = ["Maps", "OpenMaps", "Progs"].map(|name| unlike(name, &[&maps, &open]).to_string());
        assert_eq!(names, ["MapsFields", "OpenMapsFields", "Progs"]);
    }

    #[test]
    fn the_entry_has_a_unique_name() {
        let entries = ["8021q", "self", "o_b_j_e_c_t", "", "exec_snoop"].map(|name| entry(name).to_string());
        assert_eq!(entries, ["_8021q", "Self_", "OBJECT_", "Anon", "ExecSnoop"]);
    }

    #[test]
    fn sections_and_maps_get_unique_fields() {
        let maps = [".data.a.b", "m$p", ".data.a_b", "m_p", "m.p", "self", "self_", ".data.maps"].map(map);
        let mut beside_sections = Members::default();
        beside_sections.claim_all(["data_maps"]);
        let fields: Vec<_> = map_fields(&maps, beside_sections).iter().map(ToString::to_string).collect();
        assert_eq!(fields, ["data_a_b", "m_p_", "data_a_b_", "m_p", "m_p__", "self__", "self_", "data_maps_"]);
        let mut links = Members::default();
        links.claim_all(["cong", "cong_map"]);
        let names = ["cong", "other"].map(|map| ops_link(&format_ident!("{map}"), &mut links).to_string());
        assert_eq!(names, ["cong_map_", "other"]);
    }

    #[test]
    fn a_section_gives_way_to_a_skeleton_of_its_name() {
        let taken = ["Data", "OpenData"].map(str::to_owned);
        let names = [".data", ".data.x", ".bss"].map(|section| section_type(section, &taken));
        assert_eq!(names, ["DataSection", "DataX", "Bss"]);
    }

    #[test]
    fn a_section_gives_way_to_a_map_of_its_name() {
        let maps = [".data", ".bss", ".data.x", "data", "type", "data_x", "data_section"].map(map);
        let fields = side_by_side(&maps, &map_fields(&maps, Members::default()));
        let fields: Vec<_> = fields.iter().map(ToString::to_string).collect();
        let expected = ["data_section_section", "bss", "data_x_section", "data", "r#type", "data_x", "data_section"];
        assert_eq!(fields, expected);
    }
}
