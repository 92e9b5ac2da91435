//! The loader and the object's types as Rust source.
//!
//! Input: a [`Skeleton`] and [`Options`]. Output: tokens, or the text of a file. The counterpart is
//! `tools/bpf/bpftool/gen.c`; what bpftool writes into each skeleton stands here once, in the runtime, and generated
//! code only names things: a field for each map, program and data section.
//!
//! ```text
//! names      what things are called in Rust
//! attach     how a program is attached
//! types      C types as Rust types
//! handle     which handle of the runtime's a map gets
//! struct_ops the structs of struct_ops maps before the load
//! statics    the description of the object that the runtime loads by
//! skeleton   the structs that users hold
//! source     tokens as a file
//! recipe     the options as text
//! ```

mod attach;
mod handle;
mod names;
mod recipe;
mod skeleton;
mod source;
mod statics;
mod struct_ops;
pub mod types;

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use crate::{Result, Skeleton};
use names::Names;

pub use attach::AttachPlan;
pub use recipe::Recipe;
pub use source::{OPTIONS, file, source};
pub use types::{Pattern, TypeOptions, Unmatched};

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
    /// All of this in words, which a file of the skeleton keeps: those of a [`Recipe`].
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

/// A skeleton as Rust.
#[derive(Clone, Debug)]
pub struct Emission {
    /// One module; beside it, `open` of an entry type that the user wrote.
    pub tokens: TokenStream,
    /// The options that name a type which this object has not.
    pub unmatched: Vec<Unmatched>,
}

/// The skeleton as one module; beside it, `open` of an entry type that the user wrote.
///
/// # Errors
///
/// A type that Rust cannot express, and the variable or map that has it; an option that names a type which there is not.
pub fn emit(skeleton: &Skeleton, options: &Options) -> Result<TokenStream> {
    let Emission { tokens, unmatched } = emission(skeleton, options)?;
    match unmatched.into_iter().next() {
        Some(unmatched) => Err(unmatched.into()),
        None => Ok(tokens),
    }
}

/// As [`emit`], for callers who know more of the options: where they stand, or which other objects they are for.
///
/// # Errors
///
/// A type that Rust cannot express, and the variable or map that has it.
pub fn emission(skeleton: &Skeleton, options: &Options) -> Result<Emission> {
    skeleton::emission(skeleton, options, &Names::new(skeleton, options))
}
