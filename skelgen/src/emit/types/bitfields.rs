//! C bit-fields: bytes, and a pair of methods for each.
//!
//! Which bits they are is up to the byte order of the machine that runs the program, so the runtime finds them.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

use super::names::{Members, sanitized};
use super::record::Field;
use super::value::Value;
use super::{Definition, TypeEmitter, doc, quoted};
use crate::Result;
use crate::btf::{Bitfield, Member, Type};

/// The widest that the methods pass.
const MAX_WIDTH: u8 = 64;

/// A bit-field to write methods for.
pub(super) struct Bits<'a> {
    pub(super) member: &'a Member,
    pub(super) bitfield: Bitfield,
    /// The field of bytes that has it, and where in the struct that begins.
    pub(super) storage: Ident,
    pub(super) start: u32,
    pub(super) get: Ident,
    pub(super) set: Ident,
}

impl TypeEmitter<'_> {
    /// The fields that hold the bit-fields, and the methods.
    ///
    /// Bit-fields that lie together share a field, but for where one of the `others` begins: arrays of length 0 mark
    /// places between them.
    pub(super) fn bitfields(
        &mut self,
        definition: &Definition,
        bits: &[(&Member, Bitfield)],
        others: &[Field],
        names: &mut Members,
    ) -> Result<(Vec<Field>, TokenStream)> {
        let mut bits = bits.to_vec();
        bits.sort_by_key(|(_, bitfield)| bitfield.offset);
        let marks: BTreeSet<u32> = others.iter().map(|other| other.offset).collect();
        let (mut fields, mut methods, mut taken) = (Vec::<Field>::new(), TokenStream::new(), Members::default());
        for (member, bitfield) in bits {
            let first = bitfield.offset / 8;
            let end = bitfield.offset.saturating_add(bitfield.width.into()).div_ceil(8);
            let mut field = match fields.pop() {
                Some(mut field) if first < field.end() || first == field.end() && !marks.contains(&first) => {
                    field.value = Value::bytes((end - field.offset).max(field.value.size));
                    field
                }
                other => {
                    fields.extend(other);
                    let ident = names.numbered("_bits", first);
                    Field { ident, offset: first, value: Value::bytes(end - first), doc: "Bit-fields:".to_owned() }
                }
            };
            let name = self.btf.name(member.name);
            let (storage, start) = (field.ident.clone(), field.offset);
            if !name.is_empty() {
                let comma = if field.doc.ends_with(':') { "" } else { "," };
                field.doc.push_str(&format!("{comma} {}", quoted(name)));
                let get = taken.claim(name);
                let set = taken.claim(&format!("set_{}", sanitized(name)));
                methods.extend(self.accessors(definition, &Bits { member, bitfield, storage, start, get, set })?);
            }
            fields.push(field);
        }
        Ok((fields, methods))
    }

    /// The methods that get and set one bit-field.
    pub(super) fn accessors(&mut self, definition: &Definition, bits: &Bits<'_>) -> Result<TokenStream> {
        let rt = self.rt.clone();
        let Bits { member, bitfield, storage, start, get, set } = bits;
        if bitfield.width > MAX_WIDTH {
            return Ok(TokenStream::new());
        }
        let name = self.btf.name(member.name).to_owned();
        let value = self.member_value(definition, member, &name)?;
        let at = Literal::u32_unsuffixed(bitfield.offset.saturating_sub(8 * start));
        let width = Literal::u8_unsuffixed(bitfield.width);
        let unsigned = quote!(#rt::plain::bits(&self.#storage, #at, #width));
        let signed = quote!(#rt::plain::signed_bits(&self.#storage, #at, #width));
        let ty = value.tokens;
        let (ty, read, write) = match self.btf.get_resolved(member.ty) {
            Type::Int(int) if int.is_bool() => (quote!(bool), quote!(#unsigned != 0), quote!(value as u64)),
            Type::Int(int) if int.size > 8 || !int.size.is_power_of_two() => {
                let (ty, read) = if int.is_signed() { (quote!(i64), signed) } else { (quote!(u64), unsigned) };
                (ty, read, quote!(value as u64))
            }
            Type::Int(int) if int.size == 8 && !int.is_signed() => (ty, unsigned, quote!(value)),
            Type::Int(int) if int.size == 8 => (ty, signed, quote!(value as u64)),
            Type::Int(int) => {
                let read = if int.is_signed() && ty.to_string() != "u8" { signed } else { unsigned };
                (ty.clone(), quote!(#read as #ty), quote!(value as u64))
            }
            Type::Enum(ty_) | Type::Enum64(ty_) => {
                let read = if ty_.signed { signed } else { unsigned };
                if self.is_opaque(self.btf.resolve(member.ty)) {
                    (ty.clone(), quote!(#read as #ty), quote!(value as u64))
                } else {
                    (ty.clone(), quote!(#ty(#read as _)), quote!(value.0 as u64))
                }
            }
            _ => return Ok(TokenStream::new()),
        };
        let declaration = self.btf.c_declaration(member.ty, &name);
        let get_doc = doc(&quoted(&format!("{declaration} : {}", bitfield.width)));
        let set_doc = doc(&format!("Sets {}; what it has no bits for is dropped.", quoted(&name)));
        Ok(quote! {
            #get_doc
            pub fn #get(&self) -> #ty { #read }
            #set_doc
            pub fn #set(&mut self, value: #ty) { #rt::plain::set_bits(&mut self.#storage, #at, #width, #write); }
        })
    }
}
