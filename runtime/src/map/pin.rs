//! Names in a BPF file system.

use std::ffi::CString;
use std::fs::{self, File};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::sys::{Errno, bpf, fs_type};
use crate::{Error, Result};

/// Where BPF file systems are mounted by convention, and where `LIBBPF_PIN_BY_NAME` pins.
pub(crate) const BPF_FS: &str = "/sys/fs/bpf";

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
    let c_path = c_path(path).ok_or_else(|| failed().because("the path contains a NUL byte"))?;
    bpf::obj_pin(fd, &c_path).map_err(|errno| {
        let error = failed().errno_is(errno);
        match errno {
            Errno::EPERM => error.hint("only a BPF file system holds pins; it is usually mounted at /sys/fs/bpf"),
            Errno::EACCES => error.hint("this process may not write to the folder"),
            Errno::EEXIST if is_in_bpf_fs(path) => error.hint("something is pinned there already"),
            Errno::EEXIST => error.hint(
                "a file is there already, and not in a BPF file system, which alone holds pins; it is usually mounted at \
                 /sys/fs/bpf",
            ),
            _ => error,
        }
    })
}

/// Whether what is at `path` is in a BPF file system; true also where that cannot be told.
fn is_in_bpf_fs(path: &Path) -> bool {
    // O_PATH asks for no permission on the file itself, and a pin cannot be opened in any other way.
    let file = File::options().read(true).custom_flags(libc::O_PATH | libc::O_NOFOLLOW).open(path);
    file.map_or(true, |file| fs_type::of(file.as_fd()).map_or(true, |fs_type| fs_type == fs_type::BPF))
}

/// A path for the kernel; `None` if it has a byte 0.
pub(crate) fn c_path(path: &Path) -> Option<CString> {
    CString::new(path.as_os_str().as_bytes()).ok()
}
