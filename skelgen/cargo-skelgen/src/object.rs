//! Reading objects.

use std::fs;
use std::path::Path;

use skelgen::Skeleton;

use crate::failure::{Cause, Failure};

/// The skeleton of the object at `path`.
pub(crate) fn read(path: &Path) -> Result<Skeleton, Failure> {
    let failed = |cause| Failure::new(path, cause);
    let bytes = fs::read(path).map_err(|error| failed(Cause::Read(error)))?;
    Skeleton::new(&name(path), &bytes).map_err(|error| failed(Cause::Generate(error)))
}

/// What an object is called in the errors of `skelgen` and the runtime: its file's name, without the folder.
pub(crate) fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
