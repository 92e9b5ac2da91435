//! Static executables of this workspace, to run on other kernels.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What they are for.
pub const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The cargo that runs the tests, in this package's folder.
#[must_use]
pub fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    cargo
}

/// A cargo command that builds static below `scratch`, and fetches nothing; `flags` are more of rustc's.
#[must_use]
pub fn static_cargo(args: &[&str], flags: &str, scratch: &Path) -> Command {
    let users = env::var("RUSTFLAGS").unwrap_or_default();
    let mut cargo = cargo();
    // Without `--target`, the flag would break procedural macros.
    cargo.args(args).args(["--target", TARGET, "--offline", "--quiet"]);
    cargo.arg("--target-dir").arg(scratch.join("static"));
    let flags = format!("{users} -C target-feature=+crt-static {flags}");
    cargo.env("RUSTFLAGS", flags.trim()).env_remove("CARGO_ENCODED_RUSTFLAGS");
    cargo
}

/// Builds static executables, as [`static_cargo`] does, and returns their paths.
///
/// # Panics
///
/// They do not build; the compiler's words are on standard error.
#[must_use]
pub fn static_executables(args: &[&str], flags: &str, scratch: &Path) -> Vec<PathBuf> {
    let mut cargo = static_cargo(args, flags, scratch);
    cargo.arg("--message-format=json-render-diagnostics");
    let output = cargo.stderr(Stdio::inherit()).output().expect("cargo can be started");
    assert!(output.status.success(), "cargo {} failed, static", args.join(" "));
    // Of all that cargo tells of artifacts, these have an executable.
    let messages = String::from_utf8(output.stdout).expect("cargo's messages are JSON");
    let paths = messages.split(r#""executable":""#).skip(1).filter_map(|rest| rest.split('"').next());
    paths.map(PathBuf::from).collect()
}

/// The only one of [`static_executables`].
///
/// # Panics
///
/// It does not build, or others do as well.
#[must_use]
pub fn static_executable(args: &[&str], flags: &str, scratch: &Path) -> PathBuf {
    <[_; 1]>::try_from(static_executables(args, flags, scratch)).map(|[path]| path).expect("one executable")
}
