//! Reads an ELF object.

pub mod sec;
pub mod uapi;
