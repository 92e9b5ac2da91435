//! The doors to the generator as users have them: the builder's files and messages, C sources, and new packages by the
//! guide's steps; objects with arbitrary names; lints; and the published packages. (`macros` and `cargo-skelgen`
//! test their own doors.)

mod build_script;
mod builder;
mod derive;
mod guide;
mod lints;
mod names;
mod publish;
mod renamed;
mod sources;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use skelgen_tests::packages::{self, offline};
use skelgen_tests::scratch;
use skelgen_tests::static_build::cargo;

/// A folder of one test below the target folder, empty.
fn scratch(name: &str) -> PathBuf {
    let folder = scratch::scratch(env!("CARGO_TARGET_TMPDIR")).join("doors").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Where all new packages are built.
fn target_dir() -> PathBuf {
    packages::target_dir(env!("CARGO_TARGET_TMPDIR"))
}

/// A command that builds a package.
fn cargo_build(package: &Path) -> Command {
    let mut command = cargo();
    offline(command.arg("build"), package, &target_dir());
    command
}

/// The object of a fixture.
fn fixture(name: &str) -> PathBuf {
    fixtures().join(format!("{name}.bpf.o"))
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

/// The names of what is in a folder.
fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = entries.collect();
    names.sort();
    names
}
