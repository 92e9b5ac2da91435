//! What becomes of an arena's mapping: in a forked child, and when it ends.
//!
//! The kernel has an arena at one address for all processes, and does not copy its mapping to a child of fork(2): an access
//! there was SIGSEGV. So each mapping is noted with its descriptor, and a handler of `pthread_atfork` maps it in the child,
//! at the same address.
//!
//! Where the kernel chose the address, it is the arena's for good. So when the last handle goes, the address stays reserved,
//! by memory without access, for the process to map the arena there once more.
#![allow(unsafe_code, reason = "mmap(2), and a handler that runs in a child")]

use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::ptr;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicUsize};
use std::sync::{Arc, Mutex, Once, PoisonError};

use super::Errno;

/// Addresses without memory, that nothing else of this process gets.
#[derive(Debug)]
pub(crate) struct Reserved {
    address: usize,
    len: usize,
}

impl Reserved {
    /// Takes the place of a mapping. `None` if the kernel refuses, which leaves the mapping.
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

/// What is left of a mapping.
#[derive(Debug, Default)]
pub(crate) enum Left {
    /// All of it, or it is just going.
    #[default]
    Mapped,
    /// Nothing, or its address.
    Gone(Option<Reserved>),
}

/// Goes along with the mapping of an arena.
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
        // SAFETY: the caller's promise.
        let reserved = if keeps_address { unsafe { Reserved::instead_of(address, len) } } else { None };
        if reserved.is_none() {
            // SAFETY: the caller's promise.
            unsafe { libc::munmap(ptr::without_provenance_mut(address), len) };
        }
        *left.lock().unwrap_or_else(PoisonError::into_inner) = Left::Gone(reserved);
    }
}

/// A mapping that children are to have. Places are never freed, but used again: the handler in a child, which may take no
/// lock, can walk the list at any time.
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

/// Maps what the parent had mapped, unless it is there.
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
