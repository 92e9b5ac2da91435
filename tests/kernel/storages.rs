//! Local storages, whose refusal a loader program must not wait for.

use skelgen_runtime::Errno;
use skelgen_runtime::uapi::BPF_F_NO_PREALLOC;
use skelgen_tests::skeletons::maps_all::MapsAll;
use skelgen_tests::skeletons::storage_key::StorageKey;
use skelgen_tests::{in_own_process, matrix, may_load, open_fds};

use crate::info::map_info;

/// In guests only: a kernel that waits here waits for ever, and for nothing but its next boot.
#[test]
fn one_that_is_refused_is_an_error() {
    if matrix().is_none() {
        return;
    }
    let error = StorageKey::open().unwrap().load().unwrap_err();
    assert_eq!((error.operation(), error.subject_name()), ("create map", Some("storage")), "{error}");
    assert_eq!(error.errno(), Some(Errno::EINVAL), "{error}");
}

#[test]
fn it_has_the_types_that_the_object_gives_it() {
    if !may_load() {
        return;
    }
    let skel = MapsAll::open().unwrap().load().unwrap();
    let info = map_info(&skel.maps.task_storage);
    assert_ne!(info.btf_value_type_id, 0);
    assert_eq!(info.name(), "task_storage");
    assert!(info.map_flags.has(BPF_F_NO_PREALLOC));
}

#[test]
fn the_types_do_not_stay_open() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let before = open_fds();
        drop(MapsAll::open().unwrap().load().unwrap());
        assert_eq!(open_fds(), before);
    });
}
