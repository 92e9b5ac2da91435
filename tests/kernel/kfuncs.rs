//! Functions of the kernel: those that it has are called, those that it lacks are not.

use skelgen_runtime::{Errno, OpenProgram, PerCpuMode};
use skelgen_tests::skeletons::kfuncs::{Kfuncs, LoadedKfuncs, OpenProgs};
use skelgen_tests::{came_later, in_own_process, is_from, may_load, not_on_this_kernel, open_fds};

use crate::cpus::{online, run_on};
use crate::modes::in_each_mode;

fn load_with(
    mode: PerCpuMode,
    program: fn(&mut OpenProgs) -> &mut OpenProgram,
) -> skelgen_runtime::Result<LoadedKfuncs> {
    let mut open = Kfuncs::open().unwrap();
    open.set_percpu_mode(mode);
    program(&mut open.progs).set_autoload(true);
    open.load()
}

fn load(mode: PerCpuMode) -> LoadedKfuncs {
    load_with(mode, |progs| &mut progs.called).unwrap()
}

in_each_mode! {
    fn one_that_the_kernel_has_is_called(mode) {
        let skel = load(mode);
        assert_eq!(run_on(0, &skel.progs.called, [0; 2]), u32::from(is_from("bpf_rcu_read_lock")));
    }

    fn of_several_prototypes_the_kernels_own_is_there(mode) {
        assert_eq!(run_on(0, &load(mode).progs.flavoured, [0; 2]), u32::from(is_from("bpf_rcu_read_lock")));
    }

    fn one_is_called_with_arguments_beside_per_cpu_data(mode) {
        let skel = load(mode);
        if !is_from("bpf_iter_num_new") {
            assert_eq!(run_on(0, &skel.progs.counted, [1, 11]).cast_signed(), -1);
            return not_on_this_kernel(came_later("bpf_iter_num_new"));
        }
        for cpu in online().iter() {
            assert_eq!(run_on(cpu, &skel.progs.counted, [1, 11]), 55);
            assert_eq!(run_on(cpu, &skel.progs.counted, [5, 5]), 0);
            assert_eq!(skel.percpu.get(cpu).unwrap().summed, 2);
        }
    }

    fn one_that_the_kernel_lacks_is_not(mode) {
        assert_eq!(run_on(0, &load(mode).progs.missing, [0; 2]), 0);
    }
}

#[test]
fn a_call_of_one_that_the_kernel_lacks_is_refused_by_name() {
    if !may_load() {
        return;
    }
    let error = load_with(PerCpuMode::Auto, |progs| &mut progs.unasked).unwrap_err();
    assert_eq!((error.operation(), error.subject_name()), ("load program", Some("unasked")));
    assert_eq!(error.reason(), Some("this kernel has no kfunc `skelgen_no_such_kfunc`"), "{error}");
    assert_eq!(
        error.hint_text(),
        Some("the program must not call it unless bpf_ksym_exists(skelgen_no_such_kfunc)"),
        "{error}"
    );
}

#[test]
fn a_strong_one_that_the_kernel_lacks_is_named() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let before = open_fds();
        let error = load_with(PerCpuMode::Auto, |progs| &mut progs.strong).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::ENOENT));
        assert_eq!(
            error.to_string(),
            "kfuncs: find kfunc skelgen_no_such_strong_kfunc: the BTF of the kernel and of its loaded modules has no \
             function `skelgen_no_such_strong_kfunc`: ENOENT: No such file or directory"
        );
        assert_eq!(open_fds(), before);
    });
}
