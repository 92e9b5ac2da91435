//! An arena's mapping across fork(2), and after its last handle.
//!
//! The kernel maps an arena at one address in all processes, and does not copy the mapping to a child of fork(2), where an
//! access would be SIGSEGV. So each mapping is registered with its descriptor, and a handler of `pthread_atfork` maps it in
//! the child, at the same address.
//!
//! An address that the kernel chose never changes. So when the last handle is dropped, memory without access reserves the
//! address, and the process can map the arena there again.
#![allow(unsafe_code, reason = "mmap(2), and a handler that runs in a child")]

use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::ptr;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicUsize};
use std::sync::{Arc, Mutex, Once, PoisonError};

use super::Errno;

/// Addresses without memory, which no other mapping of this process gets.
#[derive(Debug)]
pub(crate) struct Reserved {
    address: usize,
    len: usize,
}

impl Reserved {
    /// Takes the place of a mapping. `None` if the kernel refuses, which may have removed the mapping or left it.
    ///
    /// # Safety
    ///
    /// The range is a mapping of the caller's, of which nothing is used any more.
    unsafe fn instead_of(address: usize, len: usize) -> Option<Reserved> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED;
        let at = ptr::without_provenance_mut(address);
        // SAFETY: the caller's promise: what is there is nobody's.
        let start = unsafe { libc::mmap(at, len, libc::PROT_NONE, flags, -1, 0) };
        (start != libc::MAP_FAILED).then_some(Reserved { address, len })
    }

    pub(crate) fn address(&self) -> usize {
        self.address
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        // SAFETY: nobody has memory there, and the addresses are this value's alone.
        unsafe { libc::munmap(ptr::without_provenance_mut(self.address), self.len) };
    }
}

/// The state of a mapping.
#[derive(Debug, Default)]
pub(crate) enum Left {
    /// It is mapped, or another thread is about to unmap it.
    #[default]
    Mapped,
    /// It is unmapped; its address may be reserved.
    Gone(Option<Reserved>),
}

/// What the mapping of an arena needs besides its memory.
#[derive(Debug)]
pub(super) struct Companion {
    left: Arc<Mutex<Left>>,
    keeps_address: bool,
    _in_children: InChildren,
}

impl Companion {
    pub(super) fn new(
        fd: BorrowedFd<'_>,
        address: usize,
        len: usize,
        left: Arc<Mutex<Left>>,
        keeps_address: bool,
    ) -> Result<Companion, Errno> {
        Ok(Companion { left, keeps_address, _in_children: InChildren::new(fd.try_clone_to_owned()?, address, len) })
    }

    /// Ends the mapping.
    ///
    /// # Safety
    ///
    /// The range is the mapping, of which nothing is used any more.
    pub(super) unsafe fn end(self, address: usize, len: usize) {
        let Companion { left, keeps_address, _in_children } = self;
        // No child maps it from here on.
        drop(_in_children);
        let reserved = if keeps_address {
            // Nothing more after a failure: another thread may own the addresses by now.
            // SAFETY: the caller's promise.
            unsafe { Reserved::instead_of(address, len) }
        } else {
            // SAFETY: the caller's promise.
            unsafe { libc::munmap(ptr::without_provenance_mut(address), len) };
            None
        };
        *left.lock().unwrap_or_else(PoisonError::into_inner) = Left::Gone(reserved);
    }
}

/// A mapping that forked children get. Places are never freed, only reused: the handler in a child may take no lock, and
/// can walk the list at any time.
struct Place {
    /// 0 if the place is free, [`BEING_WRITTEN`] until the rest is there.
    address: AtomicUsize,
    len: AtomicUsize,
    fd: AtomicI32,
    next: *const Place,
}

const BEING_WRITTEN: usize = 1;

/// The last place that was made.
static PLACES: AtomicPtr<Place> = AtomicPtr::new(ptr::null_mut());

// SAFETY: `next` is never written after the place is shared, and leads to a place that is never freed.
unsafe impl Sync for Place {}

