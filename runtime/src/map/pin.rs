//! Names in a BPF file system.

use std::ffi::CString;
use std::fs;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::sys::{Errno, bpf};
use crate::{Error, Result};

/// Removes what is pinned at `path`; who holds it by other means keeps it.
///
/// # Errors
///
/// Those of unlink(2).
pub fn unpin(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    fs::remove_file(path).map_err(|error| Error::new("unpin").subject(path.display().to_string()).io(error))
}

pub(crate) fn pin(fd: BorrowedFd<'_>, path: &Path) -> Result<()> {
    let failed = || Error::new("pin at").subject(path.display().to_string());
    let c_path = c_path(path).ok_or_else(|| failed().because("the path has a byte 0"))?;
    bpf::obj_pin(fd, &c_path).map_err(|errno| {
        let error = failed().errno_is(errno);
        match errno {
            Errno::EPERM => error.hint("only a BPF file system holds pins; it is usually mounted at /sys/fs/bpf"),
            Errno::EACCES => error.hint("this process may not write to the folder"),
            Errno::EEXIST => error.hint("something is pinned there already"),
            _ => error,
        }
    })
}

/// A path for the kernel; `None` if it has a byte 0.
pub(crate) fn c_path(path: &Path) -> Option<CString> {
    CString::new(path.as_os_str().as_bytes()).ok()
}
