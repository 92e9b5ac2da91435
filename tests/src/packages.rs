//! Packages that are made anew and built offline.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::{env, fs};

use crate::scratch;
use crate::static_build::cargo;

/// A folder for packages of one test. Not below this workspace, whose they would be.
///
/// # Panics
///
/// The folder for temporary files cannot be written.
#[must_use]
pub fn scratch(test: &str) -> PathBuf {
    let folder = env::temp_dir().join(format!("skelgen-{test}-{}", process::id()));
    fs::create_dir(&folder).unwrap();
    folder
}

/// Where tests build packages: one folder for all, so that what they depend on is built once. `tmpdir` is the test target's
/// `CARGO_TARGET_TMPDIR`.
#[must_use]
pub fn target_dir(tmpdir: &str) -> PathBuf {
    scratch::scratch(tmpdir).join("packages")
}

/// A new package in a folder, with what `Cargo.toml` is to say of dependencies.
///
/// # Panics
///
/// It cannot be made; cargo's words are the message.
#[must_use]
pub fn new_package(folder: &Path, name: &str, dependencies: &str) -> PathBuf {
    let folder = folder.join(name);
    run(cargo().args(["new", "--quiet", "--bin", "--vcs", "none", "--name", name]).arg(&folder));
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    let (package, _) = manifest.split_once("[dependencies]").unwrap();
    fs::write(folder.join("Cargo.toml"), format!("{package}{}", clone_at(dependencies))).unwrap();
    // Nothing is fetched.
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    folder
}

/// This clone.
fn root() -> PathBuf {
    fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).expect("the tests run in a clone")
}

/// Dependencies as documents have them, on a clone beside the package: on this clone, by its own path. So it is the same for all
/// packages that are built in one target folder, and is built once.
#[must_use]
pub fn clone_at(dependencies: &str) -> String {
    dependencies.replace("\"../skelgen/", &format!("\"{}/", root().display()))
}

/// `command`, in a package's folder, with a cargo that fetches nothing and builds in `target`, where what packages depend
/// on is built once.
pub fn offline<'c>(command: &'c mut Command, package: &Path, target: &Path) -> &'c mut Command {
    command.current_dir(package).env("CARGO_NET_OFFLINE", "true").env("CARGO_TARGET_DIR", target);
    // What the tests were built with is not for what they build.
    command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS").env("CARGO_TERM_COLOR", "never")
}

/// `PATH`, in which a folder comes first.
///
/// # Panics
///
/// The folder has a `:` in its name.
#[must_use]
pub fn path_from(folder: &Path) -> OsString {
    let others = env::var_os("PATH").unwrap_or_default();
    env::join_paths([folder.to_owned()].into_iter().chain(env::split_paths(&others))).expect("no `:` in a name")
}

/// What a command prints that succeeds.
///
/// # Panics
///
/// It fails; what it said is the message.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{command:?}: {}\n{out}\n{err}", output.status);
    out
}
