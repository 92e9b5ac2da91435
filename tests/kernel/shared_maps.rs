//! Maps that skeletons share: handed over, or by a name in a BPF file system.

use std::fs;
use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};
use std::process;

use skelgen_runtime::{Errno, Map, unpin};
use skelgen_tests::skeletons::maps_all::types::{Flow, Totals};
use skelgen_tests::skeletons::maps_all::{Maps, MapsAll};
use skelgen_tests::{Part, in_own_process, matrix, may_load, not_run, open_fds};

use crate::info::map_info;
use crate::maps::{load, open};

const BPF_FS: &str = "/sys/fs/bpf";

/// Takes a pin away, also if its test fails.
struct Unpin(PathBuf);

impl Drop for Unpin {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A place for the running test's pins. Nothing, and noted, if there is no BPF file system.
fn pin_path(what: &str) -> Option<Unpin> {
    let mounts = fs::read_to_string("/proc/self/mounts").expect("/proc is mounted");
    // device, place, kind, ...
    if !mounts.lines().any(|line| line.split(' ').skip(1).take(2).eq([BPF_FS, "bpf"])) {
        not_run(Part::Live, format!("no BPF file system is mounted at {BPF_FS}"));
        return None;
    }
    Some(Unpin(Path::new(BPF_FS).join(format!("skelgen_{what}_{}", process::id()))))
}

#[test]
fn a_map_handed_in_is_the_same_map() {
    if !may_load() {
        return;
    }
    let first = load();
    let flow = Flow { source: 1, ..Flow::default() };
    first.maps.typed.insert(&flow, &Totals { packets: 5, bytes: 6 }).unwrap();

    let mut open = open();
    open.maps.typed.reuse_map(first.maps.typed.map()).unwrap();
    open.maps.array.reuse_fd(first.maps.array.as_fd().try_clone_to_owned().unwrap()).unwrap();
    let error = open.maps.typed.set_max_entries(5).unwrap_err();
    assert!(error.to_string().contains("exists already"), "{error}");
    let second = open.load().unwrap();
    let ids = |maps: &Maps| [map_info(&maps.typed).id, map_info(&maps.array).id];
    assert_eq!(ids(&first.maps), ids(&second.maps));
    assert_ne!(map_info(&first.maps.lru_hash).id, map_info(&second.maps.lru_hash).id);
    assert_eq!(second.maps.typed.get(&flow).unwrap(), Some(Totals { packets: 5, bytes: 6 }));
    second.maps.array.insert(&2, &Totals { packets: 7, bytes: 8 }).unwrap();
    assert_eq!(first.maps.array.get(&2).unwrap(), Some(Totals { packets: 7, bytes: 8 }));

    // It belongs to both.
    drop(first);
    assert!(second.maps.typed.delete(&flow).unwrap());
}

#[test]
fn a_map_that_does_not_fit_is_refused_in_words() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let lender = load();
        let mut open = open();
        let before = open_fds();
        let refused = [
            (open.maps.typed.reuse_map(lender.maps.lru_hash.map()), "typed: its map_type is 9, and should be 1"),
            (open.maps.typed.reuse_map(&lender.maps.half_typed), "typed: its key_size is 8, and should be 12"),
            (open.maps.array.reuse_map(lender.maps.inner_one.map()), "array: its value_size is 8, and should be 16"),
        ];
        for (result, words) in refused {
            assert_eq!(result.unwrap_err().to_string(), format!("reuse map {words}"));
        }
        // What is no map at all.
        let file = fs::File::open("/proc/self/stat").unwrap();
        let error = open.maps.array.reuse_fd(file.try_clone().unwrap()).unwrap_err();
        assert_eq!(error.subject_name(), Some("array"));
        assert!(error.to_string().contains("/stat"), "{error}");
        drop(file);
        // The lender's are open, copies of them are not.
        assert_eq!(open_fds(), before);
        let skel = open.load().unwrap();
        assert_ne!(map_info(&skel.maps.typed).id, map_info(&lender.maps.lru_hash).id);
        drop(skel);
        assert_eq!(open_fds(), before);
    });
}

#[test]
fn a_failed_load_leaves_what_was_handed_in() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let lender = load();
        let before = open_fds();
        let mut open = open();
        open.maps.typed.reuse_map(lender.maps.typed.map()).unwrap();
        open.maps.inner_one.reuse_map(lender.maps.inner_one.map()).unwrap();
        open.maps.lru_hash.set_max_entries(0).unwrap();
        let error = open.load().unwrap_err();
        assert_eq!(error.subject_name(), Some("lru_hash"));
        assert_eq!(open_fds(), before);
        assert!(lender.maps.typed.as_fd().as_raw_fd() >= 0 && lender.maps.typed.iter().count() == 0);
        assert_eq!(lender.maps.inner_one.get(&0).unwrap(), Some(0));
    });
}

