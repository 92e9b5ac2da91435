//! Maps handed over: the same map in the kernel, by descriptors of their own.

use std::os::fd::{AsFd, AsRawFd};
use std::{iter, process};

use libbpf_rs::{MapCore, MapFlags, MapHandle, MapInfo, ObjectBuilder, OpenObject, RingBufferBuilder};
use skelgen_runtime::{Errno, Map, TestRun, TypedMap};
use skelgen_tests::skeletons::counters::Counters;
use skelgen_tests::skeletons::maps_all::types::{Flow, Totals};
use skelgen_tests::skeletons::maps_all::{LoadedMapsAll, MapsAll, OpenMapsAll};
use skelgen_tests::{in_own_process, may_load, open_fds};

static MAPS_ALL: &[u8] = include_bytes!("../../fixtures/maps_all.bpf.o");

/// `maps_all` as a skeleton, with nothing pinned where others might look.
fn open() -> OpenMapsAll {
    let mut open = MapsAll::open().unwrap();
    open.maps.pinned_by_name.clear_pin_path();
    open
}

pub(crate) fn load() -> LoadedMapsAll {
    open().load().unwrap()
}

/// `maps_all` as libbpf has it.
pub(crate) fn open_libbpf() -> OpenObject {
    // It tells what it tries, as a map without BTF.
    libbpf_rs::set_print(None);
    let mut object = ObjectBuilder::default().open_memory(MAPS_ALL).unwrap();
    for mut map in object.maps_mut().filter(|map| map.name() == "pinned_by_name") {
        map.set_autocreate(false).unwrap();
    }
    object
}

fn id(map: impl AsFd) -> u32 {
    MapInfo::new(map.as_fd()).unwrap().info.id
}

#[test]
fn there_and_back_it_is_the_same_map() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let skel = load();
        let before = open_fds();
        let ours = skel.maps.typed.map();
        let handle = MapHandle::try_from(ours).unwrap();
        let back = Map::try_from(&handle).unwrap();
        assert_eq!([id(ours), id(&handle), id(&back)], [id(ours); 3]);
        let fds = [ours.as_fd(), handle.as_fd(), back.as_fd()].map(|fd| fd.as_raw_fd());
        assert!(fds[0] != fds[1] && fds[1] != fds[2] && fds[0] != fds[2], "{fds:?}");
        assert_eq!(back.name(), "typed");
        assert_eq!((handle.key_size(), handle.value_size(), handle.max_entries()), (12, 16, 64));
        assert_eq!((back.key_size(), back.value_size(), back.max_entries()), (12, 16, 64));

        // Each lasts without those that it was made from.
        drop(skel);
        drop(handle);
        let typed: TypedMap<Flow, Totals> = TypedMap::new(back).unwrap();
        typed.insert(&Flow::default(), &Totals { packets: 1, bytes: 2 }).unwrap();
        assert_eq!(typed.get(&Flow::default()).unwrap(), Some(Totals { packets: 1, bytes: 2 }));
        drop(typed);
        assert!(open_fds().len() < before.len());
    });
}

#[test]
fn a_handle_has_the_name_of_the_kernel() {
    if !may_load() {
        return;
    }
    let skel = load();
    let handle = MapHandle::try_from(skel.maps.percpu_cgroup_storage.map()).unwrap();
    assert_eq!(handle.name(), "percpu_cgroup_s");
    assert_eq!(Map::try_from(&handle).unwrap().name(), "percpu_cgroup_s");
}

#[test]
fn maps_of_an_object_of_libbpf() {
    if !may_load() {
        return;
    }
    let mut object = open_libbpf().load().unwrap();
    let map = object.maps_mut().find(|map| map.name() == "a_map_with_quite_a_long_name").unwrap();
    let ours = [Map::try_from(&map).unwrap(), Map::try_from(&*map).unwrap()];
    assert_eq!(ours.each_ref().map(|map| (map.name(), id(map))), [("a_map_with_quite_a_long_name", id(&map)); 2]);
    let typed: TypedMap<u32, u32> = TypedMap::new(ours.into_iter().next().unwrap()).unwrap();
    typed.insert(&0, &7).unwrap();
    assert_eq!(map.lookup(&[0; 4], MapFlags::ANY).unwrap(), Some(7u32.to_ne_bytes().to_vec()));
    drop(object);
    assert_eq!(typed.get(&0).unwrap(), Some(7));
}

