//! Per-CPU text where a helper wants a constant string: the verifier must know such a string's bytes.

use skelgen_runtime::{OpenProgram, PerCpuMode, Result, features};
use skelgen_tests::skeletons::percpu_const_str::{LoadedPercpuConstStr, OpenProgs, PercpuConstStr};

use crate::cpus::{online, run_on};
use crate::modes::in_each_mode;

/// Loads one of the programs, and no other.
fn load_only(mode: PerCpuMode, program: fn(&mut OpenProgs) -> &mut OpenProgram) -> Result<LoadedPercpuConstStr> {
    let mut open = PercpuConstStr::open().unwrap();
    open.set_percpu_mode(mode);
    let progs = &mut open.progs;
    for other in [
        &mut progs.refused_strncmp,
        &mut progs.refused_strncmp_const,
        &mut progs.refused_snprintf,
        &mut progs.accepted_printk,
        &mut progs.accepted_strncmp,
    ] {
        other.set_autoload(false);
    }
    program(progs).set_autoload(true);
    open.load()
}

fn is_refused(mode: PerCpuMode, name: &str, program: fn(&mut OpenProgs) -> &mut OpenProgram) {
    let error = load_only(mode, program).unwrap_err();
    assert_eq!((error.operation(), error.subject_name()), ("load program", Some(name)), "{error}");
    // Older kernels have no words of their own for it: no program can address a per-CPU map there. They refuse it as a
    // map that programs can write.
    let words = match features::probe().unwrap().direct {
        true => "points to percpu_array map which cannot be used as const string",
        false => "does not point to a readonly map",
    };
    let log = error.verifier_log().unwrap();
    assert!(log.contains(words), "{log}");
}

in_each_mode! {
    fn strncmp_refuses_it(mode) {
        is_refused(mode, "refused_strncmp", |progs| &mut progs.refused_strncmp);
        is_refused(mode, "refused_strncmp_const", |progs| &mut progs.refused_strncmp_const);
    }

    fn snprintf_refuses_it_as_format(mode) {
        is_refused(mode, "refused_snprintf", |progs| &mut progs.refused_snprintf);
    }

    fn it_is_accepted_where_any_memory_is(mode) {
        load_only(mode, |progs| &mut progs.accepted_printk).unwrap();
        let skel = load_only(mode, |progs| &mut progs.accepted_strncmp).unwrap();
        for cpu in online().iter() {
            assert_eq!(run_on(cpu, &skel.progs.accepted_strncmp, [0; 2]), 0, "CPU {cpu}");
        }
    }
}
