//! The struct's `Value`: its fields, one by one.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;

use super::shape::Shape;

/// `impl Value`. What is not a field is padding: not read, and left 0 when written.
///
/// The names in it are those that no constant of the user's has, as patterns would mean the constant.
pub(super) fn implementation(shape: &Shape<'_>, rt: &TokenStream) -> TokenStream {
    let ident = shape.ident;
    let name = ident.unraw().to_string();
    let (mut layouts, mut reads, mut writes) = (Vec::new(), Vec::new(), Vec::new());
    for (field, declared) in &shape.fields {
        let (name, ty) = (field.unraw().to_string(), &declared.ty);
        let offset = quote!(::core::mem::offset_of!(#ident, #field));
        // There are no references to packed fields.
        let value = if shape.is_packed { quote!({ self.#field }) } else { quote!(self.#field) };
        layouts.push(quote! {
            #rt::plain::FieldLayout { name: #name, offset: #offset, layout: <#ty as #rt::Value>::LAYOUT }
        });
        reads.push(quote!(#field: <#ty as #rt::Value>::read(#rt::plain::rest(__bytes, #offset))));
        writes.push(quote!(<#ty as #rt::Value>::write(&#value, #rt::plain::rest_mut(__bytes, #offset));));
    }
    quote! {
        #[automatically_derived]
        #[allow(deprecated, unused_variables, reason = "a struct may have no fields, or some that are not to be used")]
        impl #rt::Value for #ident {
            const LAYOUT: #rt::plain::TypeLayout = #rt::plain::TypeLayout::Struct {
                name: #name,
                bytes: ::core::mem::size_of::<#ident>(),
                fields: &[#(#layouts),*],
            };

            fn read(__bytes: &[#rt::plain::Byte]) -> Self {
                Self { #(#reads),* }
            }

            fn write(&self, __bytes: &mut [#rt::plain::Byte]) {
                #(#writes)*
            }
        }
    }
}
