//! A buffer for the kernel, followed by a page without access: a command that copies more bytes than the buffer has fails
//! with `EFAULT`.
#![allow(unsafe_code, reason = "mmap(2), and memory by address")]

use std::ptr::{self, NonNull};
use std::slice;

use super::Errno;
use super::mmap::page_size;

/// A buffer of zeroes, followed by a page without access.
pub(crate) struct Guarded {
    start: NonNull<u8>,
    /// Bytes before that page, a multiple of the page size.
    len: usize,
    /// Bytes of the whole mapping.
    whole: usize,
}

impl Guarded {
    /// At least `len` bytes before the page.
    pub(crate) fn new(len: usize) -> Result<Guarded, Errno> {
        let page = page_size() as usize;
        let len = len.max(1).checked_next_multiple_of(page).ok_or(Errno::ENOMEM)?;
        let whole = len.checked_add(page).ok_or(Errno::ENOMEM)?;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: new memory, at an address of the kernel's choice, so that no other memory changes.
        let start = unsafe { libc::mmap(ptr::null_mut(), whole, libc::PROT_NONE, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        let memory = Guarded { start: NonNull::new(start.cast()).ok_or(Errno::ENOMEM)?, len, whole };
        // SAFETY: the first `len` bytes of the mapping, which nothing borrows yet.
        let result = unsafe { libc::mprotect(start, len, libc::PROT_READ | libc::PROT_WRITE) };
        if result == 0 { Ok(memory) } else { Err(Errno::last()) }
    }

    /// The last `len` bytes before the page without access, or the whole buffer if it is shorter.
    pub(crate) fn last(&mut self, len: usize) -> &mut [u8] {
        // SAFETY: `len` initialised bytes that can be read and written, borrowed as `self` is.
        let all = unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.len) };
        let at = self.len.saturating_sub(len);
        &mut all[at..]
    }

    /// The address `len` bytes before the page without access; the buffer must outlive its use.
    pub(crate) fn address_before_page(&mut self, len: usize) -> u64 {
        let at = self.len.saturating_sub(len);
        self.start.as_ptr().wrapping_add(at).expose_provenance() as u64
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: the range was mapped by `new`, and nobody can borrow it any more.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.whole) };
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn the_kernel_fills_it_to_the_page_and_no_further() {
        let zeroes = File::open("/dev/zero").unwrap();
        let page = page_size() as usize;
        for len in [1, 8, page, page + 8] {
            let mut memory = Guarded::new(len).unwrap();
            memory.last(len).fill(7);
            let address = memory.address_before_page(len);
            let read = |address: u64, len: usize| {
                let buffer = ptr::with_exposed_provenance_mut::<libc::c_void>(address as usize);
                // SAFETY: the bytes are the memory's, up to the page; past it the kernel writes nothing.
                unsafe { libc::read(zeroes.as_raw_fd(), buffer, len) }
            };
            assert_eq!((read(address, len), memory.last(len).iter().any(|&byte| byte != 0)), (len as isize, false));
            let end = memory.address_before_page(0);
            assert_eq!((read(end, 1), Errno::last()), (-1, Errno::EFAULT));
        }
    }
}
