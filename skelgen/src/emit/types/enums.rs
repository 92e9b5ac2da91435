//! C enums: numbers, some of which have names.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::names::Members;
use super::value::{Value, number};
use super::{Place, TypeEmitter, doc};
use crate::btf::{Enum, Kind, TypeId};
use crate::{Error, Result};

/// What `plain_enum!` derives.
const DERIVES: &[&str] = &["Clone", "Copy", "Debug", "Default", "Eq", "Hash", "Ord", "PartialEq", "PartialOrd"];

impl TypeEmitter<'_> {
    pub(super) fn enumeration(&mut self, id: TypeId, ty: &Enum, place: Place<'_>) -> Result<Value> {
        self.defined(id, place, |types, definition| {
            let number = number(ty)
                .ok_or_else(|| Error::unsupported(format!("{} has a size of {} bytes", definition.c_name, ty.size)))?;
            let (rt, ident, mut names) = (&types.rt, &definition.ident, Members::default());
            let mut docs = vec![doc(&definition.c_name)];
            // Older compilers write 64-bit enums without the high halves of their values.
            let cut = types.btf.get(id).kind() == Some(Kind::Enum) && ty.size > 4;
            if cut {
                docs.push(doc(""));
                docs.push(doc("Its values have no names here: the compiler did not write them in full."));
            }
            let idents = names.claim_all(ty.values.iter().map(|value| types.btf.name(value.name)));
            let values = ty.values.iter().zip(idents).filter(|_| !cut).map(|(value, name)| {
                let number = literal(ty, value.value);
                let doc = doc(&told(ty, value.value));
                quote!(#doc #name = #number)
            });
            let values: Vec<TokenStream> = values.collect();
            let attributes = types.options.attributes_of(&definition.option_name, DERIVES);
            let tokens = quote! {
                #rt::plain_enum! {
                    #[repr(#number)]
                    #(#docs)*
                    #attributes
                    pub enum #ident { #(#values),* }
                }
            };
            Ok((tokens, Value::new(quote!(#ident), ty.size, ty.size)))
        })
    }
}

/// The value for a doc.
fn told(ty: &Enum, value: i64) -> String {
    match u32::try_from(value).map(u32::cast_signed) {
        // Compilers before clang 16 do not say whether an enum has a sign.
        Ok(signed) if signed < 0 && ty.size == 4 && !ty.signed => format!("`{value}`, or `{signed}` if C had a sign"),
        _ if ty.signed => format!("`{value}`"),
        _ => format!("`{}`", value.cast_unsigned()),
    }
}

/// The value in that integer: BTF of packed enums has 32 bits for 8.
fn literal(ty: &Enum, value: i64) -> TokenStream {
    let unused = 64 - (8 * ty.size).clamp(8, 64);
    if ty.signed {
        let value = value << unused >> unused;
        let (minus, size) = ((value < 0).then(|| quote!(-)), Literal::u64_unsuffixed(value.unsigned_abs()));
        quote!(#minus #size)
    } else {
        let size = Literal::u64_unsuffixed(value.cast_unsigned() << unused >> unused);
        quote!(#size)
    }
}
