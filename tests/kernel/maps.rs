//! Maps as the kernel made them, and their elements.

use std::os::fd::AsFd;

use skelgen_runtime::uapi::*;
use skelgen_runtime::{Errno, Map, Update, cpus};
use skelgen_tests::may_load;
use skelgen_tests::skeletons::maps_all::types::{Flow, Prefix, Totals};
use skelgen_tests::skeletons::maps_all::{LoadedMapsAll, MapsAll, OpenMapsAll};

use crate::info::{MapInfo, map_info};

/// `maps_all`, with nothing pinned where others might look.
pub(crate) fn open() -> OpenMapsAll {
    let mut open = MapsAll::open().unwrap();
    open.maps.pinned_by_name.clear_pin_path();
    open
}

pub(crate) fn load() -> LoadedMapsAll {
    open().load().unwrap()
}

const NO_FLAGS: MapFlags = MapFlags(0);

/// What `maps_all.bpf.c` says: name, type, key and value size, entries, flags, extra.
type Declared = (&'static str, MapType, [u32; 3], MapFlags, u64);

/// Each map with what the kernel says of it, and what the source does.
fn all(skel: &LoadedMapsAll) -> Vec<(MapInfo, Declared)> {
    let maps = &skel.maps;
    // Of the running machine: a ring buffer is of whole pages, and a perf event array has a place for each CPU.
    let ring = |bytes: u32| bytes.next_power_of_two().max(page_size());
    let cpus = cpus::possible().unwrap().last() + 1;
    vec![
        (map_info(&maps.typed), ("typed", BPF_MAP_TYPE_HASH, [12, 16, 64], NO_FLAGS, 0)),
        (map_info(&maps.sized), ("sized", BPF_MAP_TYPE_HASH, [12, 16, 64], NO_FLAGS, 0)),
        (map_info(&maps.half_typed), ("half_typed", BPF_MAP_TYPE_HASH, [8, 16, 64], NO_FLAGS, 0)),
        (map_info(&maps.with_lock), ("with_lock", BPF_MAP_TYPE_ARRAY, [4, 8, 2], NO_FLAGS, 0)),
        (map_info(&maps.pinned_by_name), ("pinned_by_name", BPF_MAP_TYPE_ARRAY, [4, 8, 4], NO_FLAGS, 0)),
        (
            map_info(&maps.with_flags),
            ("with_flags", BPF_MAP_TYPE_ARRAY, [4, 8, 4], BPF_F_MMAPABLE | BPF_F_RDONLY_PROG, 0),
        ),
        (map_info(&maps.on_numa_node), ("on_numa_node", BPF_MAP_TYPE_HASH, [4, 8, 16], BPF_F_NUMA_NODE, 0)),
        (map_info(&maps.bloom), ("bloom", BPF_MAP_TYPE_BLOOM_FILTER, [0, 8, 128], NO_FLAGS, 3)),
        (map_info(&maps.a_map_with_quite_a_long_name), ("a_map_with_quit", BPF_MAP_TYPE_ARRAY, [4, 4, 1], NO_FLAGS, 0)),
        (map_info(&maps.array), ("array", BPF_MAP_TYPE_ARRAY, [4, 16, 8], NO_FLAGS, 0)),
        (map_info(&maps.lru_hash), ("lru_hash", BPF_MAP_TYPE_LRU_HASH, [12, 16, 128], NO_FLAGS, 0)),
        (map_info(&maps.lpm_trie), ("lpm_trie", BPF_MAP_TYPE_LPM_TRIE, [8, 4, 16], BPF_F_NO_PREALLOC, 0)),
        (map_info(&maps.percpu_array), ("percpu_array", BPF_MAP_TYPE_PERCPU_ARRAY, [4, 16, 4], NO_FLAGS, 0)),
        (map_info(&maps.percpu_hash), ("percpu_hash", BPF_MAP_TYPE_PERCPU_HASH, [12, 13, 32], NO_FLAGS, 0)),
        (map_info(&maps.lru_percpu_hash), ("lru_percpu_hash", BPF_MAP_TYPE_LRU_PERCPU_HASH, [4, 8, 64], NO_FLAGS, 0)),
        (
            map_info(&maps.percpu_cgroup_storage),
            ("percpu_cgroup_s", BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, [16, 16, 0], NO_FLAGS, 0),
        ),
        (map_info(&maps.queue), ("queue", BPF_MAP_TYPE_QUEUE, [0, 8, 16], NO_FLAGS, 0)),
        (map_info(&maps.stack), ("stack", BPF_MAP_TYPE_STACK, [0, 8, 16], NO_FLAGS, 0)),
        (map_info(&maps.ringbuf), ("ringbuf", BPF_MAP_TYPE_RINGBUF, [0, 0, ring(5000)], NO_FLAGS, 0)),
        (map_info(&maps.user_ringbuf), ("user_ringbuf", BPF_MAP_TYPE_USER_RINGBUF, [0, 0, ring(4096)], NO_FLAGS, 0)),
        (
            map_info(&maps.perf_event_array),
            ("perf_event_arra", BPF_MAP_TYPE_PERF_EVENT_ARRAY, [4, 4, cpus], NO_FLAGS, 0),
        ),
        (map_info(&maps.cgroup_array), ("cgroup_array", BPF_MAP_TYPE_CGROUP_ARRAY, [4, 4, 2], NO_FLAGS, 0)),
        (map_info(&maps.stack_trace), ("stack_trace", BPF_MAP_TYPE_STACK_TRACE, [4, 1016, 64], NO_FLAGS, 0)),
        (map_info(&maps.prog_array), ("prog_array", BPF_MAP_TYPE_PROG_ARRAY, [4, 4, 4], NO_FLAGS, 0)),
        (map_info(&maps.empty_prog_array), ("empty_prog_arra", BPF_MAP_TYPE_PROG_ARRAY, [4, 4, 2], NO_FLAGS, 0)),
        (map_info(&maps.task_storage), ("task_storage", BPF_MAP_TYPE_TASK_STORAGE, [4, 16, 0], BPF_F_NO_PREALLOC, 0)),
        (map_info(&maps.inner_one), ("inner_one", BPF_MAP_TYPE_ARRAY, [4, 8, 1], NO_FLAGS, 0)),
        (map_info(&maps.inner_two), ("inner_two", BPF_MAP_TYPE_ARRAY, [4, 8, 1], NO_FLAGS, 0)),
        (map_info(&maps.array_of_maps), ("array_of_maps", BPF_MAP_TYPE_ARRAY_OF_MAPS, [4, 4, 3], NO_FLAGS, 0)),
        (map_info(&maps.array_of_maps_filled), ("array_of_maps_f", BPF_MAP_TYPE_ARRAY_OF_MAPS, [4, 4, 4], NO_FLAGS, 0)),
        (map_info(&maps.hash_of_maps), ("hash_of_maps", BPF_MAP_TYPE_HASH_OF_MAPS, [8, 4, 8], NO_FLAGS, 0)),
        (map_info(&maps.hash_of_maps_filled), ("hash_of_maps_fi", BPF_MAP_TYPE_HASH_OF_MAPS, [4, 4, 4], NO_FLAGS, 0)),
    ]
}

fn page_size() -> u32 {
    // SAFETY: no memory is involved.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) }.try_into().unwrap()
}

#[test]
fn the_kernel_has_what_the_source_declares() {
    if !may_load() {
        return;
    }
    let skel = load();
    for (info, declared) in all(&skel) {
        let sizes = [info.key_size, info.value_size, info.max_entries];
        assert_eq!((info.name(), info.map_type, sizes, info.map_flags, info.map_extra), declared);
    }
}

#[test]
fn types_go_with_the_maps_that_take_them() {
    if !may_load() {
        return;
    }
    let skel = load();
    let maps = &skel.maps;
    let has_type = |map: &dyn Fn() -> MapInfo| map().btf_value_type_id != 0;
    assert!(has_type(&|| map_info(&maps.typed)) && has_type(&|| map_info(&maps.array)));
    assert!(has_type(&|| map_info(&maps.with_lock)) && has_type(&|| map_info(&maps.task_storage)));
    assert!(!has_type(&|| map_info(&maps.sized)) && !has_type(&|| map_info(&maps.prog_array)));
}

#[test]
fn handles_know_what_the_kernel_knows() {
    if !may_load() {
        return;
    }
    let skel = load();
    let maps = &skel.maps;
    let known = |map: &Map| {
        (map.map_type(), map.key_size() as u32, map.value_size() as u32, map.max_entries(), map.map_flags())
    };
    let percpu_hash = maps.percpu_hash.map();
    for map in [maps.typed.map(), &maps.ringbuf, &maps.perf_event_array, percpu_hash, maps.with_flags.map()] {
        let info = map_info(map);
        assert_eq!(known(map), (info.map_type, info.key_size, info.value_size, info.max_entries, info.map_flags));
    }
    assert!(percpu_hash.is_per_cpu() && !maps.sized.map().is_per_cpu());
    assert_eq!(percpu_hash.full_value_size(), 16 * cpus::possible().unwrap().count());
}

#[test]
fn entries_can_be_changed_before_the_load() {
    if !may_load() {
        return;
    }
    let mut open = open();
    assert_eq!((open.maps.typed.max_entries(), open.maps.ringbuf.max_entries()), (64, 5000));
    open.maps.typed.set_max_entries(3).unwrap();
    open.maps.ringbuf.set_max_entries(3 * page_size()).unwrap();
    open.maps.perf_event_array.set_max_entries(1).unwrap();
    open.maps.array_of_maps.set_max_entries(7).unwrap();
    open.maps.prog_array.set_max_entries(9).unwrap();
    open.maps.percpu_array.set_max_entries(300).unwrap();
    assert_eq!(open.maps.typed.max_entries(), 3);
    let skel = open.load().unwrap();
    let maps = &skel.maps;
    let percpu_array = maps.percpu_array.map();
    let entries = [&maps.ringbuf, &maps.perf_event_array, &maps.array_of_maps, &maps.prog_array, percpu_array];
    assert_eq!(entries.map(|map| map_info(map).max_entries), [4 * page_size(), 1, 7, 9, 300]);
    assert_eq!(entries.map(Map::max_entries), [4 * page_size(), 1, 7, 9, 300]);

    // The kernel holds to it, and others of the same object are as they were.
    let insert = |n| maps.typed.insert(&Flow { source: n, ..Flow::default() }, &Totals::default());
    (0..3).for_each(|n| insert(n).unwrap());
    assert_eq!(insert(3).unwrap_err().errno(), Some(Errno::E2BIG));
    assert_eq!(map_info(&load().maps.typed).max_entries, 64);
}

#[test]
fn entries_that_the_kernel_refuses_are_said_with_the_map() {
    if !may_load() {
        return;
    }
    let mut open = open();
    open.maps.lru_hash.set_max_entries(0).unwrap();
    let error = open.load().unwrap_err();
    assert_eq!((error.operation(), error.subject_name()), ("create map", Some("lru_hash")));
    assert_eq!((error.object_name(), error.errno()), (Some("maps_all"), Some(Errno::EINVAL)));
}

#[test]
fn elements_of_a_hash() {
    if !may_load() {
        return;
    }
    let skel = load();
    let map = &skel.maps.typed;
    let flow = |n: u32| Flow { source: n, destination: !n, port: n as u16, ..Flow::default() };
    let totals = |n: u32| Totals { packets: n.into(), bytes: u64::MAX - u64::from(n) };
    assert_eq!((map.get(&flow(1)).unwrap(), map.keys().count(), map.iter().count()), (None, 0, 0));
    (1..=64).for_each(|n| map.insert(&flow(n), &totals(n)).unwrap());
    assert_eq!(map.get(&flow(40)).unwrap(), Some(totals(40)));
    // One more than it takes.
    let error = map.insert(&flow(65), &totals(65)).unwrap_err();
    assert_eq!((error.subject_name(), error.errno()), (Some("typed"), Some(Errno::E2BIG)));

    let mut elements: Vec<_> = map.iter().map(Result::unwrap).collect();
    elements.sort_by_key(|(key, _)| key.source);
    assert_eq!(elements, (1..=64).map(|n| (flow(n), totals(n))).collect::<Vec<_>>());
    assert_eq!(map.keys().map(|key| key.unwrap().source).sum::<u32>(), 64 * 65 / 2);

    assert!(map.delete(&flow(40)).unwrap() && !map.delete(&flow(40)).unwrap());
    assert_eq!((map.get(&flow(40)).unwrap(), map.iter().count()), (None, 63));
    assert_eq!(map.update(&flow(40), &totals(1), Update::Existing).unwrap_err().errno(), Some(Errno::ENOENT));
    map.update(&flow(40), &totals(1), Update::New).unwrap();
    assert_eq!(map.update(&flow(40), &totals(2), Update::New).unwrap_err().errno(), Some(Errno::EEXIST));
    map.update(&flow(40), &totals(2), Update::Existing).unwrap();
    assert_eq!(map.get(&flow(40)).unwrap(), Some(totals(2)));
    // Deleted while it is walked, each is met once.
    let emptied = map.keys().filter(|key| map.delete(key.as_ref().unwrap()).unwrap()).count();
    assert_eq!((emptied, map.keys().count()), (64, 0));
}

#[test]
fn elements_of_an_array() {
    if !may_load() {
        return;
    }
    let skel = load();
    let map = &skel.maps.array;
    assert_eq!(map.keys().collect::<Result<Vec<_>, _>>().unwrap(), (0..8).collect::<Vec<_>>());
    assert!(map.iter().all(|element| element.unwrap().1 == Totals::default()));
    map.insert(&7, &Totals { packets: 1, bytes: 2 }).unwrap();
    assert_eq!(map.get(&7).unwrap(), Some(Totals { packets: 1, bytes: 2 }));
    assert_eq!(map.get(&8).unwrap(), None);
    assert_eq!(map.insert(&8, &Totals::default()).unwrap_err().errno(), Some(Errno::E2BIG));
    // An array keeps its elements.
    assert_eq!(map.update(&7, &Totals::default(), Update::New).unwrap_err().errno(), Some(Errno::EEXIST));
    assert_eq!(map.delete(&7).unwrap_err().errno(), Some(Errno::EINVAL));
}

#[test]
fn elements_as_bytes() {
    if !may_load() {
        return;
    }
    let maps = load().maps;
    let sized = maps.sized.map();
    sized.update(&[1; 12], &[2; 16], Update::New).unwrap();
    assert_eq!(sized.lookup(&[1; 12]).unwrap(), Some(vec![2; 16]));
    assert_eq!(maps.sized.get(&[1; 12]).unwrap(), Some([2; 16]));
    assert_eq!(
        (sized.lookup_and_delete(&[1; 12]).unwrap(), sized.lookup(&[1; 12]).unwrap()),
        (Some(vec![2; 16]), None)
    );
    // The value of each CPU, one after another, in whole words.
    let percpu_hash = maps.percpu_hash.map();
    let values: Vec<u8> =
        (0..percpu_hash.full_value_size()).map(|at| if at % 16 < 13 { at as u8 } else { 0 }).collect();
    percpu_hash.update(&[3; 12], &values, Update::Any).unwrap();
    assert_eq!(percpu_hash.lookup(&[3; 12]).unwrap(), Some(values));
    let wrong = [
        (sized.lookup(&[1; 11]).unwrap_err(), "the key has 11 bytes, the map's have 12"),
        (sized.update(&[1; 12], &[2; 17], Update::Any).unwrap_err(), "the value has 17 bytes, the map's have 16"),
        (sized.update(&[1; 12], &[2; 16], Update::Existing).unwrap_err(), "at key [01 01 01 01 01 01"),
    ];
    for (error, words) in wrong {
        assert!(error.to_string().contains(words), "{error}");
    }
    assert!(sized.as_fd().try_clone_to_owned().is_ok());
}

#[test]
fn prefixes_of_a_trie() {
    if !may_load() {
        return;
    }
    let trie = load().maps.lpm_trie;
    let prefix = |bits: u32, address: [u8; 4]| Prefix { bits, address };
    // The most specific of what contains it.
    trie.insert_batch(&[(prefix(8, [10, 0, 0, 0]), 8), (prefix(24, [10, 1, 2, 0]), 24)]).unwrap();
    assert_eq!(trie.get(&prefix(32, [10, 1, 2, 3])).unwrap(), Some(24));
    assert_eq!(trie.get(&prefix(32, [10, 9, 9, 9])).unwrap(), Some(8));
    assert_eq!(trie.get(&prefix(32, [11, 1, 2, 3])).unwrap(), None);
    let mut elements: Vec<_> = trie.iter().map(Result::unwrap).collect();
    elements.sort_by_key(|(prefix, _)| prefix.bits);
    assert_eq!(elements, [(prefix(8, [10, 0, 0, 0]), 8), (prefix(24, [10, 1, 2, 0]), 24)]);
    let error = trie.take(&prefix(8, [10, 0, 0, 0])).unwrap_err().to_string();
    assert!(error.contains("only hash maps support this, not a BPF_MAP_TYPE_LPM_TRIE"), "{error}");
    assert!(trie.delete(&prefix(8, [10, 0, 0, 0])).unwrap());
    assert_eq!(trie.keys().map(Result::unwrap).collect::<Vec<_>>(), [prefix(24, [10, 1, 2, 0])]);
}

#[test]
fn values_without_keys() {
    if !may_load() {
        return;
    }
    let maps = load().maps;
    for (queue, order) in [(&maps.queue, [7, 8]), (&maps.stack, [8, 7])] {
        assert_eq!((queue.peek().unwrap(), queue.pop().unwrap()), (None, None));
        queue.push(&7).unwrap();
        queue.push(&8).unwrap();
        assert_eq!(queue.peek().unwrap(), Some(order[0]));
        assert_eq!([(); 3].map(|()| queue.pop().unwrap()), [Some(order[0]), Some(order[1]), None]);
        (0..16).for_each(|n| queue.push(&n).unwrap());
        assert_eq!(queue.push(&16).unwrap_err().errno(), Some(Errno::E2BIG));
        queue.push_over(&16).unwrap();
    }
    // The oldest went.
    assert_eq!((maps.queue.pop().unwrap(), maps.stack.pop().unwrap()), (Some(1), Some(16)));

    assert!(!maps.bloom.may_contain(&7).unwrap());
    (0..64).for_each(|n| maps.bloom.insert(&(n * n)).unwrap());
    assert!((0..64).all(|n| maps.bloom.may_contain(&(n * n)).unwrap()));
    let sure = (1_000_000..1_000_100).filter(|n| !maps.bloom.may_contain(n).unwrap()).count();
    assert!(sure > 50, "{sure} of 100 were said not to be there");
}

#[test]
fn many_elements_with_one_command() {
    if !may_load() {
        return;
    }
    let mut open = open();
    open.maps.typed.set_max_entries(3000).unwrap();
    open.maps.array.set_max_entries(3000).unwrap();
    let maps = open.load().unwrap().maps;
    let element = |n: u32| (Flow { source: n, ..Flow::default() }, Totals { packets: n.into(), bytes: 2 });
    // More than fit in one command.
    let elements: Vec<_> = (0..3000).map(element).collect();
    maps.typed.insert_batch(&elements).unwrap();
    maps.array.insert_batch(&(0..3000).map(|n| (n, element(n).1)).collect::<Vec<_>>()).unwrap();
    // Also by a few at a time, fewer than a bucket may have.
    for size in [1, 7, 1000, 10_000] {
        let mut found: Vec<_> = maps.typed.iter().batch_size(size).map(Result::unwrap).collect();
        found.sort_by_key(|(key, _)| key.source);
        assert_eq!(found, elements, "by {size}");
        let found: Vec<_> = maps.array.iter().batch_size(size).map(Result::unwrap).collect();
        assert!(found.iter().copied().eq((0..3000).map(|n| (n, element(n).1))), "by {size}");
    }

    let full = maps.typed.insert_batch(&[element(2999), element(3000), element(3001)]).unwrap_err();
    assert_eq!((full.errno(), full.key()), (Some(Errno::E2BIG), Some(&*format!("{:?}", element(3000).0))));
    assert!(full.to_string().contains("after 1 of 3 elements"), "{full}");
    let keys: Vec<_> = elements[..1000].iter().map(|(key, _)| *key).collect();
    maps.typed.delete_batch(&keys).unwrap();
    let missing = maps.typed.delete_batch(&[elements[1500].0, keys[0]]).unwrap_err();
    assert_eq!((missing.errno(), missing.key()), (Some(Errno::ENOENT), Some(&*format!("{:?}", keys[0]))));
    assert_eq!(maps.typed.take(&elements[1000].0).unwrap(), Some(elements[1000].1));
    assert_eq!(maps.typed.take(&elements[1000].0).unwrap(), None);

    let mut drained: Vec<_> = maps.typed.drain().unwrap().map(Result::unwrap).collect();
    drained.sort_by_key(|(key, _)| key.source);
    assert_eq!(drained, [&elements[1001..1500], &elements[1501..]].concat());
    assert_eq!(maps.typed.iter().count(), 0);
    assert!(maps.array.drain().is_err() && maps.array.take(&0).is_err());
}
