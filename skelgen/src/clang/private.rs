//! A private directory for clang's output files.
//!
//! Several builds may compile to the same object at the same time: in two terminals, or in a terminal and an IDE. Each
//! compiles in its own directory and renames the finished files into place.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{fs, io, process};

/// A directory that is removed on drop.
pub(super) struct Private(PathBuf);

impl Private {
    /// A directory beside `object`: renaming works within one file system only.
    pub(super) fn beside(object: &Path) -> io::Result<Private> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let mut name = OsString::from(".");
        name.push(object.file_name().unwrap_or_default());
        name.push(format!(".{}.{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
        let folder = object.with_file_name(name);
        // A build that was killed leaves its directory behind, and the kernel reuses process IDs.
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir_all(&folder)?,
        }
        Ok(Private(folder))
    }

    /// The path in this directory of the file to be moved to `path`.
    pub(super) fn path(&self, path: &Path) -> PathBuf {
        self.0.join(path.file_name().unwrap_or_default())
    }

    /// Moves the file to `path`, replacing any other.
    pub(super) fn publish(&self, path: &Path) -> io::Result<()> {
        fs::rename(self.path(path), path)
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
