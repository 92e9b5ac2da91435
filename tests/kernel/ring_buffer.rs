//! What programs put into a ring buffer comes out of it.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use std::{io, ptr, thread};

use skelgen_abi::attr::MapCreate;
use skelgen_runtime::uapi::{BPF_F_RB_OVERWRITE, BPF_MAP_CREATE, BPF_MAP_TYPE_RINGBUF};
use skelgen_runtime::{Map, PerCpu, Program, RingBuf, TestRun};
use skelgen_tests::skeletons::ring_buffer::{LoadedRingBuffer, RingBuffer};
use skelgen_tests::{matrix, may_load, not_on_this_kernel};

/// Bytes that a record takes of the buffer, its header among them.
const TAKES: u32 = 8 + size_of::<Record>() as u32;

#[derive(Clone, Copy, Debug, PartialEq, PerCpu)]
#[repr(C)]
struct Record {
    number: u64,
    cpu: u32,
    text: [u8; 20],
}

fn load() -> LoadedRingBuffer {
    RingBuffer::open().unwrap().load().unwrap()
}

/// Runs a program with two arguments.
fn run(program: &Program, args: [u64; 2]) -> u32 {
    let args = args.map(u64::to_ne_bytes).concat();
    program.test_run(TestRun { ctx_in: &args, ..TestRun::default() }).unwrap().retval
}

fn numbers(ring: &mut RingBuf<Record>) -> Vec<u64> {
    std::iter::from_fn(|| ring.pop().unwrap()).map(|record| record.number).collect()
}

#[test]
fn records_come_in_their_order_and_whole() {
    if !may_load() {
        return;
    }
    let skel = load();
    let mut ring = RingBuf::<Record>::new(&skel.maps.ring).unwrap();
    assert_eq!(ring.pop().unwrap(), None);
    assert_eq!(run(&skel.progs.send, [7, 0]), 1);
    let record = ring.pop().unwrap().unwrap();
    assert_eq!((record.number, record.text), (7, std::array::from_fn(|at| 7 + at as u8)));
    assert!(ring.pop().unwrap().is_none());
    // Those that were thrown away are not there.
    (0..9).for_each(|number| assert_eq!(run(&skel.progs.send, [number, number % 3]), 1));
    assert_eq!(numbers(&mut ring), [0, 3, 6]);
}

#[test]
fn it_goes_round_and_round() {
    if !may_load() {
        return;
    }
    let skel = load();
    let mut ring = RingBuf::<Record>::new(&skel.maps.ring).unwrap();
    let fitting = skel.maps.ring.max_entries() / TAKES;
    for round in 0..20 {
        let numbers_sent: Vec<u64> = (0..u64::from(fitting)).map(|at| round * 1000 + at).collect();
        numbers_sent.iter().for_each(|&number| assert_eq!(run(&skel.progs.send, [number, 0]), 1));
        // The next finds no room, and is lost.
        assert_eq!(run(&skel.progs.send, [0, 0]), 0);
        assert_eq!(numbers(&mut ring), numbers_sent);
    }
}

#[test]
fn a_record_of_another_length_is_an_error_and_then_gone() {
    if !may_load() {
        return;
    }
    let skel = load();
    let mut ring = RingBuf::<Record>::new(&skel.maps.ring).unwrap();
    run(&skel.progs.send_short, [1, 0]);
    run(&skel.progs.send, [2, 0]);
    run(&skel.progs.send_short, [3, 0]);
    let error = ring.pop().unwrap_err().to_string();
    assert_eq!(error, "read from ring buffer ring: a record has 8 bytes, the type 32");
    assert_eq!(ring.pop().unwrap().unwrap().number, 2);
    let mut bytes = vec![9; 100];
    assert!(ring.pop_bytes(&mut bytes).unwrap());
    assert_eq!(bytes, 3u64.to_ne_bytes());
    assert!(!ring.pop_bytes(&mut bytes).unwrap());
}

