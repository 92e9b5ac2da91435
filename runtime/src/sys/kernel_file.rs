//! Files of sysfs whose bytes the kernel never changes, mapped instead of copied.
#![allow(unsafe_code, reason = "mmap(2), and a slice of what it maps")]

use std::fs::File;
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr::{self, NonNull};
use std::slice;

use super::fs_type;

/// A whole file of sysfs, mapped for reading.
#[derive(Debug)]
pub(crate) struct KernelFile {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: it is the only owner of its pages, and nobody writes them.
unsafe impl Send for KernelFile {}
// SAFETY: as above.
unsafe impl Sync for KernelFile {}

impl KernelFile {
    /// Maps `file`; `None` if it is in another file system, where its bytes could change or be truncated, or if the kernel
    /// cannot map it (BTF can be mapped since Linux 6.16).
    pub(crate) fn map(file: &File) -> Option<KernelFile> {
        if fs_type::of(file.as_fd()) != Ok(fs_type::SYSFS) {
            return None;
        }
        let len = usize::try_from(file.metadata().ok()?.len()).ok().filter(|&len| len > 0)?;
        let flags = libc::MAP_PRIVATE | libc::MAP_POPULATE;
        // SAFETY: a new mapping, at an address that the kernel chooses.
        let start = unsafe { libc::mmap(ptr::null_mut(), len, libc::PROT_READ, flags, file.as_raw_fd(), 0) };
        if start == libc::MAP_FAILED {
            return None;
        }
        NonNull::new(start.cast()).map(|start| KernelFile { start, len })
    }
}

impl Deref for KernelFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `len` bytes are mapped as long as `self` lives. They belong to a read-only binary file of sysfs, whose
        // memory the kernel keeps as long as it is mapped.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl Drop for KernelFile {
    fn drop(&mut self) {
        // SAFETY: it was mapped here, and no slice of it is left.
        let result = unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
        debug_assert_eq!(result, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_sysfs_are_mapped() {
        let file = File::open(std::env::current_exe().unwrap()).unwrap();
        assert!(KernelFile::map(&file).is_none());
        // A file of sysfs that cannot be mapped.
        if let Ok(file) = File::open("/sys/kernel/notes") {
            assert!(KernelFile::map(&file).is_none());
        }
        let path = "/sys/kernel/btf/vmlinux";
        if let Some(mapped) = File::open(path).ok().and_then(|file| KernelFile::map(&file)) {
            assert!(*mapped == *std::fs::read(path).unwrap());
        }
    }
}
