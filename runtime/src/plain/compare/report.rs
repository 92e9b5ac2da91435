//! What is said of a difference: where it is, and what both sides have there.
//!
//! ```text
//! `calls.lowest` is not as in section `.percpu` of counters.bpf.o: the sign differs
//!   Rust: i32, 4 bytes at offset 8 of `CallRange`
//!   C:    __u32 lowest, 4 bytes at offset 8 of `struct call_range`
//! ```

use super::c::{CMember, CValue};
use super::text::Text;
use crate::plain::{FieldLayout, TypeLayout, field_name};

/// Where a field is: `calls.lowest`.
pub(super) struct Path<'a> {
    pub(super) parent: Option<&'a Path<'a>>,
    /// A field, or `[]` for the elements of an array.
    pub(super) name: &'a str,
}

impl Path<'_> {
    const fn push_to(&self, text: &mut Text) {
        if let Some(parent) = self.parent {
            parent.push_to(text);
            // Of the names only `[]` begins so.
            if self.name.as_bytes()[0] != b'[' {
                text.push(".");
            }
        }
        text.push(self.name);
    }
}

/// Two structs that are compared.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// What the outermost is compared to.
    pub(super) value: &'a CValue,
    /// Where they are; `None` if they are the outermost.
    pub(super) path: Option<&'a Path<'a>>,
    /// The Rust struct.
    pub(super) of: &'a str,
    /// The C struct.
    pub(super) c_of: &'a str,
}

impl<'a> Place<'a> {
    pub(super) const fn top(value: &'a CValue, name: &'a str) -> Self {
        Place { value, path: None, of: name, c_of: "" }
    }

    const fn title(&self, path: &Path<'_>, why: &str) -> Text {
        let mut text = Text::EMPTY;
        text.push("`");
        path.push_to(&mut text);
        text.push("` is not as in ");
        text.push(self.value.place);
        if !why.is_empty() {
            text.push(": ");
            text.push(why);
        }
        text
    }

    /// `4 bytes at offset 8`; and of what, if not of the outermost.
    const fn push_bytes(&self, text: &mut Text, bytes: usize, offset: usize, of: &str) {
        push_size(text, bytes);
        text.push(" at offset ");
        text.push_number(offset);
        if self.path.is_some() {
            push_quoted(text, " of ", of);
        }
    }

    const fn push_rust(&self, text: &mut Text, rust: &FieldLayout) {
        text.push(RUST);
        push_type(text, &rust.layout);
        text.push(", ");
        self.push_bytes(text, rust.layout.size(), rust.offset, self.of);
    }

    const fn push_c(&self, text: &mut Text, c: &CMember) {
        text.push(C);
        text.push(c.declaration);
        text.push(", ");
        self.push_bytes(text, c.ty.size(), c.offset, self.c_of);
    }
}

const RUST: &str = "\n  Rust: ";
const C: &str = "\n  C:    ";

/// A field and its member that are not the same.
pub(super) const fn differs(place: &Place<'_>, path: &Path<'_>, why: &str, rust: &FieldLayout, c: &CMember) -> Text {
    let mut text = place.title(path, why);
    place.push_rust(&mut text, rust);
    place.push_c(&mut text, c);
    text
}

/// A member that Rust does not have.
pub(super) const fn missing(place: &Place<'_>, c: &CMember) -> Text {
    let mut text = place.title(&Path { parent: place.path, name: c.name }, "");
    text.push(RUST);
    push_quoted(&mut text, "no field of this name in ", place.of);
    place.push_c(&mut text, c);
    text
}

/// A field that C does not have.
pub(super) const fn unknown(place: &Place<'_>, rust: &FieldLayout) -> Text {
    let mut text = place.title(&Path { parent: place.path, name: field_name(rust.name) }, "");
    place.push_rust(&mut text, rust);
    text.push(C);
    push_quoted(&mut text, "no member of this name in ", place.c_of);
    text
}

/// A struct of another size, all of whose fields are right.
pub(super) const fn total(c: &CValue, name: &str, bytes: usize) -> Text {
    let mut text = Text::EMPTY;
    push_quoted(&mut text, "", name);
    text.push(" is not as large as ");
    text.push(c.place);
    text.push(RUST);
    push_size(&mut text, bytes);
    if bytes < c.bytes {
        text.push("; `_pad");
        text.push_number(bytes);
        text.push(": [u8; ");
        text.push_number(c.bytes - bytes);
        text.push("]` as its last field would fill it");
    }
    text.push(C);
    push_size(&mut text, c.bytes);
    text
}

const fn push_size(text: &mut Text, bytes: usize) {
    text.push_number(bytes);
    text.push(if bytes == 1 { " byte" } else { " bytes" });
}

const fn push_quoted(text: &mut Text, before: &str, name: &str) {
    text.push(before);
    text.push("`");
    text.push(name);
    text.push("`");
}

/// The type as Rust writes it.
const fn push_type(text: &mut Text, rust: &TypeLayout) {
    match *rust {
        TypeLayout::Int { bytes, signed } => {
            text.push(if signed { "i" } else { "u" });
            text.push_number(8 * bytes);
        }
        TypeLayout::Bool => text.push("bool"),
        TypeLayout::Float { bytes } => {
            text.push("f");
            text.push_number(8 * bytes);
        }
        TypeLayout::Array { len, of } => {
            text.push("[");
            push_type(text, of);
            text.push("; ");
            text.push_number(len);
            text.push("]");
        }
        TypeLayout::Struct { name, .. } => text.push(name),
    }
}
