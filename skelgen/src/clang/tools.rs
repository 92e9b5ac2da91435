//! Where the compiler is, and what takes DWARF out of objects.

use std::path::{Path, PathBuf};
use std::{env, fs};

use super::failure::Cause;

/// Environment variables that this or the compiler heeds: build scripts have cargo watch them.
pub const ENV: [&str; 4] = ["CLANG", "LLVM_STRIP", "CPATH", "C_INCLUDE_PATH"];

/// The programs.
#[derive(Clone, Debug)]
pub(super) struct Tools {
    pub(super) clang: PathBuf,
    /// Without it objects keep their DWARF, which a skeleton takes nothing of.
    pub(super) strip: Option<PathBuf>,
}

impl Tools {
    /// Those that were asked for, else those in `PATH`.
    pub(super) fn find(clang: Option<&Path>) -> Result<Self, Cause> {
        let asked_for = clang.map(Path::to_owned).or_else(|| from_env("CLANG"));
        let clang = match asked_for {
            Some(program) => in_path(&program).ok_or(Cause::NoSuchClang(program))?,
            None => in_path(Path::new("clang")).or_else(newest_clang).ok_or(Cause::NoClang)?,
        };
        let strip = match from_env("LLVM_STRIP") {
            Some(program) => Some(in_path(&program).ok_or(Cause::NoSuchStrip(program))?),
            None => strip_of(&clang),
        };
        Ok(Tools { clang, strip })
    }
}

fn from_env(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The program, looked for in `PATH` if it is a name.
fn in_path(program: &Path) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return program.is_file().then(|| program.to_owned());
    }
    folders().map(|folder| folder.join(program)).find(|path| path.is_file())
}

fn folders() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).collect::<Vec<_>>().into_iter()
}

/// Distributions have `clang-14` and the like, and `clang` only if it is asked for.
fn newest_clang() -> Option<PathBuf> {
    let files = folders().flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten());
    let versions = files.filter_map(|file| {
        let name = file.file_name().into_string().ok()?;
        let version: u32 = name.strip_prefix("clang-")?.parse().ok()?;
        Some((version, file.path()))
    });
    // The first in `PATH` of several of one version.
    versions
        .filter(|(_, path)| path.is_file())
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|(_, path)| path)
}

/// The strip that came with this clang, else any.
fn strip_of(clang: &Path) -> Option<PathBuf> {
    let suffix = clang.file_name()?.to_str()?.strip_prefix("clang").unwrap_or_default();
    let named = format!("llvm-strip{suffix}");
    let real = fs::canonicalize(clang).ok();
    let beside = [Some(clang), real.as_deref()].into_iter().flatten().filter_map(Path::parent);
    let beside = beside.flat_map(|folder| [folder.join(&named), folder.join("llvm-strip")]);
    beside.chain(in_path(Path::new(&named))).chain(in_path(Path::new("llvm-strip"))).find(|path| path.is_file())
}
