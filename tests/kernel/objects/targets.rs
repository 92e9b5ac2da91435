//! What programs are attached to, said by the user.

use std::fs;
use std::os::fd::{AsFd, AsRawFd};

use skelgen_tests::skeletons::attach_to_prog::AttachToProg;
use skelgen_tests::skeletons::counters::Counters;
use skelgen_tests::skeletons::percpu_shapes::PercpuShapes;
use skelgen_tests::skeletons::sec_forms::SecForms;
use skelgen_tests::{matrix, may_load, not_on_this_kernel};

use crate::cpus::{online, run_on};
use crate::watch::soon;

#[test]
fn a_program_replaces_a_function_of_another() {
    if !may_load() {
        return;
    }
    let shapes = PercpuShapes::open().unwrap().load().unwrap();
    let counters = Counters::open().unwrap().load().unwrap();
    let mut open = AttachToProg::open().unwrap();
    assert!(!open.progs.replacement.autoload(), "nobody knows what it is to replace");
    let target = shapes.progs.global_subprogram.fd().unwrap();
    open.progs.replacement.set_attach_target_program(target, "global_add").unwrap();
    open.progs.trace_bump.set_attach_target_program(counters.progs.bump.fd().unwrap(), "bump").unwrap();
    assert!(open.progs.replacement.autoload());
    let skel = match open.load() {
        Ok(skel) => skel,
        Err(error) => {
            assert!(matrix().is_none(), "{error}");
            return not_on_this_kernel(error);
        }
    };
    let run = || run_on(online().last(), &shapes.progs.global_subprogram, [1, 2]);
    let before = run();
    let links = skel.attach().unwrap();
    assert_eq!(run(), 0);
    run_on(online().last(), &counters.progs.bump, [1, 2]);
    let bss = skel.bss.get();
    assert_eq!((bss.replaced_runs, bss.traced_runs), (1, 1));
    drop(links);
    // While it is replaced, it does not count.
    let mut after = 0;
    soon("the function is back", || {
        after = run();
        after != 0
    });
    assert_eq!(after, before + 1);
}

#[test]
fn a_kernel_function_is_named_at_run_time() {
    if !may_load() {
        return;
    }
    let load = |name: &str| {
        let mut open = SecForms::open().unwrap();
        // SEC("?iter/task") would be found as well; the user's word is what counts.
        open.progs.iter.set_attach_target(name);
        assert!(!open.progs.iter.autoload(), "its section begins with ?");
        open.progs.iter.set_autoload(true);
        open.load()
    };
    for (name, shown) in [("bpf_map", "bpf_map"), ("vmlinux:bpf_link", "bpf_link"), ("task", "task")] {
        let skel = load(name).unwrap();
        let link = skel.progs.iter.attach().unwrap();
        let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", link.as_fd().as_raw_fd())).unwrap();
        assert!(info.lines().any(|line| line == format!("target_name:\t{shown}")), "{info}");
    }
    let error = load("nothing").unwrap_err();
    assert_eq!((error.operation(), error.subject_name()), ("find the attach target of program", Some("iter")));
    let expected = "the BTF of the kernel and of its loaded modules has no function `bpf_iter_nothing`";
    assert_eq!(error.reason(), Some(expected));
    let error = load("nowhere:task").unwrap_err();
    assert_eq!(error.reason(), Some("module nowhere is not loaded, or has no BTF"));
}

#[test]
fn a_target_must_be_named() {
    if !may_load() {
        return;
    }
    macro_rules! refused {
        ($($name:ident)*) => {$(
            let mut open = SecForms::open().unwrap();
            open.progs.$name.set_autoload(true);
            let error = open.load().unwrap_err();
            assert_eq!(error.subject_name(), Some(stringify!($name)));
            assert_eq!(error.reason(), Some("its section names no attach target"));
        )*};
    }
    refused!(fentry freplace freplace_function);

    let shapes = PercpuShapes::open().unwrap().load().unwrap();
    let mut open = AttachToProg::open().unwrap();
    let target = shapes.progs.global_subprogram.fd().unwrap();
    open.progs.replacement.set_attach_target_program(target, "nowhere").unwrap();
    let error = open.load().unwrap_err();
    assert_eq!(error.subject_name(), Some("replacement"));
    assert_eq!(error.reason(), Some("its target program has no function nowhere"));
}
