//! struct_ops maps of a module's types. The module calls their programs when they are registered.

use skelgen_runtime::{Errno, OpenMap};
use skelgen_tests::skeletons::module_struct_ops::{ModuleStructOps, OpenMaps, OpenModuleStructOps};
use skelgen_tests::{TESTMOD, in_own_process, may_load_with, may_load_without, open_fds};

/// The object, with one of its maps to be created.
fn open(map: fn(&mut OpenMaps) -> &mut OpenMap) -> OpenModuleStructOps {
    let mut open = ModuleStructOps::open().unwrap();
    map(&mut open.maps).set_autocreate(true).unwrap();
    open
}

#[test]
fn the_module_calls_the_programs() {
    if !may_load_with(TESTMOD) {
        return;
    }
    let mut open = open(|maps| &mut maps.linked);
    assert_eq!(open.struct_ops.linked.data, 38);
    open.struct_ops.linked.data = 39;
    let skel = open.load().unwrap();
    assert_eq!(skel.bss.get().test_1_runs, 0);
    let links = skel.attach().unwrap();
    assert!(links.linked.is_some() && links.unlinked.is_none());
    let bss = skel.bss.get();
    assert_eq!((bss.test_1_runs, bss.a, bss.b), (1, 4, 39));
    drop(links);
    // Again, through another link.
    let link = skel.maps.linked.attach().unwrap();
    assert_eq!(skel.bss.get().test_1_runs, 2);
    // The module cannot change what is registered.
    assert_eq!(link.update_map(&skel.maps.linked).unwrap_err().errno(), Some(Errno::EOPNOTSUPP));
}

#[test]
fn without_a_link_it_does_as_well() {
    if !may_load_with(TESTMOD) {
        return;
    }
    let skel = open(|maps| &mut maps.unlinked).load().unwrap();
    assert!(skel.progs.test_2.is_loaded() && !skel.progs.test_1.is_loaded());
    let registered = skel.maps.unlinked.attach().unwrap();
    let bss = skel.bss.get();
    assert_eq!((bss.test_1_runs, bss.a, bss.b), (0, 4, 7));
    let unlinked = skel.maps.unlinked.get().unwrap();
    assert_eq!((unlinked.data, unlinked.test_1), (7, 0));
    assert!(unlinked.test_2 != 0);
    drop(registered);
}

#[test]
fn two_of_its_types_are_one_objects() {
    if !may_load_with(TESTMOD) {
        return;
    }
    let mut open = open(|maps| &mut maps.linked);
    open.maps.other.set_autocreate(true).unwrap();
    let skel = open.load().unwrap();
    let _links = skel.attach().unwrap();
    let bss = skel.bss.get();
    assert_eq!((bss.test_1_runs, bss.other_runs), (1, 1));
}

#[test]
fn the_verifier_knows_what_the_module_says_of_arguments() {
    if !may_load_with(TESTMOD) {
        return;
    }
    let error = open(|maps| &mut maps.without_check).load().unwrap_err();
    assert_eq!((error.operation(), error.subject_name()), ("load program", Some("unchecked")));
    assert_eq!(error.errno(), Some(Errno::EACCES));
    assert!(error.to_string().contains("trusted_ptr_or_null_"), "{error}");
}

#[test]
fn a_member_that_the_module_does_not_call_takes_no_program() {
    if !may_load_with(TESTMOD) {
        return;
    }
    let error = open(|maps| &mut maps.with_unsupported).load().unwrap_err();
    assert_eq!((error.operation(), error.subject_name()), ("load program", Some("unsupported")));
    assert_eq!(error.errno(), Some(Errno::ENOTSUPP));
    let words = "attach to unsupported member unsupported_ops of struct bpf_testmod_ops";
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn without_the_module_its_type_is_named() {
    if !may_load_without(TESTMOD) {
        return;
    }
    let error = open(|maps| &mut maps.linked).load().unwrap_err();
    let expected = "module_struct_ops: lay out struct_ops map linked: this kernel has no `struct bpf_testmod_ops`: there \
                    is no bpf_struct_ops_bpf_testmod_ops in its BTF or in a module's";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn nothing_stays_open() {
    if !may_load_with(TESTMOD) {
        return;
    }
    in_own_process(|| {
        let before = open_fds();
        let skel = open(|maps| &mut maps.linked).load().unwrap();
        let links = skel.attach().unwrap();
        drop((skel, links));
        open(|maps| &mut maps.without_check).load().unwrap_err();
        assert_eq!(open_fds(), before);
    });
}
