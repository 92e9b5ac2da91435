//! What programs put into a ring buffer comes out of it.

use std::thread;
use std::time::Duration;

use skelgen_runtime::{PerCpu, Program, RingBuf, TestRun};
use skelgen_tests::may_load;
use skelgen_tests::skeletons::ring_buffer::{LoadedRingBuffer, RingBuffer};

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
