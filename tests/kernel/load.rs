//! Loading, and what is left of it.

use skelgen_runtime::features;
use skelgen_tests::skeletons::counters::Counters;
use skelgen_tests::skeletons::many::Many;
use skelgen_tests::{in_own_process, is_from, may_load, open_fds};

#[test]
fn counters_loads_in_the_form_that_this_kernel_takes() {
    if !may_load() {
        return;
    }
    let skel = Counters::open().unwrap().load().unwrap();
    assert!(skel.progs.bump.is_loaded() && skel.progs.on_exec.is_loaded() && skel.progs.on_sys_enter.is_loaded());
    let features = features::probe().unwrap();
    // The kernel is asked, not its version; on these the answer is known.
    assert_eq!(features.all_cpus, is_from("BPF_F_CPU, BPF_F_ALL_CPUS"));
    assert_eq!(features.direct, is_from(".percpu addressed directly"));
}

#[test]
fn more_programs_and_maps_than_others_take() {
    if !may_load() {
        return;
    }
    let skel = Many::open().unwrap().load().unwrap();
    drop(skel);
}

#[test]
fn nothing_stays_open_once_the_skeleton_is_dropped() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let before = open_fds();
        let skel = Counters::open().unwrap().load().unwrap();
        assert!(open_fds().len() > before.len());
        drop(skel);
        assert_eq!(open_fds(), before);
    });
}
