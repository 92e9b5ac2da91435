//! Data sections: the offset of each variable, and the holes between them.

use std::{fmt, io};

use serde::Serialize;
use skelgen::btf::Btf;
use skelgen::object::{Data, DataKind, Var};
use skelgen::{Endian, Skeleton};

use super::value::{self, Decoded};
use crate::ui::{self, Align, Cell, Table, style};
use crate::variables::fields;

/// A data section.
#[derive(Debug, Serialize)]
pub(super) struct DataSection {
    section: String,
    kind: &'static str,
    size: u32,
    /// Whether a byte of the initial value is not 0.
    initialised: bool,
    variables: Vec<Variable>,
    holes: Vec<Hole>,
}

/// A variable.
#[derive(Debug, Serialize)]
struct Variable {
    offset: u32,
    size: u32,
    #[serde(rename = "type")]
    c_type: String,
    name: String,
    /// The name of the skeleton's field, if it differs from the variable's.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(serialize_with = "whole", skip_serializing_if = "is_partial")]
    initial: Option<Decoded>,
    /// Differences from the source.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    /// As C declares it.
    #[serde(skip)]
    declaration: String,
}

/// Whether the initial value is missing or only partly decoded.
fn is_partial(initial: &Option<Decoded>) -> bool {
    !initial.as_ref().is_some_and(|initial| initial.complete)
}

fn whole<S: serde::Serializer>(initial: &Option<Decoded>, serializer: S) -> Result<S::Ok, S::Error> {
    initial.as_ref().map(|initial| &initial.value).serialize(serializer)
}

/// Bytes between variables.
#[derive(Debug, Serialize)]
struct Hole {
    offset: u32,
    size: u32,
    what: &'static str,
}

/// The name of a hole that the next variable's alignment explains.
const PADDING: &str = "padding";
/// The name of any other hole; most often it holds string literals.
const UNNAMED: &str = "unnamed";

/// The data sections of a skeleton.
pub(super) fn sections(skeleton: &Skeleton) -> Vec<DataSection> {
    let (btf, endian) = (&skeleton.object.btf, skeleton.plan.endian);
    let data = skeleton.plan.maps.iter().filter_map(|map| Some((map, map.data.as_ref()?)));
    data.map(|(map, data)| DataSection {
        section: map.name.clone(),
        kind: kind(data.kind),
        size: map.def.value_size,
        initialised: data.bytes.iter().any(|&byte| byte != 0),
        variables: variables(data, btf, endian),
        holes: holes(&data.bytes, data.vars.iter().map(|var| (var.offset, var.size)), map.def.value_size),
    })
    .collect()
}

fn kind(kind: DataKind) -> &'static str {
    match kind {
        DataKind::Data => "data",
        DataKind::Rodata => "rodata",
        DataKind::Bss => "bss",
        DataKind::PerCpu => "percpu",
        DataKind::Kconfig => "kconfig",
    }
}

/// The text after a section's size.
fn whose(kind: &str) -> &'static str {
    match kind {
        "percpu" => " for each CPU",
        "rodata" => ", read-only after the load",
        "kconfig" => ", filled from the kernel configuration",
        _ => "",
    }
}

fn variables(data: &Data, btf: &Btf, endian: Endian) -> Vec<Variable> {
    let variable = |(var, field): (&Var, String)| Variable {
        offset: var.offset,
        size: var.size,
        c_type: btf.c_type(var.type_id),
        name: var.name.clone(),
        field: Some(field).filter(|field| *field != var.name),
        initial: initial(data, var, btf, endian),
        notes: var.notes.iter().map(ToString::to_string).collect(),
        declaration: btf.c_declaration(var.type_id, &var.name),
    };
    data.vars.iter().zip(fields(data)).map(variable).collect()
}

/// The initial value. A section of zeroes has no bytes; the kernel decides the values of `.kconfig`.
fn initial(data: &Data, var: &Var, btf: &Btf, endian: Endian) -> Option<Decoded> {
    if data.kind == DataKind::Kconfig {
        return None;
    }
    if data.bytes.is_empty() {
        return value::zero(var.type_id, btf, endian);
    }
    let (start, size) = (usize::try_from(var.offset).ok()?, usize::try_from(var.size).ok()?);
    value::decode(data.bytes.get(start..start.checked_add(size)?)?, var.type_id, btf, endian)
}

