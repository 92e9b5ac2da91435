//! Mapped memory: values of array maps, and anonymous memory for the kernel to write.
//!
//! BPF programs, other CPUs and the kernel write it at any time, so all access is by atomic words: each access here is of
//! one aligned machine word, and relaxed unless its name says more. A write of less than a word exchanges the word, so
//! that the bytes beside it keep what others write there meanwhile.
#![allow(unsafe_code, reason = "mmap(2), and memory by address")]

use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{self, AtomicUsize};
use std::sync::{Arc, Mutex};
use std::{iter, slice};

use super::Errno;
use super::arena::{Companion, Left, Reserved};

const WORD: usize = size_of::<usize>();

/// Memory that others may write.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: NonNull<AtomicUsize>,
    /// Bytes asked for; whole pages are mapped.
    len: usize,
    writable: bool,
    /// If it is an arena's.
    arena: Option<Companion>,
}

// SAFETY: it is the only owner of its pages, and all accesses to them are atomic.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// The first `len` bytes of an array map's values (`BPF_F_MMAPABLE`), shared with the kernel.
    pub(crate) fn of_map(fd: BorrowedFd<'_>, len: usize, writable: bool) -> Result<Mapping, Errno> {
        Mapping::new(len, writable, libc::MAP_SHARED | libc::MAP_POPULATE, fd.as_raw_fd())
    }

    /// A whole arena, at `address`, or where the kernel likes if that is 0. It replaces no other mapping.
    ///
    /// Forked children get it too. `left` is the state that dropping it leaves.
    pub(crate) fn of_arena(
        fd: BorrowedFd<'_>,
        len: usize,
        address: u64,
        left: Arc<Mutex<Left>>,
    ) -> Result<Mapping, Errno> {
        let fixed = if address == 0 { 0 } else { libc::MAP_FIXED_NOREPLACE };
        let at = usize::try_from(address).map_err(|_| Errno::ENOMEM)?;
        let mapping = Mapping::new_at(at, len, true, libc::MAP_SHARED | fixed, (fd.as_raw_fd(), 0))?;
        mapping.accompanied(fd, left, address == 0)
    }

    /// As [`of_arena`](Self::of_arena), at the address where it was before.
    ///
    /// On failure the reservation comes back, unless the kernel may have removed it.
    pub(crate) fn of_arena_again(
        fd: BorrowedFd<'_>,
        reserved: Reserved,
        left: Arc<Mutex<Left>>,
    ) -> Result<Mapping, (Errno, Option<Reserved>)> {
        let (address, len) = (reserved.address(), reserved.len());
        let companion = match Companion::new(fd, address, len, left, true) {
            Ok(companion) => companion,
            Err(errno) => return Err((errno, Some(reserved))),
        };
        let at = ptr::without_provenance_mut(address);
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_SHARED | libc::MAP_FIXED;
        // SAFETY: what is replaced is the reservation, which has no memory.
        let start = unsafe { libc::mmap(at, len, protection, flags, fd.as_raw_fd(), 0) };
        let errno = Errno::last();
        // The mapping replaces it. A failed mmap may have removed it, and another thread may own the addresses by now.
        std::mem::forget(reserved);
        match NonNull::new(start) {
            Some(start) if start.as_ptr() != libc::MAP_FAILED => {
                Ok(Mapping { start: start.cast(), len, writable: true, arena: Some(companion) })
            }
            _ => Err((errno, None)),
        }
    }

    fn accompanied(
        mut self,
        fd: BorrowedFd<'_>,
        left: Arc<Mutex<Left>>,
        keeps_address: bool,
    ) -> Result<Mapping, Errno> {
        let address = self.start.as_ptr().expose_provenance();
        self.arena = Some(Companion::new(fd, address, self.len, left, keeps_address)?);
        Ok(self)
    }

    /// Pages of a ring buffer, from `offset` on, shared with the kernel.
    pub(crate) fn of_ring(fd: BorrowedFd<'_>, offset: usize, len: usize, writable: bool) -> Result<Mapping, Errno> {
        Mapping::new_at(0, len, writable, libc::MAP_SHARED, (fd.as_raw_fd(), offset))
    }

    /// Makes the pages of a range that are not there, so that it can be accessed; `EFAULT` if that cannot be.
    pub(crate) fn populate(&self, at: usize, len: usize) -> Result<(), Errno> {
        if !self.holds(at, len) {
            return Err(Errno::EFAULT);
        }
        let start = at - at % page_size() as usize;
        let address = self.start.as_ptr().cast::<u8>().wrapping_add(start);
        // SAFETY: the range is inside the mapping, and what its pages hold does not change.
        let result = unsafe { libc::madvise(address.cast(), at - start + len, libc::MADV_POPULATE_WRITE) };
        if result == 0 { Ok(()) } else { Err(Errno::last()) }
    }

    /// Zeroed memory of this process, which costs what is touched.
    pub(crate) fn anonymous(len: usize) -> Result<Mapping, Errno> {
        Mapping::new(len, true, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE, -1)
    }

    fn new(len: usize, writable: bool, flags: i32, fd: i32) -> Result<Mapping, Errno> {
        Mapping::new_at(0, len, writable, flags, (fd, 0))
    }

    /// What is at an offset of a descriptor; `flags` must not have `MAP_FIXED`.
    fn new_at(
        address: usize,
        len: usize,
        writable: bool,
        flags: i32,
        (fd, offset): (i32, usize),
    ) -> Result<Mapping, Errno> {
        let protection = if writable { libc::PROT_READ | libc::PROT_WRITE } else { libc::PROT_READ };
        let address = ptr::without_provenance_mut(address);
        let offset = libc::off_t::try_from(offset).map_err(|_| Errno::EINVAL)?;
        // SAFETY: the kernel takes only what is free at that address, or chooses one, so that no other memory changes.
        let start = unsafe { libc::mmap(address, len, protection, flags & !libc::MAP_FIXED, fd, offset) };
        if start == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        let start = NonNull::new(start.cast()).ok_or(Errno::ENOMEM)?;
        Ok(Mapping { start, len, writable, arena: None })
    }

    /// Bytes that can be read.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Where it is, for the kernel to write; the mapping must outlive that.
    pub(crate) fn address(&self) -> u64 {
        self.start.as_ptr().expose_provenance() as u64
    }

    fn words(&self) -> &[AtomicUsize] {
        // SAFETY: the mapping is of whole pages, so aligned for words, and long enough for the last to be whole; it lives
        // as long as `self`, and shared atomics may be written by anyone.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.len.div_ceil(WORD)) }
    }

    /// Copies bytes out; `false` if the range is not all inside.
    #[must_use]
    pub(crate) fn read(&self, at: usize, out: &mut [u8]) -> bool {
        if !self.holds(at, out.len()) {
            return false;
        }
        let mut rest = out;
        for piece in pieces(at, rest.len()) {
            let word = self.words()[piece.word].load(Relaxed).to_ne_bytes();
            let (now, later) = rest.split_at_mut(piece.end - piece.start);
            now.copy_from_slice(&word[piece.start..piece.end]);
            rest = later;
        }
        true
    }

    /// Copies bytes in; `false`, and nothing done, if the range is not all inside or the mapping is read-only.
    #[must_use]
    pub(crate) fn write(&self, at: usize, bytes: &[u8]) -> bool {
        if !self.writable || !self.holds(at, bytes.len()) {
            return false;
        }
        let mut rest = bytes;
        for piece in pieces(at, bytes.len()) {
            let (now, later) = rest.split_at(piece.end - piece.start);
            let (mut mask, mut value) = ([0; WORD], [0; WORD]);
            mask[piece.start..piece.end].fill(0xff);
            value[piece.start..piece.end].copy_from_slice(now);
            self.store(piece.word, usize::from_ne_bytes(mask), usize::from_ne_bytes(value));
            rest = later;
        }
        true
    }

    /// Writes those bytes of `new` that differ from `old`, and leaves the others alone; `false`, and nothing done, as
    /// in [`write`](Self::write) and if the lengths differ.
    #[must_use]
    pub(crate) fn write_changed(&self, at: usize, old: &[u8], new: &[u8]) -> bool {
        if !self.writable || old.len() != new.len() || !self.holds(at, new.len()) {
            return false;
        }
        let mut done = 0;
        for piece in pieces(at, new.len()) {
            let (mut mask, mut value) = ([0; WORD], [0; WORD]);
            for byte in piece.start..piece.end {
                if old[done] != new[done] {
                    (mask[byte], value[byte]) = (0xff, new[done]);
                }
                done += 1;
            }
            self.store(piece.word, usize::from_ne_bytes(mask), usize::from_ne_bytes(value));
        }
        true
    }

    /// Replaces the bits in `mask` of a word.
    fn store(&self, word: usize, mask: usize, value: usize) {
        let word = &self.words()[word];
        match mask {
            0 => {}
            usize::MAX => word.store(value, Relaxed),
            _ => {
                let _ = word.fetch_update(Relaxed, Relaxed, |old| Some(old & !mask | value));
            }
        }
    }

    /// The word at `at`. `None` if that is not inside, or not where a word begins.
    pub(crate) fn load(&self, at: usize) -> Option<usize> {
        (at.is_multiple_of(WORD) && self.holds(at, WORD)).then(|| self.words()[at / WORD].load(Relaxed))
    }

    /// As [`load`](Self::load); what others wrote before they stored the word is seen by what comes after.
    ///
    /// By a fence and not by the load: in memory that may only be read, `core::sync::atomic` promises relaxed loads alone, as
    /// others may be made of instructions that write.
    pub(crate) fn load_acquire(&self, at: usize) -> Option<usize> {
        let word = self.load(at)?;
        atomic::fence(Acquire);
        Some(word)
    }

    /// Stores the word at `at`: who sees it sees that all before is done. `false`, and nothing done, as in
    /// [`write`](Self::write), and where no word begins.
    #[must_use]
    pub(crate) fn store_release(&self, at: usize, value: usize) -> bool {
        let is_word = self.writable && at.is_multiple_of(WORD) && self.holds(at, WORD);
        if is_word {
            self.words()[at / WORD].store(value, Release);
        }
        is_word
    }

    fn holds(&self, at: usize, len: usize) -> bool {
        at.checked_add(len).is_some_and(|end| end <= self.len)
    }

    /// The 32-bit number at `at`, in the order of this machine.
    pub(crate) fn u32(&self, at: u32) -> Option<u32> {
        let mut bytes = [0; 4];
        self.read(at as usize, &mut bytes).then(|| u32::from_ne_bytes(bytes))
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        match self.arena.take() {
            // SAFETY: the range was mapped by `new`, and nobody can borrow it any more.
            None => drop(unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) }),
            // SAFETY: as above.
            Some(arena) => unsafe { arena.end(self.start.as_ptr().expose_provenance(), self.len) },
        }
    }
}

