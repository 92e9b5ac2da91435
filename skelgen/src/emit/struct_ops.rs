//! struct_ops maps before the load: for each a struct whose fields are its values and its programs.
//!
//! The struct of the object's types has a number for each pointer. Here the pointers to functions are programs of the
//! object, and what can hold nothing (other pointers, bit-fields, members without size) is left out.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use super::names::Names;
use super::ops_names::struct_ops;
use super::types::{Members, TypeEmitter, doc, quoted, type_name};
use crate::btf::{Btf, Composite};
use crate::object::{Map, OpsMember, StructOps};
use crate::uapi::{BPF_PROG_TYPE_STRUCT_OPS, BTF_KIND_PTR};
use crate::{Error, Result, Skeleton};

/// What the skeleton's struct before the load has of them; nothing if there are none.
#[derive(Default)]
pub(super) struct OpenStructOps {
    /// The structs, and the programs to put into them.
    pub(super) definitions: TokenStream,
    /// The field that holds the structs.
    pub(super) field: TokenStream,
    /// Its first value.
    pub(super) init: TokenStream,
    /// Hands it to the maps.
    pub(super) store: TokenStream,
}

/// What a map is, in words for its doc.
pub(super) fn map_doc(map: &Map, ops: &StructOps) -> String {
    let (name, type_name) = (quoted(&map.name), quoted(&format!("struct {}", ops.type_name)));
    let autocreate = if ops.autocreate { "" } else { "; created only if asked for" };
    format!(" The struct_ops map {name}, a {type_name}{autocreate}.")
}

