//! Whether an object is still what compiling would make.
//!
//! A build script runs whenever one of its files changes, but with many sources only one may need compiling. Beside each
//! object is a stamp: the command, a hash of the object and its dependencies, and clang's output. The stamp's modification
//! time is the start of clang. If several builds write to one object, the hash tells whether object and stamp belong
//! together.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::compiled::Compiled;
use super::depfile;
use super::failure::Cause;
use super::private::Private;
use super::tools::{ENV, Tools};
use crate::files;

/// Between what the object was made by and what clang said.
const SAID: &str = "\n=== said\n";

pub(super) struct Stamp {
    object: PathBuf,
    made_by: String,
}

impl Stamp {
    pub(super) fn of(tools: &Tools, args: &[OsString], source: &Path, object: &Path) -> Self {
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
        let _ = writeln!(made_by, "{source:?}");
        Stamp { object: object.to_owned(), made_by }
    }

    fn path(&self) -> PathBuf {
        self.object.with_extension("stamp")
    }

    /// The file for the dependencies that clang writes.
    pub(super) fn depfile(&self) -> PathBuf {
        self.object.with_extension("d")
    }

    /// The text before clang's output.
    fn head(&self, object: &[u8], rule: &str) -> String {
        // A replacement from an archive can be older than the object, but differs in time or size.
        let files: Vec<_> = depfile::files(rule).iter().map(|file| (size(file), modified(file))).collect();
        format!("{}{:016x}", self.made_by, files::hash(&(object, rule, files)))
    }

    /// The object, if it is up to date.
    pub(super) fn compiled_before(&self) -> Option<Compiled> {
        let stamp = fs::read_to_string(self.path()).ok()?;
        let (head, said) = stamp.split_once(SAID)?;
        let began = modified(&self.path())?;
        let (object, rule) = (fs::read(&self.object).ok()?, fs::read_to_string(self.depfile()).ok()?);
        let files = depfile::files(&rule);
        let unchanged = head == self.head(&object, &rule)
            && !files.is_empty()
            && files.iter().all(|file| modified(file).is_some_and(|changed| changed < began));
        unchanged.then(|| Compiled { object, files, warnings: said.to_owned() })
    }

    /// Moves the files in `private` into place. `said` is clang's output, `start` the time when it started.
    pub(super) fn publish(&self, private: &Private, said: String, start: SystemTime) -> Result<Compiled, Cause> {
        let [made, rule, stamp] = [&self.object, &self.depfile(), &self.path()].map(|path| private.path(path));
        let object = fs::read(&made).map_err(|error| Cause::Io("read", made, error))?;
        let rule = fs::read_to_string(&rule).map_err(|error| Cause::Io("read", rule, error))?;
        let publish = || -> io::Result<()> {
            fs::write(&stamp, format!("{}{SAID}{said}", self.head(&object, &rule)))?;
            File::options().write(true).open(&stamp)?.set_modified(start)?;
            [&self.object, &self.depfile(), &self.path()].into_iter().try_for_each(|path| private.publish(path))
        };
        publish().map_err(|error| Cause::Io("write", self.object.clone(), error))?;
        Ok(Compiled { object, files: depfile::files(&rule), warnings: said })
    }
}

fn size(path: &Path) -> Option<u64> {
    Some(fs::metadata(path).ok()?.len())
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}
