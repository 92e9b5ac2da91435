//! Programs for many functions of the kernel.

use skelgen_tests::skeletons::tracing_multi::{LoadedTracingMulti, TracingMulti};
use skelgen_tests::{kernel_version, may_load, not_on_this_kernel};

use crate::watch::{runs, stops};

/// Since when there are such programs.
const MULTI: (u32, u32) = (7, 3);

/// `None`, which is noted, where there are no such programs.
fn load() -> Option<LoadedTracingMulti> {
    match TracingMulti::open().unwrap().load() {
        Ok(skel) => Some(skel),
        Err(error) => {
            assert!(kernel_version() < MULTI, "{error}");
            assert_eq!(error.subject_name(), Some("on_entry"), "{error}");
            not_on_this_kernel("programs for many functions");
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
    assert!(error.reason().is_some_and(|why| why.contains("no_such")), "{error}");
}

#[test]
fn a_module_that_is_not_there_is_named() {
    if !may_load() {
        return;
    }
    let mut open = TracingMulti::open().unwrap();
    let progs = &mut open.progs;
    for other in [&mut progs.on_entry, &mut progs.on_exit, &mut progs.on_both] {
        other.set_autoload(false);
    }
    progs.in_module.set_autoload(true);
    let error = open.load().unwrap_err();
    assert_eq!(error.subject_name(), Some("in_module"));
    assert!(error.reason().is_some_and(|why| why.contains("no_such_module")), "{error}");
}
