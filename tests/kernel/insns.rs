//! Instructions that only newer kernels have, in functions that reach per-CPU data directly and by lookup.

use skelgen_runtime::{PerCpuMode, Program};
use skelgen_tests::skeletons::insns::{Insns, LoadedInsns, OpenProgs};
use skelgen_tests::{came_later, is_from, not_on_this_kernel};

use crate::cpus::run_on;
use crate::modes::in_each_mode;

/// The object with one of its programs; nothing, and noted, on kernels before `feature`.
fn load(mode: PerCpuMode, feature: &str, choose: fn(&mut OpenProgs)) -> Option<LoadedInsns> {
    if !is_from(feature) {
        not_on_this_kernel(came_later(feature));
        return None;
    }
    let mut open = Insns::open().unwrap();
    open.set_percpu_mode(mode);
    choose(&mut open.progs);
    Some(open.load().unwrap())
}

fn run(program: &Program, arg: i64) -> u32 {
    run_on(0, program, [arg.cast_unsigned(), 0])
}

in_each_mode! {
    fn signed_and_swapped(mode) {
        let Some(skel) = load(mode, "instructions of -mcpu=v4", |progs| progs.v4.set_autoload(true)) else { return };
        for a in [0, 1, -1, 200, -1000, 0x1234_5678_9abc] {
            let swapped = i64::from((a as u32).swap_bytes());
            let sum = -7 + i64::from(a as i8) + a / 3 + a % 5 + swapped;
            let far = if sum > 9 { 1000 } else { 0 };
            assert_eq!(run(&skel.progs.v4, a), (sum + far + 1) as u32, "{a}");
        }
        assert_eq!(skel.percpu.get(0).unwrap().values.count, 6);
    }

    fn a_loop_that_the_kernel_ends(mode) {
        let Some(skel) = load(mode, "may_goto", |progs| progs.may_goto.set_autoload(true)) else { return };
        assert_eq!([run(&skel.progs.may_goto, 10), run(&skel.progs.may_goto, 0)], [20, 20]);
        // Not for ever.
        assert!(run(&skel.progs.may_goto, -1) > 20);
    }

    fn loads_and_stores_in_order(mode) {
        let Some(skel) = load(mode, "load-acquire and store-release", |progs| progs.ordered.set_autoload(true)) else { return };
        assert_eq!([run(&skel.progs.ordered, 5), run(&skel.progs.ordered, 6)], [0, 5]);
        assert_eq!(skel.percpu.get(0).unwrap().values.count, 11);
    }
}
