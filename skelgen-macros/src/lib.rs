//! The door for those who would rather write no build script: derive macros over `skelgen`.
//!
//! Users depend on `skelgen-runtime`, which re-exports what is here and which the derived code refers to; its documentation has
//! the guide (`skelgen_runtime::guide`).
//!
//! ```text
//! #[skeleton(...)] ─▶ attribute ─▶ object (the file) ─▶ skelgen::Skeleton ─▶ skeleton (tokens)
//! #[percpu(...)]   ─▶ percpu: layout of the section or map, and assertions that rustc evaluates on the struct's fields
//! ```
#![forbid(unsafe_code)]

mod attribute;
#[cfg(test)]
mod doors;
mod nearest;
mod object;
mod percpu;
mod runtime;
mod skeleton;

use proc_macro::TokenStream;

#[doc = include_str!("../docs/skeleton.md")]
#[proc_macro_derive(Skeleton, attributes(skeleton))]
pub fn derive_skeleton(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    skeleton::derive(&input).unwrap_or_else(|error| skeleton::refused(&input, error)).into()
}

#[doc = include_str!("../docs/percpu.md")]
#[proc_macro_derive(PerCpu, attributes(percpu))]
pub fn derive_percpu(input: TokenStream) -> TokenStream {
    percpu::derive(&syn::parse_macro_input!(input as syn::DeriveInput)).into()
}
