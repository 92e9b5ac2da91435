//! Objects of GCC and of bpftool's linker.

use std::process;

use skelgen_runtime::TestRun;
use skelgen_tests::may_load;
use skelgen_tests::skeletons::gcc::Gcc;
use skelgen_tests::skeletons::linked::Linked;

use crate::cpus::{online, run_on};

#[test]
fn gcc_objects_are_like_clangs() {
    if !may_load() {
        return;
    }
    let mut open = Gcc::open().unwrap();
    assert_eq!((open.data.step, open.rodata.factor, open.percpu.per_cpu_hits), (3, 2, 40));
    open.rodata.factor = 5;
    let skel = open.load().unwrap();
    let cpu = online().last();
    assert_eq!(run_on(cpu, &skel.progs.count, [7, 0]), 42);
    assert_eq!(skel.bss.get().hits, 7 * 5 + 3);
    assert_eq!(skel.maps.typed.get(&1).unwrap(), Some(7 * 5 + 3 + 6));
    assert_eq!(skel.maps.sized.get(&1u32.to_ne_bytes()).unwrap(), Some(3u32.to_ne_bytes()));
    for (other, value) in skel.percpu.iter().unwrap() {
        assert_eq!(value.per_cpu_hits, if other == cpu { 42 } else { 40 });
    }
    // By CO-RE, of a task that GCC was told one member of.
    // On this thread: on another CPU it would be the task there.
    let ran = skel.progs.pid.test_run(TestRun { ctx_in: &[0; 16], ..TestRun::default() }).unwrap();
    assert_eq!(ran.retval, process::id());
}

#[test]
fn linked_objects_are_like_their_parts() {
    if !may_load() {
        return;
    }
    let mut open = Linked::open().unwrap();
    assert_eq!(open.data.elsewhere, 20);
    open.data.elsewhere = 30;
    let skel = open.load().unwrap();
    let cpu = online().last();
    // The better of the two functions, and each program the static variable of its own part.
    assert_eq!(run_on(cpu, &skel.progs.weigh, [4, 0]), 4 * 30 + 1);
    assert_eq!(run_on(cpu, &skel.progs.other, [0; 2]), 3 * 30 + 2);
    assert_eq!(skel.maps.shared.get(&0).unwrap(), Some(1));
}
