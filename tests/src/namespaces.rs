//! A thread in its own mount and network namespaces.
#![allow(unsafe_code, reason = "unshare(2), mount(2) and ioctl(2)")]

use std::ffi::CStr;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::{io, ptr};

use crate::not_run::{Part, not_run};
use crate::own_process::in_own_process;

/// Runs `f`, the whole of the calling test, in its own process, on a thread in its own mount and network namespaces. Without
/// the privilege for them, the test is listed as not run.
///
/// # Panics
///
/// If `f` panics.
pub fn away_from_the_machine(f: impl FnOnce()) {
    in_own_process(|| match leave() {
        Ok(()) => f(),
        Err(error) => not_run(Part::Live, format!("needs namespaces for mounts and the network: {error}")),
    });
}

/// mount(2), without data.
///
/// # Errors
///
/// The kernel's.
pub fn mount(source: &CStr, target: &CStr, kind: &CStr, flags: libc::c_ulong) -> io::Result<()> {
    // SAFETY: all are NUL-terminated strings, and there is no data.
    match unsafe { libc::mount(source.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, ptr::null()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn leave() -> io::Result<()> {
    // SAFETY: this changes the thread's namespaces and no memory.
    if unsafe { libc::unshare(libc::CLONE_NEWNS | libc::CLONE_NEWNET) } != 0 {
        return Err(io::Error::last_os_error());
    }
    mount(c"none", c"/", c"none", libc::MS_REC | libc::MS_PRIVATE)?;
    // What shows the new network.
    mount(c"sysfs", c"/sys", c"sysfs", 0)
}

/// Brings the loopback device up; in a new network namespace it is down, and its index is 1.
///
/// # Errors
///
/// The kernel's.
pub fn bring_loopback_up() -> io::Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    let mut request = libc::ifreq {
        ifr_name: [0; libc::IFNAMSIZ],
        ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_flags: libc::IFF_UP as libc::c_short },
    };
    request.ifr_name.iter_mut().zip(b"lo").for_each(|(to, from)| *to = *from as libc::c_char);
    // SAFETY: the request is whole, and outlives the call.
    match unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw mut request) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
