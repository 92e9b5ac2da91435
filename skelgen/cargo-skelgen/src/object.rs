//! Reading objects.

use std::fs;
use std::path::Path;

use skelgen::Skeleton;
use skelgen::object::outline::Outline;
use skelgen::plan::PlanOptions;

use crate::compiler;
use crate::failure::{Cause, Failure};
use crate::path::file_name;

/// The bytes at `path`.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::new(path, Cause::Read(error)))
}

/// The skeleton of the object at `path`, with these options.
pub(crate) fn read(path: &Path, options: &PlanOptions) -> Result<Skeleton, Failure> {
    with(options, path, &bytes(path)?)
}

/// The skeleton of the object `bytes`, which were read at `path`.
pub(crate) fn skeleton(path: &Path, bytes: &[u8]) -> Result<Skeleton, Failure> {
    with(&PlanOptions::default(), path, bytes)
}

/// The same with options.
pub(crate) fn with(options: &PlanOptions, path: &Path, bytes: &[u8]) -> Result<Skeleton, Failure> {
    let made = Skeleton::with(options, &file_name(path), bytes);
    made.map_err(|error| Failure::new(path, Cause::Generate(error)).with_notes(notes(bytes)))
}

/// Notes about an object that fails.
pub(crate) fn notes(bytes: &[u8]) -> Vec<String> {
    Outline::parse(bytes).map(|outline| compiler::notes(&outline)).unwrap_or_default()
}
