//! skelgen reads a compiled BPF ELF object and writes a Rust *light skeleton* for it.
//!
//! ```text
//! bytes ─▶ Object ─▶ Linked ─▶ LoadPlan ─▶ Loader (insns + image) ─▶ Rust tokens
//!         object    link      plan        loader                    emit
//!                     └▶ lower: the second image of each program that touches `.percpu`
//! ```
//!
//! Each arrow is a function from one owned value to the next; a later stage imports an earlier one, never the
//! reverse. The same bytes in give the same bytes out: nothing here looks at the machine it runs on.
#![forbid(unsafe_code)]

pub mod btf;
pub mod emit;
mod endian;
mod error;
pub mod insn;
pub mod link;
pub mod loader;
pub mod lower;
pub mod object;
pub mod plan;

pub use endian::Endian;
pub use error::{Error, ErrorKind, Result};
