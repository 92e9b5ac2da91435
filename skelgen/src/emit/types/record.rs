//! Fields at fixed places, and what goes between them.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;
use syn::ext::IdentExt;

use super::names::Members;
use super::value::Value;
use super::{Definition, TypeEmitter, doc};
use crate::{Error, Result};

/// What `plain!` derives for a struct.
const DERIVES: &[&str] = &["Clone", "Copy", "Debug", "Default", "PartialEq"];

/// A field of a struct to define.
pub(super) struct Field {
    pub(super) ident: Ident,
    /// In bytes.
    pub(super) offset: u32,
    pub(super) value: Value,
    /// Empty hides the field from the docs.
    pub(super) doc: String,
}

impl Field {
    /// The first byte behind it, in bytes from the start of the struct.
    pub(super) fn end(&self) -> u32 {
        self.offset.saturating_add(self.value.size)
    }
}

/// A struct to define.
pub(super) struct Record<'a> {
    pub(super) definition: &'a Definition,
    /// Lines.
    pub(super) doc: Vec<String>,
    /// In bytes.
    pub(super) size: u32,
    pub(super) fields: Vec<Field>,
    /// The names of the fields, to find others for the padding.
    pub(super) names: Members,
    pub(super) methods: TokenStream,
    /// Whether a method has a name that Rust's style is not.
    pub(super) odd_methods: bool,
}

/// Why fields cannot be placed: the field at fault and the reason.
pub(super) struct Misplaced(pub(super) String, pub(super) &'static str);

impl Record<'_> {
    /// Sorts the fields, takes the alignment of those that lie where it does not allow them to, and fills the holes.
    pub(super) fn place(&mut self) -> Result<(), Misplaced> {
        self.fields.sort_by_key(|field| field.offset);
        let fields = std::mem::take(&mut self.fields);
        let mut at = 0;
        for field in fields {
            if field.offset < at {
                return Err(Misplaced(field.ident.unraw().to_string(), "lies over the one before it"));
            }
            self.pad(at, field.offset);
            let end = field.offset.checked_add(field.value.size).filter(|end| *end <= self.size);
            at = end.ok_or_else(|| Misplaced(field.ident.unraw().to_string(), "ends past the end"))?;
            self.fields.push(field);
        }
        self.pad(at, self.size);
        Ok(())
    }

    fn pad(&mut self, from: u32, to: u32) {
        if from < to {
            let ident = self.names.numbered("_pad", from);
            self.fields.push(Field { ident, offset: from, value: Value::bytes(to - from), doc: String::new() });
        }
    }
}

impl TypeEmitter<'_> {
    /// The definition of the struct, whose fields are placed, and its value.
    pub(super) fn record(&self, mut record: Record<'_>) -> (TokenStream, Value) {
        let rt = &self.rt;
        let size = record.size;
        for field in &mut record.fields {
            let align = field.value.align;
            if !field.offset.is_multiple_of(align) || !size.is_multiple_of(align) {
                field.value = std::mem::replace(&mut field.value, Value::bytes(0)).unaligned(rt);
            }
        }
        let align = record.fields.iter().map(|field| field.value.align).max().unwrap_or(1);
        let height = 1 + record.fields.iter().map(|field| field.value.height).max().unwrap_or(0);
        let ident = &record.definition.ident;
        // serde skips padding. Arrays longer than 32 have no `Default`, so `zeroed` makes the value.
        let serde = self.options.is_for_serde(&record.definition.option_name).then(|| {
            let zeroed = format!("{rt}::Plain::zeroed").replace(' ', "");
            quote!(#[serde(skip, default = #zeroed)])
        });
        let fields = record.fields.iter().map(|field| {
            let (ident, ty) = (&field.ident, &field.value.tokens);
            let doc = if field.doc.is_empty() { quote!(#[doc(hidden)] #serde) } else { doc(&field.doc) };
            quote!(#doc pub #ident: #ty)
        });
        let offsets: Vec<_> = record
            .fields
            .iter()
            .filter(|field| !field.doc.is_empty())
            .map(|field| {
                let (field, offset) = (&field.ident, Literal::u32_unsuffixed(field.offset));
                quote!(::core::assert!(::core::mem::offset_of!(#ident, #field) == #offset);)
            })
            .collect();
        let offsets = if offsets.is_empty() { TokenStream::new() } else { quote!(const _: () = { #(#offsets)* };) };
        let doc = record.doc.iter().map(|line| doc(line));
        let bytes = Literal::u32_unsuffixed(size);
        let methods = &record.methods;
        let allow = record.odd_methods.then(|| quote!(#[allow(non_snake_case, reason = "the names are C's")]));
        let methods = if methods.is_empty() { TokenStream::new() } else { quote!(#allow impl #ident { #methods }) };
        let attributes = self.options.attributes_of(&record.definition.option_name, DERIVES);
        let tokens = quote! {
            #rt::plain! {
                #(#doc)*
                #attributes
                pub struct #ident { #(#fields),* }
            }
            #methods
            const _: [(); #bytes] = [(); ::core::mem::size_of::<#ident>()];
            #offsets
        };
        (tokens, Value::new(quote!(#ident), size, align).of_height(height))
    }
}

impl Misplaced {
    pub(super) fn of(self, whole: &str) -> Error {
        Error::malformed(format!("{whole}: `{}` {}", self.0, self.1))
    }
}
