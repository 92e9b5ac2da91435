//! Repeats system calls that signals interrupt, until they complete.
//!
//! The verifier gives up with `EAGAIN` when a signal is pending, and another attempt fails too until the signal is handled.
//! So the first attempts leave signals alone. When signals arrive faster than one attempt completes, repeating is not
//! enough: from then on this thread's signals are blocked during each attempt and handled after it. Only signals that
//! cannot be blocked (`SIGSTOP`, a debugger, io_uring's completions) interrupt those attempts. After a hundred of them the
//! caller gets the error, so a seccomp filter or kernel that always returns `EINTR` ends the load.
#![allow(unsafe_code, reason = "the signal mask of this thread")]

use std::marker::PhantomData;
use std::{mem, ptr};

use super::Errno;

/// Attempts with the thread's own signal mask, as many as libbpf makes.
const UNBLOCKED: u32 = 5;
/// Attempts with signals blocked.
const BLOCKED: u32 = 100;

impl Errno {
    /// Whether a signal may be the reason, so that another attempt can succeed.
    pub(crate) fn is_interruption(self) -> bool {
        matches!(self, Errno::EINTR | Errno::EAGAIN)
    }
}

/// Counts interrupted attempts.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    interrupted: u32,
}

impl Patience {
    /// Counts an interruption, and says whether to try again.
    pub(crate) fn again(&mut self) -> bool {
        self.interrupted += 1;
        self.interrupted < UNBLOCKED + BLOCKED
    }

    /// Blocks signals for the next attempt, after too many interruptions.
    pub(crate) fn block(&self) -> Option<BlockedSignals> {
        (self.interrupted >= UNBLOCKED).then(BlockedSignals::new)
    }
}

/// Repeats `attempt` until it is not interrupted, or too often interrupted.
pub(crate) fn persist<T>(mut attempt: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    let mut patience = Patience::default();
    loop {
        let blocked = patience.block();
        let result = attempt();
        drop(blocked);
        match result {
            Err(errno) if errno.is_interruption() && patience.again() => {}
            result => return result,
        }
    }
}

/// Blocks this thread's signals until it is dropped.
pub(crate) struct BlockedSignals {
    /// The thread's mask before; `None` if it could not be changed.
    before: Option<libc::sigset_t>,
    /// The mask is the thread's.
    _thread: PhantomData<*const ()>,
}

impl BlockedSignals {
    fn new() -> BlockedSignals {
        // SAFETY: a set of signals is bits, of which any are valid.
        let mut all: libc::sigset_t = unsafe { mem::zeroed() };
        let mut before = all;
        // SAFETY: it writes a local set.
        unsafe { libc::sigfillset(&raw mut all) };
        // SAFETY: it reads one set and writes the other during the call.
        let result = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const all, &raw mut before) };
        BlockedSignals { before: (result == 0).then_some(before), _thread: PhantomData }
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // SAFETY: it only reads the set, which lives as long as `self`.
            unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, ptr::from_ref(before), ptr::null_mut()) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn are_blocked() -> bool {
        // SAFETY: as in `BlockedSignals::new`.
        let mut mask: libc::sigset_t = unsafe { mem::zeroed() };
        // SAFETY: without a new mask it only writes the present one.
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), &raw mut mask) };
        // SAFETY: it reads the set.
        unsafe { libc::sigismember(&raw const mask, libc::SIGALRM) == 1 }
    }

    #[test]
    fn signals_are_blocked_once_they_interrupt_too_often() {
        let mut seen = Vec::new();
        let result = persist(|| {
            seen.push(are_blocked());
            if seen.len() < 8 { Err(Errno::EAGAIN) } else { Ok(seen.len()) }
        });
        assert_eq!(result, Ok(8));
        assert_eq!(seen, [false, false, false, false, false, true, true, true]);
        assert!(!are_blocked());
    }

    #[test]
    fn endless_interruptions_are_an_error_and_others_are_not_repeated() {
        let mut attempts = 0;
        let always = |errno: Errno, attempts: &mut u32| {
            *attempts = 0;
            persist(|| -> Result<(), Errno> {
                *attempts += 1;
                Err(errno)
            })
        };
        assert_eq!(always(Errno::EINTR, &mut attempts), Err(Errno::EINTR));
        assert_eq!(attempts, UNBLOCKED + BLOCKED);
        assert_eq!(always(Errno::EPERM, &mut attempts), Err(Errno::EPERM));
        assert_eq!(attempts, 1);
        assert!(!are_blocked());
    }
}
