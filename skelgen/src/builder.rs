//! The door for build scripts.
//!
//! ```no_run
//! // build.rs
//! fn main() -> Result<(), skelgen::BuildError> {
//!     skelgen::Builder::new().object("src/counters.bpf.o").generate_to_out_dir()
//! }
//! ```
//!
//! and in the crate:
//!
//! ```text
//! include!(concat!(env!("OUT_DIR"), "/counters.skel.rs"));
//! ```

use std::path::{Path, PathBuf};
use std::{env, fmt, fs, io};

use quote::quote;

use crate::emit::Options;
use crate::{Error, Skeleton};

/// Bytes of an image from which on it is a file beside the skeleton's source: rustc reads files faster than literals.
const LARGE: usize = 32 << 10;

/// Generates skeletons from a build script.
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is generated before `generate_to_out_dir` or `generate`"]
pub struct Builder {
    objects: Vec<PathBuf>,
    name: Option<String>,
}

impl Builder {
    /// Nothing to generate yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an object, by its path from the package's folder, which is where build scripts run.
    pub fn object(mut self, path: impl Into<PathBuf>) -> Self {
        self.objects.push(path.into());
        self
    }

    /// The skeleton's name, if it is not to be the object's. Of use with one object.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Writes `NAME.skel.rs` for each object into `OUT_DIR` (and `NAME.skel.image` for a large one), and has cargo run the build script again when an object
    /// changes. `NAME` is the object file's name up to its first dot.
    ///
    /// # Errors
    ///
    /// An object cannot be read, is not one, or cannot be loaded by any kernel; or `OUT_DIR` is not set.
    pub fn generate_to_out_dir(&self) -> Result<(), BuildError> {
        let out = env::var_os("OUT_DIR").map(PathBuf::from).ok_or(BuildError(Cause::NoOutDir))?;
        for object in &self.objects {
            println!("cargo::rerun-if-changed={}", object.display());
            let skeleton = read(object)?;
            let name = self.name.as_deref().unwrap_or(&skeleton.plan.name);
            let mut options = self.options();
            if skeleton.loader.image.len() > LARGE {
                let file = format!("{name}.skel.image");
                write(&out.join(&file), &skeleton.loader.image)?;
                let path = format!("/{file}");
                options.image = Some(quote!(::core::concat!(::core::env!("OUT_DIR"), #path)));
            }
            write(&out.join(format!("{name}.skel.rs")), source(&skeleton, &options)?.as_bytes())?;
        }
        Ok(())
    }

    /// Writes one object's skeleton to `path`.
    ///
    /// # Errors
    ///
    /// As [`generate_to_out_dir`](Self::generate_to_out_dir); or there is not exactly one object.
    pub fn generate(&self, path: impl AsRef<Path>) -> Result<(), BuildError> {
        let [object] = self.objects.as_slice() else { return Err(BuildError(Cause::NotOne(self.objects.len()))) };
        println!("cargo::rerun-if-changed={}", object.display());
        write(path.as_ref(), source(&read(object)?, &self.options())?.as_bytes())
    }

    fn options(&self) -> Options {
        Options { name: self.name.clone(), ..Options::default() }
    }
}

fn source(skeleton: &Skeleton, options: &Options) -> Result<String, BuildError> {
    skeleton.source(options).map_err(|error| BuildError(Cause::Object(error)))
}

/// Writes a file, unless it is that already: it then keeps its time, and what depends on it is not built again.
fn write(path: &Path, content: &[u8]) -> Result<(), BuildError> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    fs::write(path, content).map_err(|error| BuildError(Cause::Io("write", path.to_owned(), error)))
}

fn read(path: &Path) -> Result<Skeleton, BuildError> {
    let bytes = fs::read(path).map_err(|error| BuildError(Cause::Io("read", path.to_owned(), error)))?;
    let name = path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy());
    Skeleton::new(&name, &bytes).map_err(|error| BuildError(Cause::Object(error)))
}

/// Why a build script generated nothing.
pub struct BuildError(Cause);

enum Cause {
    NoOutDir,
    NotOne(usize),
    Io(&'static str, PathBuf, io::Error),
    Object(Error),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Cause::NoOutDir => f.write_str("OUT_DIR is not set: generate_to_out_dir() is for build scripts"),
            Cause::NotOne(count) => write!(f, "generate() writes one skeleton, and there are {count} objects"),
            Cause::Io(what, path, error) => write!(f, "cannot {what} {}: {error}", path.display()),
            Cause::Object(error) => error.fmt(f),
        }
    }
}

/// As `Display`: what a build script's `main` returns is shown by `Debug`.
impl fmt::Debug for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Cause::Io(_, _, error) => Some(error),
            _ => None,
        }
    }
}
