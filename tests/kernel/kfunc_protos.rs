//! Functions and variables of the kernel that the object declares otherwise: weak kfuncs are absent, anything else is
//! refused before the kernel verifies a program.

use skelgen_runtime::{Error, OpenProgram, TestRun};
use skelgen_tests::skeletons::kfunc_protos::{KfuncProtos, LoadedKfuncProtos, OpenProgs};
use skelgen_tests::{in_own_process, may_load, may_load_with, open_fds};

use crate::cpus::run_on;

fn load(programs: &[fn(&mut OpenProgs) -> &mut OpenProgram]) -> skelgen_runtime::Result<LoadedKfuncProtos> {
    let mut open = KfuncProtos::open().unwrap();
    for program in programs {
        program(&mut open.progs).set_autoload(true);
    }
    open.load()
}

/// Loads one more program; returns the error.
fn refused(program: fn(&mut OpenProgs) -> &mut OpenProgram) -> Error {
    load(&[program]).unwrap_err()
}

#[test]
fn a_weak_kfunc_with_another_prototype_is_absent() {
    if !may_load() {
        return;
    }
    assert_eq!(run_on(0, &load(&[]).unwrap().progs.weak, [0; 2]), 7);
}

#[test]
fn a_strong_kfunc_with_another_prototype_is_refused() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let before = open_fds();
        let programs: [fn(&mut OpenProgs) -> &mut OpenProgram; 2] =
            [|progs| &mut progs.strong, |progs| &mut progs.strong_again];
        for programs in [&programs[..1], &programs[1..], &programs] {
            let error = load(programs).unwrap_err();
            assert_eq!((error.operation(), error.subject_name()), ("find kfunc", Some("bpf_lookup_system_key")));
            assert_eq!(
                error.reason(),
                Some(
                    "incompatible prototype: the object declares `struct skelgen_argument *bpf_lookup_system_key(__u64 arg0, \
                     const struct skelgen_argument *arg1)`, and this kernel has `struct bpf_key *bpf_lookup_system_key(u64 id)`"
                )
            );
            assert_eq!(open_fds(), before);
        }
    });
}

#[test]
fn a_variable_of_another_type_is_refused() {
    if !may_load() {
        return;
    }
    let error = refused(|progs| &mut progs.variable);
    assert_eq!((error.operation(), error.subject_name()), ("find ksym", Some("runqueues")));
    let reason = "incompatible type: this kernel has `struct rq runqueues`, and the object declares it otherwise";
    assert_eq!(error.reason(), Some(reason));
}

#[test]
fn kfuncs_of_a_module_are_compared_too() {
    if !may_load_with("nf_conntrack") {
        return;
    }
    let packet = TestRun { data_in: &[0; 64], ..TestRun::default() };
    assert_eq!(load(&[]).unwrap().progs.weak_of_module.test_run(packet).unwrap().retval, 7);

    let error = refused(|progs| &mut progs.strong_of_module);
    assert_eq!((error.operation(), error.subject_name()), ("find kfunc", Some("bpf_ct_set_timeout")));
    let reason = error.reason().unwrap();
    assert!(
        reason.starts_with(
            "incompatible prototype: the object declares `int bpf_ct_set_timeout(struct skelgen_argument *"
        ),
        "{reason}"
    );
    assert!(reason.contains("module nf_conntrack has `"), "{reason}");
}
