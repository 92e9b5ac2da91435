//! AF_VSOCK over its loopback transport.
#![allow(unsafe_code, reason = "socket(2), connect(2)")]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Asks for a connection to `port` of this machine, where nobody listens: a packet goes there, and one comes back.
///
/// # Errors
///
/// The kernel has no such sockets, or no loopback transport for them.
pub fn knock(port: u32) -> io::Result<()> {
    // SAFETY: no address.
    let socket = unsafe { libc::socket(libc::AF_VSOCK, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0) };
    if socket < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it is new, and nobody else's.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    // SAFETY: integers only.
    let mut address: libc::sockaddr_vm = unsafe { std::mem::zeroed() };
    address.svm_family = libc::AF_VSOCK as libc::sa_family_t;
    address.svm_cid = libc::VMADDR_CID_LOCAL;
    address.svm_port = port;
    // SAFETY: the address is as long as said.
    let result = unsafe {
        libc::connect(socket.as_raw_fd(), (&raw const address).cast(), size_of_val(&address) as libc::socklen_t)
    };
    match io::Error::last_os_error() {
        error if result != 0 && error.kind() != io::ErrorKind::ConnectionReset => Err(error),
        _ => Ok(()),
    }
}
