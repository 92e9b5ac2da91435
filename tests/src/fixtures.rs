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

/// The names of all fixtures but those in `bad/` and `other/`, in order.
#[must_use]
pub fn names() -> Vec<String> {
    names_in("")
}

/// The names of those in `bad/`, as in `bad/no_btf`.
#[must_use]
pub fn bad_names() -> Vec<String> {
    names_in("bad/")
}

/// The names of those in `other/`, as in `other/aya`.
#[must_use]
pub fn other_names() -> Vec<String> {
    names_in("other/")
}

fn names_in(below: &str) -> Vec<String> {
    let files = fs::read_dir(folder().join(below)).expect("fixtures are checked in");
    let files = files.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<_> = files.filter_map(|file| Some(format!("{below}{}", file.strip_suffix(".bpf.o")?))).collect();
    names.sort();
    names
}
