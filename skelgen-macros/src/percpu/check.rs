//! What the compiler compares: constants that do not evaluate if something is not the same.
//!
//! A macro sees the names of types and not what they are, so it can only have rustc look. Each field has a constant of
//! its own, which panics where the field is declared.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Field;
use syn::ext::IdentExt;

use super::layout::CValue;
use super::names::Pair;
use super::shape::Shape;

/// The constants for these pairs and, if `total`, for the struct's size.
pub(super) fn checks(shape: &Shape<'_>, c: &CValue, pairs: &[Pair], total: bool, rt: &TokenStream) -> TokenStream {
    let ident = shape.ident;
    let name = ident.unraw().to_string();
    let compare = quote!(#rt::plain::compare);
    let mut checks = TokenStream::new();
    for pair in pairs {
        let (field, Field { ty, .. }) = shape.fields[pair.field];
        let member = Literal::usize_unsuffixed(pair.member);
        let field_name = field.unraw().to_string();
        let layout = quote! {
            #rt::plain::FieldLayout {
                name: #field_name,
                offset: ::core::mem::offset_of!(#ident, #field),
                layout: <#ty as #rt::Value>::LAYOUT,
            }
        };
        checks.extend(check(quote!(__C.field(#member, #name, &#layout)), field, ty));
    }
    if total {
        let layout = quote!(<#ident as #rt::Value>::LAYOUT);
        let text = quote!(__C.total(&#layout, ::core::mem::align_of::<#ident>()));
        checks.extend(check(text, ident, ident));
    }
    let c = c.tokens(&compare);
    quote! {
        #[allow(deprecated, reason = "looked at and not used")]
        const _: () = {
            // The fields' types are seen from here: it is named as nothing in them is.
            const __C: #compare::CValue = #c;
            #checks
        };
    }
}

/// A constant that panics with the text, if there is one. rustc shows the panic at what begins with `first` and ends
/// with `last`.
fn check(text: TokenStream, first: &Ident, last: &impl ToTokens) -> TokenStream {
    let end = last.to_token_stream().into_iter().last().map_or_else(|| first.span(), |token| token.span());
    // Not with the field's span: if a macro of the user's wrote that, its names are not these.
    let message = quote!(__text.as_str());
    let path = quote_spanned!(first.span()=> ::core::panic);
    let arguments = quote_spanned!(end=> !("{}", #message));
    quote! {
        const _: () = {
            let __text = #text;
            if !__text.is_empty() {
                #path #arguments
            }
        };
    }
}
