//! Reading objects.

use std::fs;
use std::path::Path;

use skelgen::object::outline::Outline;
use skelgen::{KernelVersion, Skeleton};

use crate::compiler;
use crate::failure::{Cause, Failure};
use crate::path::file_name;

/// The bytes at `path`.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::new(path, Cause::Read(error)))
}

/// The skeleton of the object at `path`, for kernels from `min_kernel` on.
pub(crate) fn read(path: &Path, min_kernel: Option<KernelVersion>) -> Result<Skeleton, Failure> {
    since(min_kernel, path, &bytes(path)?)
}

/// The skeleton of the object `bytes`, which were read at `path`.
pub(crate) fn skeleton(path: &Path, bytes: &[u8]) -> Result<Skeleton, Failure> {
    since(None, path, bytes)
}

fn since(min_kernel: Option<KernelVersion>, path: &Path, bytes: &[u8]) -> Result<Skeleton, Failure> {
    let made = Skeleton::since(min_kernel, &file_name(path), bytes);
    made.map_err(|error| Failure::new(path, Cause::Generate(error)).with_notes(notes(bytes)))
}

/// What there is to know of an object that fails.
pub(crate) fn notes(bytes: &[u8]) -> Vec<String> {
    Outline::parse(bytes).map(|outline| compiler::notes(&outline)).unwrap_or_default()
}
