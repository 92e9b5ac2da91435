//! Files that other processes may read or write at the same time.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{fs, io, process};

/// A hash for directory names and stamps. Another Rust release may hash differently; the files are then made again.
pub(crate) fn hash(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Whether two paths lead to one file: the same path, a symbolic link or a hard link. A path that leads to no file is the same
/// as none.
#[must_use]
pub fn is_same_file(one: &Path, other: &Path) -> bool {
    let inode = |path| fs::metadata(path).map(|file| (file.dev(), file.ino()));
    inode(one).is_ok_and(|one| inode(other).is_ok_and(|other| one == other))
}

/// Writes a file, unless it already has this content: the file then keeps its modification time. Readers see the old file
/// or the new one, never a partial one. Returns whether it was written.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<bool> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(false);
    }
    // Renaming would replace a symbolic link or a device.
    if fs::symlink_metadata(path).is_ok_and(|file| !file.is_file()) {
        return fs::write(path, content).map(|()| true);
    }
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
    let new = path.with_file_name(name);
    fs::write(&new, content).and_then(|()| fs::rename(&new, path)).inspect_err(|_| drop(fs::remove_file(&new)))?;
    Ok(true)
}
