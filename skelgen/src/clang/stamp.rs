//! Whether an object is still what compiling would make.
//!
//! A build script runs whenever one of its files changes; with many sources, one of them did. Beside each object stands a
//! stamp: what it was made by, and what clang said. The stamp's time is when clang began.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::failure::Cause;
use super::tools::Tools;
use super::{Compiled, ENV, depfile};

/// Between what the object was made by and what clang said.
const SAID: &str = "\n=== said\n";

pub(super) struct Stamp {
    object: PathBuf,
    made_by: String,
}

impl Stamp {
    pub(super) fn of(tools: &Tools, args: &[OsString], object: &Path) -> Self {
        let mut made_by = String::new();
        for program in [Some(&tools.clang), tools.strip.as_ref()] {
            // An update of the compiler keeps its name.
            let file = program.and_then(|program| fs::metadata(program).ok());
            let file = file.map(|file| (file.len(), file.modified().ok()));
            let _ = writeln!(made_by, "{program:?} {file:?}");
        }
        for variable in ENV {
            let _ = writeln!(made_by, "{variable}={:?}", std::env::var_os(variable));
        }
        for arg in args {
            let _ = writeln!(made_by, "{arg:?}");
        }
        Stamp { object: object.to_owned(), made_by }
    }

    fn path(&self) -> PathBuf {
        self.object.with_extension("stamp")
    }

    /// What the object was made from, if compiling would make it again.
    pub(super) fn compiled_before(&self, depfile: &Path) -> Option<Compiled> {
        let stamp = fs::read_to_string(self.path()).ok()?;
        let (made_by, said) = stamp.split_once(SAID)?;
        let began = modified(&self.path())?;
        let files = depfile::read(depfile).ok()?;
        let unchanged = made_by == self.made_by
            && self.object.is_file()
            && !files.is_empty()
            && files.iter().all(|file| modified(file).is_some_and(|changed| changed < began));
        unchanged.then(|| Compiled { files, warnings: said.to_owned() })
    }

    /// Notes that the object was made, by a clang that began at `start` and said this.
    pub(super) fn write(&self, said: &str, start: SystemTime) -> Result<(), Cause> {
        let write = || -> io::Result<()> {
            fs::write(self.path(), format!("{}{SAID}{said}", self.made_by))?;
            File::options().write(true).open(self.path())?.set_modified(start)
        };
        write().map_err(|error| Cause::Io("write", self.path(), error))
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}
