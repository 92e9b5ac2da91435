//! Describes an object that the generator refuses, from its ELF file alone.

use std::fmt;

use serde::Serialize;
use skelgen::Endian;
use skelgen::object::outline::Outline;

use super::externs::{self, Extern};
use super::sections::{self, Section};
use super::view::SCHEMA;
use crate::compiler;
use crate::failure::Failure;
use crate::ui::style::{self, BAD};
use crate::ui::{Align, Cell, Table};

/// An object that the generator refuses. The fields are in the order of the JSON keys.
#[derive(Serialize)]
pub(super) struct Refused<'a> {
    schema: u32,
    object: String,
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    instruction: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source<'a>>,
    byte_order: &'static str,
    compiler: Option<String>,
    notes: &'a [String],
    sections: Vec<Section>,
    symbols: Vec<Symbol>,
    externs: Vec<Extern>,
}

/// An object that cannot be read, or lacks what the command line names.
#[derive(Serialize)]
pub(super) struct Unread {
    schema: u32,
    object: String,
    error: String,
}

impl Unread {
    pub(super) fn new(object: String, failure: &Failure) -> Self {
        Unread { schema: SCHEMA, object, error: failure.sentence() }
    }
}

/// The source line of the error.
#[derive(Serialize)]
struct Source<'a> {
    file: &'a str,
    line: u32,
    column: u32,
    text: &'a str,
}

/// A symbol that the object defines.
#[derive(Serialize)]
struct Symbol {
    name: String,
    kind: &'static str,
    section: String,
    offset: u64,
    size: u64,
}

impl<'a> Refused<'a> {
    pub(super) fn new(object: String, outline: &Outline<'_>, failure: &'a Failure) -> Self {
        let source = failure.place.as_ref().map(|place| &place.source);
        Refused {
            schema: SCHEMA,
            object,
            error: failure.sentence(),
            instruction: failure.place.as_ref().map(|place| place.insn),
            source: source.map(|at| Source { file: &at.file, line: at.line, column: at.column, text: &at.text }),
            byte_order: match outline.endian {
                Endian::Little => "little",
                Endian::Big => "big",
            },
            compiler: compiler::of(outline),
            notes: &failure.notes,
            sections: sections::sections(outline),
            symbols: outline.symbols.iter().map(symbol).collect(),
            externs: externs::externs(outline),
        }
    }
}

fn symbol(symbol: &skelgen::object::outline::Symbol) -> Symbol {
    let kind = match symbol.section.as_str() {
        ".maps" | "maps" => "map",
        ".text" => "function",
        _ if symbol.is_function => "program",
        _ => "variable",
    };
    let (name, section) = (symbol.name.clone(), symbol.section.clone());
    Symbol { name, kind, section, offset: symbol.offset, size: symbol.size }
}

impl fmt::Display for Refused<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = style::TITLE;
        write!(f, "{title}{}{title:#}: {}-endian", skelgen::printable(&self.object), self.byte_order)?;
        if let Some(compiler) = &self.compiler {
            write!(f, ", compiled by {compiler}")?;
        }
        writeln!(f, ", {BAD}refused{BAD:#}")?;
        let mut table = Table::new(&[
            ("NAME", Align::Left),
            ("WHAT", Align::Left),
            ("SECTION", Align::Left),
            ("OFFSET", Align::Right),
            ("SIZE", Align::Right),
        ]);
        for Symbol { name, kind, section, offset, size } in &self.symbols {
            let name = Cell::styled(name.as_str(), style::NAME);
            table.row([name, (*kind).into(), section.as_str().into(), (*offset).into(), (*size).into()]);
        }
        let part = |f: &mut fmt::Formatter<'_>, name: &str, is_empty: bool, table: &dyn fmt::Display| {
            if is_empty { Ok(()) } else { write!(f, "\n{title}{name}{title:#}\n{table}") }
        };
        part(f, "Sections", self.sections.is_empty(), &sections::table(&self.sections))?;
        part(f, "Symbols", self.symbols.is_empty(), &table)?;
        part(f, "Externs", self.externs.is_empty(), &externs::table(&self.externs))?;
        // The error follows.
        writeln!(f)
    }
}
