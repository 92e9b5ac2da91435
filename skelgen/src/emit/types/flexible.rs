//! Variables with elements in a flexible array: `struct list { int count; int items[]; } list = { 2, { 5, 6 } };`
//!
//! The C type ends where the elements begin, or has room for some of them in its padding. Each such variable gets its own
//! struct, with as many elements as fit into the variable.

use proc_macro2::TokenStream;
use quote::format_ident;

use super::value::Value;
use super::{Definition, Place, TypeEmitter, quoted, type_name};
use crate::Result;
use crate::btf::{Composite, Type, TypeId};

/// The elements in the flexible array at the end of a variable's struct.
pub(super) struct Elements<'a> {
    /// The struct.
    pub(super) id: TypeId,
    pub(super) ty: &'a Composite,
    /// The variable's size in bytes.
    size: u32,
    /// The number of elements.
    pub(super) len: u32,
}

impl<'a> TypeEmitter<'a> {
    /// The elements of a variable of this type and size, if it has a flexible array and room for at least one.
    pub(super) fn elements(&self, id: TypeId, size: u32) -> Option<Elements<'a>> {
        let btf = self.btf;
        let id = btf.resolve(id);
        let Type::Struct(ty) = btf.get(id) else { return None };
        let last = ty.members.last()?;
        let Type::Array(array) = btf.get_resolved(last.ty) else { return None };
        let is_flexible = array.len == 0 && !self.is_opaque(id) && last.bit_offset.is_multiple_of(8);
        let each = btf.size_of(array.elem).ok().filter(|&each| is_flexible && each > 0)?;
        let len = size.checked_sub(last.bit_offset / 8)? / each;
        (len > 0).then_some(Elements { id, ty, size, len })
    }

    /// Defines the struct of a variable with elements. The size is rounded up to the alignment if it stays within `limit`
    /// bytes; otherwise the fields become unaligned.
    pub(super) fn with_elements(&mut self, elements: &Elements<'_>, place: Place<'_>, limit: u32) -> Result<Value> {
        let Elements { id, size, len, ty } = elements;
        let name = self.names.claim(&format!("{}{}", place.parent, type_name(place.member)));
        let (c_type, var) = (quoted(&self.btf.c_type(*id)), quoted(place.member));
        let c_name = format!("{c_type} of {var}, with {len} elements in its flexible array");
        let option_name = self.option_name(*id).unwrap_or(&name).to_owned();
        self.defined.insert(option_name.clone());
        let definition = Definition { ident: format_ident!("{name}"), c_name, option_name, name, depth: place.depth };
        let slot = self.defs.len();
        self.defs.push(TokenStream::new());
        let align = self.btf.align_of(*id).unwrap_or(1);
        let whole = size.max(&ty.size).checked_next_multiple_of(align).filter(|whole| *whole <= limit);
        let (tokens, value) = self.struct_of(&definition, ty, whole.unwrap_or(*size), Some(*len))?;
        self.defs[slot] = tokens;
        self.done.push(slot);
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::super::{SectionVar, TypeOptions, pretty};
    use super::*;
    use crate::btf::build::Builder;

    /// The Rust for variables `x` and `y` of `struct list { u64 when; u8 kind; u8 items[]; }` with these offsets and sizes,
    /// in a section of 64 bytes.
    fn text(vars: [(u32, u32); 2], options: &TypeOptions) -> String {
        let mut b = Builder::default();
        let (long, byte) = (b.int("u64", 8, 0), b.int("u8", 1, 0));
        let items = b.array(byte, 0);
        let list = b.structure("list", 16, &[("when", long, 0, 0), ("kind", byte, 64, 0), ("items", items, 72, 0)]);
        let var = |name, (offset, size)| SectionVar { name, ty: list, offset, size, notes: &[] };
        let mut types = TypeEmitter::new(&b.0, quote!(rt));
        types.set_options(options.clone());
        types.datasec(".data", "Data", &[var("x", vars[0]), var("y", vars[1])], 64).unwrap();
        pretty(types.finish()).unwrap()
    }

    #[test]
    fn each_variable_has_its_own_elements() {
        let mut options = TypeOptions::default();
        options.parse_type_derive("list", "Eq").unwrap();
        let text = text([(0, 16), (16, 40)], &options);
        for lines in ["pub x: DataX,", "pub y: DataY,", "pub items: [u8; 7],", "pub items: [u8; 31],"] {
            assert!(text.contains(lines), "{lines}\n{text}");
        }
        assert_eq!(text.matches("#[derive(Eq)]").count(), 2);
        assert!(!text.contains("Unaligned"), "{text}");
    }

    #[test]
    fn a_size_that_alignment_does_not_divide() {
        // With GCC a variable ends at its last element, and the next variable may begin there.
        let text = text([(0, 19), (19, 19)], &TypeOptions::default());
        for lines in ["pub when: rt::Unaligned<u64>,", "pub items: [u8; 10],"] {
            assert!(text.contains(lines), "{lines}\n{text}");
        }
        let text = self::text([(0, 19), (24, 19)], &TypeOptions::default());
        assert!(!text.contains("Unaligned") && text.contains("pub items: [u8; 10],"), "{text}");
        assert_eq!(text.matches("pub _pad19: [u8; 5],").count(), 2, "{text}");
    }

    #[test]
    fn opaque_types_have_no_elements() {
        let mut options = TypeOptions::default();
        options.opaque_type("list");
        let text = text([(0, 16), (16, 40)], &options);
        assert!(text.contains("pub x: [u8; 16],") && !text.contains("items"), "{text}");
    }
}
