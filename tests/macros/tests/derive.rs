//! Derived skeletons, as far as they come without a kernel: they open, and have the object's initial values.

// What the macro writes must pass where the user is strict.
#![deny(warnings, missing_docs, unreachable_pub, missing_debug_implementations, rust_2018_idioms, unused)]

use skelgen_runtime::{Error, Skeleton};

#[derive(Skeleton)]
#[skeleton(object = "../../fixtures/counters.bpf.o")]
struct Counters;

#[test]
fn a_derived_skeleton_opens_with_the_objects_values() -> Result<(), Error> {
    let mut open: counters::OpenCounters = Counters::open()?;
    assert_eq!((open.percpu.hits, open.percpu.last_pid, open.percpu.calls.lowest), (0, -1, u32::MAX));
    open.percpu.hits = 41;
    open.maps.events.set_max_entries(1 << 20)?;
    open.progs.bump.set_autoload(false);
    assert_eq!(open.percpu.hits, 41);
    Ok(())
}

#[test]
fn a_function_can_have_a_skeleton_of_its_own() -> Result<(), Error> {
    /// As a user would write it.
    #[derive(Clone, Copy, Debug, Skeleton)]
    #[skeleton(object = "../../fixtures/percpu_basic.bpf.o")]
    struct BPFStuff;

    assert_eq!(BPFStuff::open()?.progs.change.name(), "change");
    Ok(())
}

/// Named as a skeleton's parts are.
mod parts {
    #[derive(skelgen_runtime::Skeleton)]
    #[skeleton(object = "../../fixtures/maps_all.bpf.o")]
    pub(super) struct Maps;

    #[derive(skelgen_runtime::Skeleton)]
    #[skeleton(object = "../../fixtures/counters.bpf.o")]
    pub(super) struct Progs;
}

#[test]
fn a_skeleton_can_be_named_as_its_parts_are() -> Result<(), Error> {
    let maps: parts::maps::OpenMaps = parts::Maps::open()?;
    assert_eq!(maps.maps.typed.max_entries(), 64);
    let progs: parts::progs::OpenProgs = parts::Progs::open()?;
    assert_eq!(progs.progs.bump.name(), "bump");
    Ok(())
}

/// The struct's visibility is the module's.
mod inner {
    #[derive(skelgen_runtime::Skeleton)]
    #[skeleton(object = "../../fixtures/counters.bpf.o")]
    pub(super) struct Seen;
}

#[test]
fn what_sees_the_struct_sees_the_module() -> Result<(), Error> {
    let open: inner::seen::OpenSeen = inner::Seen::open()?;
    drop(open);
    Ok(())
}

/// Nothing that the code refers to must be in scope, and the runtime can have another name.
mod hygiene {
    #![no_implicit_prelude]
    #![allow(dead_code, reason = "they are to be in the way")]

    pub(super) extern crate skelgen_runtime as renamed;

    #[derive(renamed::Skeleton)]
    #[skeleton(object = "../../fixtures/data_sections.bpf.o", crate = crate::hygiene::renamed)]
    pub(super) struct Sections;

    struct Box;
    struct Err;
    struct From;
    struct Ok;
    struct Option;
    struct Result;
    struct Some;
}

#[test]
fn a_skeleton_needs_nothing_in_scope() {
    assert!(hygiene::Sections::open().is_ok());
}
