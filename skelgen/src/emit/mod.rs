//! The loader and the object's types as Rust source.
//!
//! Input: a [`Skeleton`] and [`Options`]. Output: tokens, or the text of a file. The counterpart is
//! `tools/bpf/bpftool/gen.c`; what bpftool writes into each skeleton stands here once, in the runtime, and generated
//! code only names things: a field for each map, program and data section.
//!
//! ```text
//! options    how the skeleton is to be written
//! names      what things are called in Rust; ops_names, the structs of struct_ops maps
//! types      C types as Rust types
//! handle     which handle of the runtime's a map gets
//! struct_ops the structs of struct_ops maps before the load
//! statics    the description of the object, printed
//! skeleton   the structs that users hold
//! source     tokens as a file
//! spelling   how errors write the options
//! recipe     the options as text
//! ```

mod handle;
mod names;
mod ops_names;
mod options;
mod recipe;
mod skeleton;
mod source;
mod spelling;
mod statics;
mod struct_ops;
pub mod types;

use proc_macro2::TokenStream;

use crate::{Result, Skeleton};
use names::Names;

pub(crate) use names::module_name;
pub use options::Options;
pub use recipe::Recipe;
pub use source::{OPTIONS, file, source};
pub use spelling::Spelling;
pub use types::{Pattern, TypeOptions, Unmatched};

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