/// Emits everything.
pub(super) fn open(skeleton: &Skeleton, names: &Names, types: &mut TypeEmitter<'_>) -> Result<OpenStructOps> {
    let ops_names = &names.struct_ops;
    let (Some(all), Some(program)) = (&ops_names.all, &ops_names.program) else { return Ok(OpenStructOps::default()) };
    let btf = &skeleton.object.btf;
    let (mut fields, mut inits, mut stores) = (Vec::new(), Vec::new(), Vec::new());
    for (index, map, ops) in struct_ops(skeleton) {
        let Some(ty) = ops_names.structs.get(&ops.type_id) else { continue };
        let (ident, open_map) = (&names.maps[index], &names.open_maps[index]);
        let (number, doc) = (Literal::usize_unsuffixed(index), map_doc(map, ops));
        fields.push(quote!(#[doc = #doc] pub #ident: #ty));
        inits.push(quote!(#ident: #ty::open(&opened.map(#number)?)?));
        stores.push(quote!(self.struct_ops.#ident.store(&mut self.maps.#open_map)?;));
    }
    let structs = ops_names.structs.iter().filter_map(|(&id, ident)| {
        let (_, map, ops) = struct_ops(skeleton).find(|(.., ops)| ops.type_id == id)?;
        let tokens = structure(btf, ops, ident, program, types);
        Some(tokens.map_err(|error| error.in_symbol(map.name.as_str())))
    });
    let structs = structs.collect::<Result<Vec<_>>>()?;
    let program_type = programs(skeleton, program);
    Ok(OpenStructOps {
        definitions: quote! {
            /// The structs of the struct_ops maps before the load.
            #[derive(Clone, Debug, PartialEq)]
            pub struct #all {
                #(#fields,)*
            }

            #(#structs)*
            #program_type
        },
        field: quote! {
            /// The structs of the struct_ops maps: their values, and the programs in them.
            pub struct_ops: #all,
        },
        init: quote!(struct_ops: #all { #(#inits,)* },),
        store: quote!(#(#stores)*),
    })
}

/// One struct.
fn structure(
    btf: &Btf,
    ops: &StructOps,
    ident: &Ident,
    program: &Ident,
    types: &mut TypeEmitter<'_>,
) -> Result<TokenStream> {
    let ty = btf.get(ops.type_id).as_composite().ok_or_else(|| Error::malformed("its type is not a struct"))?;
    let (mut fields, mut opens, mut stores) = (Vec::new(), Vec::new(), Vec::new());
    for (index, name) in members(btf, ty, ops) {
        let member = &ty.members[index];
        let c_name = btf.name(member.name);
        let doc = doc(&quoted(&btf.c_declaration(member.ty, c_name)));
        let number = Literal::usize_unsuffixed(index);
        if ops.members[index].function {
            fields.push(quote!(#doc pub #name: ::core::option::Option<#program>));
            opens.push(quote!(#name: map.member_program(#number)?.and_then(#program::at)));
            stores.push(quote!(map.set_member_program(#number, self.#name.map(#program::index))?;));
        } else {
            let value = types.use_of(member.ty, &format!("{}_{name}", btf.name(ty.name)))?;
            fields.push(quote!(#doc pub #name: #value));
            opens.push(quote!(#name: map.member(#number)?));
            stores.push(quote!(map.set_member(#number, &self.#name)?;));
        }
    }
    let unused = opens.is_empty().then(|| quote!(#[allow(unused_variables, reason = "nothing in it can be set")]));
    let what = format!(" {} before the load: its values, and the programs in it.", quoted(&btf.c_type(ops.type_id)));
    Ok(quote! {
        #[doc = #what]
        #[derive(Clone, Debug, PartialEq)]
        pub struct #ident {
            #(#fields,)*
        }

        impl #ident {
            #unused
            fn open(map: &rt::OpenMap) -> rt::Result<Self> {
                ::core::result::Result::Ok(#ident { #(#opens,)* })
            }

            #unused
            fn store(&self, map: &mut rt::OpenMap) -> rt::Result<()> {
                #(#stores)*
                ::core::result::Result::Ok(())
            }
        }
    })
}

/// The members that can hold something, by index, and their fields' names.
fn members(btf: &Btf, ty: &Composite, ops: &StructOps) -> Vec<(usize, Ident)> {
    let holds = |member: &OpsMember| {
        let pointer = member.kind == BTF_KIND_PTR;
        !member.bitfield && member.size > 0 && (member.function || !pointer)
    };
    let idents = Members::default().claim_members(btf, ty);
    let members = idents.into_iter().zip(&ops.members).enumerate();
    members.filter_map(|(index, (ident, member))| Some((index, ident.filter(|_| holds(member))?))).collect()
}

/// The programs that can be put into such a struct.
fn programs(skeleton: &Skeleton, ident: &Ident) -> TokenStream {
    let mut taken = BTreeSet::new();
    let mut variants = Vec::new();
    for (index, program) in skeleton.plan.programs.iter().enumerate() {
        if program.sec.prog_type != BPF_PROG_TYPE_STRUCT_OPS {
            continue;
        }
        let mut name = type_name(&program.native.name);
        while name == "Self" || !taken.insert(name.clone()) {
            name.push('_');
        }
        let doc =
            doc(&format!("{}, {}", quoted(&program.native.name), quoted(&format!("SEC(\"{}\")", program.section))));
        variants.push((format_ident!("{name}"), Literal::usize_unsuffixed(index), doc));
    }
    let definitions = variants.iter().map(|(variant, _, doc)| quote!(#doc #variant));
    let indexes = variants.iter().map(|(variant, index, _)| quote!(#ident::#variant => #index));
    let ats =
        variants.iter().map(|(variant, index, _)| quote!(#index => ::core::option::Option::Some(#ident::#variant)));
    quote! {
        /// A program that can be a member of a struct_ops map.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum #ident {
            #(#definitions,)*
        }

        impl #ident {
            fn index(self) -> ::core::primitive::usize {
                match self {
                    #(#indexes,)*
                }
            }

            fn at(index: ::core::primitive::usize) -> ::core::option::Option<Self> {
                match index {
                    #(#ats,)*
                    _ => ::core::option::Option::None,
                }
            }
        }
    }
}
