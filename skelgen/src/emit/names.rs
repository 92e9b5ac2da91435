//! What a skeleton's items are called: fields as in C, types in camel case.

use proc_macro2::Ident;
use quote::format_ident;

use super::Options;
use super::types::{field_ident, type_name};
use crate::Skeleton;
use crate::object::Map;

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
    /// By map: its field, and for a data section also its type.
    pub(super) maps: Vec<Ident>,
    /// By program: its field.
    pub(super) programs: Vec<Ident>,
}

impl Names {
    pub(super) fn new(skeleton: &Skeleton, options: &Options) -> Self {
        let written = options.entry.as_ref();
        let name = match (&options.name, written) {
            (Some(name), _) => name.clone(),
            (None, Some(entry)) => format_ident!("{entry}").to_string(),
            (None, None) => skeleton.plan.name.clone(),
        };
        let entry = written.cloned().unwrap_or_else(|| format_ident!("{}", type_name(&name)));
        Names {
            module: field_ident(&snake(&name)),
            open: format_ident!("Open{entry}"),
            loaded: format_ident!("Loaded{entry}"),
            links: format_ident!("{entry}Links"),
            entry,
            maps: skeleton.plan.maps.iter().map(map_field).collect(),
            programs: skeleton.plan.programs.iter().map(|program| field_ident(&program.native.name)).collect(),
        }
    }

    /// Names that no C type may take.
    pub(super) fn reserved(&self) -> Vec<String> {
        let own = [&self.entry, &self.open, &self.loaded, &self.links].map(ToString::to_string);
        let fixed = ["OpenMaps", "OpenProgs", "Maps", "Progs", "OBJECT", "IMAGE"].map(str::to_owned);
        own.into_iter().chain(fixed).collect()
    }
}

/// A map's field: its name; a section's without its dot, and other dots as `_`.
fn map_field(map: &Map) -> Ident {
    field_ident(map.name.trim_start_matches('.'))
}

/// The type of a data section: `.data.x` is `DataX`.
pub(super) fn section_type(section: &str) -> String {
    type_name(&section.trim_start_matches('.').replace('.', "_"))
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
