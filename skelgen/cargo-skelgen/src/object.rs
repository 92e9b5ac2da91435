//! Reading objects.

use std::fs;
use std::path::Path;

use skelgen::Skeleton;

use crate::failure::{Cause, Failure};
use crate::path::file_name;

/// The bytes at `path`.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::new(path, Cause::Read(error)))
}

/// The skeleton of the object at `path`.
pub(crate) fn read(path: &Path) -> Result<Skeleton, Failure> {
    skeleton(path, &bytes(path)?)
}

/// The skeleton of the object `bytes`, which were read at `path`.
pub(crate) fn skeleton(path: &Path, bytes: &[u8]) -> Result<Skeleton, Failure> {
    Skeleton::new(&file_name(path), bytes).map_err(|error| Failure::new(path, Cause::Generate(error)))
}
