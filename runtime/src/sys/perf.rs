//! perf_event_open(2), as far as attaching programs needs it.
#![allow(unsafe_code, reason = "a system call that reads memory by address")]

use std::ffi::CStr;
use std::os::fd::{FromRawFd, OwnedFd};
use std::ptr;

use super::Errno;

// include/uapi/linux/perf_event.h
pub(crate) const PERF_TYPE_TRACEPOINT: u32 = 2;
const PERF_FLAG_FD_CLOEXEC: libc::c_ulong = 1 << 3;

/// What to open; the fields are those of `struct perf_event_attr`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Event {
    pub(crate) r#type: u32,
    pub(crate) config: u64,
    /// A probe's offset in its function.
    pub(crate) config2: u64,
}

/// `struct perf_event_attr`, up to `config2` (`PERF_ATTR_SIZE_VER1`).
#[repr(C)]
#[derive(Default)]
struct Attr {
    r#type: u32,
    size: u32,
    config: u64,
    /// Samples, which are not wanted, and how to wake up for them.
    unused: [u64; 5],
    /// A probe's function, by address of its name.
    config1: u64,
    config2: u64,
}

const _: () = assert!(size_of::<Attr>() == 72);

/// Opens an event of all processes; the CPU, one of which must be named, does not matter for probes and tracepoints.
pub(crate) fn open(event: &Event, function: Option<&CStr>) -> Result<OwnedFd, Errno> {
    const ALL_PROCESSES: libc::pid_t = -1;
    const CPU: libc::c_int = 0;
    const NO_GROUP: libc::c_int = -1;
    let attr = Attr {
        r#type: event.r#type,
        size: size_of::<Attr>() as u32,
        config: event.config,
        config1: function.map_or(0, |name| name.as_ptr().expose_provenance() as u64),
        config2: event.config2,
        ..Attr::default()
    };
    // SAFETY: `attr` is as long as it says; `config1` is the address of a string that outlives the call and ends with
    // a 0, or 0.
    let r = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            ptr::from_ref(&attr),
            ALL_PROCESSES,
            CPU,
            NO_GROUP,
            PERF_FLAG_FD_CLOEXEC,
        )
    };
    if r < 0 {
        return Err(Errno::last());
    }
    let fd = i32::try_from(r).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel made `fd` for this call, so nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