fn places() -> impl Iterator<Item = &'static Place> {
    let mut next: *const Place = PLACES.load(Acquire);
    std::iter::from_fn(move || {
        // SAFETY: null, or a place that is never freed and was written before it got into the list.
        let place: &'static Place = unsafe { next.as_ref() }?;
        next = place.next;
        Some(place)
    })
}

/// The claim to one of the places.
struct InChildren {
    place: &'static Place,
    _fd: OwnedFd,
}

impl std::fmt::Debug for InChildren {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InChildren").finish_non_exhaustive()
    }
}

impl InChildren {
    fn new(fd: OwnedFd, address: usize, len: usize) -> InChildren {
        static HANDLER: Once = Once::new();
        // SAFETY: the handler makes system calls and touches atomics, nothing else.
        HANDLER.call_once(|| unsafe {
            libc::pthread_atfork(None, None, Some(map_in_child));
        });
        let free = |place: &&Place| place.address.compare_exchange(0, BEING_WRITTEN, AcqRel, Relaxed).is_ok();
        let place = places().find(free).unwrap_or_else(InChildren::another);
        place.len.store(len, Relaxed);
        place.fd.store(fd.as_raw_fd(), Relaxed);
        place.address.store(address, Release);
        InChildren { place, _fd: fd }
    }

    /// A new place, claimed.
    fn another() -> &'static Place {
        let mut first = PLACES.load(Acquire);
        let (address, len, fd) = (AtomicUsize::new(BEING_WRITTEN), AtomicUsize::new(0), AtomicI32::new(-1));
        let place = Box::leak(Box::new(Place { address, len, fd, next: first }));
        let new: *mut Place = place;
        loop {
            match PLACES.compare_exchange(first, new, AcqRel, Acquire) {
                // SAFETY: it is never freed.
                Ok(_) => return unsafe { &*new },
                Err(now) => {
                    first = now;
                    // SAFETY: nobody else has it yet.
                    unsafe { (*new).next = now };
                }
            }
        }
    }
}

impl Drop for InChildren {
    fn drop(&mut self) {
        self.place.address.store(0, Release);
    }
}

/// Maps what the parent had mapped, unless the kernel has copied the mapping.
extern "C" fn map_in_child() {
    for place in places() {
        let address = place.address.load(Acquire);
        if address <= BEING_WRITTEN {
            continue;
        }
        let (len, fd) = (place.len.load(Relaxed), place.fd.load(Relaxed));
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_SHARED | libc::MAP_FIXED_NOREPLACE;
        // SAFETY: nothing else gives way to it, and the mapping that the parent's handles lead to is the same.
        unsafe { libc::mmap(ptr::without_provenance_mut(address), len, protection, flags, fd, 0) };
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::AsFd;

    use super::*;
    use crate::sys::mmap::{Mapping, page_size};

    /// Reserved addresses of one page.
    fn reserve() -> Reserved {
        let len = page_size() as usize;
        let memory = Mapping::anonymous(len).unwrap();
        let address = usize::try_from(memory.address()).unwrap();
        std::mem::forget(memory);
        // SAFETY: the mapping was this function's.
        unsafe { Reserved::instead_of(address, len) }.unwrap()
    }

    fn is_free(address: usize) -> bool {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
        let at = ptr::without_provenance_mut(address);
        // SAFETY: nothing else gives way to it.
        unsafe { libc::mmap(at, page_size() as usize, libc::PROT_NONE, flags, -1, 0) == at }
    }

    #[test]
    fn addresses_are_never_unmapped_after_a_failed_mapping() {
        let reserved = reserve();
        let address = reserved.address();
        // The kernel refuses to map a file for writing that is open for reading, and leaves the addresses alone.
        let file = File::open("/proc/self/status").unwrap();
        let (errno, back) = Mapping::of_arena_again(file.as_fd(), reserved, Arc::default()).unwrap_err();
        assert_eq!((errno, back.is_none()), (Errno::EACCES, true));
        assert!(!is_free(address));
    }
}
