//! Rust source as tokens.

pub mod types;
