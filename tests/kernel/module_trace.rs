//! Programs attached to functions and tracepoints of kernel modules.

use skelgen_runtime::{Errno, Error, OpenProgram};
use skelgen_tests::skeletons::module_trace::{LoadedModuleTrace, ModuleTrace, OpenProgs};
use skelgen_tests::vsock::knock;
use skelgen_tests::{in_own_process, may_load, may_load_with, may_load_without, open_fds};

use crate::module_kfuncs;
use crate::watch::stops;

/// The object with one program.
fn load_one(program: fn(&mut OpenProgs) -> &mut OpenProgram) -> skelgen_runtime::Result<LoadedModuleTrace> {
    let mut open = ModuleTrace::open().unwrap();
    program(&mut open.progs).set_autoload(true);
    open.load()
}

/// What is said of one that must not load.
fn refused(program: fn(&mut OpenProgs) -> &mut OpenProgram) -> Error {
    load_one(program).unwrap_err()
}

/// Has nf_conntrack allocate two connections while the program is attached. `None` if there is no nf_conntrack.
fn after_two_allocations(program: fn(&mut OpenProgs) -> &mut OpenProgram) -> Option<LoadedModuleTrace> {
    if !may_load_with("nf_conntrack") {
        return None;
    }
    let skel = load_one(program).unwrap();
    let links = skel.attach().unwrap();
    for _ in 0..2 {
        let caller = module_kfuncs::open().load().unwrap();
        assert_eq!(module_kfuncs::run(&caller.progs.insert), 1);
    }
    drop(links);
    Some(skel)
}

#[test]
fn on_a_function_of_the_module_that_is_named() {
    let Some(skel) = after_two_allocations(|progs| &mut progs.in_module) else { return };
    assert!(skel.bss.get().fentry_runs >= 2);
}

#[test]
fn on_a_function_of_whichever_module_has_it() {
    let Some(skel) = after_two_allocations(|progs| &mut progs.by_name) else { return };
    assert!(skel.bss.get().by_name_runs >= 2);
}

#[test]
fn a_modules_copy_of_a_function_is_found() {
    if !may_load_with("nf_defrag_ipv6") {
        return;
    }
    in_own_process(|| {
        let before = open_fds();
        let skel = load_one(|progs| &mut progs.of_two).unwrap();
        assert!(skel.progs.of_two.is_loaded());
        drop(skel);
        assert_eq!(open_fds(), before);
    });
}

#[test]
fn on_the_return_of_a_modules_function() {
    let Some(skel) = after_two_allocations(|progs| &mut progs.on_return) else { return };
    let bss = skel.bss.get();
    assert!(bss.fexit_runs >= 2);
    // An address of the kernel's.
    assert_eq!(bss.allocated >> 56, 0xff, "{:#x}", bss.allocated);
}

#[test]
fn kprobe_on_a_modules_function() {
    let Some(skel) = after_two_allocations(|progs| &mut progs.on_kprobe) else { return };
    assert!(skel.bss.get().kprobe_runs >= 2);
}

#[test]
fn on_a_modules_tracepoint() {
    if !may_load_with("vsock_loopback") {
        return;
    }
    let mut open = ModuleTrace::open().unwrap();
    open.progs.on_tp_btf.set_autoload(true);
    open.progs.on_raw_tp.set_autoload(true);
    open.bss.port = 0x5ce1;
    let skel = open.load().unwrap();
    let runs = || (skel.bss.get().tp_btf_runs, skel.bss.get().raw_tp_runs);
    knock(0x5ce1).unwrap();
    assert_eq!(runs(), (0, 0));
    let links = skel.attach().unwrap();
    knock(0x5ce1).unwrap();
    // The packet that asks for a connection is allocated in connect(2).
    assert_eq!(runs(), (1, 1));
    drop(links);
    let act = || knock(0x5ce1).unwrap();
    stops("on_tp_btf", || runs().0, act);
    stops("on_raw_tp", || runs().1, act);
}

#[test]
fn a_module_that_does_not_have_the_function_is_named() {
    if !may_load_with("nf_nat") {
        return;
    }
    let expected = "module_trace: find the attach target of program in_another_module: module nf_nat has no function \
                    `nf_conntrack_alloc`: ENOENT: No such file or directory";
    assert_eq!(refused(|progs| &mut progs.in_another_module).to_string(), expected);
    let expected = "module_trace: find the attach target of program in_the_kernel: the kernel proper has no function \
                    `nf_conntrack_alloc`: ENOENT: No such file or directory";
    assert_eq!(refused(|progs| &mut progs.in_the_kernel).to_string(), expected);
    let expected = "module_trace: find the attach target of program no_function: module nf_conntrack has no function \
                    `skelgen_no_such_function`: ENOENT: No such file or directory";
    assert_eq!(refused(|progs| &mut progs.no_function).to_string(), expected);
}

#[test]
fn a_module_that_is_not_loaded_is_named() {
    if !may_load_without("fou") {
        return;
    }
    in_own_process(|| {
        let before = open_fds();
        let expected = "module_trace: find the attach target of program unloaded: module fou is not loaded, or has no \
                        BTF: ENOENT: No such file or directory";
        assert_eq!(refused(|progs| &mut progs.unloaded).to_string(), expected);
        assert_eq!(open_fds(), before);
    });
}

#[test]
fn a_tracepoint_of_no_module_is_named() {
    if !may_load() {
        return;
    }
    let error = refused(|progs| &mut progs.no_tracepoint);
    assert_eq!(error.errno(), Some(Errno::ENOENT));
    assert_eq!(
        error.reason(),
        Some("the BTF of the kernel and of its loaded modules has no type `btf_trace_skelgen_no_such_tracepoint`")
    );
}
