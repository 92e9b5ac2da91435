//! The fixtures' objects, as files of this repository: not for `kernel`, which runs where there are none.

use std::fs;
use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures"))
}

/// The object of fixture `name`, as in `counters` and `bad/no_btf`.
///
/// # Panics
///
/// There is none.
#[must_use]
pub fn bytes(name: &str) -> Vec<u8> {
    let path = folder().join(format!("{name}.bpf.o"));
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of all fixtures but those in `bad/`, in order.
///
/// # Panics
///
/// The folder cannot be read.
#[must_use]
pub fn names() -> Vec<String> {
    let files = fs::read_dir(folder()).expect("fixtures are checked in");
    let mut names: Vec<_> =
        files.filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.strip_suffix(".bpf.o")?.to_owned())).collect();
    names.sort();
    names
}
