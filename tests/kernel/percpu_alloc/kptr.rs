//! Objects with a value for each CPU that programs make with kfuncs and keep in an element (per-CPU kptrs).

use skelgen_runtime::{Program, TestRun};
use skelgen_tests::skeletons::percpu_kptr::{LoadedPercpuKptr, PercpuKptr};
use skelgen_tests::{allowed_cpus, came_later, is_from, may_load, not_on_this_kernel, on_cpu};

/// The programs that use one of the two maps.
struct Programs<'a> {
    make: &'a Program,
    count: &'a Program,
    read: &'a Program,
    drop: &'a Program,
}

/// Runs a program, with `mark` in its packet's context.
fn run(program: &Program, mark: u32) -> u32 {
    let ctx: Vec<u8> = [0, 0, mark].into_iter().flat_map(u32::to_ne_bytes).collect();
    let run = TestRun { data_in: &[0; 64], ctx_in: &ctx, ..TestRun::default() };
    program.test_run(run).unwrap().retval
}

/// What `read` gives where there is no value.
const NONE: u32 = 1000;

fn each_cpu_has_its_own(programs: fn(&LoadedPercpuKptr) -> Programs<'_>) {
    if !may_load() {
        return;
    }
    if !is_from("bpf_percpu_obj_new_impl") {
        return not_on_this_kernel(came_later("bpf_percpu_obj_new_impl"));
    }
    let skel = PercpuKptr::open().unwrap().load().unwrap();
    let Programs { make, count, read, drop } = programs(&skel);
    let cpus = allowed_cpus().unwrap();

    assert_eq!((run(count, 0), run(read, 0), run(drop, 0)), (0, NONE, 0));
    // The second takes the first one's place.
    for _ in 0..2 {
        assert_eq!(run(make, 0), 0);
        // The kernel hands out objects as they were left.
        let first: Vec<_> = cpus.iter().map(|&cpu| run(read, cpu)).collect();
        for (&cpu, first) in cpus.iter().zip(&first) {
            for runs in 1..=cpu + 1 {
                assert_eq!(on_cpu(cpu, || run(count, 0)).unwrap(), first.wrapping_add(runs), "CPU {cpu}");
            }
        }
        for (&cpu, first) in cpus.iter().zip(&first) {
            assert_eq!(run(read, cpu), first.wrapping_add(cpu + 1), "CPU {cpu}");
        }
    }
    assert_eq!(run(read, super::impossible()), NONE);
    assert_eq!((run(drop, 0), run(drop, 0), run(read, 0)), (1, 0, NONE));
}

#[test]
fn array() {
    each_cpu_has_its_own(|skel| {
        let progs = &skel.progs;
        Programs {
            make: &progs.array_make,
            count: &progs.array_count,
            read: &progs.array_read,
            drop: &progs.array_drop,
        }
    });
}

#[test]
fn cgroup() {
    each_cpu_has_its_own(|skel| {
        let progs = &skel.progs;
        Programs {
            make: &progs.cgroup_make,
            count: &progs.cgroup_count,
            read: &progs.cgroup_read,
            drop: &progs.cgroup_drop,
        }
    });
}