#[test]
fn a_reader_goes_on_where_the_last_one_was() {
    if !may_load() {
        return;
    }
    let skel = load();
    let mut first = RingBuf::<Record>::new(&skel.maps.ring).unwrap();
    (0..3).for_each(|number| assert_eq!(run(&skel.progs.send, [number, 0]), 1));
    assert_eq!(first.pop().unwrap().unwrap().number, 0);
    drop(first);
    assert_eq!(numbers(&mut RingBuf::new(&skel.maps.ring).unwrap()), [1, 2]);
}

#[test]
fn a_reader_waits_in_a_thread_until_there_is_something() {
    if !may_load() {
        return;
    }
    let skel = load();
    let mut ring = RingBuf::<Record>::new(&skel.maps.ring).unwrap();
    assert!(!ring.wait(Duration::ZERO).unwrap());
    let reader = thread::spawn(move || {
        while !ring.wait(Duration::from_secs(600)).unwrap() {}
        ring.pop().unwrap().unwrap().number
    });
    run(&skel.progs.send, [5, 0]);
    assert_eq!(reader.join().unwrap(), 5);
}

#[test]
fn only_a_ring_buffer_is_read() {
    if !may_load() {
        return;
    }
    let other = skelgen_tests::skeletons::maps_all::MapsAll::open().unwrap().load().unwrap();
    let error = RingBuf::<u64>::new(other.maps.typed.map()).unwrap_err().to_string();
    assert!(error.starts_with("read from ring buffer typed: it is a "), "{error}");
}

#[test]
fn a_second_reader_is_refused() {
    if !may_load() {
        return;
    }
    let skel = load();
    let ring = RingBuf::<Record>::new(&skel.maps.ring).unwrap();
    let duplicate = skel.maps.ring.as_fd().try_clone_to_owned().unwrap();
    for other in [skel.maps.ring.try_clone().unwrap(), Map::from_fd(duplicate, "another name").unwrap()] {
        let error = RingBuf::<[u8; 8]>::new(&other).unwrap_err();
        assert_eq!((error.subject_name(), error.reason()), (Some(other.name()), Some("this process reads it already")));
    }
    // Another map can have a reader.
    let second = load();
    let _ = RingBuf::<Record>::new(&second.maps.ring).unwrap();
    drop(ring);
    RingBuf::<Record>::new(&skel.maps.ring).unwrap();
}

/// Maps the page with the consumer position, as any process with the map can.
fn consumer_position(map: &Map) -> &'static AtomicUsize {
    let fd = map.as_fd().as_raw_fd();
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: new memory, at an address of the kernel's choice.
    let page = unsafe { libc::mmap(ptr::null_mut(), 4096, protection, libc::MAP_SHARED, fd, 0) };
    assert_ne!(page, libc::MAP_FAILED, "{}", io::Error::last_os_error());
    // SAFETY: a page begins with a word, which is never unmapped.
    unsafe { &*page.cast::<AtomicUsize>() }
}

#[test]
fn a_consumer_position_that_another_process_moves_gives_no_records() {
    if !may_load() {
        return;
    }
    let skel = load();
    let mut ring = RingBuf::<Record>::new(&skel.maps.ring).unwrap();
    assert_eq!(run(&skel.progs.send, [1, 0]), 1);
    let position = consumer_position(&skel.maps.ring);
    for ahead in [8, 1 << 20, usize::MAX / 4] {
        position.store(TAKES as usize + ahead, Ordering::SeqCst);
        assert_eq!(ring.pop().unwrap(), None);
        assert!(!ring.pop_bytes(&mut Vec::new()).unwrap());
        assert_eq!(position.load(Ordering::SeqCst), TAKES as usize + ahead);
    }
    for behind in [1 << 20, 1] {
        position.store((TAKES as usize).wrapping_sub(behind), Ordering::SeqCst);
        let error = ring.pop().unwrap_err().to_string();
        assert!(error.contains("there is no record at position"), "{error}");
    }
    position.store(0, Ordering::SeqCst);
    assert_eq!(ring.pop().unwrap().unwrap().number, 1);
}

