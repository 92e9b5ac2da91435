//! Descriptors that a loader program made in this process.
#![allow(unsafe_code, reason = "descriptors by number")]

use std::os::fd::{FromRawFd, OwnedFd};

/// Takes over the descriptors in `table`, which a loader program filled while it ran; -1 is none.
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
        // SAFETY: bpf(2) made the descriptor for the loader program, in whose table it is once; the program ran on behalf
        // of this call, and told nobody else.
        Some(unsafe { OwnedFd::from_raw_fd(fd) })
    };
    table.iter().map(|&fd| own(fd)).collect()
}
