//! C structs.

use proc_macro2::{Ident, TokenStream};
use syn::ext::IdentExt;

use super::names::{Members, is_snake};
use super::record::{Field, Record};
use super::value::Value;
use super::{Definition, Place, TypeEmitter, quoted};
use crate::btf::{Composite, Member, TypeId};
use crate::{Error, Result};

impl TypeEmitter<'_> {
    pub(super) fn structure(&mut self, id: TypeId, ty: &Composite, place: Place<'_>) -> Result<Value> {
        self.defined(id, place, |types, definition| types.struct_of(definition, ty, ty.size, None))
    }

    /// The struct's definition. `size` can be larger than the C type's, for `elements` of the flexible array at its end.
    pub(super) fn struct_of(
        &mut self,
        definition: &Definition,
        ty: &Composite,
        size: u32,
        elements: Option<u32>,
    ) -> Result<(TokenStream, Value)> {
        let (mut fields, mut bits, mut names) = (Vec::new(), Vec::new(), Members::default());
        let idents = names.claim_members(self.btf, ty);
        for (member, ident) in ty.members.iter().zip(idents) {
            match (self.btf.bitfield(member), ident) {
                (Some(bitfield), _) => bits.push((member, bitfield)),
                (None, Some(ident)) => fields.push(self.field(definition, member, ident)?),
                (None, None) => {}
            }
        }
        if let (Some(len), Some(flexible)) = (elements, fields.last_mut()) {
            flexible.value.set_len(len);
        }
        let (storage, methods) = self.bitfields(definition, &bits, &fields, &mut names)?;
        fields.extend(storage);
        let doc = vec![definition.c_name.clone()];
        let odd_methods = bits.iter().any(|(member, _)| !is_snake(self.btf.name(member.name)));
        let mut record = Record { definition, doc, size, fields, names, methods, odd_methods };
        record.place().map_err(|misplaced| misplaced.of(&definition.c_name))?;
        Ok(self.record(record))
    }

    fn field(&mut self, definition: &Definition, member: &Member, ident: Ident) -> Result<Field> {
        let name = ident.unraw().to_string();
        let value = self.member_value(definition, member, &name)?;
        if !member.bit_offset.is_multiple_of(8) {
            return Err(definition.member_error(&name, Error::malformed("begins inside a byte")));
        }
        let doc = self.member_doc(member);
        Ok(Field { ident, offset: member.bit_offset / 8, value, doc })
    }

    pub(super) fn member_value(&mut self, definition: &Definition, member: &Member, name: &str) -> Result<Value> {
        self.value(member.ty, definition.place(name)).map_err(|error| definition.member_error(name, error))
    }

    /// The member as C declares it.
    pub(super) fn member_doc(&self, member: &Member) -> String {
        quoted(&self.btf.c_declaration(member.ty, self.btf.name(member.name)))
    }
}