/// The bytes between variables, and after the last. A variable is an offset and a size, sorted by offset.
fn holes(bytes: &[u8], variables: impl Iterator<Item = (u32, u32)>, size: u32) -> Vec<Hole> {
    let mut holes = Vec::new();
    let mut end = 0;
    for (offset, len) in variables.chain([(size, 0)]) {
        if offset > end {
            holes.push(Hole { offset: end, size: offset - end, what: reason(bytes, end, offset) });
        }
        end = end.max(offset.saturating_add(len));
    }
    holes
}

/// Padding is zero, and shorter than the greatest possible alignment of the next variable.
fn reason(bytes: &[u8], start: u32, end: u32) -> &'static str {
    let bytes = bytes.get(start as usize..end as usize).unwrap_or_default();
    let alignment = 1u64 << end.trailing_zeros();
    if bytes.iter().all(|&byte| byte == 0) && u64::from(end - start) < alignment { PADDING } else { UNNAMED }
}

impl DataSection {
    /// The width of the last column, for initial values: the rest of the terminal's `columns`.
    fn room(&self, columns: Option<usize>) -> usize {
        /// The width without a terminal.
        const USUAL: usize = 72;
        /// Wide enough for any 64-bit number; the table may have to fold a column this wide.
        const LEAST: usize = 24;
        let Some(columns) = columns else { return USUAL };
        let digits = |number: u32| number.to_string().len();
        let declarations = self.variables.iter().map(|variable| variable.declaration.chars().count());
        let widths = [
            self.variables.iter().map(|variable| digits(variable.offset)).max().unwrap_or(0).max("OFFSET".len()),
            self.variables.iter().map(|variable| digits(variable.size)).max().unwrap_or(0).max("SIZE".len()),
            declarations.max().unwrap_or(0).max("VARIABLE".len()),
        ];
        let taken: usize = widths.iter().map(|width| width + 2).sum();
        columns.saturating_sub(taken + 2).max(LEAST)
    }
}

impl fmt::Display for DataSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = style::TITLE;
        let zero = if self.initialised || self.kind == kind(DataKind::Kconfig) { "" } else { ", initially zero" };
        let size = ui::count(self.size as usize, "byte");
        writeln!(f, "{title}Data {}{title:#}: {size}{}{zero}", skelgen::printable(&self.section), whose(self.kind))?;
        let mut table = Table::new(&[
            ("OFFSET", Align::Right),
            ("SIZE", Align::Right),
            ("VARIABLE", Align::Left),
            ("INITIAL", Align::Left),
        ]);
        let mut rows: Vec<(u32, [Cell; 4])> = Vec::new();
        let room = self.room(ui::columns(io::stdout()));
        for variable in &self.variables {
            let initial = variable.initial.as_ref().map(|initial| initial.initialiser(room));
            let initial = Cell::styled(initial.unwrap_or_default(), style::VALUE);
            let declaration = Cell::declaration(variable.declaration.as_str(), &variable.name);
            let (offset, size) = (variable.offset, variable.size);
            rows.push((offset, [offset.into(), size.into(), declaration, initial]));
        }
        for hole in &self.holes {
            let what = Cell::styled(format!("({})", hole.what), style::HOLE);
            rows.push((hole.offset, [hole.offset.into(), hole.size.into(), what, "".into()]));
        }
        rows.sort_by_key(|(offset, _)| *offset);
        rows.into_iter().for_each(|(_, row)| table.row(row));
        write!(f, "{table}")?;
        for variable in &self.variables {
            let field = variable.field.iter().map(|field| format!("`{field}` in the skeleton"));
            let notes: Vec<_> = field.chain(variable.notes.iter().cloned()).collect();
            if !notes.is_empty() {
                writeln!(f, "  {} at {}: {}", skelgen::printable(&variable.name), variable.offset, notes.join("; "))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_that_alignment_explains_are_padding() {
        let found = |bytes: &[u8], variables: &[(u32, u32)], size| {
            let holes = holes(bytes, variables.iter().copied(), size);
            holes.iter().map(|hole| (hole.offset, hole.size, hole.what)).collect::<Vec<_>>()
        };
        assert_eq!(found(&[0; 24], &[(0, 1), (8, 8), (16, 4)], 24), [(1, 7, PADDING), (20, 4, PADDING)]);
        assert_eq!(found(b"\0\0\0\0text", &[(0, 4)], 8), [(4, 4, UNNAMED)]);
        assert_eq!(found(&[0; 12], &[(8, 4)], 12), [(0, 8, UNNAMED)], "8 bytes are too many to align to 8");
        assert_eq!(found(&[], &[(0, 8)], 8), []);
    }
}
