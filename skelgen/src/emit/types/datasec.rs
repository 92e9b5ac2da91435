//! Data sections: a struct with a field for each variable.

use proc_macro2::{Ident, TokenStream};
use quote::format_ident;

use super::names::{Members, type_ident_text};
use super::record::{Field, Record};
use super::value::Value;
use super::{Definition, TypeEmitter, quoted};
use crate::btf::TypeId;
use crate::object::VarNote;
use crate::{Error, Result};

/// A variable of a data section.
#[derive(Clone, Copy, Debug)]
pub struct SectionVar<'a> {
    /// The symbol's name.
    pub name: &'a str,
    /// The type of its value; a `VAR` stands for the type of the variable.
    pub ty: TypeId,
    /// In bytes from the start of the section.
    pub offset: u32,
    /// In bytes; what the type does not fill is padding.
    pub size: u32,
    /// Notes for its documentation.
    pub notes: &'a [VarNote],
}

impl TypeEmitter<'_> {
    /// Defines a struct for a data section, and gives the type to write for it.
    ///
    /// The variables become fields in the order of their offsets. `rust_name` is the struct's name, unless a C type has
    /// it: [`reserve`](TypeEmitter::reserve) it to be sure.
    ///
    /// Unlike a C struct's, a section's size need not be a multiple of its alignment, and a Rust struct's must: the
    /// struct then has up to 15 bytes of padding more than the section. The runtime's `plain::read` takes shorter
    /// bytes, and of `as_bytes` the first `size` are the section's.
    ///
    /// A section without variables, which BTF does not know or no BTF describes, is a field `bytes`.
    pub fn datasec(
        &mut self,
        section: &str,
        rust_name: &str,
        vars: &[SectionVar<'_>],
        size: u32,
    ) -> Result<TokenStream> {
        let name = self.names.redeem(&type_ident_text(rust_name));
        let ident = format_ident!("{name}");
        let option_name = section.to_owned();
        self.defined.insert(option_name.clone());
        let definition = Definition { ident, name, c_name: quoted(section), option_name, depth: 0 };
        let slot = self.defs.len();
        self.defs.push(TokenStream::new());
        let (mut fields, mut names) = (Vec::new(), Members::default());
        let mut vars = vars.to_vec();
        vars.sort_by_key(|var| var.offset);
        let idents = names.claim_all(vars.iter().map(|var| var.name));
        for (index, (var, ident)) in vars.iter().zip(idents).enumerate() {
            let next = vars.get(index + 1).map_or(u32::MAX, |next| next.offset);
            let field = self.var(&definition, var, ident, next);
            fields.push(field.map_err(|error| error.in_symbol(var.name).in_section(section))?);
        }
        if fields.is_empty() && size > 0 {
            let (ident, value) = (names.claim("bytes"), Value::bytes(size));
            fields.push(Field {
                ident,
                offset: 0,
                value,
                doc: "All of it: BTF does not say what is in it.".to_owned(),
            });
        }
        let align = |field: &Field| if field.offset.is_multiple_of(field.value.align) { field.value.align } else { 1 };
        let align = fields.iter().map(align).max().unwrap_or(1);
        let whole = size
            .checked_next_multiple_of(align)
            .ok_or_else(|| Error::too_large("larger than 4 GiB").in_section(section))?;
        let doc = vec![format!("The variables of {}.", definition.c_name)];
        let (methods, odd_methods) = (TokenStream::new(), false);
        let mut record = Record { definition: &definition, doc, size: whole, fields, names, methods, odd_methods };
        record.place().map_err(|misplaced| Error::malformed(misplaced.1).in_symbol(misplaced.0).in_section(section))?;
        let (tokens, value) = self.record(record);
        self.defs[slot] = tokens;
        self.done.push(slot);
        Ok(value.tokens)
    }

    /// The field of a variable; `next` is the offset of the next variable.
    fn var(&mut self, definition: &Definition, var: &SectionVar<'_>, ident: Ident, next: u32) -> Result<Field> {
        let ty = self.btf.get(var.ty).as_var().map_or(var.ty, |var| var.ty);
        let place = definition.place(var.name);
        let value = match self.elements(ty, var.size) {
            Some(elements) => self.with_elements(&elements, place, next.saturating_sub(var.offset))?,
            None => self.value(ty, place)?.within(var.size).map_err(|size| {
                let (c_type, has) = (quoted(&self.btf.c_type(ty)), var.size);
                Error::malformed(format!("{c_type} has {size} bytes, the variable {has}"))
            })?,
        };
        let mut doc = quoted(&self.btf.c_declaration(ty, var.name));
        for (index, note) in var.notes.iter().enumerate() {
            let separator = if index == 0 { ": " } else { "; " };
            doc.push_str(separator);
            doc.push_str(&note_doc(note));
        }
        Ok(Field { ident, offset: var.offset, value, doc })
    }
}

/// The note, with its names escaped for documentation.
fn note_doc(note: &VarNote) -> String {
    let shown = |c: &str| quoted(c).trim_matches('`').to_owned();
    let note = match note {
        VarNote::Cut { declaration } => VarNote::Cut { declaration: shown(declaration) },
        VarNote::Address { offset, of } => VarNote::Address { offset: *offset, of: shown(of) },
    };
    note.to_string()
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;
    use crate::btf::build::Builder;

    #[test]
    fn errors_name_section_and_variable() {
        let mut b = Builder::default();
        let int = b.int("int", 4, 1);
        let fwd = b.typedef("nothing", TypeId(0));
        let var = |name, ty, offset, size| SectionVar { name, ty, offset, size, notes: &[] };
        let table: [(&[SectionVar<'_>], &str); 5] = [
            (&[var("x", int, 0, 2)], "section .bss: x: `int` has 4 bytes, the variable 2"),
            (&[var("x", int, 6, 4)], "section .bss: x: ends past the end"),
            (&[var("x", int, u32::MAX, 4)], "section .bss: x: ends past the end"),
            (&[var("x", int, 0, 4), var("y", int, 2, 4)], "section .bss: y: lies over the one before it"),
            (&[var("x", fwd, 0, 4)], "section .bss: x: `nothing` has no size"),
        ];
        for (vars, expected) in table {
            let error = TypeEmitter::new(&b.0, quote!(rt)).datasec(".bss", "Bss", vars, 8).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
        let mut types = TypeEmitter::new(&b.0, quote!(rt));
        assert!(types.datasec(".bss", "Bss", &[var("x", int, 0, 4)], u32::MAX).is_err());
        assert_eq!(types.datasec(".bss", "Bss", &[], 0).unwrap().to_string(), "Bss2");
        assert_eq!(types.datasec(".bss", "", &[], 0).unwrap().to_string(), "__");
        assert_eq!(types.datasec(".bss", "type", &[], 0).unwrap().to_string(), "type_");
    }
}
