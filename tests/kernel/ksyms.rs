//! Variables of the kernel: addresses as kallsyms has them, values as they are, and those that no kernel has.

use std::fs;

use skelgen_runtime::{Errno, OpenProgram};
use skelgen_tests::skeletons::ksyms::{Ksyms, LoadedKsyms, OpenProgs};
use skelgen_tests::{in_own_process, may_load, not_on_this_kernel, open_fds};

use crate::cpus::{online, run_on};

/// The address of `name` in the kernel or a module, if there is one.
pub(crate) fn address(name: &str) -> Option<u64> {
    let symbols = fs::read_to_string("/proc/kallsyms").expect("/proc is mounted");
    let line = symbols.lines().find(|line| line.split_whitespace().nth(2) == Some(name))?;
    u64::from_str_radix(line.split_whitespace().next()?, 16).ok()
}

#[test]
fn an_address_is_the_one_of_kallsyms() {
    if !may_load() {
        return;
    }
    let skel = Ksyms::open().unwrap().load().unwrap();
    assert_eq!(skel.data.get().missing_address, 1);
    run_on(0, &skel.progs.typeless, [0; 2]);
    run_on(0, &skel.progs.typeless_again, [0; 2]);
    let schedule = address("schedule").unwrap();
    assert!(schedule > u64::from(u32::MAX), "not an address of the kernel: {schedule:#x}");
    let bss = skel.bss.get();
    assert_eq!((bss.schedule_address, bss.schedule_again), (schedule, schedule));
    assert_eq!(skel.data.get().missing_address, 0);
}

#[test]
fn a_weak_variable_that_is_missing_is_at_0() {
    if !may_load() {
        return;
    }
    let skel = Ksyms::open().unwrap().load().unwrap();
    assert_eq!(run_on(0, &skel.progs.typed_missing, [0; 2]), 0);
}

#[test]
fn a_typed_variable_is_read_on_each_cpu() {
    if !may_load() {
        return;
    }
    if address("runqueues").is_none() {
        let error = load_with(|progs| &mut progs.typed).unwrap_err();
        assert!(error.hint_text().is_some_and(|hint| hint.contains("CONFIG_KALLSYMS_ALL")), "{error}");
        return not_on_this_kernel("variables of the kernel, which is built without CONFIG_KALLSYMS_ALL");
    }
    let mut open = Ksyms::open().unwrap();
    open.progs.typed.set_autoload(true);
    open.progs.typed_here.set_autoload(true);
    let skel = open.load().unwrap();
    for cpu in online().iter() {
        assert_eq!(run_on(0, &skel.progs.typed, [cpu.into(), 0]), cpu);
        assert_eq!(run_on(cpu, &skel.progs.typed_here, [0; 2]), cpu);
    }
    assert_eq!(run_on(0, &skel.progs.typed, [100_000, 0]).cast_signed(), -1);
}

/// Loads one of the programs that are optional, along with the others.
fn load_with(program: fn(&mut OpenProgs) -> &mut OpenProgram) -> skelgen_runtime::Result<LoadedKsyms> {
    let mut open = Ksyms::open().unwrap();
    program(&mut open.progs).set_autoload(true);
    open.load()
}

#[test]
fn a_strong_variable_that_is_missing_is_named() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let before = open_fds();
        let symbol = load_with(|progs| &mut progs.strong_symbol).unwrap_err();
        assert_eq!(symbol.errno(), Some(Errno::ENOENT));
        assert_eq!(
            symbol.to_string(),
            "ksyms: find ksym skelgen_no_such_strong_symbol: the kernel and its loaded modules have no symbol \
             `skelgen_no_such_strong_symbol`: ENOENT: No such file or directory"
        );
        let variable = load_with(|progs| &mut progs.strong_variable).unwrap_err();
        assert_eq!(variable.errno(), Some(Errno::ENOENT));
        assert_eq!(
            variable.to_string(),
            "ksyms: find ksym skelgen_no_such_strong_variable: the BTF of the kernel and of its loaded modules has no \
             variable `skelgen_no_such_strong_variable`: ENOENT: No such file or directory"
        );
        assert_eq!(open_fds(), before);
    });
}

#[test]
fn what_only_programs_refer_to_that_are_not_loaded_is_not_looked_for() {
    if !may_load() {
        return;
    }
    let skel = Ksyms::open().unwrap().load().unwrap();
    assert!(skel.progs.typeless.is_loaded() && !skel.progs.strong_symbol.is_loaded());
    // One of the two that refer to it is enough.
    for first in [true, false] {
        let mut open = Ksyms::open().unwrap();
        open.progs.typeless.set_autoload(first);
        open.progs.typeless_again.set_autoload(!first);
        let skel = open.load().unwrap();
        run_on(0, if first { &skel.progs.typeless } else { &skel.progs.typeless_again }, [0; 2]);
        let bss = skel.bss.get();
        assert_eq!(bss.schedule_address + bss.schedule_again, address("schedule").unwrap());
    }
}

#[test]
fn a_symbol_at_0_is_found() {
    let Some(expected) = address("__per_cpu_start") else {
        return not_on_this_kernel("the kernel lists no __per_cpu_start");
    };
    if !may_load() {
        return;
    }
    let skel = load_with(|progs| &mut progs.symbol_at_zero).unwrap();
    assert_eq!(skel.data.get().per_cpu_start, 1);
    run_on(0, &skel.progs.symbol_at_zero, [0; 2]);
    assert_eq!(skel.data.get().per_cpu_start, expected);
}
