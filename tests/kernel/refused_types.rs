//! An object whose types the kernel refuses: everything loads that can without them, and what cannot says why.

use skelgen_runtime::TestRun;
use skelgen_tests::may_load;
use skelgen_tests::skeletons::refused_types::RefusedTypes;

use crate::info::map_info;

#[test]
fn what_needs_no_types_works_without() {
    if !may_load() {
        return;
    }
    let mut open = RefusedTypes::open().unwrap();
    open.rodata.step = 3;
    open.percpu.here = 1000;
    let skel = open.load().unwrap();

    let ctx: Vec<u8> = [7u64, 0].into_iter().flat_map(u64::to_ne_bytes).collect();
    let ran = skel.progs.add.test_run(TestRun { ctx_in: &ctx, ..TestRun::default() }).unwrap();
    assert_eq!(ran.retval, 43 + 1001);
    assert_eq!(skel.data.get().sum, 43);
    assert_eq!(skel.maps.seen.get(&7).unwrap(), Some(43));
    assert_eq!(map_info(&skel.maps.seen).btf_value_type_id, 0);
}

#[test]
fn a_program_that_needs_them_is_refused_with_what_is_wrong_with_them() {
    if !may_load() {
        return;
    }
    let mut open = RefusedTypes::open().unwrap();
    open.progs.add_core.set_autoload(true);
    let error = open.load().unwrap_err();
    assert_eq!(error.operation(), "load the BTF");
    let log = error.verifier_log().unwrap();
    assert!(log.contains("never_defined"), "{log}");
}
