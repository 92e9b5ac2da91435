//! Programs attached to places in this test's own executable.

use std::fs;
use std::hint::black_box;

use skelgen_runtime::uapi::AttachType;
use skelgen_runtime::{Errno, Link, Program, UprobeMulti};
use skelgen_tests::skeletons::uprobes::{LoadedUprobes, OpenProgs, Uprobes};
use skelgen_tests::{is_from, matrix, may_load, not_on_this_kernel};

use crate::watch::{runs, stops};

const EXE: &str = "/proc/self/exe";

// A probe is hit by all that run the function: each function belongs to one test.

#[inline(never)]
extern "C" fn first() -> u64 {
    black_box(1)
}

#[inline(never)]
extern "C" fn second() -> u64 {
    black_box(2)
}

#[inline(never)]
extern "C" fn third() -> u64 {
    black_box(3)
}

/// Where in the executable a function begins.
fn place(function: extern "C" fn() -> u64) -> u64 {
    let address = function as usize as u64;
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let number = |digits: &str| u64::from_str_radix(digits, 16).unwrap();
    maps.lines()
        .find_map(|line| {
            let mut words = line.split_whitespace();
            let (start, end) = words.next()?.split_once('-')?;
            let offset = words.nth(1)?;
            (number(start)..number(end)).contains(&address).then(|| address - number(start) + number(offset))
        })
        .unwrap()
}

/// Calls a function that the compiler does not see.
fn call(function: extern "C" fn() -> u64) {
    black_box(function)();
}

/// A link to many places; if the kernel is not to have them it is noted, and that a program is refused for another.
fn attach(program: &Program, probes: UprobeMulti<'_>) -> Option<Link> {
    match program.attach_uprobe_multi(EXE, probes) {
        Ok(link) => Some(link),
        Err(error) => {
            assert!(!is_from("uprobe_multi links of all threads of a process"), "{error}");
            assert_eq!(error.subject_name(), Some(program.name()));
            assert!(error.target().is_some_and(|target| target.contains(EXE)), "{error}");
            not_on_this_kernel("links to many places of a binary");
            None
        }
    }
}

fn load(change: impl FnOnce(&mut OpenProgs)) -> LoadedUprobes {
    let mut open = Uprobes::open().unwrap();
    change(&mut open.progs);
    open.load().unwrap()
}

#[test]
fn usdt_programs_are_loaded_for_many_places_where_there_are_such_links() {
    if !may_load() {
        return;
    }
    let skel = load(|_| {});
    let (places, cookies) = ([place(first), place(second)], [41, 42]);
    let probes = UprobeMulti { offsets: &places, cookies: &cookies, ..UprobeMulti::default() };
    let Some(link) = attach(&skel.progs.on_usdt, probes) else { return };
    let count = || skel.bss.get().usdt_runs;
    runs("on_usdt", count, || call(first));
    // The function that gives the number is the one for such links.
    assert_eq!(skel.bss.get().usdt_cookie, 41);
    runs("on_usdt", count, || call(second));
    assert_eq!(skel.bss.get().usdt_cookie, 42);
    drop(link);
    stops("on_usdt", count, || call(first));
}

#[test]
fn the_attach_type_that_is_given_stays() {
    if !may_load() {
        return;
    }
    let skel = load(|progs| progs.on_usdt.set_expected_attach_type(AttachType(0)));
    let error = skel
        .progs
        .on_usdt
        .attach_uprobe_multi(EXE, UprobeMulti { offsets: &[place(first)], ..UprobeMulti::default() })
        .unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EINVAL), "{error}");
}

#[test]
fn a_probe_is_not_looked_for() {
    if !may_load() {
        return;
    }
    let skel = load(|progs| progs.on_setjmp.set_autoload(true));
    // The one that names none is passed over.
    let error = skel.attach().unwrap_err();
    assert_eq!(error.subject_name(), Some("on_setjmp"));
    assert!(error.reason().is_some_and(|why| why.contains("libc.so.6:libc:setjmp")), "{error}");
}

#[test]
fn entries_and_returns() {
    if !may_load() {
        return;
    }
    let open = || {
        let mut open = Uprobes::open().unwrap();
        for program in [&mut open.progs.on_multi, &mut open.progs.on_return] {
            program.set_autoload(true);
        }
        open
    };
    // A type of attaching that the kernel does not know keeps no program from being loaded before 6.6, whose links
    // then are not known either.
    let skel = open().load().unwrap();
    let (places, cookies) = ([place(third)], [7]);
    let here = UprobeMulti {
        offsets: &places,
        cookies: &cookies,
        pid: matrix().map(|_| std::process::id()),
        ..UprobeMulti::default()
    };
    let Some(link) = attach(&skel.progs.on_multi, here) else { return };
    let count = || skel.bss.get().multi_runs;
    runs("on_multi", count, || call(third));
    assert_eq!(skel.bss.get().multi_cookie, 7);
    drop(link);
    stops("on_multi", count, || call(third));
    let link = attach(&skel.progs.on_return, UprobeMulti { on_return: true, cookies: &[8], ..here }).unwrap();
    runs("on_return", count, || call(third));
    assert_eq!(skel.bss.get().multi_cookie, 8);
    drop(link);
}

#[test]
fn lists_are_of_one_length() {
    if !may_load() {
        return;
    }
    let skel = load(|_| {});
    let probes = UprobeMulti { offsets: &[place(first)], cookies: &[1, 2], ..UprobeMulti::default() };
    let error = skel.progs.on_usdt.attach_uprobe_multi(EXE, probes).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EINVAL), "{error}");
}
