//! What maps of maps are made after.

use skelgen_runtime::{Map, TestRun, cpus};
use skelgen_tests::may_load;
use skelgen_tests::skeletons::inner_maps::{InnerMaps, LoadedInnerMaps};

use crate::info::map_info;

fn load() -> LoadedInnerMaps {
    InnerMaps::open().unwrap().load().unwrap()
}

#[test]
fn an_inner_map_has_types() {
    if !may_load() {
        return;
    }
    let skel = load();
    // The program's timer is one of an inner map's value: without types it would not have been loaded.
    let packet = [0; 64];
    let ran = skel.progs.add.test_run(TestRun { data_in: &packet, ..TestRun::default() }).unwrap();
    assert_eq!(ran.retval, 0);
    assert_eq!(skel.maps.one_timed.get(&0).unwrap().unwrap().value, 7);
}

#[test]
fn an_inner_map_is_sized_on_the_machine() {
    if !may_load() {
        return;
    }
    // With the object's sizes, 1 byte and no entries, the kernel makes neither the maps nor those that they are like.
    let maps = load().maps;
    let slot = |outer: &Map, key: u32| {
        let id = outer.lookup(&key.to_ne_bytes()).unwrap().unwrap();
        u32::from_ne_bytes(id.try_into().unwrap())
    };
    assert_eq!(slot(&maps.of_rings, 1), map_info(&maps.one_ring).id);
    assert_eq!(slot(&maps.of_events, 0), map_info(&maps.all_events).id);
    let entries = [&maps.one_ring, &maps.all_events].map(|map| map_info(map).max_entries);
    assert!(entries[0] >= 4096 && entries[0].is_power_of_two(), "{entries:?}");
    assert_eq!(entries[1], cpus::possible().unwrap().last() + 1);
}