#[test]
fn an_overwriting_ring_buffer_is_refused() {
    if !may_load() {
        return;
    }
    let (map_type, map_flags) = (BPF_MAP_TYPE_RINGBUF, BPF_F_RB_OVERWRITE);
    let attr = MapCreate { map_type, max_entries: 4096, map_flags, ..MapCreate::default() };
    // SAFETY: the attr has the given size and no addresses.
    let fd = unsafe { libc::syscall(libc::SYS_bpf, BPF_MAP_CREATE.0, &raw const attr, size_of_val(&attr)) };
    if fd < 0 {
        return not_on_this_kernel("BPF_F_RB_OVERWRITE");
    }
    // SAFETY: the kernel just opened it, and nothing else owns it.
    let map = Map::from_fd(unsafe { OwnedFd::from_raw_fd(fd as i32) }, "over").unwrap();
    let error = RingBuf::<u64>::new(&map).unwrap_err().to_string();
    let why = "with BPF_F_RB_OVERWRITE programs write over records while they are copied";
    assert_eq!(error, format!("read from ring buffer over: {why}"));
}

/// Waits until the ring buffer says that it is readable again, as tokio's `AsyncFd` does.
struct EdgeTriggered(OwnedFd);

impl EdgeTriggered {
    fn new(ring: &impl AsRawFd) -> EdgeTriggered {
        // SAFETY: it takes a number.
        let epoll = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        assert!(epoll >= 0, "{}", io::Error::last_os_error());
        // SAFETY: the kernel just opened it, and nothing else owns it.
        let epoll = unsafe { OwnedFd::from_raw_fd(epoll) };
        let mut event = libc::epoll_event { events: (libc::EPOLLIN | libc::EPOLLET) as u32, u64: 0 };
        let add = libc::EPOLL_CTL_ADD;
        // SAFETY: the event outlives the call.
        let added = unsafe { libc::epoll_ctl(epoll.as_raw_fd(), add, ring.as_raw_fd(), &raw mut event) };
        assert_eq!(added, 0, "{}", io::Error::last_os_error());
        EdgeTriggered(epoll)
    }

    /// Whether it became readable within so many milliseconds.
    fn wait(&self, milliseconds: i32) -> bool {
        let mut event = libc::epoll_event { events: 0, u64: 0 };
        // SAFETY: there is room for one event.
        unsafe { libc::epoll_wait(self.0.as_raw_fd(), &raw mut event, 1, milliseconds) == 1 }
    }
}

#[test]
fn an_edge_triggered_reader_misses_no_record() {
    if !may_load() {
        return;
    }
    let skel = load();
    let mut ring = RingBuf::<Record>::new(&skel.maps.ring).unwrap();
    let (epoll, done) = (EdgeTriggered::new(&ring), AtomicBool::new(false));
    let ctx = [0u64; 2].map(u64::to_ne_bytes).concat();
    let (sent, read) = thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let send = || skel.progs.send.test_run(TestRun { ctx_in: &ctx, ..TestRun::default() }).unwrap().retval;
            let rounds = if matrix().is_some() { 10_000 } else { 400_000 };
            let sent = (0..rounds).map(|_| u64::from(send())).sum::<u64>();
            done.store(true, Ordering::SeqCst);
            sent
        });
        let mut read = 0u64;
        loop {
            let was_done = done.load(Ordering::SeqCst);
            // The sender may not have had the CPU for 200 ms. But if there is a record, there was a wake-up.
            if !epoll.wait(200) && ring.wait(Duration::ZERO).unwrap() {
                assert!(epoll.wait(60_000), "asleep beside records, after {read}");
            }
            while ring.pop().unwrap().is_some() {
                read += 1;
            }
            if was_done {
                break;
            }
        }
        (sender.join().unwrap(), read)
    });
    assert_eq!(sent, read);
}