#[test]
fn a_pinned_map_is_found_again() {
    if !may_load() {
        return;
    }
    let Some(pin) = pin_path("found_again") else { return };
    let open_pinned = || {
        let mut open = open();
        assert_eq!(open.maps.pinned_by_name.pin_path(), None);
        open.maps.pinned_by_name.set_pin_path(&pin.0);
        open
    };
    let first = open_pinned().load().unwrap();
    let id = map_info(&first.maps.pinned_by_name).id;
    assert!(fs::exists(&pin.0).unwrap());
    first.maps.pinned_by_name.insert(&3, &33).unwrap();
    drop(first);

    // It outlives its skeleton, and the next one has it.
    let second = open_pinned().load().unwrap();
    assert_eq!(map_info(&second.maps.pinned_by_name).id, id);
    assert_eq!(second.maps.pinned_by_name.get(&3).unwrap(), Some(33));
    let by_path = Map::pinned(&pin.0).unwrap();
    assert_eq!(map_info(&by_path).id, id);

    // Another kind of map does not take its place.
    let mut other = open();
    other.maps.typed.set_pin_path(&pin.0);
    let error = other.load().unwrap_err();
    assert_eq!(error.to_string(), "maps_all: reuse map typed: its map_type is 2, and should be 1");

    unpin(&pin.0).unwrap();
    assert_eq!(unpin(&pin.0).unwrap_err().errno(), Some(Errno::ENOENT));
    assert_eq!(second.maps.pinned_by_name.get(&3).unwrap(), Some(33));
    assert_ne!(map_info(&open_pinned().load().unwrap().maps.pinned_by_name).id, id);
}

#[test]
fn a_failed_load_leaves_no_pin() {
    if !may_load() {
        return;
    }
    let Some(pin) = pin_path("failed_load") else { return };
    let mut open = open();
    open.maps.pinned_by_name.set_pin_path(&pin.0);
    open.maps.lru_hash.set_max_entries(0).unwrap();
    assert!(open.load().is_err() && !fs::exists(&pin.0).unwrap());

    // Nor if it is a later pin that fails.
    let mut open = self::open();
    open.maps.pinned_by_name.set_pin_path(&pin.0);
    open.maps.array.set_pin_path(Path::new(BPF_FS).join("no_such_folder/array"));
    let error = open.load().unwrap_err();
    assert_eq!(error.errno(), Some(Errno::ENOENT), "{error}");
    assert!(error.to_string().contains("no_such_folder/array"), "{error}");
    assert!(!fs::exists(&pin.0).unwrap());
}

#[test]
fn maps_programs_and_links_can_be_pinned_by_hand() {
    if !may_load() {
        return;
    }
    let Some(pin) = pin_path("by_hand") else { return };
    let skel = load();
    skel.maps.array.map().pin(&pin.0).unwrap();
    assert_eq!(skel.maps.typed.map().pin(&pin.0).unwrap_err().errno(), Some(Errno::EEXIST));
    unpin(&pin.0).unwrap();
    skel.progs.tail_zero.pin(&pin.0).unwrap();
    // A program is no map, though the kernel answers questions about either.
    for error in [
        Map::pinned(&pin.0).unwrap_err(),
        open().maps.array.reuse_fd(skel.progs.tail_zero.fd().unwrap().try_clone_to_owned().unwrap()).unwrap_err(),
    ] {
        assert!(error.to_string().contains("not a map's, but of anon_inode:bpf-prog"), "{error}");
    }
    unpin(&pin.0).unwrap();
    let error = skel.maps.array.map().pin("/proc/self/no_pins_here").unwrap_err();
    assert!(error.to_string().contains("/proc/self/no_pins_here"), "{error}");
}

/// The one place that other processes know as well: only where there are none.
#[test]
fn a_map_is_pinned_by_its_name() {
    if !may_load() {
        return;
    }
    let mut open = MapsAll::open().unwrap();
    let pin = Unpin(Path::new(BPF_FS).join("pinned_by_name"));
    assert_eq!(open.maps.pinned_by_name.pin_path(), Some(&*pin.0));
    assert_eq!(open.maps.typed.pin_path(), None);
    if matrix().is_none() {
        std::mem::forget(pin);
        open.maps.pinned_by_name.clear_pin_path();
        assert_eq!(open.maps.pinned_by_name.pin_path(), None);
        return;
    }
    let id = map_info(&open.load().unwrap().maps.pinned_by_name).id;
    assert_eq!(map_info(&MapsAll::open().unwrap().load().unwrap().maps.pinned_by_name).id, id);
}
