//! Programs for many functions of the kernel.

use std::fs::File;
use std::io::Read;

use skelgen_tests::skeletons::tracing_multi::{LoadedTracingMulti, OpenTracingMulti, TracingMulti};
use skelgen_tests::{TESTMOD, came_later, is_from, may_load, may_load_with, not_on_this_kernel};

use crate::watch::{runs, stops};

/// `None`, which is noted, where there are no such programs.
fn load() -> Option<LoadedTracingMulti> {
    match TracingMulti::open().unwrap().load() {
        Ok(skel) => Some(skel),
        Err(error) => {
            assert!(!is_from("BPF_TRACE_FENTRY_MULTI"), "{error}");
            assert_eq!(error.subject_name(), Some("on_entry"), "{error}");
            not_on_this_kernel(came_later("BPF_TRACE_FENTRY_MULTI"));
            None
        }
    }
}

#[test]
fn they_attach_to_all_functions_of_their_pattern() {
    if !may_load() {
        return;
    }
    let Some(skel) = load() else { return };
    let act = || drop(skel.progs.caller.test_run(Default::default()).unwrap());
    let links = skel.attach().unwrap();
    assert!(links.on_entry.is_some() && links.on_both.is_some() && links.on_exit.is_none());
    act();
    let bss = || skel.bss.get();
    // The kernel calls nine such functions, and two ends of the first are one session.
    assert!(bss().entries >= 9 && bss().sessions >= 2, "{:?}", bss());
    drop(links);
    stops("on_entry", || bss().entries, act);
    stops("on_both", || bss().sessions, act);
}

#[test]
fn functions_have_numbers_of_their_own() {
    if !may_load() {
        return;
    }
    let Some(skel) = load() else { return };
    let act = || drop(skel.progs.caller.test_run(Default::default()).unwrap());
    let link = skel.progs.on_exit.attach_functions_with_cookies(&[("bpf_fentry_test2", 2), ("bpf_fentry_test1", 4)]);
    let link = link.unwrap();
    runs("on_exit", || skel.bss.get().returns, act);
    act();
    assert_eq!(skel.bss.get().cookies, 2 | 4);
    drop(link);
    let link = skel.progs.on_exit.attach_functions("bpf_fentry_test[").unwrap_err();
    assert!(link.to_string().contains("functions bpf_fentry_test["), "{link}");
    let error = skel.progs.on_exit.attach_functions_with_cookies(&[("bpf_fentry_test1", 1), ("no_such", 1)]);
    let error = error.unwrap_err();
    assert_eq!(error.subject_name(), Some("on_exit"));
    assert_eq!(error.target(), Some("function no_such"), "{error}");
}

/// The object without its programs for the kernel proper.
fn open_for_modules() -> OpenTracingMulti {
    let mut open = TracingMulti::open().unwrap();
    let progs = &mut open.progs;
    for other in [&mut progs.on_entry, &mut progs.on_exit, &mut progs.on_both, &mut progs.caller] {
        other.set_autoload(false);
    }
    open
}

/// The object with its programs for `TESTMOD`, which count what this thread has the module do.
fn load_for_testmod() -> LoadedTracingMulti {
    let mut open = open_for_modules();
    // SAFETY: no argument.
    open.bss.thread = unsafe { libc::gettid() }.cast_unsigned();
    open.progs.on_module_entry.set_autoload(true);
    open.progs.on_module_exit.set_autoload(true);
    open.load().unwrap()
}

/// Has the module call its functions, once each.
fn read_testmod() {
    let mut file = File::open("/sys/kernel/bpf_testmod").unwrap();
    // There is nothing in it.
    assert_eq!(file.read(&mut [0; 1]).unwrap_err().raw_os_error(), Some(libc::EIO));
}

#[test]
fn they_attach_to_functions_of_the_module_that_is_named() {
    if !may_load_with(TESTMOD) {
        return;
    }
    let skel = load_for_testmod();
    let runs = || (skel.bss.get().entries, skel.bss.get().returns);
    read_testmod();
    assert_eq!(runs(), (0, 0));
    let links = skel.attach().unwrap();
    read_testmod();
    assert_eq!(runs(), (5, 4));
    drop(links);
    stops("on_module_entry", || runs().0, read_testmod);
    stops("on_module_exit", || runs().1, read_testmod);
}

#[test]
fn a_modules_functions_have_numbers_of_their_own() {
    if !may_load_with(TESTMOD) {
        return;
    }
    let skel = load_for_testmod();
    let prog = &skel.progs.on_module_exit;
    let functions = [("bpf_testmod_fentry_test11", 8), ("bpf_testmod_fentry_test2", 1)];
    let link = prog.attach_functions_with_cookies(&functions).unwrap();
    read_testmod();
    assert_eq!((skel.bss.get().returns, skel.bss.get().cookies), (2, 8 | 1));
    drop(link);
    // The kernel proper's are none of the module's.
    let error = prog.attach_functions("bpf_fentry_test1").unwrap_err();
    assert!(error.to_string().contains("functions bpf_fentry_test1"), "{error}");
    let error = prog.attach_functions_with_cookies(&[("bpf_fentry_test1", 1)]).unwrap_err();
    assert!(error.to_string().contains("function bpf_fentry_test1"), "{error}");
}

#[test]
fn a_module_that_is_not_there_is_named() {
    if !may_load() {
        return;
    }
    let mut open = open_for_modules();
    open.progs.in_module.set_autoload(true);
    let error = open.load().unwrap_err();
    assert_eq!(error.subject_name(), Some("in_module"));
    assert!(error.reason().is_some_and(|why| why.contains("no_such_module")), "{error}");
}
