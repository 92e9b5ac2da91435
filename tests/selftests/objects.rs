//! The objects, in their cache.

use std::fs;
use std::path::{Path, PathBuf};

use skelgen_tests::cells::cache;

/// Where the tests put what they make.
pub(crate) fn scratch() -> &'static Path {
    skelgen_tests::scratch::scratch(env!("CARGO_TARGET_TMPDIR"))
}

/// Where `fetch` puts what it fetches and makes.
pub(crate) fn folder() -> PathBuf {
    cache("SKELGEN_SELFTESTS", "selftests")
}

/// All objects, in the order of their names.
///
/// # Errors
///
/// They are not there, and how to get them.
pub(crate) fn all() -> Result<Vec<PathBuf>, String> {
    let folder = folder();
    if !folder.join("versions").exists() {
        return Err(format!("the objects are not in {}: tests/selftests/fetch", folder.display()));
    }
    let entries = fs::read_dir(folder.join("objects")).map_err(|error| error.to_string())?;
    let mut objects: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    objects.sort();
    Ok(objects)
}

/// `NAME` of `NAME.bpf.o`.
pub(crate) fn name(object: &Path) -> String {
    let file = object.file_name().unwrap_or_default().to_string_lossy();
    file.strip_suffix(".bpf.o").unwrap_or(&file).to_owned()
}
