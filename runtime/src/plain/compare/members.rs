//! Fields of Rust structs and members of C structs, by their names.

use super::c::{CMember, CType};
use super::difference::{Difference, difference};
use super::report::{self, Path, Place};
use super::text::{Text, same};
use crate::plain::{FieldLayout, TypeLayout, field_name, is_storage};

/// The name and the fields of a struct; nothing of another type.
pub(super) const fn structure(rust: &TypeLayout) -> (&'static str, &'static [FieldLayout]) {
    match *rust {
        TypeLayout::Struct { name, fields, .. } => (name, fields),
        _ => ("", &[]),
    }
}

/// The index of the member that a field of this name stands for. It is looked for from `from` on, and then before it:
/// fields mostly stand in C's order, and rustc does not wait for what takes long.
pub(super) const fn member_of(members: &[CMember], from: usize, field: &str) -> Option<usize> {
    let mut step = 0;
    while step < members.len() {
        let index = (from + step) % members.len();
        if same(members[index].name, field_name(field)) {
            return Some(index);
        }
        step += 1;
    }
    None
}

/// As [`member_of`], the other way round.
const fn field_of(fields: &[FieldLayout], from: usize, member: &str) -> Option<usize> {
    let mut step = 0;
    while step < fields.len() {
        let index = (from + step) % fields.len();
        if same(field_name(fields[index].name), member) {
            return Some(index);
        }
        step += 1;
    }
    None
}

/// What is not the same in a field and its member, and the first thing inside of them.
pub(super) const fn compare(place: &Place<'_>, rust: &FieldLayout, c: &CMember) -> Text {
    let path = Path { parent: place.path, name: c.name };
    let inside = inside(place, &path, &rust.layout, &c.ty);
    let moved = rust.offset != c.offset;
    let why = match (difference(&rust.layout, &c.ty), moved) {
        (Difference::None, false) => return inside,
        // That there is more or less inside is why it is larger or smaller.
        (Difference::Size, false) if !inside.is_empty() => return inside,
        (Difference::None, true) => "the offset differs",
        (Difference::Size, false) => "the size differs",
        (Difference::Sign, false) => "the sign differs",
        (Difference::Length, false) => "the length differs",
        (Difference::Type, false) => "the type differs",
        _ => "",
    };
    let mut text = report::differs(place, &path, why, rust, c);
    text.push_line(&inside);
    text
}

/// The first thing that is not the same inside of two structs or arrays of them.
const fn inside(place: &Place<'_>, path: &Path<'_>, rust: &TypeLayout, c: &CType) -> Text {
    let (name, fields, c_name, members) = match (rust, c) {
        (TypeLayout::Array { of, .. }, CType::Array { of: c_of, .. }) => {
            return inside(place, &Path { parent: Some(path), name: "[]" }, of, c_of);
        }
        (TypeLayout::Struct { name, fields, .. }, CType::Struct { name: c_name, members, .. }) => {
            (*name, *fields, *c_name, *members)
        }
        _ => return Text::EMPTY,
    };
    let place = Place { path: Some(path), of: name, c_of: c_name, ..*place };
    let (mut index, mut from) = (0, 0);
    while index < members.len() {
        let member = &members[index];
        let text = match field_of(fields, from, member.name) {
            Some(field) => {
                from = field + 1;
                compare(&place, &fields[field], member)
            }
            None if member.required => report::missing(&place, member),
            None => Text::EMPTY,
        };
        if !text.is_empty() {
            return text;
        }
        index += 1;
    }
    let (mut index, mut from) = (0, 0);
    while index < fields.len() {
        let field = &fields[index];
        match member_of(members, from, field.name) {
            Some(member) => from = member + 1,
            None if is_storage(field.name) => {}
            None => return report::unknown(&place, field),
        }
        index += 1;
    }
    Text::EMPTY
}
