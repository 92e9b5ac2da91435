//! Elements in flexible arrays: programs and this process find initial values at the same offsets.

use skelgen_runtime::{Program, TestRun};
use skelgen_tests::may_load;
use skelgen_tests::skeletons::flexible::Flexible;

/// The element that the program finds.
fn element(program: &Program, number: u64) -> u32 {
    let context = [number.to_ne_bytes(), [0; 8]].concat();
    program.test_run(TestRun { ctx_in: &context, ..TestRun::default() }).unwrap().retval
}

#[test]
fn elements_are_where_the_programs_find_them() {
    if !may_load() {
        return;
    }
    let mut open = Flexible::open().unwrap();
    assert_eq!((open.data.list.items, open.data.longer.items), ([5, 6], [1, 2, 3]));
    assert_eq!(open.rodata.limits.items, [10]);
    open.data.list.items[1] = 60;
    open.data.packet.bytes[6] = 70;
    open.rodata.limits.items[0] = 100;
    let skel = open.load().unwrap();
    let program = &skel.progs.element;
    assert_eq!([0, 1, 2, 3, 4].map(|number| element(program, number)), [60, 3, 70, 100, 18]);
    let mut data = skel.data.get();
    data.longer.items[2] = 30;
    skel.data.set(&data);
    assert_eq!(element(program, 1), 30);
}
