//! The documents: links and named files exist; the rendered guide, the pictures and what is said of Linux's releases are up to
//! date.
//!
//! `SKELGEN_BLESS=1 cargo test -p skelgen-tests --test docs` writes `docs/guide` and `docs/pictures` again.

mod guide;
mod links;
mod pictures;
mod releases;

use std::path::{Path, PathBuf};
use std::{env, fs};

fn root() -> PathBuf {
    fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).expect("the tests run in a clone")
}

/// Compares a generated file with the checked-in one, or writes it if `SKELGEN_BLESS` is 1. Returns whether they agree.
fn is_up_to_date(path: &Path, text: &str) -> bool {
    if env::var_os("SKELGEN_BLESS").is_some_and(|bless| bless == "1") {
        fs::write(path, text).unwrap();
    }
    fs::read_to_string(path).is_ok_and(|file| file == text)
}
