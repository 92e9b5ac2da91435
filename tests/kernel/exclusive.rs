//! Maps that one program alone may use.

use skelgen_runtime::{Errno, Error, PerCpuMode, TestRun, features};
use skelgen_tests::skeletons::counters::Counters;
use skelgen_tests::skeletons::exclusive::{Exclusive, OpenExclusive};
use skelgen_tests::{came_later, is_from, may_load, not_on_this_kernel};

use crate::info::map_info;
use crate::maps;

/// Nothing if the kernel has no exclusive maps, which then has to be said of `open`.
fn opened() -> Option<OpenExclusive> {
    let mut open = may_load().then(|| Exclusive::open().unwrap())?;
    if is_from("exclusive maps") {
        return Some(open);
    }
    open.maps.secret.set_exclusive_program(&open.progs.owner).unwrap();
    let error = open.load().unwrap_err();
    let why = came_later("exclusive maps").replace("exclusive maps", "this kernel has no exclusive maps, which");
    assert_eq!((error.operation(), error.subject_name(), error.reason()), ("create map", Some("secret"), Some(&*why)));
    not_on_this_kernel(came_later("exclusive maps"));
    None
}

fn is_denied(error: &Error, program: &str) {
    assert_eq!(
        (error.operation(), error.subject_name(), error.errno()),
        ("load program", Some(program), Some(Errno::EACCES)),
        "{error}"
    );
    assert!(error.verifier_log().is_some_and(|log| log.contains("hash doesn't match map's excl_prog_hash")), "{error}");
}

#[test]
fn one_program_alone_may_use_a_map() {
    let Some(mut open) = opened() else { return };
    open.maps.secret.set_exclusive_program(&open.progs.owner).unwrap();
    open.progs.other.set_autoload(false);
    let skel = open.load().unwrap();
    skel.progs.owner.test_run(TestRun::default()).unwrap();
    assert_eq!(skel.maps.secret.get(&0).unwrap(), Some(1));

    let mut open = opened().unwrap();
    open.maps.secret.set_exclusive_program(&open.progs.owner).unwrap();
    is_denied(&open.load().unwrap_err(), "other");
    // Whether the one is loaded does not matter.
    let mut open = opened().unwrap();
    open.maps.secret.set_exclusive_program(&open.progs.owner).unwrap();
    open.progs.owner.set_autoload(false);
    is_denied(&open.load().unwrap_err(), "other");
    let mut open = opened().unwrap();
    open.maps.secret.set_exclusive_program(&open.progs.other).unwrap();
    is_denied(&open.load().unwrap_err(), "owner");
}

#[test]
fn variables_can_be_one_programs_own() {
    let Some(mut open) = opened() else { return };
    open.progs.other.set_autoload(false);
    open.data.state = 41;
    open.rodata.step = 2;
    open.maps.data.set_exclusive_program(&open.progs.owner).unwrap();
    open.maps.rodata.set_exclusive_program(&open.progs.owner).unwrap();
    open.maps.rodata.set_value_size(64).unwrap();
    let skel = open.load().unwrap();
    skel.progs.owner.test_run(TestRun::default()).unwrap();
    assert_eq!(skel.data.get().state, 43);
    let denied = |change: fn(&mut OpenExclusive)| {
        let mut open = opened().unwrap();
        change(&mut open);
        is_denied(&open.load().unwrap_err(), "other");
    };
    denied(|open| open.maps.data.set_exclusive_program(&open.progs.owner).unwrap());
    denied(|open| open.maps.rodata.set_exclusive_program(&open.progs.owner).unwrap());
}

/// A program that touches `.percpu` has two forms, and two hashes.
#[test]
fn either_form_of_a_program_has_its_hash() {
    let Some(_) = opened() else { return };
    for mode in [PerCpuMode::Auto, PerCpuMode::Lowered] {
        let mut open = Exclusive::open().unwrap();
        open.set_percpu_mode(mode);
        open.maps.secret.set_exclusive_program(&open.progs.counting).unwrap();
        open.progs.owner.set_autoload(false);
        open.progs.other.set_autoload(false);
        open.progs.counting.set_autoload(true);
        open.load().unwrap();
    }
    let mut open = Exclusive::open().unwrap();
    open.maps.percpu.set_exclusive_program(&open.progs.counting).unwrap();
    open.progs.counting.set_autoload(true);
    open.percpu.runs = 7;
    let skel = open.load().unwrap();
    assert!(skel.percpu.iter().unwrap().all(|(_, value)| value.runs == 7));
    // Kernels before 7.3 refuse the type of a per-CPU section.
    let is_typed = map_info(skel.percpu.map()).btf_value_type_id != 0;
    assert_eq!(is_typed, features::probe().unwrap().direct);
}

#[test]
fn a_program_that_the_kernel_completes_has_no_hash() {
    let Some(_) = opened() else { return };
    let refused = |set: fn(&mut OpenExclusive)| {
        let mut open = Exclusive::open().unwrap();
        set(&mut open);
        open.load().unwrap_err().to_string()
    };
    let error = refused(|open| open.maps.secret.set_exclusive_program(&open.progs.with_core).unwrap());
    assert!(error.contains("with_core") && error.contains("CO-RE"), "{error}");
    let error = refused(|open| open.maps.secret.set_exclusive_program(&open.progs.with_ksym).unwrap());
    assert!(error.contains("with_ksym") && error.contains("symbols or functions of the kernel"), "{error}");
    let counters = Counters::open().unwrap();
    let mut open = Exclusive::open().unwrap();
    open.maps.secret.set_exclusive_program(&counters.progs.on_exec).unwrap();
    let error = open.load().unwrap_err().to_string();
    assert!(error.contains("it was opened with another object"), "{error}");
}

/// What the loader would put into such a map, the runtime would have to.
#[test]
fn a_map_with_elements_of_the_object_is_refused() {
    let mut open = maps::open();
    for (map, why) in [
        (&mut open.maps.prog_array, "it holds programs, which are then to be put there by the loader"),
        (&mut open.maps.array_of_maps_filled, "it holds maps, which are not exclusive with it"),
        (&mut open.maps.hash_of_maps_filled, "it holds maps, which are not exclusive with it"),
    ] {
        let error = map.set_exclusive_program(&open.progs.call_slot).unwrap_err();
        assert_eq!((error.subject_name(), error.reason()), (Some(map.name()), Some(why)));
    }
}
