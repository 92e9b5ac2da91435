//! What stands on the left of the tables in the guide's chapter `moving`, as programs of the loaders that it is about.
//! `tests/tables.rs` holds the tables to them, and runs them.

pub mod aya;
pub mod libbpf_rs;
