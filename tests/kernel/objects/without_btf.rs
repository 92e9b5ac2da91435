//! Objects without BTF, and maps that need none.

use skelgen_runtime::uapi::{BPF_F_NO_PREALLOC, BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH};
use skelgen_tests::may_load;
use skelgen_tests::skeletons::legacy_maps::LegacyMaps;
use skelgen_tests::skeletons::untyped::Untyped;

use crate::cpus::{online, run_on};
use crate::info::map_info;

#[test]
fn sections_are_bytes() {
    if !may_load() {
        return;
    }
    let mut open = Untyped::open().unwrap();
    assert_eq!((open.data.bytes, open.rodata.bytes), (3u32.to_ne_bytes(), 2u32.to_ne_bytes()));
    open.data.bytes = 10u32.to_ne_bytes();
    open.rodata.bytes = 5u32.to_ne_bytes();
    open.bss.bytes = 100u64.to_ne_bytes();
    let skel = open.load().unwrap();
    run_on(online().last(), &skel.progs.count, [7, 0]);
    assert_eq!(skel.bss.get().unwrap().bytes, (100u64 + 7 * 5 + 10).to_ne_bytes());
    assert_eq!(map_info(skel.bss.map()).btf_value_type_id, 0);
}

#[test]
fn legacy_maps_are_maps() {
    if !may_load() {
        return;
    }
    let skel = LegacyMaps::open().unwrap().load().unwrap();
    let numbers = map_info(skel.maps.numbers.map());
    assert_eq!(
        (numbers.map_type, numbers.key_size, numbers.value_size, numbers.max_entries),
        (BPF_MAP_TYPE_ARRAY, 4, 8, 3)
    );
    assert_eq!(numbers.name(), "numbers");
    let words = map_info(skel.maps.words.map());
    assert_eq!((words.map_type, words.max_entries, words.map_flags), (BPF_MAP_TYPE_HASH, 16, BPF_F_NO_PREALLOC));

    run_on(online().last(), &skel.progs.count, [40, 0]);
    run_on(online().last(), &skel.progs.count, [2, 0]);
    assert_eq!(skel.maps.numbers.get(&2u32.to_ne_bytes()).unwrap(), Some(42u64.to_ne_bytes()));
    assert_eq!(skel.maps.words.get(&5u32.to_ne_bytes()).unwrap(), Some(5u32.to_ne_bytes()));
}
