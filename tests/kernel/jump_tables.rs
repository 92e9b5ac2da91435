//! Switches as jump tables: maps of the addresses of instructions, one for each program that jumps through one.

use skelgen_runtime::Errno;
use skelgen_tests::skeletons::jump_tables::{JumpTables, LoadedJumpTables};
use skelgen_tests::{came_later, in_own_process, is_from, may_load, not_on_this_kernel, open_fds};

use crate::cpus::{online, run_on};
use crate::info::prog_info;
use crate::modes::in_each_mode;

/// What was loaded; on kernels without such maps, which must say so, nothing.
fn load(open: skelgen_tests::skeletons::jump_tables::OpenJumpTables) -> Option<LoadedJumpTables> {
    let load = open.load();
    if is_from("BPF_MAP_TYPE_INSN_ARRAY") {
        return Some(load.unwrap());
    }
    let error = load.unwrap_err();
    assert_eq!((error.operation(), error.subject_name()), ("create a jump table of program", Some("choose")));
    assert_eq!(error.errno(), Some(Errno::EINVAL));
    assert_eq!(error.hint_text(), Some(&*came_later("BPF_MAP_TYPE_INSN_ARRAY")));
    not_on_this_kernel(error);
    None
}

/// As `price` in the source.
fn price(kind: u64, n: u64) -> u64 {
    match kind {
        0 => n * 3 + 1,
        1 => n ^ 0x55,
        2 => n << 4,
        3 => n / 7,
        4 => n.wrapping_sub(100),
        5 => n % 13,
        7 => n | 0x800,
        _ => 99,
    }
}

#[test]
fn each_entry_leads_to_its_case() {
    if !may_load() {
        return;
    }
    let Some(skel) = load(JumpTables::open().unwrap()) else { return };
    for (kind, n) in (0..10).flat_map(|kind| [0, 1, 76, 1000].map(|n| (kind, n))) {
        assert_eq!(run_on(0, &skel.progs.choose, [kind, n]), price(kind, n) as u32, "{kind} {n}");
        let twice = match kind {
            0 => price(1, n) + 1,
            1 => price(n & 7, 20).wrapping_mul(2),
            2 => price(3, n).wrapping_sub(3),
            3 => 4,
            4 => price(5, n) ^ 5,
            5 => 6,
            _ => u64::MAX,
        };
        assert_eq!(run_on(0, &skel.progs.choose_twice, [kind, n]), twice as u32, "{kind} {n}");
    }
    // Its own of a function that both call, and one more.
    let maps = [&skel.progs.choose, &skel.progs.choose_twice].map(|program| prog_info(program).nr_map_ids);
    assert_eq!(maps, [1, 2]);
}

in_each_mode! {
    fn a_table_leads_past_the_lookup_of_per_cpu_data(mode) {
        let mut open = JumpTables::open().unwrap();
        open.set_percpu_mode(mode);
        open.percpu.taken[4] = 8;
        let Some(skel) = load(open) else { return };
        for cpu in online().iter() {
            let run = |kind, n| run_on(cpu, &skel.progs.counted, [kind, n]);
            assert_eq!([run(0, 5), run(0, 6), run(1, 7), run(2, 9), run(3, 1), run(4, 3), run(5, 12)], [
                5,
                11,
                14,
                9,
                u32::MAX,
                11,
                4
            ]);
            assert_eq!([run(6, 0), run(70, 0)], [0, 1]);
            assert_eq!(skel.percpu.get(cpu).unwrap().taken, [11, 14, 9, u64::MAX, 11, 4, 0, 2]);
        }
    }
}

#[test]
fn a_program_that_is_not_loaded_has_no_table() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let before = open_fds();
        let mut open = JumpTables::open().unwrap();
        open.progs.choose.set_autoload(false);
        open.progs.choose_twice.set_autoload(false);
        open.progs.counted.set_autoload(false);
        let skel = open.load().unwrap();
        assert!(!skel.progs.choose.is_loaded());
        drop(skel);
        let Some(skel) = load(JumpTables::open().unwrap()) else { return };
        // Tables stay with their programs, and need no descriptor.
        assert_eq!(open_fds().len(), before.len() + 4);
        drop(skel);
        assert_eq!(open_fds(), before);
    });
}
