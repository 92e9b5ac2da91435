//! TCP over the loopback device, with a congestion control of choice.
#![allow(unsafe_code, reason = "setsockopt(2)")]

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;

/// Sends some segments to oneself under the congestion control called `name`, which acknowledgements make the kernel
/// ask.
///
/// # Errors
///
/// There is no such congestion control, or no loopback device.
pub fn send_with(name: &str) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut sender = TcpStream::connect(listener.local_addr()?)?;
    set_congestion(&sender, name)?;
    let (mut receiver, _) = listener.accept()?;
    let (sent, mut received) = ([1; 4096], [0; 4096]);
    for _ in 0..16 {
        sender.write_all(&sent)?;
        receiver.read_exact(&mut received)?;
    }
    Ok(())
}

/// `TCP_CONGESTION`.
fn set_congestion(stream: &TcpStream, name: &str) -> io::Result<()> {
    let len = name.len() as libc::socklen_t;
    // SAFETY: the name is as long as said.
    let result = unsafe {
        libc::setsockopt(stream.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_CONGESTION, name.as_ptr().cast(), len)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