#[test]
fn a_skeleton_takes_a_map_of_libbpf() {
    if !may_load() {
        return;
    }
    let object = open_libbpf().load().unwrap();
    let map = |name: &str| object.maps().find(|map| map.name() == name).unwrap();
    let handle = MapHandle::try_from(&map("typed")).unwrap();
    let mut open = open();
    open.maps.typed.reuse_map(&handle).unwrap();
    // Or by a descriptor that it keeps.
    open.maps.inner_one.reuse_fd(map("inner_one").as_fd().try_clone_to_owned().unwrap()).unwrap();
    let error = open.maps.array.reuse_map(map("lru_hash")).unwrap_err();
    assert_eq!(error.to_string(), "reuse map array: its map_type is 9, and should be 2");
    let skel = open.load().unwrap();
    assert_eq!(id(&skel.maps.typed), id(&handle));
    assert_ne!(id(&skel.maps.array), id(map("array")));

    // The skeleton's program writes libbpf's map: slot 1 has inner_one.
    let args = [1u64.to_ne_bytes(), 40u64.to_ne_bytes()].concat();
    let run = TestRun { ctx_in: &args, ..TestRun::default() };
    assert_eq!(skel.progs.add_to_inner.test_run(run).unwrap().retval, 40);
    let found = map("inner_one").lookup(&[0; 4], MapFlags::ANY).unwrap();
    assert_eq!(found, Some(40u64.to_ne_bytes().to_vec()));
}

#[test]
fn libbpf_takes_a_map_of_a_skeleton() {
    if !may_load() {
        return;
    }
    let skel = load();
    let mut open = open_libbpf();
    for mut map in open.maps_mut().filter(|map| map.name() == "typed") {
        map.reuse_fd(skel.maps.typed.as_fd()).unwrap();
    }
    let object = open.load().unwrap();
    let libbpfs = object.maps().find(|map| map.name() == "typed").unwrap();
    assert_eq!(id(&libbpfs), id(&skel.maps.typed));
    libbpfs.update(&[0; 12], &[1; 16], MapFlags::NO_EXIST).unwrap();
    let ones = u64::from_ne_bytes([1; 8]);
    assert_eq!(skel.maps.typed.get(&Flow::default()).unwrap(), Some(Totals { packets: ones, bytes: ones }));
}

#[test]
fn a_ring_buffer_of_libbpf_reads_what_a_skeleton_writes() {
    if !may_load() {
        return;
    }
    let mut open = Counters::open().unwrap();
    open.rodata.target_pid = process::id();
    let skel = open.load().unwrap();
    let handle = MapHandle::try_from(&skel.maps.events).unwrap();
    let mut events = Vec::new();
    {
        let mut ring = RingBufferBuilder::new();
        ring.add(&handle, |event| {
            events.push(event.to_vec());
            0
        })
        .unwrap();
        let ring = ring.build().unwrap();
        for _ in 0..3 {
            skel.progs.on_exec.test_run(TestRun::default()).unwrap();
        }
        ring.consume().unwrap();
    }
    // struct exec_event begins with a running number.
    let ids: Vec<_> = events.iter().map(|event| u64::from_ne_bytes(event[..8].try_into().unwrap())).collect();
    assert_eq!((ids, events[0].len()), (vec![1, 2, 3], 40));
}

#[test]
fn without_the_capability_there_is_no_handle() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let skel = load();
        // Anyone but root: this process runs nothing else.
        // SAFETY: no memory is involved.
        assert_eq!(unsafe { libc::setresuid(65534, 65534, 65534) }, 0);
        let error = MapHandle::try_from(skel.maps.typed.map()).unwrap_err();
        assert_eq!((error.errno(), error.subject_name()), (Some(Errno::EPERM), Some("typed")));
        assert_eq!(error.operation(), "make a libbpf-rs handle of map");
        assert!(error.hint_text().unwrap().contains("CAP_SYS_ADMIN"), "{error}");
        let error = libbpf_rs::ProgramHandle::try_from(&skel.progs.tail_zero).unwrap_err();
        assert_eq!((error.errno(), error.subject_name()), (Some(Errno::EPERM), Some("tail_zero")));
    });
}

#[test]
fn without_descriptors_the_error_says_so() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let skel = load();
        let handle = MapHandle::try_from(skel.maps.typed.map()).unwrap();
        let limit = libc::rlimit { rlim_cur: 256, rlim_max: 256 };
        // SAFETY: the limit is there.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
        let _all_that_are_left: Vec<_> = iter::from_fn(|| handle.as_fd().try_clone_to_owned().ok()).collect();
        let there = MapHandle::try_from(skel.maps.typed.map()).unwrap_err();
        let back = Map::try_from(&handle).unwrap_err();
        for error in [there, back] {
            assert_eq!((error.errno(), error.subject_name()), (Some(Errno::EMFILE), Some("typed")), "{error}");
            assert!(error.hint_text().unwrap().contains("RLIMIT_NOFILE"), "{error}");
        }
    });
}
