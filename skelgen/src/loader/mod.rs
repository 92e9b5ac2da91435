//! The plan made runnable: one constant loader program and the image that it walks.
//!
//! Input: a [`LoadPlan`](crate::plan::LoadPlan). Output: a [`Loader`]. The image holds everything the kernel will be
//! given (attrs, instructions, types, initial values) and the records that say what to do with it; [`wire`] is its
//! layout, [`Interpreter`] the program that reads it. The counterpart in the kernel's tree is
//! `tools/lib/bpf/gen_loader.c`, which writes a straight-line program for each object instead: such a program grows
//! with the object, and so does the time the verifier takes for it.

mod arena;
mod asm;
mod assemble;
mod attr;
mod display;
mod image;
mod infos;
mod interpreter;
mod jump_tables;
mod ksyms;
mod map_types;
mod probe;
mod repeats;

pub use assemble::{Loader, MapSlots, ProgramSlots, assemble};
pub use display::Records;
pub use image::{BlobOff, Record};
pub use interpreter::Interpreter;
/// The layout of the image.
pub use skelgen_abi::image as wire;
