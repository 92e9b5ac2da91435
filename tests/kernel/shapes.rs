//! The shapes in which compiled code touches per-CPU data: each program gives what it gives over ordinary data.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

use skelgen_runtime::{OpenProgram, PerCpuMode, Program, TestRun};
use skelgen_tests::skeletons::deep_stack_ok::DeepStackOk;
use skelgen_tests::skeletons::percpu_shapes::{LoadedPercpuShapes, OpenProgs, PercpuShapes, Progs};
use skelgen_tests::skeletons::tail_call_stack_ok::TailCallStackOk;

use crate::cpus::{online, run_on};
use crate::modes::in_each_mode;

/// `program a b first second`
const EXPECTED: &str = include_str!("../../fixtures/percpu_shapes.expected");

/// A program by its name, before the load and after.
struct Shape {
    name: &'static str,
    open: fn(&mut OpenProgs) -> &mut OpenProgram,
    loaded: fn(&Progs) -> &Program,
}

macro_rules! shapes {
    ($($name:ident)*) => {
        [$(Shape { name: stringify!($name), open: |progs| &mut progs.$name, loaded: |progs| &progs.$name }),*]
    };
}

/// Those of `percpu_shapes.expected`.
const SHAPES: [Shape; 24] = shapes! {
    address_on_stack address_passed address_passed_global address_returned constant_offsets context_passed direct
    each_callback five_arguments five_arguments_saved global_subprogram helper_reads helper_writes in_a_loop
    loop_at_entry loop_callback lying_prototype nested_subprograms one_branch static_subprogram two_sections untouched
    variable_index void_subprogram
};

/// A line of `percpu_shapes.expected`.
#[derive(Debug)]
struct Expected {
    program: &'static str,
    args: [u64; 2],
    results: [u32; 2],
}

fn expected() -> Vec<Expected> {
    let lines = EXPECTED.lines().filter(|line| !line.starts_with('#'));
    let parse = |line: &'static str| {
        let words: Vec<_> = line.split_whitespace().collect();
        let [program, numbers @ ..] = &words[..] else { panic!("{line}") };
        let [a, b, first, second] = [0, 1, 2, 3].map(|at| numbers[at].parse::<u32>().unwrap());
        Expected { program, args: [a.into(), b.into()], results: [first, second] }
    };
    lines.map(parse).collect()
}

/// A fresh load of one program.
fn load_only(mode: PerCpuMode, shape: &Shape) -> LoadedPercpuShapes {
    let mut open = PercpuShapes::open().unwrap();
    open.set_percpu_mode(mode);
    for other in &SHAPES {
        (other.open)(&mut open.progs).set_autoload(false);
    }
    open.progs.timer_callback.set_autoload(false);
    open.progs.sleepable.set_autoload(false);
    (shape.open)(&mut open.progs).set_autoload(true);
    open.load().unwrap_or_else(|error| panic!("{mode:?}: {error}"))
}

#[test]
fn every_shape_is_expected_to_give_something() {
    let expected: BTreeSet<_> = expected().iter().map(|line| line.program).collect();
    assert_eq!(expected, SHAPES.iter().map(|shape| shape.name).collect());
}

in_each_mode! {
    fn each_gives_what_it_gives_over_ordinary_data(mode) {
        for line in expected() {
            let shape = SHAPES.iter().find(|shape| shape.name == line.program).unwrap();
            let skel = load_only(mode, shape);
            // Every CPU is as fresh as the one before.
            for cpu in online().iter() {
                let results = [(); 2].map(|()| run_on(cpu, (shape.loaded)(&skel.progs), line.args));
                assert_eq!(results, line.results, "on CPU {cpu}: {line:?}");
            }
        }
    }

    fn all_of_them_load_together(mode) {
        let mut open = PercpuShapes::open().unwrap();
        open.set_percpu_mode(mode);
        let skel = open.load().unwrap();
        assert!(SHAPES.iter().all(|shape| (shape.loaded)(&skel.progs).is_loaded()));
        assert!(skel.progs.timer_callback.is_loaded() && skel.progs.sleepable.is_loaded());
    }

    fn a_timer_counts_on_the_cpu_where_it_fires(mode) {
        let mut open = PercpuShapes::open().unwrap();
        open.set_percpu_mode(mode);
        let skel = open.load().unwrap();
        let output = skel.progs.timer_callback.test_run(TestRun { data_in: &[0; 64], ..TestRun::default() }).unwrap();
        assert_eq!(output.retval, 0);
        let fired = || skel.percpu.values().unwrap().fold(0, |sum, value| sum + value.timer_runs);
        let until = Instant::now() + Duration::from_secs(20);
        while fired() == 0 {
            assert!(Instant::now() < until, "the timer does not fire");
            sleep(Duration::from_millis(1));
        }
        assert_eq!(fired(), 1);
    }

    fn a_sleepable_program_counts_on_the_cpu_where_it_runs(mode) {
        let mut open = PercpuShapes::open().unwrap();
        open.set_percpu_mode(mode);
        let skel = open.load().unwrap();
        for cpu in skelgen_tests::allowed_cpus().unwrap() {
            for run in 1..3 {
                // struct sleepable_args: `a`, and `out` that it fills in.
                let ctx = [5u64, 0].map(u64::to_ne_bytes).concat();
                let run_there = || skel.progs.sleepable.test_run(TestRun { ctx_in: &ctx, ..TestRun::default() });
                let output = skelgen_tests::on_cpu(cpu, run_there).unwrap().unwrap();
                assert_eq!(u64::from(output.retval), run, "CPU {cpu}");
                // `total` and `slots[0]` are 100 and 1 at first, and each grows by `a`.
                assert_eq!(output.ctx_out[8..], (101 + 10 * run).to_ne_bytes(), "CPU {cpu}");
                assert_eq!(u64::from(skel.percpu.get(cpu).unwrap().calls), run, "CPU {cpu}");
            }
        }
    }

    fn a_deep_stack_has_room_for_lowering(mode) {
        let mut open = DeepStackOk::open().unwrap();
        open.set_percpu_mode(mode);
        let skel = open.load().unwrap();
        for cpu in online().iter() {
            assert_eq!(run_on(cpu, &skel.progs.deep, [3, 4]), 3 + 4 + 1, "CPU {cpu}");
            assert_eq!(run_on(cpu, &skel.progs.deep, [30, 40]), 30 + 40 + 2, "CPU {cpu}");
            assert_eq!(skel.percpu.get(cpu).unwrap().runs, 2, "CPU {cpu}");
        }
    }

    fn the_stack_above_a_tail_call_has_room_for_lowering(mode) {
        let mut open = TailCallStackOk::open().unwrap();
        open.set_percpu_mode(mode);
        let skel = open.load().unwrap();
        let packet = TestRun { data_in: &[0; 64], ..TestRun::default() };
        assert_eq!(skel.progs.main_program.test_run(packet).unwrap().retval, 3 + 7);
        assert_eq!(skel.percpu.iter().unwrap().map(|(_, value)| value.hits).sum::<u64>(), 1);
    }
}
