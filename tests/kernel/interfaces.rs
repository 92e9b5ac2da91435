//! Programs on network interfaces: attached, listed by the kernel, and detached with their link.

use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use skelgen_runtime::uapi::{BPF_NETKIT_PEER, BPF_NETKIT_PRIMARY, BPF_TCX_EGRESS, BPF_TCX_INGRESS};
use skelgen_runtime::{Errno, Link};
use skelgen_tests::namespaces::{
    add_netkit, away_from_the_machine, bring_loopback_up, bring_up, interface_index, set_address,
};
use skelgen_tests::skeletons::interfaces::{Interfaces, LoadedInterfaces, OpenInterfaces};
use skelgen_tests::skeletons::sec_forms::SecForms;
use skelgen_tests::{came_later, is_from, may_load, not_on_this_kernel};

use crate::info::prog_info;

/// The loopback device's index in every network namespace.
const LOOPBACK: u32 = 1;
/// No interface has it.
const NOWHERE: u32 = 12345;

/// What the kernel says of a link, by its name there.
fn told(link: &Link, name: &str) -> String {
    let path = format!("/proc/thread-self/fdinfo/{}", link.as_fd().as_raw_fd());
    let info = fs::read_to_string(path).unwrap();
    let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t"));
    line.unwrap_or_else(|| panic!("no {name} in {info}")).to_owned()
}

/// Long enough for a datagram on a busy machine; only a failure takes it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether a datagram sent over the loopback device arrives in time.
fn arrives_within(time: Duration) -> bool {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    receiver.set_read_timeout(Some(time)).unwrap();
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    sender.send_to(b"datagram", receiver.local_addr().unwrap()).unwrap();
    match receiver.recv(&mut [0; 16]) {
        Ok(8) => true,
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => false,
        other => panic!("{other:?}"),
    }
}

fn arrives() -> bool {
    arrives_within(PATIENCE)
}

/// Whether a datagram does not arrive while others would.
fn is_dropped() -> bool {
    !arrives_within(Duration::from_millis(300))
}

#[test]
fn xdp() {
    if !may_load() {
        return;
    }
    away_from_the_machine(|| {
        bring_loopback_up().unwrap();
        let mut open = SecForms::open().unwrap();
        open.progs.xdp.set_autoload(true);
        let skel = open.load().unwrap();
        let program = &skel.progs.xdp;
        assert!(arrives());
        // It returns 0, XDP_ABORTED: while it is attached, packets are dropped.
        let link = program.attach_xdp(LOOPBACK, 0).unwrap();
        assert!(is_dropped());
        assert_eq!(told(&link, "link_type"), "xdp");
        assert_eq!(told(&link, "ifindex"), LOOPBACK.to_string());
        assert_eq!(told(&link, "prog_id"), prog_info(program).id.to_string());
        assert_eq!(program.attach_xdp(LOOPBACK, 0).unwrap_err().errno(), Some(Errno::EBUSY));
        drop(link);
        assert!(arrives());

        // Driver mode fails on the loopback device; generic mode works (XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE).
        assert_eq!(program.attach_xdp(LOOPBACK, 1 << 2).unwrap_err().errno(), Some(Errno::EOPNOTSUPP));
        let generic = program.attach_xdp(LOOPBACK, 1 << 1).unwrap();
        assert!(is_dropped());
        generic.detach().unwrap();
        assert!(arrives());

        let error = program.attach_xdp(NOWHERE, 0).unwrap_err();
        assert_eq!((error.subject_name(), error.errno()), (Some("xdp"), Some(Errno::EINVAL)));
    });
}

#[test]
fn tcx() {
    if !may_load() {
        return;
    }
    if !is_from("BPF_TCX_INGRESS") {
        return not_on_this_kernel(came_later("BPF_TCX_INGRESS"));
    }
    away_from_the_machine(|| {
        bring_loopback_up().unwrap();
        let mut open = SecForms::open().unwrap();
        open.progs.tcx_ingress.set_autoload(true);
        open.progs.tcx_egress.set_autoload(true);
        let skel = open.load().unwrap();
        for (program, attach_type) in
            [(&skel.progs.tcx_ingress, BPF_TCX_INGRESS), (&skel.progs.tcx_egress, BPF_TCX_EGRESS)]
        {
            let link = program.attach_interface(LOOPBACK).unwrap();
            assert_eq!(told(&link, "link_type"), "tcx");
            assert_eq!(told(&link, "prog_id"), prog_info(program).id.to_string());
            assert_eq!(told(&link, "ifindex"), LOOPBACK.to_string());
            assert!(told(&link, "attach_type").starts_with(&attach_type.0.to_string()));
            // It returns 0, TCX_PASS.
            assert!(arrives());
            link.detach().unwrap();
            assert_eq!(told(&link, "ifindex"), "0");
            let error = program.attach_interface(NOWHERE).unwrap_err();
            assert_eq!(error.errno(), Some(Errno::ENODEV), "{error}");
        }
    });
}

/// Bytes of the datagrams that are counted, and of their packets with the headers of Ethernet, IPv4 and UDP.
const DATAGRAM: usize = 300;
const PACKET: u32 = DATAGRAM as u32 + 14 + 20 + 8;

