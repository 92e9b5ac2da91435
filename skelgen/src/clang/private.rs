//! A private directory for what clang writes.
//!
//! Several builds may compile to one object at the same time: two terminals, an IDE beside a terminal. Each compiles in a
//! directory of its own, and renames the finished files into place.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{fs, io, process};

/// A directory that is removed when this is dropped.
pub(super) struct Private(PathBuf);

impl Private {
    /// A directory beside `object`: renaming works within one file system only.
    pub(super) fn beside(object: &Path) -> io::Result<Private> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let mut name = OsString::from(".");
        name.push(object.file_name().unwrap_or_default());
        name.push(format!(".{}.{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
        let folder = object.with_file_name(name);
        // A build that was killed leaves its directory, and process IDs come back.
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir_all(&folder)?,
        }
        Ok(Private(folder))
    }

    /// The path in this directory for the file that becomes `path`.
    pub(super) fn path(&self, path: &Path) -> PathBuf {
        self.0.join(path.file_name().unwrap_or_default())
    }

    /// Moves the file to `path`, in place of the one that is there.
    pub(super) fn publish(&self, path: &Path) -> io::Result<()> {
        fs::rename(self.path(path), path)
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
