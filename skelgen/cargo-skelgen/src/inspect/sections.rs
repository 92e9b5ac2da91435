//! The sections of the ELF file.

use serde::Serialize;
use skelgen::object::data_kind;
use skelgen::object::outline::{Content, Outline};

use crate::ui::{Align, Cell, Table, style};

/// A section.
#[derive(Debug, Serialize)]
pub(super) struct Section {
    name: String,
    what: &'static str,
    size: u64,
    relocations: usize,
}

/// The sections that are not empty, without those for linkers.
pub(super) fn sections(outline: &Outline<'_>) -> Vec<Section> {
    let content = outline.sections.iter().filter(|section| section.content != Content::Linking && section.size > 0);
    let section = |section: &skelgen::object::outline::Section<'_>| Section {
        name: section.name.clone(),
        what: what(&section.name, section.content),
        size: section.size,
        relocations: section.relocs,
    };
    content.map(section).collect()
}

/// The purpose of a section, from its name.
fn what(name: &str, content: Content) -> &'static str {
    match name {
        ".text" => "functions",
        ".maps" | "maps" => "maps",
        "license" => "license",
        "version" => "kernel version",
        ".BTF" => "types",
        ".BTF.ext" => "functions, lines, CO-RE",
        _ if content == Content::Code => "programs",
        _ if data_kind(name).is_some() => "data",
        _ if name.contains(".struct_ops") => "struct_ops",
        _ if name.starts_with(".debug_") => "DWARF",
        _ => "",
    }
}

/// The sections as a table.
pub(super) fn table(sections: &[Section]) -> Table {
    let mut table = Table::new(&[
        ("NAME", Align::Left),
        ("SIZE", Align::Right),
        ("RELOCATIONS", Align::Right),
        ("WHAT", Align::Left),
    ]);
    for section in sections {
        let relocations = Some(section.relocations).filter(|&count| count > 0);
        table.row([
            Cell::styled(section.name.as_str(), style::NAME),
            section.size.into(),
            relocations.into(),
            section.what.into(),
        ]);
    }
    table
}
