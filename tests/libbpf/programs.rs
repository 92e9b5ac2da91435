//! Programs handed over.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use libbpf_rs::query::LinkInfo;
use libbpf_rs::{ProgramHandle, ProgramType};
use skelgen_runtime::uapi::{AttachType, BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_TRACE_ITER};
use skelgen_runtime::{Program, TestRun};
use skelgen_tests::may_load;
use skelgen_tests::skeletons::maps_all::MapsAll;

use crate::links::{ATTACH_ALL, load_one};
use crate::maps::{load, open_libbpf};

fn id(fd: impl AsFd) -> u32 {
    libbpf_rs::Program::id_from_fd(fd.as_fd()).unwrap()
}

/// What `add_to_inner` of `maps_all` returns: it adds to the map in slot 3.
fn add(program: &Program, amount: u64) -> u32 {
    let args = [3u64.to_ne_bytes(), amount.to_ne_bytes()].concat();
    program.test_run(TestRun { ctx_in: &args, ..TestRun::default() }).unwrap().retval
}

#[test]
fn there_and_back_it_is_the_same_program() {
    if !may_load() {
        return;
    }
    let skel = load();
    let ours = &skel.progs.add_to_inner;
    let handle = ProgramHandle::try_from(ours).unwrap();
    assert_eq!((handle.id(), handle.name()), (id(ours.fd().unwrap()), "add_to_inner".as_ref()));
    assert_eq!(handle.prog_type(), ProgramType::RawTracepoint);
    assert_ne!(handle.as_fd().as_raw_fd(), ours.fd().unwrap().as_raw_fd());

    let back = Program::from_handle(&handle, AttachType(0)).unwrap();
    drop(handle);
    assert_eq!((back.name(), back.section(), back.prog_type()), ("add_to_inner", "", ours.prog_type()));
    assert_eq!(id(back.fd().unwrap()), id(ours.fd().unwrap()));
    assert_eq!([add(&back, 5), add(ours, 6), add(&back, 7)], [5, 11, 18]);
    drop(skel);
    assert_eq!(add(&back, 1), 19);
    // Its section is not known, and the whole of a skeleton not attached with it.
    assert!(back.attach().unwrap_err().to_string().contains("its target is not known here"));
    assert!(back.autoattach().unwrap().is_none());
    let link = back.attach_raw_tracepoint("sys_enter").unwrap();
    drop(link);
}

#[test]
fn programs_of_an_object_of_libbpf() {
    if !may_load() {
        return;
    }
    let object = open_libbpf().load().unwrap();
    let libbpfs = object.progs().find(|program| program.name() == "add_to_inner").unwrap();
    let ours = Program::try_from(&libbpfs).unwrap();
    assert_eq!(
        (ours.name(), ours.section(), ours.prog_type()),
        ("add_to_inner", "raw_tp", BPF_PROG_TYPE_RAW_TRACEPOINT)
    );
    assert_eq!(id(ours.fd().unwrap()), id(&libbpfs));
    drop(object);
    assert_eq!([add(&ours, 2), add(&ours, 3)], [2, 5]);
}

#[test]
fn what_was_not_loaded_is_not_handed_over() {
    if !may_load() {
        return;
    }
    let mut open = MapsAll::open().unwrap();
    open.maps.pinned_by_name.clear_pin_path();
    open.progs.call_slot.set_autoload(false);
    let skel = open.load().unwrap();
    let error = ProgramHandle::try_from(&skel.progs.call_slot).unwrap_err();
    assert!(error.to_string().contains("call_slot: it was not loaded"), "{error}");

    let mut open = open_libbpf();
    for mut program in open.progs_mut().filter(|program| program.name() == "call_slot") {
        program.set_autoload(false);
    }
    let object = open.load().unwrap();
    let libbpfs = object.progs().find(|program| program.name() == "call_slot").unwrap();
    let error = Program::try_from(&libbpfs).unwrap_err();
    assert!(error.to_string().contains("call_slot: it was not loaded"), "{error}");
}

#[test]
fn a_program_that_knows_its_target_attaches() {
    if !may_load() {
        return;
    }
    let object = load_one(ATTACH_ALL, "on_iter_task");
    let libbpfs = object.progs().find(|program| program.name() == "on_iter_task").unwrap();
    let by_handle = Program::from_handle(&ProgramHandle::from_prog_id(id(&libbpfs)).unwrap(), BPF_TRACE_ITER);
    for ours in [Program::try_from(&libbpfs), by_handle] {
        let link = ours.unwrap().attach().unwrap();
        assert_eq!(LinkInfo::from_fd(link.as_fd()).unwrap().prog_id, id(&libbpfs));
        // It runs, and writes the number of each task.
        assert!(io::copy(&mut link.iter().unwrap(), &mut io::sink()).unwrap() >= 4);
    }
}
