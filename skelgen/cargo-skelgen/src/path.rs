//! What an object is called.

use std::path::Path;

use skelgen::printable;

/// The file's name, without its folder: what the errors of `skelgen` and the runtime call an object.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// A path for one line of text: file names may contain newlines.
pub(crate) fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy()).into_owned()
}
