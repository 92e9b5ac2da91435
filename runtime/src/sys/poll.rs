//! poll(2).
#![allow(unsafe_code, reason = "a system call that writes memory by address")]

use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use super::Errno;

/// Waits until `fd` is readable, at most so long, and says whether it is; a signal ends it as if the time were over.
pub(crate) fn readable(fd: BorrowedFd<'_>, timeout: Duration) -> Result<bool, Errno> {
    let mut poll = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let timeout = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: `poll` is one entry, as said, and outlives the call.
    match unsafe { libc::poll(&raw mut poll, 1, timeout) } {
        0 => Ok(false),
        1.. => Ok(poll.revents & libc::POLLIN != 0),
        _ => match Errno::last() {
            Errno::EINTR => Ok(false),
            errno => Err(errno),
        },
    }
}
