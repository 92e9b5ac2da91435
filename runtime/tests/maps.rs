//! Maps of loaded objects: larger, shared, pinned, and their elements.

mod common;

use std::os::fd::AsFd;

use common::{map, may_load, open};
use skelgen_runtime::{Errno, Map, PerCpu, TypedMap, Update, cpus, unpin};
use skelgen_tests::may_pin;

#[test]
fn maps_can_be_larger_shared_and_pinned() {
    if !may_load() || !may_pin() {
        return;
    }
    let opened = open("agent");
    let [calls, comms, ring] = ["calls_by_number", "execs_by_comm", "events"].map(|name| map(&opened, name));
    let path = format!("/sys/fs/bpf/skelgen_test_{}", std::process::id());
    let changed = || {
        let [mut calls, mut comms, mut ring] = [calls, comms, ring].map(|index| opened.map(index).unwrap());
        assert_eq!(calls.pin_path(), None);
        calls.set_pin_path(&path);
        comms.set_max_entries(1000).unwrap();
        ring.set_max_entries(5000).unwrap();
        [comms, ring, calls]
    };
    let key = 7u32.to_ne_bytes();
    let mut first = opened.load(changed(), [], &[]).unwrap();
    let first_calls = first.map(calls).unwrap();
    first_calls.update(&key, &[9; 8], Update::Any).unwrap();
    for (index, max_entries) in [(comms, 1000), (ring, 8192)] {
        let map = first.map(index).unwrap();
        assert_eq!(map.max_entries(), max_entries);
        let asked = Map::from_fd(map.as_fd().try_clone_to_owned().unwrap(), "asked").unwrap();
        assert_eq!((asked.max_entries(), asked.map_flags()), (max_entries, map.map_flags()));
    }

    // Found under its path, handed in, and opened by its path it is the same map.
    let mut second = opened.load(changed(), [], &[]).unwrap();
    assert_eq!(second.map(calls).unwrap().lookup(&key).unwrap(), Some(vec![9; 8]));
    assert_eq!(Map::pinned(&path).unwrap().lookup(&key).unwrap(), Some(vec![9; 8]));
    let mut handed_in = opened.map(calls).unwrap();
    handed_in.reuse_map(&first_calls).unwrap();
    assert!(handed_in.set_max_entries(5).is_err());
    let mut third = opened.load([handed_in], [], &[]).unwrap();
    assert_eq!(third.map(calls).unwrap().lookup(&key).unwrap(), Some(vec![9; 8]));
    drop((first, second, third));
    assert_eq!(first_calls.lookup(&key).unwrap(), Some(vec![9; 8]));

    let mut other = opened.map(comms).unwrap();
    let error = other.reuse_map(&first_calls).unwrap_err().to_string();
    assert_eq!(error, "reuse map execs_by_comm: its map_type is 2, and should be 1");
    let foreign = open("counters").load([opened.map(calls).unwrap()], [], &[]).unwrap_err().to_string();
    assert_eq!(foreign, "counters: load map calls_by_number: it was opened with another object");
    assert_eq!(first_calls.pin(&path).unwrap_err().errno(), Some(Errno::EEXIST));
    unpin(&path).unwrap();
    assert!(unpin(&path).is_err() && Map::pinned(&path).is_err());
}

#[test]
fn a_longer_section_is_pinned_and_found() {
    if !may_load() || !may_pin() {
        return;
    }
    let opened = open("percpu_basic");
    let index = map(&opened, ".percpu");
    let path = format!("/sys/fs/bpf/skelgen_test_longer_{}", std::process::id());
    let longer = |bytes| {
        let mut percpu = opened.map(index).unwrap();
        percpu.set_value_size(bytes).unwrap();
        percpu.set_pin_path(&path);
        percpu
    };
    let mut first = opened.load([longer(1000)], [], &[]).unwrap();
    let first = first.percpu::<[u8; 104]>(index).unwrap();
    first.write_at(0, 992, &7u64).unwrap();
    // Under its path it is the same map, which keeps its values.
    let mut second = opened.load([longer(1000)], [], &[]).unwrap();
    let second = second.percpu::<u64>(index).unwrap();
    assert_eq!((second.get(0).unwrap(), second.read_at::<u64>(0, 992).unwrap()), (1000, 7));
    for other in [1001, 104] {
        let error = opened.load([longer(other)], [], &[]).unwrap_err().to_string();
        assert!(error.contains(&format!("its value_size is 1000, and should be {other}")), "{error}");
    }
    unpin(&path).unwrap();

    let error = PerCpu::<[u8; 1001]>::new(first.map().try_clone().unwrap()).unwrap_err().to_string();
    assert_eq!(error, "use per-CPU map .percpu: its value has 1000 bytes, the type 1001");
}

#[test]
fn maps_have_keys_and_values() {
    if !may_load() {
        return;
    }
    let opened = open("agent");
    let mut loaded = opened.load([], [], &[]).unwrap();
    let comms = loaded.typed_map::<[u8; 16], u64>(map(&opened, "execs_by_comm")).unwrap();
    assert_eq!((comms.get(&[1; 16]).unwrap(), comms.keys().count()), (None, 0));
    for comm in 1..=10 {
        comms.insert(&[comm; 16], &u64::from(comm)).unwrap();
    }
    assert_eq!(comms.get(&[3; 16]).unwrap(), Some(3));
    assert_eq!(comms.update(&[3; 16], &0, Update::New).unwrap_err().errno(), Some(Errno::EEXIST));
    assert_eq!(comms.update(&[99; 16], &0, Update::Existing).unwrap_err().errno(), Some(Errno::ENOENT));
    assert_eq!(comms.iter().map(|element| element.unwrap().1).sum::<u64>(), 55);
    assert!(comms.delete(&[3; 16]).unwrap() && !comms.delete(&[3; 16]).unwrap());
    assert_eq!(comms.keys().map(Result::unwrap).count(), 9);

    let calls = loaded.map(map(&opened, "calls_by_number")).unwrap();
    assert_eq!(calls.keys().count(), 512);
    assert_eq!(
        calls.lookup(&[0; 3]).unwrap_err().to_string(),
        "use map calls_by_number: the key has 3 bytes, the map's have 4"
    );
    assert!(calls.update(&[0; 4], &[0; 9], Update::Any).is_err() && calls.delete(&[0; 4]).is_err());
    assert!(TypedMap::<u32, u32>::new(calls).is_err());

    // Every per-CPU array of one value is as good as a section.
    let index = map(&opened, "switched_in_ns");
    let switched = loaded.percpu::<u64>(index).unwrap();
    let full = switched.map().lookup(&[0; 4]).unwrap().unwrap();
    assert_eq!(full.len(), 8 * cpus::width().unwrap());
    switched.set(0, &77).unwrap();
    assert_eq!((switched.get(0).unwrap(), switched.values().unwrap().fold(0, |sum, value| sum + value)), (77, 77));
    assert!(PerCpu::<[u64; 2]>::new(switched.map().try_clone().unwrap()).is_err());
    assert!(TypedMap::<u32, u64>::new(switched.map().try_clone().unwrap()).is_err());
}
