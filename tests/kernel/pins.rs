//! Names in a BPF file system: what has one outlives its skeleton, and is found again.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::{fs, process, thread};

use skelgen::object::MapDef;
use skelgen_runtime::uapi::BPF_MAP_TYPE_BLOOM_FILTER;
use skelgen_runtime::{Errno, Map, PerCpuMode, unpin};
use skelgen_tests::skeletons::attach_all::{AttachAll, LoadedAttachAll};
use skelgen_tests::skeletons::maps_all::MapsAll;
use skelgen_tests::{BPF_FS, matrix, may_load, may_pin};

use crate::in_memory;
use crate::info::map_info;
use crate::maps::{load, open};
use crate::watch::{runs, stops};

/// Takes a pin away, also if its test fails.
pub(crate) struct Unpin(pub(crate) PathBuf);

impl Drop for Unpin {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A place for the running test's pins. Nothing, and noted, if there is no BPF file system.
pub(crate) fn pin_path(what: &str) -> Option<Unpin> {
    may_pin().then(|| Unpin(Path::new(BPF_FS).join(format!("skelgen_{what}_{}", process::id()))))
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

    unpin(&pin.0).unwrap();
    assert_eq!(unpin(&pin.0).unwrap_err().errno(), Some(Errno::ENOENT));
    assert_eq!(second.maps.pinned_by_name.get(&3).unwrap(), Some(33));
    assert_ne!(map_info(&open_pinned().load().unwrap().maps.pinned_by_name).id, id);
}

/// Each looks for the map before the others have pinned theirs: all but one are too late, and have to take that one's.
#[test]
fn loads_at_the_same_time_share_what_is_pinned() {
    const LOADS: usize = 4;
    if !may_load() {
        return;
    }
    for round in 0..8 {
        let Some(one) = pin_path(&format!("same_time_{round}")) else { return };
        let Some(other) = pin_path(&format!("same_time_other_{round}")) else { return };
        let start = Barrier::new(LOADS);
        // In one order and in the other.
        let load = |index: usize| {
            let mut open = open();
            let in_order = index.is_multiple_of(2);
            let [first, second] = if in_order { [&one.0, &other.0] } else { [&other.0, &one.0] };
            open.maps.inner_one.set_pin_path(first);
            open.maps.inner_two.set_pin_path(second);
            start.wait();
            let skel = open.load().unwrap();
            let ids = [&skel.maps.inner_one, &skel.maps.inner_two].map(|map| map_info(map).id);
            if in_order { ids } else { [ids[1], ids[0]] }
        };
        let pinned: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..LOADS).map(|index| scope.spawn(move || load(index))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(pinned, [pinned[0]; LOADS], "in round {round}");
        assert_eq!(map_info(Map::pinned(&one.0).unwrap()).id, pinned[0][0]);
    }
}

#[test]
fn a_pin_that_cannot_be_made_nor_found_is_an_error() {
    if !may_load() {
        return;
    }
    let (Some(first), Some(pin)) = (pin_path("leads"), pin_path("nowhere")) else { return };
    symlink("/sys/fs/bpf/skelgen_is_not_there", &pin.0).unwrap();
    let mut open = open();
    open.maps.array.set_pin_path(&first.0);
    open.maps.inner_one.set_pin_path(&pin.0);
    let error = open.load().unwrap_err();
    assert_eq!((error.operation(), error.errno()), ("pin at", Some(Errno::EEXIST)), "{error}");
    assert_eq!(error.subject_name(), pin.0.to_str(), "{error}");
    assert!(!fs::exists(&first.0).unwrap());
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
fn a_pinned_map_must_be_the_one_that_is_wanted() {
    if !may_load() {
        return;
    }
    let Some(pin) = pin_path("wanted") else { return };
    let skel = load();
    skel.maps.array.map().pin(&pin.0).unwrap();
    let mut open = open();
    open.maps.typed.set_pin_path(&pin.0);
    let error = open.load().unwrap_err();
    assert_eq!(error.reason(), Some("its map_type is 2, and should be 1"), "{error}");
    assert!(error.to_string().contains(pin.0.to_str().unwrap()), "{error}");

    // Handed over, another size is the user's will; found, it is not.
    let mut open = self::open();
    open.maps.array.set_pin_path(&pin.0);
    open.maps.array.set_max_entries(9).unwrap();
    let error = open.load().unwrap_err();
    assert_eq!(error.subject_name(), Some("array"));
    assert!(error.reason().is_some_and(|why| why.contains("its max_entries is 8, and should be 9")), "{error}");
    assert!(error.to_string().contains(pin.0.to_str().unwrap()), "{error}");

    unpin(&pin.0).unwrap();
    skel.maps.inner_one.map().pin(&pin.0).unwrap();
    let mut open = self::open();
    open.maps.with_flags.set_pin_path(&pin.0);
    open.maps.with_flags.set_max_entries(1).unwrap();
    let error = open.load().unwrap_err();
    assert!(error.reason().is_some_and(|why| why.contains("its map_flags is 0, and should be 1152")), "{error}");

    // A size that the machine rounds up is the same size again.
    unpin(&pin.0).unwrap();
    skel.maps.ringbuf.pin(&pin.0).unwrap();
    let mut open = self::open();
    open.maps.ringbuf.set_pin_path(&pin.0);
    assert_eq!(map_info(&open.load().unwrap().maps.ringbuf).id, map_info(&skel.maps.ringbuf).id);
}

#[test]
fn maps_and_programs_can_be_pinned_by_hand() {
    if !may_load() {
        return;
    }
    let Some(pin) = pin_path("by_hand") else { return };
    let skel = load();
    skel.maps.array.map().pin(&pin.0).unwrap();
    let error = skel.maps.typed.map().pin(&pin.0).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EEXIST), "{error}");
    assert_eq!(error.hint_text(), Some("something is pinned there already"), "{error}");
    // An ordinary file is no pin.
    let error = skel.maps.typed.map().pin("/proc/self/status").unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EEXIST), "{error}");
    let hint = error.hint_text().unwrap();
    assert!(hint.starts_with("a file is there already, and not in a BPF file system"), "{error}");
    unpin(&pin.0).unwrap();
    skel.progs.tail_zero.pin(&pin.0).unwrap();
    let error = Map::pinned(&pin.0).unwrap_err();
    assert!(error.to_string().contains("not a map's, but of anon_inode:bpf-prog"), "{error}");
    unpin(&pin.0).unwrap();
    let error = skel.maps.array.map().pin("/proc/self/no_pins_here").unwrap_err();
    assert!(error.to_string().contains("/proc/self/no_pins_here"), "{error}");
}

