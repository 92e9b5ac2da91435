//! The description of an object, which is printed as text and JSON.

use std::fmt;

use serde::Serialize;
use skelgen::loader::wire;
use skelgen::object::outline::Outline;
use skelgen::{Endian, Skeleton};

use super::data::{self, DataSection};
use super::disasm::Disassembly;
use super::externs::{self, Extern};
use super::maps::{self, Map};
use super::plan::{self, Step};
use super::programs::{self, Program};
use super::sections::{self, Section};
use crate::compiler;
use crate::ui::{self, style};

/// The version of the JSON. It changes if a key is removed or changes its meaning, not if a key is added.
pub(super) const SCHEMA: u32 = 1;

/// An object. The fields are in the order of the JSON keys.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    schema: u32,
    object: String,
    name: String,
    byte_order: &'static str,
    license: String,
    compiler: Option<String>,
    notes: Vec<String>,
    sections: Vec<Section>,
    maps: Vec<Map>,
    data: Vec<DataSection>,
    programs: Vec<Program>,
    externs: Vec<Extern>,
    core_relocations: usize,
    pub(super) plan: Vec<Step>,
    loader: Loader,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) disasm: Option<Vec<Disassembly>>,
}

/// The loader and image of a skeleton.
#[derive(Debug, Serialize)]
struct Loader {
    instructions: usize,
    image_bytes: usize,
    stored_bytes: usize,
    map_bytes: u32,
    records: usize,
}

impl View {
    pub(super) fn new(
        object: String,
        outline: &Outline<'_>,
        skeleton: &Skeleton,
        disasm: Option<Vec<Disassembly>>,
    ) -> Self {
        let loader = &skeleton.loader;
        View {
            schema: SCHEMA,
            object,
            name: skeleton.plan.name.clone(),
            byte_order: match outline.endian {
                Endian::Little => "little",
                Endian::Big => "big",
            },
            license: skeleton.plan.license.clone(),
            compiler: compiler::of(outline),
            notes: compiler::notes(outline),
            sections: sections::sections(outline),
            maps: maps::maps(skeleton),
            data: data::sections(skeleton),
            programs: programs::programs(skeleton),
            externs: externs::externs(outline),
            core_relocations: skeleton.object.functions.iter().map(|function| function.core_relos.len()).sum(),
            plan: plan::steps(&skeleton.plan),
            loader: Loader {
                instructions: loader.interpreter.insns.len(),
                image_bytes: loader.image.len(),
                stored_bytes: loader.image_at_rest().len(),
                map_bytes: outline.endian.u32_at(&loader.image, wire::header::SIZE as usize).unwrap_or_default(),
                records: loader.records.len(),
            },
            disasm,
        }
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (title, note) = (style::TITLE, style::NOTE);
        write!(f, "{title}{}{title:#}: {}-endian", skelgen::printable(&self.object), self.byte_order)?;
        match self.license.as_str() {
            "" => f.write_str(", no license")?,
            license => write!(f, ", license \"{license}\"")?,
        }
        if let Some(compiler) = &self.compiler {
            write!(f, ", compiled by {compiler}")?;
        }
        writeln!(f)?;
        for text in &self.notes {
            writeln!(f, "{note}note:{note:#} {text}")?;
        }
        let part = |f: &mut fmt::Formatter<'_>, name: &str, is_empty: bool, table: &dyn fmt::Display| {
            if is_empty { Ok(()) } else { write!(f, "\n{title}{name}{title:#}\n{table}") }
        };
        part(f, "Sections", self.sections.is_empty(), &sections::table(&self.sections))?;
        part(f, "Maps", self.maps.is_empty(), &maps::table(&self.maps))?;
        for section in &self.data {
            write!(f, "\n{section}")?;
        }
        part(f, "Programs", self.programs.is_empty(), &programs::table(&self.programs))?;
        part(f, "Externs", self.externs.is_empty(), &externs::table(&self.externs))?;
        let Loader { instructions, image_bytes, stored_bytes, map_bytes, records } = &self.loader;
        writeln!(f, "\n{title}Loader{title:#}")?;
        writeln!(f, "  {} in the loader program", ui::count(*instructions, "instruction"))?;
        writeln!(
            f,
            "  {} of image, of which the skeleton stores {}, in a map of {}",
            ui::count(*image_bytes, "byte"),
            ui::grouped(*stored_bytes),
            ui::grouped(*map_bytes as usize)
        )?;
        writeln!(f, "  {} in {}", ui::count(self.plan.len(), "step"), ui::count(*records, "record"))?;
        match self.core_relocations {
            0 => Ok(()),
            some => writeln!(f, "  {} for the kernel to apply", ui::count(some, "CO-RE relocation")),
        }
    }
}
