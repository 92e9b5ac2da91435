//! C unions: bytes, and a pair of methods for each member.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::ext::IdentExt;

use super::bitfields::Bits;
use super::names::{Members, is_snake, sanitized};
use super::record::{Field, Record};
use super::value::Value;
use super::{Definition, Place, TypeEmitter, doc, quoted};
use crate::btf::{Composite, Member, TypeId};
use crate::{Error, Result};

impl TypeEmitter<'_> {
    pub(super) fn union(&mut self, id: TypeId, ty: &Composite, place: Place<'_>) -> Result<Value> {
        self.defined(id, place, |types, definition| {
            let (mut methods, mut taken, mut align) = (TokenStream::new(), Members::default(), 1);
            let idents = Members::default().claim_members(types.btf, ty);
            for (member, ident) in ty.members.iter().zip(idents) {
                let name =
                    ident.map_or_else(|| types.btf.name(member.name).to_owned(), |ident| ident.unraw().to_string());
                let name = sanitized(&name);
                let get = taken.claim(&format!("as_{name}"));
                let set = taken.claim(&format!("set_{name}"));
                if let Some(bitfield) = types.btf.bitfield(member) {
                    if member.name.0 != 0 {
                        let bits = Bits { member, bitfield, storage: format_ident!("bytes"), start: 0, get, set };
                        methods.extend(types.accessors(definition, &bits)?);
                    }
                    continue;
                }
                let value = types.union_member(definition, ty, member, &name)?;
                if ty.size.is_multiple_of(value.align) {
                    align = value.align.max(align);
                }
                let (rt, tokens) = (&types.rt, value.tokens);
                let get_doc = doc(&types.member_doc(member));
                let set_doc = doc(&format!("Sets {}; bytes past its end stay.", quoted(&name)));
                methods.extend(quote! {
                    #get_doc
                    pub fn #get(&self) -> #tokens { #rt::plain::read(&self.bytes) }
                    #set_doc
                    pub fn #set(&mut self, value: #tokens) { #rt::plain::write(&mut self.bytes, &value); }
                });
            }
            let doc = vec![definition.c_name.clone()];
            let mut fields = Vec::new();
            let unit = match align {
                2 => Some(quote!(u16)),
                4 => Some(quote!(u32)),
                8 => Some(quote!(u64)),
                16 => Some(quote!(u128)),
                _ => None,
            };
            if let Some(unit) = unit {
                let value = Value::new(quote!([#unit; 0]), 0, align);
                fields.push(Field { ident: format_ident!("_align"), offset: 0, value, doc: String::new() });
            }
            let odd_methods = ty.members.iter().any(|member| !is_snake(types.btf.name(member.name)));
            let value = Value::bytes(ty.size);
            let bytes =
                Field { ident: format_ident!("bytes"), offset: 0, value, doc: "What the members share.".into() };
            fields.push(bytes);
            Ok(types.record(Record {
                definition,
                doc,
                size: ty.size,
                fields,
                names: Members::default(),
                methods,
                odd_methods,
            }))
        })
    }

    fn union_member(&mut self, definition: &Definition, ty: &Composite, member: &Member, name: &str) -> Result<Value> {
        let value = self.member_value(definition, member, name)?;
        if member.bit_offset != 0 {
            return Err(definition.member_error(name, Error::malformed("does not begin where the union does")));
        }
        if value.size > ty.size {
            return Err(definition.member_error(name, Error::malformed("is larger than the union")));
        }
        Ok(value)
    }
}