#[test]
fn a_pinned_link_keeps_its_program_attached() {
    if !may_load() {
        return;
    }
    let Some(pin) = pin_path("link") else { return };
    let mut open = AttachAll::open().unwrap();
    let progs = &mut open.progs;
    for other in [&mut progs.on_fentry, &mut progs.on_fexit, &mut progs.on_fmod_ret, &mut progs.on_lsm] {
        other.set_autoload(false);
    }
    let skel = open.load().unwrap();
    let links = skel.attach().unwrap();
    links.on_raw_tp.as_ref().unwrap().pin(&pin.0).unwrap();
    drop(links);
    let LoadedAttachAll { bss, progs, .. } = skel;
    drop(progs);
    let act = || drop(fs::read("/proc/self/stat").unwrap());
    runs("on_raw_tp", || bss.get().raw_tp_runs, act);
    unpin(&pin.0).unwrap();
    stops("on_raw_tp", || bss.get().raw_tp_runs, act);
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

#[test]
fn a_pinned_map_has_to_have_the_same_extra() {
    if !may_load() {
        return;
    }
    let Some(pin) = pin_path("extra") else { return };
    // As `bloom` of maps_all, but with fewer hash functions.
    let map = |map_extra| skelgen::object::Map {
        name: "bloom".to_owned(),
        kernel_name: "bloom".to_owned(),
        def: MapDef {
            map_type: BPF_MAP_TYPE_BLOOM_FILTER,
            value_size: 8,
            max_entries: 128,
            map_extra,
            ..MapDef::default()
        },
        inner: None,
        slots: Vec::new(),
        data: None,
        struct_ops: None,
        arena: None,
    };
    let object = in_memory::object("fewer", vec![map(2)], Vec::new());
    let fewer = in_memory::load(&in_memory::plan_of(&object), PerCpuMode::Auto).unwrap().map(0).unwrap();
    fewer.pin(&pin.0).unwrap();
    let open_pinned = || {
        let mut open = open();
        open.maps.bloom.set_pin_path(&pin.0);
        open
    };
    let error = open_pinned().load().unwrap_err();
    assert_eq!((error.subject_name(), error.reason()), (Some("bloom"), Some("its map_extra is 2, and should be 3")));
    unpin(&pin.0).unwrap();
    open_pinned().load().unwrap();
    open_pinned().load().unwrap();
}
