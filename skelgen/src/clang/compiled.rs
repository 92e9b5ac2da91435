//! What compiling gives.

use std::path::PathBuf;

/// An object that was made, now or before.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The object's bytes. Another build may have replaced its file by now.
    pub object: Vec<u8>,
    /// The files it was made from: the source and all headers.
    pub files: Vec<PathBuf>,
    /// What clang said; empty if nothing.
    pub warnings: String,
}
