//! rustc on one crate, everything else being built.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::time::SystemTime;

use super::crates::Crate;
use crate::build;
use crate::run::{self, Sample, Tools};

/// What is asked of rustc.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Check,
    Debug,
    Release,
}

impl Way {
    pub const ALL: [Way; 3] = [Way::Check, Way::Debug, Way::Release];

    pub fn name(self) -> &'static str {
        match self {
            Way::Check => "check",
            Way::Debug => "debug",
            Way::Release => "release",
        }
    }

    pub fn args(self) -> &'static [&'static str] {
        match self {
            Way::Check => &["check"],
            Way::Debug => &["build"],
            Way::Release => &["build", "--profile", "plain"],
        }
    }
}

/// Cargo as it builds `of`. It runs rustc under `spawn`, which adds a line to the file [`report`] for each crate of the
/// workspace. Everything is compiled whole, as on a machine that builds for others.
pub fn cargo(of: Crate, way: Way, tools: &Tools) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(way.args()).args(["--quiet", "--package", of.package(), "--target-dir"]).arg(folder().join("target"));
    cargo.arg("--manifest-path").arg(build::manifest()).env("CARGO_INCREMENTAL", "0");
    cargo.env("RUSTC_WORKSPACE_WRAPPER", &tools.spawn).env("SPAWN_TO", report());
    cargo
}

/// Builds what `of` depends on, and `of` once.
pub fn prepare(of: Crate, way: Way, tools: &Tools) -> Result<(), String> {
    run_cargo(&mut cargo(of, way, tools)).map(drop)
}

/// What rustc costs on `of`.
pub fn compile(of: Crate, way: Way, tools: &Tools) -> Result<Sample, String> {
    let main = of.folder().join("src/main.rs");
    let touched = File::options().append(true).open(&main).and_then(|file| file.set_modified(SystemTime::now()));
    touched.map_err(|error| format!("{}: {error}", main.display()))?;
    match run_cargo(&mut cargo(of, way, tools))?[..] {
        [sample] => Ok(sample),
        ref all => Err(format!("cargo was to compile {} alone, and ran rustc {} times", of.package(), all.len())),
    }
}

/// Runs cargo: what each rustc under `spawn` cost.
fn run_cargo(cargo: &mut Command) -> Result<Vec<Sample>, String> {
    let report = report();
    fs::create_dir_all(folder()).map_err(|error| format!("{}: {error}", folder().display()))?;
    fs::write(&report, "").map_err(|error| format!("{}: {error}", report.display()))?;
    build::check(cargo.output(), "cargo")?;
    let text = fs::read_to_string(&report).map_err(|error| format!("{}: {error}", report.display()))?;
    Ok(text.lines().filter_map(sample).collect())
}

/// What a line of `spawn` says. Cargo asks rustc for its version and for what it knows of the target first; those end at
/// once and are no compilation.
pub fn sample(line: &str) -> Option<Sample> {
    match run::read_report(line).1[..] {
        [0, process_ns, cpu_us, peak_kib] => Some(Sample { load_ns: 0, process_ns, cpu_us, peak_kib }),
        _ => None,
    }
}

/// Runs a program under `spawn`: what it cost.
pub fn spawned(program: &OsStr, tools: &Tools, change: impl FnOnce(&mut Command)) -> Result<Sample, String> {
    let mut command = Command::new(&tools.spawn);
    command.arg(program);
    change(&mut command);
    let output = build::check(command.output(), "spawn")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let cost = text.lines().find(|line| line.starts_with("spawn ")).and_then(sample);
    cost.ok_or_else(|| format!("{}: {}", program.display(), String::from_utf8_lossy(&output.stderr).trim()))
}

/// Where everything of this benchmark is built.
pub fn folder() -> PathBuf {
    build::target_dir().join("compile")
}

fn report() -> PathBuf {
    folder().join("rustc")
}
