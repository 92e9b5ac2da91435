//! What struct a value can be derived for: one with named fields in C's order, and no parameters.

use proc_macro2::{Ident, TokenStream};
use syn::{Data, DataStruct, DeriveInput, Error, Field, Fields, parenthesized, token};

/// A struct that a value can be derived for, but perhaps for its `repr`.
pub(super) struct Shape<'a> {
    pub(super) ident: &'a Ident,
    pub(super) fields: Vec<(&'a Ident, &'a Field)>,
    /// `repr(C)`.
    pub(super) is_c: bool,
    /// `repr(packed)`: fields are at any address, and can only be copied.
    pub(super) is_packed: bool,
}

impl<'a> Shape<'a> {
    pub(super) fn of(input: &'a DeriveInput, errors: &mut Vec<Error>) -> Option<Self> {
        let (is_c, is_packed) = repr(input, errors);
        if !input.generics.params.is_empty() {
            let wanted = "the value of a map has one layout: there can be no parameters";
            errors.push(Error::new_spanned(&input.generics, wanted));
            return None;
        }
        let wanted = match &input.data {
            Data::Struct(DataStruct { fields: Fields::Named(fields), .. }) => {
                if !is_c {
                    let wanted = "add #[repr(C)]: without it Rust puts the fields into an order of its own";
                    errors.push(Error::new_spanned(&input.ident, wanted));
                }
                let fields = fields.named.iter().filter_map(|field| Some((field.ident.as_ref()?, field))).collect();
                return Some(Shape { ident: &input.ident, fields, is_c, is_packed });
            }
            Data::Struct(_) => {
                "fields are compared to C's by their names: a struct with named fields is needed, `struct Name { .. }`"
            }
            Data::Enum(_) => {
                "not every number is a value of a Rust enum, but any can be in a map: a C enum is an integer here, or \
                 declared with `plain_enum!`"
            }
            Data::Union(_) => {
                "a Rust union cannot be read safely: a C union is `[u8; SIZE]` here, or the type of a generated \
                 skeleton"
            }
        };
        errors.push(Error::new_spanned(&input.ident, wanted));
        None
    }
}

/// Whether there is `repr(C)`, and whether there is `packed`. Their arguments are rustc's to look at.
fn repr(input: &DeriveInput, errors: &mut Vec<Error>) -> (bool, bool) {
    let (mut is_c, mut is_packed) = (false, false);
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("repr")) {
        let parsed = attribute.parse_nested_meta(|meta| {
            is_c |= meta.path.is_ident("C");
            is_packed |= meta.path.is_ident("packed");
            if meta.input.peek(token::Paren) {
                let argument;
                parenthesized!(argument in meta.input);
                argument.parse::<TokenStream>()?;
            }
            Ok(())
        });
        errors.extend(parsed.err());
    }
    (is_c, is_packed)
}
