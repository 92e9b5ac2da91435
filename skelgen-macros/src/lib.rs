//! The door for those who would rather write no build script: derive macros over `skelgen`.
//!
//! Users depend on `skelgen-runtime`, which re-exports what is here and which the derived code refers to.
#![forbid(unsafe_code)]

mod attribute;
mod object;
mod skeleton;

use proc_macro::TokenStream;

/// Generates the light skeleton of a BPF object, as a build script with `skelgen::Builder` does.
///
/// ```no_run
/// use skelgen_runtime::Skeleton;
///
/// #[derive(Skeleton)]
/// #[skeleton(object = "../fixtures/counters.bpf.o")]
/// struct Counters;
///
/// # fn main() -> skelgen_runtime::Result<()> {
/// let mut open = Counters::open()?;
/// open.percpu.hits = 41;
/// let skel = open.load()?;
/// # Ok(())
/// # }
/// ```
///
/// - The struct has no fields and no parameters. It gets a function `open`.
/// - The other types go into a module beside it, named like it in snake case (`counters`) and as visible as it.
/// - `object` is a path from the package's folder, where its `Cargo.toml` is. When that file changes, the crate is
///   built again.
/// - `crate = path`, also in `#[skeleton(...)]`, says where `skelgen_runtime` is, if not at `::skelgen_runtime`; as
///   seen from anywhere in the crate, so `crate::name` or `::name`.
#[proc_macro_derive(Skeleton, attributes(skeleton))]
pub fn derive_skeleton(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    skeleton::derive(&input).unwrap_or_else(|error| error.into_compile_error()).into()
}
