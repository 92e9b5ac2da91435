//! Hashes that grow (`BPF_MAP_TYPE_RHASH`, Linux 7.2).

use std::collections::BTreeSet;
use std::os::fd::{FromRawFd, OwnedFd};

use skelgen_runtime::uapi::{BPF_MAP_CREATE, BPF_MAP_TYPE_RHASH};
use skelgen_runtime::{Map, TypedMap, Update};
use skelgen_tests::{kernel_version, may_load, not_on_this_kernel};

const NO_PREALLOC: u32 = 1;

/// An empty one, if the kernel has them.
fn create(max_entries: u32) -> Option<TypedMap<u32, u64>> {
    // struct { __u32 map_type, key_size, value_size, max_entries, map_flags; }
    let attr = [BPF_MAP_TYPE_RHASH, 4, 8, max_entries, NO_PREALLOC];
    // SAFETY: the attr is as long as is said, and holds no addresses.
    let fd = unsafe { libc::syscall(libc::SYS_bpf, BPF_MAP_CREATE, attr.as_ptr(), size_of_val(&attr)) };
    if fd < 0 {
        assert!(kernel_version() < (7, 2), "{}", std::io::Error::last_os_error());
        not_on_this_kernel("BPF_MAP_TYPE_RHASH, which came with Linux 7.2");
        return None;
    }
    // SAFETY: the kernel just opened it, and nothing else knows it.
    let map = Map::from_fd(unsafe { OwnedFd::from_raw_fd(fd as i32) }, "growing").unwrap();
    Some(TypedMap::new(map).unwrap())
}

fn filled(count: u32) -> Option<TypedMap<u32, u64>> {
    let map = create(count)?;
    (0..count).for_each(|key| map.update(&key, &u64::from(key), Update::New).unwrap());
    Some(map)
}

#[test]
fn elements_are_read_taken_and_drained() {
    if !may_load() {
        return;
    }
    let Some(map) = filled(1000) else { return };
    assert_eq!((map.get(&7).unwrap(), map.get(&1000).unwrap()), (Some(7), None));
    let found: BTreeSet<u32> = map.iter().map(|element| element.unwrap().0).collect();
    assert_eq!(found, (0..1000).collect());
    assert_eq!((map.take(&7).unwrap(), map.take(&7).unwrap()), (Some(7), None));
    let mut drained: Vec<u32> = map.drain().unwrap().batch_size(64).map(|element| element.unwrap().0).collect();
    drained.sort_unstable();
    assert_eq!(drained, (0..1000).filter(|&key| key != 7).collect::<Vec<_>>());
    assert_eq!(map.iter().count(), 0);
}

#[test]
fn a_walk_whose_cursor_is_deleted_meets_all_others_once() {
    if !may_load() {
        return;
    }
    let Some(map) = filled(2000) else { return };
    let mut met = BTreeSet::new();
    // Each element that is read is deleted at once, so that each command's cursor is lost.
    for element in map.iter().batch_size(1) {
        let (key, value) = element.unwrap();
        assert_eq!(u64::from(key), value);
        assert!(met.insert(key), "{key} twice");
        assert!(map.delete(&key).unwrap());
    }
    assert_eq!(met, (0..2000).collect());
}
