//! Maps whose first elements are maps or programs of the same object.

use std::os::fd::{AsFd, AsRawFd};

use skelgen_runtime::{Errno, Map, Update};
use skelgen_tests::may_load;

use crate::cpus::{online, run_on};
use crate::info::{map_info, prog_info};
use crate::maps::{load, open};

/// What a tail call into an empty slot leaves.
const EMPTY: u32 = -1i32 as u32;

fn run(program: &skelgen_runtime::Program, args: [u64; 2]) -> u32 {
    run_on(online().last(), program, args)
}

/// The id that the kernel shows for slot `key`, of a map or a program.
fn id_in(map: &Map, key: u32) -> Option<u32> {
    let id = map.lookup(&key.to_ne_bytes()).unwrap()?;
    Some(u32::from_ne_bytes(id.try_into().unwrap()))
}

fn fd(fd: impl AsFd) -> [u8; 4] {
    fd.as_fd().as_raw_fd().to_ne_bytes()
}

#[test]
fn slots_hold_the_maps_that_the_source_names() {
    if !may_load() {
        return;
    }
    let maps = load().maps;
    let [one, two] = [&maps.inner_one, &maps.inner_two].map(|map| map_info(map).id);
    let slots = |map: &Map, count: u32| (0..count).map(|key| id_in(map, key)).collect::<Vec<_>>();
    assert_eq!(slots(&maps.array_of_maps_filled, 4), [None, Some(one), None, Some(two)]);
    assert_eq!(slots(&maps.array_of_maps, 3), [None; 3]);
    assert_eq!(slots(&maps.hash_of_maps_filled, 4), [Some(two), None, None, None]);
    assert_eq!(maps.hash_of_maps.keys().count(), 0);
}

#[test]
fn programs_reach_the_maps_in_the_slots() {
    if !may_load() {
        return;
    }
    let skel = load();
    let (maps, add) = (&skel.maps, &skel.progs.add_to_inner);
    maps.inner_one.insert(&0, &1000).unwrap();
    assert_eq!([run(add, [1, 5]), run(add, [3, 7]), run(add, [3, 1])], [1005, 7, 8]);
    assert_eq!([run(add, [0, 5]), run(add, [2, 5]), run(add, [4, 5])], [EMPTY; 3]);
    assert_eq!((maps.inner_one.get(&0).unwrap(), maps.inner_two.get(&0).unwrap()), (Some(1005), Some(8)));

    // A slot takes another map of the same shape, and no other.
    maps.array_of_maps_filled.update(&0u32.to_ne_bytes(), &fd(&maps.inner_two), Update::Any).unwrap();
    assert_eq!(run(add, [0, 10]), 18);
    let error = maps.array_of_maps.update(&0u32.to_ne_bytes(), &fd(&maps.typed), Update::Any).unwrap_err();
    assert_eq!((error.subject_name(), error.errno()), (Some("array_of_maps"), Some(Errno::EINVAL)));
    // The one described in place is for maps like `typed`' values, but other keys.
    let key = 1u64.to_ne_bytes();
    assert!(maps.hash_of_maps.update(&key, &fd(&maps.typed), Update::Any).is_err());
    assert!(maps.array_of_maps_filled.delete(&1u32.to_ne_bytes()).unwrap());
    assert_eq!(run(add, [1, 5]), EMPTY);
}

#[test]
fn slots_hold_maps_that_were_handed_in() {
    if !may_load() {
        return;
    }
    let lender = load();
    let mut open = open();
    open.maps.inner_one.reuse_map(lender.maps.inner_one.map()).unwrap();
    let skel = open.load().unwrap();
    assert_eq!(id_in(&skel.maps.array_of_maps_filled, 1), Some(map_info(&lender.maps.inner_one).id));
    assert_eq!(id_in(&skel.maps.array_of_maps_filled, 3), Some(map_info(&skel.maps.inner_two).id));
    assert_eq!(run(&skel.progs.add_to_inner, [1, 3]), 3);
    assert_eq!(run(&lender.progs.add_to_inner, [1, 3]), 6);
}

#[test]
fn an_outer_map_that_was_handed_in_keeps_its_slots() {
    if !may_load() {
        return;
    }
    let lender = load();
    let mut open = open();
    open.maps.array_of_maps_filled.reuse_map(&lender.maps.array_of_maps_filled).unwrap();
    let skel = open.load().unwrap();
    assert_eq!(id_in(&skel.maps.array_of_maps_filled, 1), Some(map_info(&lender.maps.inner_one).id));
    assert_eq!(run(&skel.progs.add_to_inner, [1, 3]), 3);
    assert_eq!(lender.maps.inner_one.get(&0).unwrap(), Some(3));
}

#[test]
fn tail_calls_reach_the_programs_in_the_slots() {
    if !may_load() {
        return;
    }
    let skel = load();
    let (array, progs) = (&skel.maps.prog_array, &skel.progs);
    let called = [0, 1, 2, 3, 4, u64::from(u32::MAX)].map(|slot| run(&progs.call_slot, [slot, 0]));
    assert_eq!(called, [100, EMPTY, 102, EMPTY, EMPTY, EMPTY]);
    let [zero, two] = [&progs.tail_zero, &progs.tail_two].map(|program| Some(prog_info(program).id));
    assert_eq!([0, 1, 2, 3].map(|key| id_in(array, key)), [zero, None, two, None]);
    assert_eq!([0, 1].map(|key| id_in(&skel.maps.empty_prog_array, key)), [None; 2]);

    array.update(&3u32.to_ne_bytes(), &fd(progs.tail_zero.fd().unwrap()), Update::Any).unwrap();
    assert!(array.delete(&2u32.to_ne_bytes()).unwrap());
    assert_eq!([2, 3].map(|slot| run(&progs.call_slot, [slot, 0])), [EMPTY, 100]);
}

#[test]
fn the_slot_of_a_program_that_is_not_loaded_stays_empty() {
    if !may_load() {
        return;
    }
    let mut open = open();
    open.progs.tail_zero.set_autoload(false);
    let skel = open.load().unwrap();
    assert_eq!([0, 2].map(|slot| run(&skel.progs.call_slot, [slot, 0])), [EMPTY, 102]);
}
