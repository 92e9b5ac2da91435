//! Functions with two names.

use skelgen_runtime::{Program, TestRun};
use skelgen_tests::may_load;
use skelgen_tests::skeletons::aliases::Aliases;

use crate::info::prog_info;

#[test]
fn each_name_is_a_program() {
    if !may_load() {
        return;
    }
    let skel = Aliases::open().unwrap().load().unwrap();
    let progs = &skel.progs;
    let run = |program: &Program| {
        let ctx = [5u64, 0].map(u64::to_ne_bytes);
        program.test_run(TestRun { ctx_in: ctx.as_flattened(), ..TestRun::default() }).unwrap().retval
    };
    assert_eq!([&progs.first, &progs.second, &progs.other].map(run), [8, 8, 7]);
    // Both names of what they call are of one function.
    assert_eq!(skel.bss.get().runs, 4);
    assert_eq!((progs.first.name(), progs.second.name()), ("first", "second"));
    assert_ne!(prog_info(&progs.first).id, prog_info(&progs.second).id);
    assert_eq!(prog_info(&progs.second).name(), "second");
}

#[test]
fn one_of_them_can_be_left_out() {
    if !may_load() {
        return;
    }
    let mut open = Aliases::open().unwrap();
    open.progs.first.set_autoload(false);
    let skel = open.load().unwrap();
    assert!(!skel.progs.first.is_loaded() && skel.progs.second.is_loaded());
}
