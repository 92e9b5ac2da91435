//! What happens once for each change of the object, or once for each machine.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::crates::Crate;
use super::round;
use crate::build;
use crate::run::{Sample, Tools};

/// A skeleton's generation by the build script, as cargo has it: not optimised.
pub struct Generated {
    pub costs: Vec<Sample>,
    /// Bytes of Rust.
    pub source: u64,
    /// Bytes of other files beside it.
    pub beside: u64,
}

/// `cargo build` with nothing built before.
pub struct First {
    pub costs: Vec<Sample>,
    /// Packages other than the crate itself.
    pub packages: usize,
}

/// Builds `of` and all it depends on, `times` times.
pub fn first(of: Crate, times: usize, tools: &Tools) -> Result<First, String> {
    let target = round::folder().join("first");
    let mut costs = Vec::new();
    for _ in 0..times {
        remove(&target)?;
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let cost = round::spawned(&cargo, tools, |command| {
            command.args(["build", "--quiet", "--package", of.package(), "--target-dir"]).arg(&target);
            command.arg("--manifest-path").arg(build::manifest()).env("CARGO_INCREMENTAL", "0");
        })?;
        costs.push(cost);
    }
    let mut packages: Vec<_> =
        messages(of, &target)?.iter().filter_map(|message| text(message, "package_id")).collect();
    packages.sort();
    packages.dedup();
    remove(&target)?;
    Ok(First { costs, packages: packages.len().saturating_sub(1) })
}

/// Runs the build script of `of`, `times` times; `None` if it has none.
pub fn generate(of: Crate, times: usize, tools: &Tools) -> Result<Option<Generated>, String> {
    if !of.has_build_script() {
        return Ok(None);
    }
    let messages = messages(of, &round::folder().join("target"))?;
    let script = messages.iter().find_map(|message| build_script(message, of));
    let script = script.ok_or_else(|| format!("cargo tells of no build script of {}", of.package()))?;
    let out = round::folder().join("out");
    let mut costs = Vec::new();
    for _ in 0..times {
        remove(&out)?;
        fs::create_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
        let cost = round::spawned(script.as_os_str(), tools, |command| {
            command.current_dir(of.folder()).env("OUT_DIR", &out).env("CARGO_MANIFEST_DIR", of.folder());
        })?;
        costs.push(cost);
    }
    let (mut source, mut beside) = (0, 0);
    for entry in fs::read_dir(&out).into_iter().flatten().flatten() {
        let len = entry.metadata().map_or(0, |file| file.len());
        match entry.path().extension() == Some(OsStr::new("rs")) {
            true => source += len,
            false => beside += len,
        }
    }
    Ok(Some(Generated { costs, source, beside }))
}

/// What cargo says of each artifact when there is nothing left to do.
fn messages(of: Crate, target: &Path) -> Result<Vec<Value>, String> {
    let mut cargo = std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--message-format=json", "--package", of.package(), "--target-dir"]).arg(target);
    cargo.arg("--manifest-path").arg(build::manifest()).env("CARGO_INCREMENTAL", "0");
    let output = build::check(cargo.output(), "cargo")?;
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let messages = lines.lines().filter_map(|line| serde_json::from_str(line).ok());
    Ok(messages.filter(|message: &Value| message["reason"] == "compiler-artifact").collect())
}

fn build_script(message: &Value, of: Crate) -> Option<PathBuf> {
    let is_script = message["target"]["kind"][0] == "custom-build";
    let is_of = Path::new(message["manifest_path"].as_str()?).parent()?.ends_with(of.folder().file_name()?);
    let file = message["filenames"][0].as_str()?;
    (is_script && is_of && message["manifest_path"].as_str()?.contains("/compile/")).then(|| PathBuf::from(file))
}

fn text(message: &Value, key: &str) -> Option<String> {
    message[key].as_str().map(str::to_owned)
}

fn remove(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(format!("{}: {error}", folder.display())),
        _ => Ok(()),
    }
}
