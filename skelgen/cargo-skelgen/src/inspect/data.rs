//! Data sections: where each variable lies, and the holes between them.

use std::fmt;

use serde::Serialize;
use skelgen::btf::{Btf, Type, TypeId};
use skelgen::object::{Data, DataKind};
use skelgen::{Endian, Skeleton};

use crate::ui::{self, Align, Cell, Table, style};
use crate::variables::fields;

/// A data section.
#[derive(Debug, Serialize)]
pub(super) struct DataSection {
    section: String,
    kind: &'static str,
    size: u32,
    /// Whether a byte of it is not 0 at first.
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
    /// The skeleton's field, where it is not called as the variable is.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// Of numbers and truth values.
    #[serde(skip_serializing_if = "Option::is_none")]
    initial: Option<Initial>,
    /// How it differs from its source.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    /// As C declares it.
    #[serde(skip)]
    declaration: String,
}

/// A first value.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Initial {
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
}

/// Bytes of no variable.
#[derive(Debug, Serialize)]
struct Hole {
    offset: u32,
    size: u32,
    what: &'static str,
}

/// What a hole is if the next variable's alignment explains it.
const PADDING: &str = "padding";
/// What it is if not: string literals, most often.
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

/// What stands behind a section's size.
fn whose(kind: &str) -> &'static str {
    match kind {
        "percpu" => " for each CPU",
        "rodata" => ", constant once loaded",
        "kconfig" => ", what the kernel is configured with",
        _ => "",
    }
}

fn variables(data: &Data, btf: &Btf, endian: Endian) -> Vec<Variable> {
    let variable = |(var, field): (&skelgen::object::Var, String)| Variable {
        offset: var.offset,
        size: var.size,
        c_type: btf.c_type(var.type_id),
        name: var.name.clone(),
        field: Some(field).filter(|field| *field != var.name),
        initial: initial(data, var.offset, var.type_id, btf, endian),
        notes: var.notes.iter().map(ToString::to_string).collect(),
        declaration: btf.c_declaration(var.type_id, &var.name),
    };
    data.vars.iter().zip(fields(data)).map(variable).collect()
}

/// The first value of a number. A section that is all zero at first has no bytes; `.kconfig` has none that is known.
fn initial(data: &Data, offset: u32, ty: TypeId, btf: &Btf, endian: Endian) -> Option<Initial> {
    if data.kind == DataKind::Kconfig {
        return None;
    }
    let (size, signed, bool) = match btf.get_resolved(ty) {
        Type::Int(int) => (int.size, int.is_signed(), int.is_bool()),
        Type::Enum(ty) | Type::Enum64(ty) => (ty.size, ty.signed, false),
        _ => return None,
    };
    let size = usize::try_from(size).ok().filter(|size| matches!(size, 1..=8))?;
    let start = usize::try_from(offset).ok()?;
    let bytes = match data.bytes.as_slice() {
        [] => &[0; 8][..size],
        bytes => bytes.get(start..start.checked_add(size)?)?,
    };
    let mut wide = [0; 8];
    let value = match endian {
        Endian::Little => {
            wide[..size].copy_from_slice(bytes);
            u64::from_le_bytes(wide)
        }
        Endian::Big => {
            wide[8 - size..].copy_from_slice(bytes);
            u64::from_be_bytes(wide)
        }
    };
    let unused = 64 - 8 * size as u32;
    Some(match () {
        () if bool => Initial::Bool(value != 0),
        () if signed => Initial::Signed((value << unused).cast_signed() >> unused),
        () => Initial::Unsigned(value),
    })
}

/// The bytes between variables, and behind the last. A variable is its offset and size; they come by rising offset.
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

/// Padding is zero, and shorter than the greatest alignment that what follows can have.
fn reason(bytes: &[u8], start: u32, end: u32) -> &'static str {
    let bytes = bytes.get(start as usize..end as usize).unwrap_or_default();
    let alignment = 1u64 << end.trailing_zeros();
    if bytes.iter().all(|&byte| byte == 0) && u64::from(end - start) < alignment { PADDING } else { UNNAMED }
}

impl fmt::Display for DataSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = style::TITLE;
        let zero = if self.initialised || self.kind == kind(DataKind::Kconfig) { "" } else { ", all zero at first" };
        let size = ui::count(self.size as usize, "byte");
        writeln!(f, "{title}Data {}{title:#}: {size}{}{zero}", skelgen::printable(&self.section), whose(self.kind))?;
        let mut table = Table::new(&[
            ("OFFSET", Align::Right),
            ("SIZE", Align::Right),
            ("VARIABLE", Align::Left),
            ("INITIAL", Align::Left),
        ]);
        let mut rows: Vec<(u32, [Cell; 4])> = Vec::new();
        for variable in &self.variables {
            let initial = variable.initial.as_ref().map(Initial::to_string);
            let (offset, size) = (variable.offset, variable.size);
            rows.push((offset, [offset.into(), size.into(), variable.declaration.as_str().into(), initial.into()]));
        }
        for hole in &self.holes {
            let what = Cell::styled(format!("({})", hole.what), style::DIM);
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

impl fmt::Display for Initial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Initial::Bool(value) => value.fmt(f),
            Initial::Signed(value) => value.fmt(f),
            Initial::Unsigned(value) => value.fmt(f),
        }
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
