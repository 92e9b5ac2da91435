//! Hidden, weak and uncalled functions.

use skelgen_runtime::TestRun;
use skelgen_tests::skeletons::exception_callback::ExceptionCallback;
use skelgen_tests::skeletons::linkage::Linkage;
use skelgen_tests::{kernel_version, may_load, not_on_this_kernel};

use crate::cpus::{online, run_on};
use crate::info::map_info;

#[test]
fn hidden_and_weak_things_are_like_others() {
    if !may_load() {
        return;
    }
    let mut open = Linkage::open().unwrap();
    assert_eq!((open.data.hidden_variable, open.data.weak_variable), (5, 6));
    open.data.weak_variable = 60;
    let skel = open.load().unwrap();
    // The kernel takes the pointer to the stack that a global function could not be given.
    assert_eq!(run_on(online().last(), &skel.progs.hidden_program, [0; 2]), 1 + 5 + 10 + 60);
    assert_eq!(run_on(online().last(), &skel.progs.weak_program, [0; 2]), 1);
    assert_eq!(map_info(skel.maps.hidden_map.map()).name(), "hidden_map");
    assert_eq!(map_info(skel.maps.weak_map.map()).name(), "weak_map");
}

#[test]
fn an_exception_callback_stands_behind_the_program() {
    if !may_load() {
        return;
    }
    if kernel_version() < (6, 7) {
        let mut open = ExceptionCallback::open().unwrap();
        open.progs.with_callback.set_autoload(false);
        assert!(open.load().is_ok());
        return not_on_this_kernel("exceptions came with Linux 6.7");
    }
    let skel = ExceptionCallback::open().unwrap().load().unwrap();
    let packet = [0; 64];
    let run = TestRun { data_in: &packet, ..TestRun::default() };
    let retvals =
        [&skel.progs.with_callback, &skel.progs.without_callback].map(|program| program.test_run(run).unwrap().retval);
    assert_eq!(retvals, [2, 3]);
}
