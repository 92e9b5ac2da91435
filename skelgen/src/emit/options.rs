//! How a skeleton is to be written.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::types::TypeOptions;

/// How the skeleton is to be written.
#[derive(Clone, Debug)]
pub struct Options {
    /// The skeleton's name, in any case; by default the entry's or, without one, the object's.
    pub name: Option<String>,
    /// The path of the runtime crate.
    pub runtime: TokenStream,
    /// What is added to generated types, and which of them there are.
    pub types: TypeOptions,
    /// What the user says of the skeleton, as attributes `#[doc = ...]`: it opens the module's docs.
    pub docs: TokenStream,
    /// Who may see the skeleton's module.
    pub visibility: TokenStream,
    /// The entry type (`struct Counters;`), if the user wrote it beside the module, as for the derive macro. Otherwise
    /// the module has one.
    pub entry: Option<Ident>,
    /// The path, as an expression for `include_bytes!`, of the file that has the loader's image. By default the image
    /// is a literal in the source.
    pub image: Option<TokenStream>,
    /// All of this in words, which a file of the skeleton keeps: those of a [`Recipe`](super::Recipe).
    pub words: String,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            name: None,
            runtime: quote!(::skelgen_runtime),
            types: TypeOptions::default(),
            docs: TokenStream::new(),
            visibility: quote!(pub),
            entry: None,
            image: None,
            words: String::new(),
        }
    }
}
