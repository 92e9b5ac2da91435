//! Variables of kernel modules, and functions of several: those of the modules that only the kernel's own tests have.

use skelgen_runtime::{Errno, Program, TestRun};
use skelgen_tests::skeletons::module_ksyms::{LoadedModuleKsyms, ModuleKsyms};
use skelgen_tests::{TESTMOD, in_own_process, may_load_with, may_load_without, on_cpu, open_fds};

use crate::cpus::{online, run_on};
use crate::ksyms::address;

/// The object with all its programs.
fn load() -> LoadedModuleKsyms {
    let mut open = ModuleKsyms::open().unwrap();
    open.progs.write_here.set_autoload(true);
    open.progs.of_three.set_autoload(true);
    open.load().unwrap()
}

/// The program's result for a packet.
fn run(program: &Program) -> i32 {
    program.test_run(TestRun { data_in: &[0; 64], ..TestRun::default() }).unwrap().retval.cast_signed()
}

#[test]
fn a_typed_variable_is_read_on_each_cpu() {
    if !may_load_with(TESTMOD) {
        return;
    }
    let skel = load();
    let value = |cpu: u32| 1000 + cpu.cast_signed();
    for cpu in online().iter() {
        skel.bss.update(|bss| bss.value = value(cpu));
        assert_eq!(on_cpu(cpu, || run(&skel.progs.write_here)).unwrap(), value(cpu));
    }
    for cpu in online().iter() {
        assert_eq!(run_on(0, &skel.progs.read_on, [cpu.into(), 0]).cast_signed(), value(cpu));
        assert_eq!(run_on(cpu, &skel.progs.read_here, [0; 2]).cast_signed(), value(cpu));
    }
    assert_eq!(run_on(0, &skel.progs.read_on, [u32::MAX.into(), 0]).cast_signed(), -1);
}

#[test]
fn an_address_is_the_one_of_kallsyms() {
    if !may_load_with(TESTMOD) {
        return;
    }
    let skel = load();
    run_on(0, &skel.progs.find, [0; 2]);
    let address = address("bpf_testmod_fentry_ok");
    assert!(address.is_some_and(|address| address != 0));
    assert_eq!(Some(skel.data.get().address), address);
}

#[test]
fn an_iterator_walks() {
    if !may_load_with(TESTMOD) {
        return;
    }
    let skel = load();
    skel.bss.update(|bss| bss.value = 11);
    assert_eq!(run(&skel.progs.iterate), 44);
}

#[test]
fn a_program_calls_those_of_three_modules() {
    if !may_load_with(TESTMOD) || !may_load_with("bpf_test_modorder_x") || !may_load_with("bpf_test_modorder_y") {
        return;
    }
    let results = run(&load().progs.of_three).to_be_bytes();
    assert_eq!(results, [0, b'x', b'y', 8]);
}

#[test]
fn without_its_module_a_weak_one_is_at_0() {
    if !may_load_without(TESTMOD) {
        return;
    }
    let skel = ModuleKsyms::open().unwrap().load().unwrap();
    assert_eq!(run_on(0, &skel.progs.read_on, [0; 2]).cast_signed(), -2);
    assert_eq!(run_on(0, &skel.progs.read_here, [0; 2]).cast_signed(), -2);
    assert_eq!(run(&skel.progs.iterate), -2);
    assert_eq!(skel.data.get().address, 1);
    run_on(0, &skel.progs.find, [0; 2]);
    assert_eq!(skel.data.get().address, 0);
}

#[test]
fn without_its_module_a_strong_one_is_named() {
    if !may_load_without(TESTMOD) {
        return;
    }
    let mut open = ModuleKsyms::open().unwrap();
    open.progs.write_here.set_autoload(true);
    let error = open.load().unwrap_err();
    assert_eq!(error.errno(), Some(Errno::ENOENT));
    let expected = "module_ksyms: find kfunc bpf_testmod_test_mod_kfunc: the BTF of the kernel and of its loaded modules \
                    has no function `bpf_testmod_test_mod_kfunc`: ENOENT: No such file or directory";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn nothing_stays_open() {
    if !may_load_with(TESTMOD) {
        return;
    }
    in_own_process(|| {
        let before = open_fds();
        drop(load());
        assert_eq!(open_fds(), before);
    });
}
