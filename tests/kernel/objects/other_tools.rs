//! Objects of GCC, of Rust with aya-ebpf, and of bpftool's linker.

use std::process;

use skelgen_runtime::TestRun;
use skelgen_tests::may_load;
use skelgen_tests::skeletons::aya::Aya;
use skelgen_tests::skeletons::aya_untyped::AyaUntyped;
use skelgen_tests::skeletons::gcc::Gcc;
use skelgen_tests::skeletons::linked::Linked;
use skelgen_tests::skeletons::linked3::Linked3;

use crate::cpus::{online, run_on};

const XDP_PASS: u32 = 2;

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

#[test]
fn aya_objects_are_like_clangs() {
    if !may_load() {
        return;
    }
    let mut open = Aya::open().unwrap();
    assert_eq!((open.rodata.FACTOR, open.data.STEP, open.bss.HITS), (2, 3, 0));
    open.rodata.FACTOR = 5;
    open.data.STEP = 4;
    let skel = open.load().unwrap();
    let cpu = online().last();
    let sum: u64 = 7 * 5 + 4;
    // What the function returns is not what the program that aya makes of it does.
    run_on(cpu, &skel.progs.count, [7, 0]);
    assert_eq!(skel.bss.get().HITS, sum);
    // Declared with types in `.maps`, and as numbers in `maps`.
    assert_eq!(skel.maps.TYPED.get(&1).unwrap(), Some(sum));
    assert_eq!(skel.maps.NUMBERS.get(&2u32.to_ne_bytes()).unwrap(), Some(sum.to_ne_bytes()));
    assert_eq!(skel.maps.words.get(&5u32.to_ne_bytes()).unwrap(), Some((sum as u32).to_ne_bytes()));
    for (other, value) in &skel.maps.PER_CPU.values(&0u32.to_ne_bytes()).unwrap().unwrap() {
        assert_eq!(*value, u64::from(other == cpu).to_ne_bytes());
    }
    let ran = skel.progs.pass.test_run(TestRun { data_in: &[0; 64], ..TestRun::default() }).unwrap();
    assert_eq!(ran.retval, XDP_PASS);
}

/// Without BTF, as bpf-linker leaves it where it is not asked for any.
#[test]
fn untyped_aya_objects_have_sections_of_bytes() {
    if !may_load() {
        return;
    }
    let mut open = AyaUntyped::open().unwrap();
    assert_eq!((open.rodata.bytes, open.data.bytes, open.bss.bytes), (2u32.to_ne_bytes(), 3u32.to_ne_bytes(), [0; 8]));
    open.rodata.bytes = 5u32.to_ne_bytes();
    open.data.bytes = 4u32.to_ne_bytes();
    open.bss.bytes = 100u64.to_ne_bytes();
    let skel = open.load().unwrap();
    let sum: u64 = 7 * 5 + 4;
    run_on(online().last(), &skel.progs.count, [7, 0]);
    assert_eq!(skel.bss.get().unwrap().bytes, (100 + sum).to_ne_bytes());
    assert_eq!(skel.maps.NUMBERS.get(&2u32.to_ne_bytes()).unwrap(), Some(sum.to_ne_bytes()));
}

/// Each part has a function called `scale`, and a share of each section.
#[test]
fn three_linked_objects_share_their_sections() {
    if !may_load() {
        return;
    }
    let mut open = Linked3::open().unwrap();
    assert_eq!((open.rodata.factor_a, open.rodata.factor_b, open.rodata.factor_c), (2, 3, 4));
    assert_eq!((open.percpu.of_a, open.percpu.small, open.percpu.of_b), (100, 7, 200));
    open.rodata.factor_a = 10;
    open.bss.count_b = 1000;
    open.percpu.of_b = 300;
    let skel = open.load().unwrap();
    let cpu = online().last();
    // The third part's `best`, which is not weak, for all.
    let best = 1 + 40;
    let (count_a, count_b) = (7 * 10 + best, 1000 + 7 * 3 + 1 + best);
    assert_eq!(run_on(cpu, &skel.progs.run_a, [7, 0]), count_a);
    assert_eq!(run_on(cpu, &skel.progs.run_b, [7, 0]), count_b);
    assert_eq!(run_on(cpu, &skel.progs.run_c, [7, 0]), 7 * 4 + 5);
    assert_eq!((skel.bss.get().count_a, skel.bss.get().count_b), (count_a.into(), count_b.into()));
    let version = u64::try_from(skel.kconfig.get().LINUX_KERNEL_VERSION).unwrap();
    assert!(version >= 6 << 16);
    assert_eq!([1, 2, 3].map(|key| skel.maps.shared.get(&key).unwrap()), [version, version, count_a.into()].map(Some));
    let here = skel.percpu.get(cpu).unwrap();
    assert_eq!(here.of_a, 100 + u64::from(count_a) + 1);
    assert_eq!((here.small, here.of_b), (7 + 1, 300 + 1 + u64::from(count_b)));
    for (_, there) in skel.percpu.iter().unwrap().filter(|(other, _)| *other != cpu) {
        assert_eq!((there.of_a, there.small, there.of_b), (100, 7, 300));
    }
}