/// A full fence: what comes after it sees all that others stored before theirs, or they see what was stored before this one.
pub(crate) fn fence() {
    atomic::fence(SeqCst);
}

/// Bytes of a page of this machine.
pub(crate) fn page_size() -> u32 {
    // SAFETY: it reads a number.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u32::try_from(size).ok().filter(|size| size.is_power_of_two()).unwrap_or(4096)
}

/// A part of a word: bytes `start..end` of word number `word`.
struct Piece {
    word: usize,
    start: usize,
    end: usize,
}

/// The words, or parts of words, that `len` bytes at `at` are, in order.
fn pieces(at: usize, len: usize) -> impl Iterator<Item = Piece> {
    let (mut at, end) = (at, at + len);
    iter::from_fn(move || {
        let piece = Piece { word: at / WORD, start: at % WORD, end: WORD.min(at % WORD + (end - at)) };
        let more = at < end;
        at += piece.end - piece.start;
        more.then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_range_is_copied_and_nothing_beside_it() {
        let mapping = Mapping::anonymous(40).unwrap();
        for (at, len) in (0..40).flat_map(|at| (0..=40 - at).map(move |len| (at, len))) {
            assert!(mapping.write(0, &[0xee; 40]));
            let bytes: Vec<u8> = (1..=len as u8).collect();
            assert!(mapping.write(at, &bytes));
            let mut all = [0; 40];
            assert!(mapping.read(0, &mut all));
            let mut expected = [0xee; 40];
            expected[at..at + len].copy_from_slice(&bytes);
            assert_eq!(all, expected, "{len} bytes at {at}");
            let mut back = vec![0; len];
            assert!(mapping.read(at, &mut back));
            assert_eq!(back, bytes);
        }
    }

    #[test]
    fn only_what_changed_is_written() {
        let mapping = Mapping::anonymous(16).unwrap();
        assert!(mapping.write(0, &[7; 16]));
        assert!(mapping.write_changed(2, &[0, 0, 0, 0, 0, 0, 0, 0], &[0, 1, 0, 0, 0, 0, 2, 0]));
        let mut all = [0; 16];
        assert!(mapping.read(0, &mut all));
        assert_eq!(all, [7, 7, 7, 1, 7, 7, 7, 7, 2, 7, 7, 7, 7, 7, 7, 7]);
    }

    #[test]
    fn ranges_outside_are_refused() {
        let mapping = Mapping::anonymous(12).unwrap();
        assert_eq!(mapping.u32(8), Some(0));
        assert_eq!((mapping.u32(9), mapping.u32(u32::MAX)), (None, None));
        assert!(!mapping.read(usize::MAX, &mut [0; 2]));
        assert!(!mapping.write(13, &[]));
        assert!(!mapping.write_changed(0, &[0], &[0, 1]));
        assert!(Mapping::anonymous(0).is_err());
    }
}
