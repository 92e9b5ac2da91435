//! uname(2).
#![allow(unsafe_code, reason = "a system call that writes memory by address")]

use std::ffi::c_char;
use std::mem::MaybeUninit;

/// What the kernel says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Uname {
    /// `6.1.0-31-cloud-amd64`
    pub(crate) release: String,
    /// `#1 SMP PREEMPT_DYNAMIC Debian 6.1.128-1 (2025-02-07)`
    pub(crate) version: String,
}

/// Asks the kernel.
pub(crate) fn uname() -> Uname {
    let mut uts = MaybeUninit::<libc::utsname>::zeroed();
    // SAFETY: there is room for a whole `utsname`.
    if unsafe { libc::uname(uts.as_mut_ptr()) } != 0 {
        // It has no error but for an address that is none.
        return Uname::default();
    }
    // SAFETY: it is arrays of integers, which zeroes and the kernel filled.
    let uts = unsafe { uts.assume_init() };
    Uname { release: text(&uts.release), version: text(&uts.version) }
}

/// The text up to its 0.
fn text(chars: &[c_char]) -> String {
    let bytes: Vec<u8> = chars.iter().map(|&char| char.to_ne_bytes()[0]).take_while(|&byte| byte != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_proc_does() {
        let proc = |name: &str| std::fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap();
        let Uname { release, version } = uname();
        assert_eq!((release.as_str(), version.as_str()), (proc("osrelease").trim_end(), proc("version").trim_end()));
    }
}