fn counting(load: impl FnOnce(&mut OpenInterfaces)) -> LoadedInterfaces {
    let mut open = Interfaces::open().unwrap();
    open.rodata.length = PACKET;
    load(&mut open);
    open.load().unwrap()
}

/// Sends a datagram from a socket of the address `from`.
fn send(from: Ipv4Addr, to: (Ipv4Addr, u16)) {
    let sent = UdpSocket::bind((from, 0)).unwrap().send_to(&[0; DATAGRAM], to).unwrap();
    assert_eq!(sent, DATAGRAM);
}

#[test]
fn tcx_programs_see_each_packet() {
    if !may_load() {
        return;
    }
    if !is_from("BPF_TCX_INGRESS") {
        return not_on_this_kernel(came_later("BPF_TCX_INGRESS"));
    }
    away_from_the_machine(|| {
        bring_loopback_up().unwrap();
        let skel = counting(|open| {
            open.progs.on_ingress.set_autoload(true);
            open.progs.on_egress.set_autoload(true);
        });
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let to = (Ipv4Addr::LOCALHOST, receiver.local_addr().unwrap().port());
        // The packet has passed both programs when it is received.
        let exchange = || {
            send(Ipv4Addr::LOCALHOST, to);
            assert_eq!(receiver.recv(&mut [0; 2 * DATAGRAM]).unwrap(), DATAGRAM);
            let bss = skel.bss.get();
            (bss.ingress, bss.egress)
        };
        assert_eq!(exchange(), (0, 0));
        let ingress = skel.progs.on_ingress.attach_interface(LOOPBACK).unwrap();
        assert_eq!([exchange(), exchange()], [(1, 0), (2, 0)]);
        let egress = skel.progs.on_egress.attach_interface(LOOPBACK).unwrap();
        assert_eq!([exchange(), exchange()], [(3, 1), (4, 2)]);
        drop(ingress);
        assert_eq!(exchange(), (4, 3));
        drop(egress);
        assert_eq!(exchange(), (4, 3));
    });
}

/// A program on the primary device sees what that device sends, and one on the peer what the peer sends.
#[test]
fn netkit() {
    if !may_load() {
        return;
    }
    if !is_from("BPF_NETKIT_PRIMARY") {
        return not_on_this_kernel(came_later("BPF_NETKIT_PRIMARY"));
    }
    away_from_the_machine(|| {
        match add_netkit("first") {
            Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => {
                return not_on_this_kernel("netkit devices (CONFIG_NETKIT)");
            }
            result => result.unwrap(),
        }
        let [first, second] = [10, 20].map(|network| Ipv4Addr::new(192, 0, network, 1));
        for (name, address) in [("first", first), ("nk0", second)] {
            set_address(name, address).unwrap();
            bring_up(name).unwrap();
        }
        let [primary, peer] = [c"first", c"nk0"].map(|name| interface_index(name).unwrap());
        let skel = counting(|open| {
            open.progs.on_primary.set_autoload(true);
            open.progs.on_peer.set_autoload(true);
        });
        let progs = &skel.progs;
        // Each network is behind its device, and nobody there answers. Gives what the programs counted of one packet and of two.
        let mut before = (0, 0);
        let mut counted = || {
            send(first, (Ipv4Addr::new(192, 0, 10, 9), 9));
            send(second, (Ipv4Addr::new(192, 0, 20, 9), 9));
            send(second, (Ipv4Addr::new(192, 0, 20, 9), 9));
            let bss = skel.bss.get();
            let (primary, peer) = (bss.primary - before.0, bss.peer - before.1);
            before = (bss.primary, bss.peer);
            (primary, peer)
        };
        // Both are attached to the primary device.
        let attach = || [&progs.on_primary, &progs.on_peer].map(|program| program.attach_interface(primary).unwrap());
        // The kernel starts the devices' queues in the background, and drops all packets until then.
        let attached = attach();
        let deadline = Instant::now() + PATIENCE;
        while counted() != (1, 2) {
            assert!(Instant::now() < deadline, "no packets pass, or not all");
            thread::sleep(Duration::from_millis(10));
        }
        drop(attached);
        assert_eq!(counted(), (0, 0));

        let on_primary = progs.on_primary.attach_interface(primary).unwrap();
        assert_eq!(counted(), (1, 0));
        drop(on_primary);
        let [on_primary, on_peer] = attach();
        assert_eq!(counted(), (1, 2));
        for (link, program, attach_type) in
            [(&on_primary, &progs.on_primary, BPF_NETKIT_PRIMARY), (&on_peer, &progs.on_peer, BPF_NETKIT_PEER)]
        {
            assert_eq!(told(link, "link_type"), "netkit");
            assert_eq!(told(link, "prog_id"), prog_info(program).id.to_string());
            assert!(told(link, "attach_type").starts_with(&attach_type.0.to_string()));
        }
        drop(on_primary);
        assert_eq!(counted(), (0, 2));
        on_peer.detach().unwrap();
        assert_eq!(counted(), (0, 0));
        assert_eq!(progs.on_peer.attach_interface(peer).unwrap_err().errno(), Some(Errno::EACCES));
        assert_eq!(progs.on_peer.attach_interface(LOOPBACK).unwrap_err().errno(), Some(Errno::ENXIO));
    });
}
