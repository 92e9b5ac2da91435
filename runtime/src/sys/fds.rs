//! Descriptors that a loader program made in this process.
#![allow(unsafe_code, reason = "descriptors by number")]

use std::os::fd::{FromRawFd, OwnedFd};

/// Takes over the descriptors in `table`, which a loader program filled while it ran; -1 is none.
///
/// The numbers are not taken on trust: the runtime runs one loader program only, whose instructions
/// [`layout`](crate::layout) compares, and the records that this program carries out have been checked. So a number that
/// was not in the image at rest is what bpf(2) returned to that program in this run, when it made a descriptor.
///
/// `borrowed` are numbers in the table that the caller put there and keeps; they come out as none, as does a number
/// that is there twice, the second time.
pub(crate) fn adopt(table: &[i32], borrowed: &[i32]) -> Vec<Option<OwnedFd>> {
    let mut seen = borrowed.to_vec();
    let mut own = |fd: i32| {
        if fd < 0 || seen.contains(&fd) {
            return None;
        }
        seen.push(fd);
        // SAFETY: bpf(2) made the descriptor for the loader program in this run, as said above, and no record closes it; the
        // table is where the program keeps it, and nobody else was told.
        Some(unsafe { OwnedFd::from_raw_fd(fd) })
    };
    table.iter().map(|&fd| own(fd)).collect()
}
