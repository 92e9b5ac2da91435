//! Variables that differ from their C declarations: statics that the compiler cut, and addresses that nothing fills in.

use skelgen_runtime::{Program, TestRun};
use skelgen_tests::may_load;
use skelgen_tests::skeletons::statics::Statics;
use skelgen_tests::skeletons::unread_addresses::UnreadAddresses;

use crate::info::map_info;

fn run(program: &Program) -> u32 {
    program.test_run(TestRun::default()).unwrap().retval
}

#[test]
fn pieces_of_statics_have_initial_values_and_are_written_and_read() {
    if !may_load() {
        return;
    }
    let mut open = Statics::open().unwrap();
    let first = (open.data.limits_0, open.data.limits_1, open.data.taken_0_, open.data.taken_1);
    assert_eq!(first, (7u64.to_ne_bytes(), 9u64.to_ne_bytes(), 1u32.to_ne_bytes(), 2u64.to_ne_bytes()));
    assert_eq!(open.data.taken_0, 3, "a variable of this name in C");
    open.data.limits_0 = 70u64.to_ne_bytes();
    let skel = open.load().unwrap();
    // armed, last.time, limits[0] and limits[2]
    assert_eq!(run(&skel.progs.look), 70 + 9);
    assert_eq!(run(&skel.progs.arm), 0);
    assert_eq!(run(&skel.progs.look), 1000 + 17 + 71 + 11);
    let bss = skel.bss.get();
    assert_eq!((bss.armed, bss.last_1), ([1], [1]));
    let value_type = |map| map_info(map).btf_value_type_id;
    assert!(value_type(skel.data.map()) > 0 && value_type(skel.bss.map()) > 0, "the kernel takes the object's types");
}

#[test]
fn a_variable_that_btf_has_in_another_section_is_where_it_is() {
    if !may_load() {
        return;
    }
    let open = Statics::open().unwrap();
    let skel = open.load().unwrap();
    run(&skel.progs.look);
    let bss = skel.bss.get();
    assert_eq!((bss.global_either.as_large(), bss.static_either.as_large()), (2, 3));
    let value_type = |map| map_info(map).btf_value_type_id;
    assert!(value_type(skel.data.map()) > 0 && value_type(skel.bss.map()) > 0, "the kernel takes the moved entries");
}

#[test]
fn an_address_that_no_program_reads_stays_as_it_is_in_the_object() {
    if !may_load() {
        return;
    }
    let skel = UnreadAddresses::open().unwrap().load().unwrap();
    let data = skel.data.get();
    let operations = (data.operations.flags, data.operations.handler, data.operations.name, data.operations.counter);
    assert_eq!(operations, (1, 0, 0, 0));
    assert_eq!(skel.rodata.get().constant.flags, 2);
    for (_, percpu) in skel.percpu.iter().unwrap() {
        assert_eq!((percpu.percpu.flags, percpu.percpu.counter, percpu.calls), (3, 0, 4));
    }
    assert_eq!(run(&skel.progs.counts), 4);
    assert_eq!(run(&skel.progs.handler), 2);
}
