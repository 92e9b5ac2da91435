//! Packages that are made anew and built offline.

use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::{env, fs};

use skelgen_tests::static_build::cargo;

/// A folder for packages of one test. Not below this workspace, whose they would be.
pub(crate) fn scratch(test: &str) -> PathBuf {
    let folder = env::temp_dir().join(format!("skelgen-{test}-{}", process::id()));
    fs::create_dir(&folder).unwrap();
    folder
}

/// A new package in a folder, with what `Cargo.toml` is to say of dependencies.
pub(crate) fn new_package(folder: &Path, name: &str, dependencies: &str) -> PathBuf {
    let folder = folder.join(name);
    run(cargo().args(["new", "--quiet", "--bin", "--vcs", "none", "--name", name]).arg(&folder));
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    let (package, _) = manifest.split_once("[dependencies]").unwrap();
    // These packages, and what they depend on as it is here: nothing is fetched.
    let root = fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap();
    let mut patch = String::from("\n[patch.crates-io]\n");
    for (name, below) in [("skelgen", "skelgen"), ("skelgen-macros", "skelgen-macros"), ("skelgen-runtime", "runtime")]
    {
        patch += &format!("{name} = {{ path = {:?} }}\n", root.join(below));
    }
    fs::write(folder.join("Cargo.toml"), format!("{package}{dependencies}{patch}")).unwrap();
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    folder
}

/// Where all of them are built: what they depend on is built once.
pub(crate) fn target_dir() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("doors/target")
}

/// A command that builds a package.
pub(crate) fn cargo_build(package: &Path) -> Command {
    let mut command = cargo();
    command.args(["build", "--offline", "--target-dir"]).arg(target_dir()).current_dir(package);
    // What the tests were built with is not for what they build.
    command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS").env("CARGO_TERM_COLOR", "never");
    command
}

/// What a command prints that succeeds.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{command:?}: {}\n{out}\n{err}", output.status);
    out
}
