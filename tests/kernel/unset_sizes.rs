//! Maps whose sizes the object leaves at 0, and programs of an object without a license.

use skelgen::Skeleton as Generated;
use skelgen::plan::PlanOptions;
use skelgen_runtime::{Errno, PerCpuMode, TestRun, Update};
use skelgen_tests::may_load;
use skelgen_tests::skeletons::no_license::NoLicense;
use skelgen_tests::skeletons::unset_sizes::{OpenUnsetSizes, UnsetSizes};

/// Levels of a stack.
const DEPTH: u32 = 127;

/// The object, with all sizes set.
fn open() -> OpenUnsetSizes {
    let mut open = UnsetSizes::open().unwrap();
    open.maps.stacks.set_value_size(DEPTH * 8).unwrap();
    open.maps.counts.set_max_entries(64).unwrap();
    open.maps.names.set_key_size(64).unwrap();
    open
}

#[test]
fn maps_have_the_sizes_that_are_set() {
    if !may_load() {
        return;
    }
    let mut open = open();
    assert_eq!((open.maps.stacks.value_size(), open.maps.names.key_size()), (DEPTH * 8, 64));
    open.maps.names.set_value_size(24).unwrap();
    let skel = open.load().unwrap();
    let maps = &skel.maps;
    assert_eq!((maps.stacks.value_size(), maps.names.key_size(), maps.names.value_size()), (1016, 64, 24));

    let id = skel.progs.stack.test_run(TestRun { ctx_in: &[0; 16], ..TestRun::default() }).unwrap().retval;
    let frames = maps.stacks.lookup(&id.to_ne_bytes()).unwrap().expect("the stack that the program returned");
    assert_eq!(frames.len(), 1016);
    assert_ne!(frames[..8], [0; 8], "the kernel's address that called it");
    assert_eq!(maps.counts.get(&id).unwrap(), Some(1));

    let named = || skel.progs.named.test_run(TestRun { ctx_in: &[0; 16], ..TestRun::default() }).unwrap().retval;
    assert_eq!(named(), 0);
    maps.names.update(&[0; 64], &[7; 24], Update::Any).unwrap();
    assert_eq!(named(), 1);
}

#[test]
fn a_size_that_is_not_set_is_named() {
    if !may_load() {
        return;
    }
    type Unset = fn(&mut OpenUnsetSizes);
    let cases: [(Unset, &str, &str); 3] = [
        (|open| open.maps.stacks.set_value_size(0).unwrap(), "stacks", "value_size"),
        (|open| open.maps.counts.set_max_entries(0).unwrap(), "counts", "max_entries"),
        (|open| open.maps.names.set_key_size(0).unwrap(), "names", "key_size"),
    ];
    for (unset, map, size) in cases {
        let mut open = open();
        unset(&mut open);
        let error = open.load().unwrap_err();
        assert_eq!((error.operation(), error.subject_name()), ("create map", Some(map)), "{error}");
        let hint = format!("the object leaves {size} at 0: set it before the load");
        assert_eq!(error.hint_text(), Some(hint.as_str()), "{error}");
    }
    // A size that the object has, and the caller took away.
    let mut sized = crate::maps::open();
    sized.maps.lru_hash.set_max_entries(0).unwrap();
    let error = sized.load().unwrap_err();
    let hint = "max_entries was set to 0 before the load: leave it as the object has it, or set another size";
    assert_eq!((error.subject_name(), error.hint_text()), (Some("lru_hash"), Some(hint)), "{error}");
    // Another error does not blame the size.
    let mut open = open();
    open.maps.stacks.set_value_size(7).unwrap();
    let error = open.load().unwrap_err();
    assert_eq!((error.errno(), error.hint_text()), (Some(Errno::EINVAL), None), "{error}");
}

#[test]
fn a_map_with_elements_in_the_object_keeps_its_sizes() {
    if !may_load() {
        return;
    }
    let mut open = crate::maps::open();
    open.maps.hash_of_maps_filled.set_key_size(64).unwrap();
    let error = open.load().unwrap_err();
    assert_eq!((error.operation(), error.subject_name()), ("create map", Some("hash_of_maps_filled")), "{error}");
    assert!(error.to_string().contains("the object has elements for it, with keys of 4 bytes"), "{error}");
    // Without elements any size is the user's.
    let mut open = crate::maps::open();
    open.maps.hash_of_maps.set_key_size(64).unwrap();
    assert_eq!(open.load().unwrap().maps.hash_of_maps.key_size(), 64);
}

#[test]
fn types_of_other_sizes_are_refused() {
    if !may_load() {
        return;
    }
    let mut open = open();
    open.maps.counts.set_value_size(16).unwrap();
    let error = open.load().unwrap_err();
    assert_eq!(error.subject_name(), Some("counts"), "{error}");
    assert!(error.to_string().contains("16"), "{error}");
    // An existing map with other sizes cannot replace it either.
    let mut other = UnsetSizes::open().unwrap();
    assert!(other.maps.stacks.reuse_map(&self::open().load().unwrap().maps.stacks).is_err());
}

#[test]
fn a_gpl_only_helper_needs_a_license() {
    if !may_load() {
        return;
    }
    let error = NoLicense::open().unwrap().load().unwrap_err();
    assert_eq!(error.subject_name(), Some("needs_gpl"));
    let hint = error.hint_text().unwrap();
    assert!(hint.starts_with("the object has no section `license`") && hint.contains("--license"), "{error}");
}

#[test]
fn a_license_can_be_given_to_the_generator() {
    if !may_load() {
        return;
    }
    let bytes = include_bytes!("../../fixtures/bad/no_license.bpf.o");
    for (license, loads) in [("GPL", true), ("Proprietary", false)] {
        let options = PlanOptions { license: Some(license.to_owned()), ..PlanOptions::default() };
        let skeleton = Generated::with(&options, "no_license.bpf.o", bytes).unwrap();
        assert_eq!(skeleton.plan.license, license);
        let loaded = crate::in_memory::load(&skeleton.plan, PerCpuMode::Auto);
        assert_eq!(loaded.is_ok(), loads, "{license}");
        // Its own license is not GPL-compatible.
        assert_eq!(loaded.err().and_then(|error| error.hint_text().map(str::to_owned)), None);
    }
}
