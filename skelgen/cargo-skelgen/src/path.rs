//! Names of objects.

use std::path::Path;

use skelgen::printable;

/// The file's name without its folder, as errors of `skelgen` and the runtime name the object.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// A path on one line: file names can contain newlines.
pub(crate) fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy()).into_owned()
}
