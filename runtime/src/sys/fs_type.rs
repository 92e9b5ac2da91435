//! fstatfs(2): what kind of file system a file is in.
#![allow(unsafe_code, reason = "a system call that writes memory by address")]

use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::Errno;

/// `SYSFS_MAGIC`, in `linux/magic.h`.
pub(crate) const SYSFS: u32 = 0x6265_6572;
/// `FUSE_SUPER_MAGIC`, in the kernel's `fs/fuse/inode.c`.
pub(crate) const FUSE: u32 = 0x6573_5546;

/// `BPF_FS_MAGIC`, in `linux/magic.h`.
pub(crate) const BPF: u32 = 0xcafe_4a11;

/// The number of the file system that `fd` is open in, one of the magic numbers of `linux/magic.h`.
pub(crate) fn of(fd: BorrowedFd<'_>) -> Result<u32, Errno> {
    let mut found = MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: there is room for a whole `statfs`.
    if unsafe { libc::fstatfs(fd.as_raw_fd(), found.as_mut_ptr()) } != 0 {
        return Err(Errno::last());
    }
    // SAFETY: it is integers, which zeroes and the kernel filled.
    let found = unsafe { found.assume_init() };
    // The field's type is another for each C library and machine, and the numbers have 32 bits.
    Ok(found.f_type as u32)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn sysfs_and_proc_are_different() {
        let of_file = |path| of(File::open(path).unwrap().as_fd()).unwrap();
        assert_eq!(of_file("/sys/devices/system/cpu/possible"), SYSFS);
        assert_eq!(of_file("/proc/self/status"), 0x9fa0);
    }
}
