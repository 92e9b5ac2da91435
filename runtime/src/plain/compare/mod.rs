//! A Rust type compared to a C type while the user's crate is compiled.
//!
//! In: the [`TypeLayout`] of a struct, of which rustc alone knows sizes and offsets, and a [`CValue`], which
//! `derive(PerCpu)` read from an object's BTF. Out: [`Text`], empty if they are the same. All of it is `const`: the
//! derived code panics with the text, at the field that it is about.
//!
//! ```text
//! c            the C side, as the macro writes it
//! difference   whether two types are the same, members of structs aside
//! members      fields and members by their names, structs inside structs too
//! report       what is said of a difference
//! text         room for it, as there is no heap
//! ```

mod c;
mod difference;
mod members;
mod report;
mod text;

#[cfg(test)]
mod tests;

pub use c::{CMember, CType, CValue};
pub use text::Text;

use super::{FieldLayout, TypeLayout};

impl CValue {
    /// What is not the same in a field of the struct `of` and in the member at `index`; empty if nothing.
    #[must_use]
    pub const fn field(&self, index: usize, of: &str, field: &FieldLayout) -> Text {
        members::compare(&report::Place::top(self, of), field, &self.members[index])
    }

    /// What is said if the struct `rust`, aligned to `align`, has another size; empty also if a field differs, as then
    /// that is why.
    ///
    /// A section's size need not be a multiple of its variables' alignment, a Rust struct's must.
    #[must_use]
    pub const fn total(&self, rust: &TypeLayout, align: usize) -> Text {
        if rust.size() == self.bytes.next_multiple_of(align) {
            return Text::EMPTY;
        }
        let (name, fields) = members::structure(rust);
        let (mut index, mut from) = (0, 0);
        while index < fields.len() {
            if let Some(member) = members::member_of(self.members, from, fields[index].name) {
                from = member + 1;
                if !self.field(member, name, &fields[index]).is_empty() {
                    return Text::EMPTY;
                }
            }
            index += 1;
        }
        report::total(self, name, rust.size())
    }
}
