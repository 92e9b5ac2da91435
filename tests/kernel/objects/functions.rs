//! Functions that nothing calls.

use skelgen_runtime::TestRun;
use skelgen_tests::skeletons::exception_callback::ExceptionCallback;
use skelgen_tests::{kernel_version, may_load, not_on_this_kernel};

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
