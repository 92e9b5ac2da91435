//! A thread in its own mount and network namespaces.
#![allow(unsafe_code, reason = "unshare(2), mount(2), ioctl(2) and netlink sockets")]

use std::ffi::CStr;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
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
    bring_up("lo")
}

/// Brings a network interface up.
///
/// # Errors
///
/// The kernel's.
pub fn bring_up(interface: &str) -> io::Result<()> {
    // The other flags stay: netkit devices come with IFF_NOARP.
    let mut ifru = libc::__c_anonymous_ifr_ifru { ifru_flags: 0 };
    interface_request(interface, libc::SIOCGIFFLAGS, &mut ifru)?;
    // SAFETY: SIOCGIFFLAGS wrote this member.
    let flags = unsafe { ifru.ifru_flags };
    ifru.ifru_flags = flags | libc::IFF_UP as libc::c_short;
    interface_request(interface, libc::SIOCSIFFLAGS, &mut ifru)
}

/// Gives a network interface its address, in a network of 256.
///
/// # Errors
///
/// The kernel's.
pub fn set_address(interface: &str, address: Ipv4Addr) -> io::Result<()> {
    // struct sockaddr_in in the room of a struct sockaddr: family, port, address.
    let socket_address = |address: Ipv4Addr| {
        let mut sa_data: [libc::c_char; 14] = [0; 14];
        sa_data[2..6].iter_mut().zip(address.octets()).for_each(|(to, from)| *to = from as libc::c_char);
        libc::__c_anonymous_ifr_ifru {
            ifru_addr: libc::sockaddr { sa_family: libc::AF_INET as libc::sa_family_t, sa_data },
        }
    };
    interface_request(interface, libc::SIOCSIFADDR, &mut socket_address(address))?;
    interface_request(interface, libc::SIOCSIFNETMASK, &mut socket_address(Ipv4Addr::new(255, 255, 255, 0)))
}

/// `netdevice(7)`: reads or writes a member of `struct ifreq`.
fn interface_request(name: &str, request: libc::Ioctl, member: &mut libc::__c_anonymous_ifr_ifru) -> io::Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    let mut attr = libc::ifreq { ifr_name: [0; libc::IFNAMSIZ], ifr_ifru: *member };
    attr.ifr_name.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from as libc::c_char);
    // SAFETY: the request is whole, and outlives the call.
    match unsafe { libc::ioctl(socket.as_raw_fd(), request, &raw mut attr) } {
        0 => {
            *member = attr.ifr_ifru;
            Ok(())
        }
        _ => Err(io::Error::last_os_error()),
    }
}

/// The index of a network interface.
///
/// # Errors
///
/// There is none of this name.
pub fn interface_index(name: &CStr) -> io::Result<u32> {
    // SAFETY: the name is NUL-terminated.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(io::Error::last_os_error()),
        index => Ok(index),
    }
}

/// Makes a pair of netkit devices (`RTM_NEWLINK`): the primary device is called `name`, and its peer gets the first free name
/// of `nk0`, `nk1` and so on.
///
/// # Errors
///
/// The kernel's; `EOPNOTSUPP` if it has no such devices.
pub fn add_netkit(name: &str) -> io::Result<()> {
    const IFLA_INFO_KIND: u16 = 1;
    // struct nlattr: its length and type, and what it holds; each begins at a multiple of 4 bytes.
    let attribute = |kind: u16, bytes: &[u8]| {
        let mut attribute = [(4 + bytes.len() as u16).to_ne_bytes(), kind.to_ne_bytes()].concat();
        attribute.extend_from_slice(bytes);
        attribute.resize(attribute.len().next_multiple_of(4), 0);
        attribute
    };
    // struct ifinfomsg.
    let mut body = vec![0u8; 16];
    body.extend(attribute(libc::IFLA_IFNAME, &[name.as_bytes(), &[0]].concat()));
    body.extend(attribute(libc::IFLA_LINKINFO, &attribute(IFLA_INFO_KIND, b"netkit")));
    // struct nlmsghdr: length, type, flags, sequence number, port.
    let flags = libc::NLM_F_REQUEST | libc::NLM_F_ACK | libc::NLM_F_CREATE | libc::NLM_F_EXCL;
    let mut message = (16 + body.len() as u32).to_ne_bytes().to_vec();
    message.extend([libc::RTM_NEWLINK.to_ne_bytes(), (flags as u16).to_ne_bytes()].concat());
    message.extend([0; 8]);
    message.extend(body);

    // SAFETY: it makes a descriptor.
    let socket = unsafe { libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, libc::NETLINK_ROUTE) };
    if socket < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just opened it, and nothing else knows it.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    let mut answer = [0u8; 1024];
    // SAFETY: the message is as long as is said.
    let sent = unsafe { libc::send(socket.as_raw_fd(), message.as_ptr().cast(), message.len(), 0) };
    // SAFETY: the buffer has room for as many bytes as is said.
    let received = unsafe { libc::recv(socket.as_raw_fd(), answer.as_mut_ptr().cast(), answer.len(), 0) };
    if sent < 0 || received < 20 {
        return Err(io::Error::last_os_error());
    }
    // struct nlmsgerr: a negative error number, or 0.
    match i32::from_ne_bytes([16, 17, 18, 19].map(|at| answer[at])) {
        0 => Ok(()),
        errno => Err(io::Error::from_raw_os_error(-errno)),
    }
}
