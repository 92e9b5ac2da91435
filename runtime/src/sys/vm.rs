//! Memory of this process, copied by the kernel: what is not there is an error, and no signal.
#![allow(unsafe_code, reason = "process_vm_readv(2) and process_vm_writev(2), which take addresses")]

use std::ptr;

use super::Errno;
use super::mmap::Mapping;

/// Copies the bytes at `at` of `memory` out.
pub(crate) fn read(memory: &Mapping, at: usize, out: &mut [u8]) -> Result<(), Errno> {
    let (len, theirs) = (out.len(), remote(memory, at, out.len())?);
    let ours = libc::iovec { iov_base: out.as_mut_ptr().cast(), iov_len: len };
    // SAFETY: it reads a number.
    let pid = unsafe { libc::getpid() };
    // SAFETY: `ours` is a slice that may be written; what is read may be anything, there or not.
    let copied = unsafe { libc::process_vm_readv(pid, &raw const ours, 1, &raw const theirs, 1, 0) };
    all(copied, len)
}

/// Copies bytes to `at` of `memory`.
pub(crate) fn write(memory: &Mapping, at: usize, bytes: &[u8]) -> Result<(), Errno> {
    let theirs = remote(memory, at, bytes.len())?;
    let ours = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    // SAFETY: it reads a number.
    let pid = unsafe { libc::getpid() };
    // SAFETY: `ours` is a slice, only read; what is written is inside of `memory`, which others may write at any time.
    let copied = unsafe { libc::process_vm_writev(pid, &raw const ours, 1, &raw const theirs, 1, 0) };
    all(copied, bytes.len())
}

/// `len` bytes at `at` of `memory`; `EFAULT` if they are not all inside.
fn remote(memory: &Mapping, at: usize, len: usize) -> Result<libc::iovec, Errno> {
    if at.checked_add(len).is_none_or(|end| end > memory.len()) {
        return Err(Errno::EFAULT);
    }
    let address = memory.address() as usize + at;
    Ok(libc::iovec { iov_base: ptr::with_exposed_provenance_mut(address), iov_len: len })
}

/// The kernel stops, and says how far it came, at the first page that is not there.
fn all(copied: isize, len: usize) -> Result<(), Errno> {
    match usize::try_from(copied) {
        Ok(copied) if copied == len => Ok(()),
        Ok(_) => Err(Errno::EFAULT),
        Err(_) => Err(Errno::last()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_copied_and_what_is_outside_is_not() {
        let memory = Mapping::anonymous(64).unwrap();
        assert_eq!(write(&memory, 60, &[1, 2, 3, 4]), Ok(()));
        let mut out = [0; 5];
        assert_eq!(read(&memory, 59, &mut out), Ok(()));
        assert_eq!(out, [0, 1, 2, 3, 4]);
        assert_eq!(
            (read(&memory, 60, &mut out), write(&memory, usize::MAX, &out)),
            (Err(Errno::EFAULT), Err(Errno::EFAULT))
        );
    }
}
