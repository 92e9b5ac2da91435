//! Maps that one skeleton hands to another.

use std::fs::File;
use std::os::fd::AsFd;

use skelgen_tests::skeletons::maps_all::Maps;
use skelgen_tests::skeletons::maps_all::types::{Flow, Totals};
use skelgen_tests::{in_own_process, may_load, open_fds};

use crate::info::map_info;
use crate::maps::{load, open};

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
        // What is no map at all: the kernel answers questions about a program as well.
        let program = lender.progs.tail_zero.fd().unwrap().try_clone_to_owned().unwrap();
        let error = open.maps.array.reuse_fd(program).unwrap_err();
        assert!(error.to_string().contains("not a map's, but of anon_inode:bpf-prog"), "{error}");
        let file = File::open("/proc/self/stat").unwrap();
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
        assert_eq!(lender.maps.typed.iter().count(), 0);
        assert_eq!(lender.maps.inner_one.get(&0).unwrap(), Some(0));
    });
}
