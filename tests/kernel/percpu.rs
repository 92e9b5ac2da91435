//! A `.percpu` section from its one value before the load to each CPU's own after it.

use skelgen_runtime::{Errno, PerCpuMode, Plain, features};
use skelgen_tests::skeletons::counters::types::Percpu;
use skelgen_tests::skeletons::counters::{Counters, LoadedCounters};
use skelgen_tests::{is_from, matrix, may_load};

use crate::cpus::{online, run_on};
use crate::info::map_info;
use crate::modes::in_each_mode;

/// Counters, loaded as the object has them.
fn load(mode: PerCpuMode) -> LoadedCounters {
    let mut open = Counters::open().unwrap();
    open.set_percpu_mode(mode);
    open.load().unwrap()
}

/// A value that tells the CPU it was written for.
fn value_of(cpu: u32) -> Percpu {
    let mut value = Percpu { hits: 1000 + u64::from(cpu), last_pid: -(cpu as i32) - 2, ..Percpu::default() };
    value.by_class = [u64::from(cpu); 4];
    value.calls.highest = cpu << 8;
    value
}

in_each_mode! {
    fn every_possible_cpu_begins_with_the_objects_value(mode) {
        let open = Counters::open().unwrap();
        let first = *open.percpu;
        assert_eq!((first.hits, first.errors, first.last_pid, first.by_class), (0, 0, -1, [0; 4]));
        assert!(first.armed.get());
        assert_eq!((first.calls.first_ns, first.calls.lowest, first.calls.highest), (0, u32::MAX, 0));

        let skel = load(mode);
        assert!(skel.percpu.cpus().count() >= online().count());
        for cpu in skel.percpu.cpus().iter() {
            assert_eq!(skel.percpu.get(cpu).unwrap().as_bytes(), first.as_bytes(), "CPU {cpu}");
        }
    }

    fn every_possible_cpu_begins_with_the_edited_value(mode) {
        let mut open = Counters::open().unwrap();
        open.percpu.hits = 41;
        open.percpu.by_class[3] = u64::MAX;
        open.percpu.armed.set(false);
        let edited = *open.percpu;
        open.set_percpu_mode(mode);
        let skel = open.load().unwrap();
        for cpu in skel.percpu.cpus().iter() {
            assert_eq!(skel.percpu.get(cpu).unwrap().as_bytes(), edited.as_bytes(), "CPU {cpu}");
        }
        for cpu in online().iter() {
            assert_eq!(run_on(cpu, &skel.progs.bump, [1, 0]), 42, "CPU {cpu}");
        }
    }

    fn a_value_edited_to_zeroes_is_all_zeroes(mode) {
        let mut open = Counters::open().unwrap();
        *open.percpu = Percpu::zeroed();
        open.set_percpu_mode(mode);
        let skel = open.load().unwrap();
        for (cpu, value) in skel.percpu.iter().unwrap() {
            assert!(value.as_bytes().iter().all(|&byte| byte == 0), "CPU {cpu}: {value:?}");
        }
    }

    fn each_cpu_has_its_own_changes(mode) {
        let skel = load(mode);
        // As many runs as the CPU's number and one, so that no two are alike.
        for cpu in online().iter() {
            for run in 1..=cpu + 1 {
                assert_eq!(run_on(cpu, &skel.progs.bump, [10, cpu.into()]), run * 10, "CPU {cpu}");
            }
        }
        for cpu in skel.percpu.cpus().iter() {
            let value = skel.percpu.get(cpu).unwrap();
            let hits = if online().contains(cpu) { u64::from(cpu + 1) * 10 } else { 0 };
            let mut by_class = [0; 4];
            by_class[cpu as usize % 4] = hits;
            assert_eq!((value.hits, value.by_class), (hits, by_class), "CPU {cpu}");
            assert_eq!((value.errors, value.last_pid, value.armed.get()), (0, -1, true), "CPU {cpu}");
        }
    }

    fn set_leaves_the_other_cpus_alone(mode) {
        let skel = load(mode);
        let cpus = skel.percpu.cpus();
        let mut expected: Vec<_> = cpus.iter().map(|cpu| skel.percpu.get(cpu).unwrap()).collect();
        // From the last to the first, so that a write that reached further would undo the one before.
        for cpu in cpus.iter().rev() {
            skel.percpu.set(cpu, &value_of(cpu)).unwrap();
            expected[cpus.slot(cpu).unwrap()] = value_of(cpu);
            let found: Vec<_> = cpus.iter().map(|cpu| skel.percpu.get(cpu).unwrap()).collect();
            assert_eq!(found, expected, "after CPU {cpu}");
        }
        // The programs see it as well.
        for cpu in online().iter() {
            assert_eq!(run_on(cpu, &skel.progs.bump, [1, 1]), 1001 + cpu, "CPU {cpu}");
        }
    }

    fn set_all_reaches_every_cpu(mode) {
        let skel = load(mode);
        for cpu in online().iter() {
            run_on(cpu, &skel.progs.bump, [7, 2]);
        }
        let value = value_of(99);
        skel.percpu.set_all(&value).unwrap();
        for cpu in skel.percpu.cpus().iter() {
            assert_eq!(skel.percpu.get(cpu).unwrap(), value, "CPU {cpu}");
        }
        for cpu in online().iter() {
            assert_eq!(run_on(cpu, &skel.progs.bump, [1, 1]), 1100, "CPU {cpu}");
        }
    }

    fn all_ways_to_read_agree(mode) {
        let skel = load(mode);
        let cpus = skel.percpu.cpus();
        for cpu in cpus.iter() {
            skel.percpu.set(cpu, &value_of(cpu)).unwrap();
        }
        let one_by_one: Vec<_> = cpus.iter().map(|cpu| (cpu, skel.percpu.get(cpu).unwrap())).collect();
        assert_eq!(skel.percpu.iter().unwrap().len(), cpus.count());
        assert_eq!(skel.percpu.iter().unwrap().collect::<Vec<_>>(), one_by_one);

        let values = skel.percpu.values().unwrap();
        assert_eq!(values.iter().map(|(cpu, value)| (cpu, *value)).collect::<Vec<_>>(), one_by_one);
        assert!(one_by_one.iter().all(|(cpu, value)| values.get(*cpu) == Some(value) && values[*cpu] == *value));
        assert!(values.get(cpus.last() + 1).is_none());
        let sum = one_by_one.iter().map(|(_, value)| value.hits).sum::<u64>();
        assert_eq!(values.fold(0, |sum, value| sum + value.hits), sum);
        let mut into = values.clone().map(|_| Percpu::zeroed());
        skel.percpu.values_into(&mut into).unwrap();
        assert_eq!(into, values);
        assert_eq!(values.into_iter().collect::<Vec<_>>(), one_by_one);
    }

    fn a_section_can_be_of_another_type(mode) {
        let skel = load(mode);
        let cpus = skel.percpu.cpus();
        skel.percpu.set_all(&value_of(3)).unwrap();
        let bytes = skel.percpu.as_type::<[u8; size_of::<Percpu>()]>().unwrap();
        for (cpu, bytes) in bytes.iter().unwrap() {
            assert_eq!(bytes, value_of(3).as_bytes(), "CPU {cpu}");
        }
        bytes.set(cpus.last(), value_of(9).as_bytes().try_into().unwrap()).unwrap();
        assert_eq!(skel.percpu.get(cpus.last()).unwrap(), value_of(9));
        // Its first variable alone; the others stay.
        let hits = skel.percpu.as_type::<u64>().unwrap();
        assert_eq!(hits.get(cpus.last()).unwrap(), 1009);
        hits.set(cpus.last(), &5).unwrap();
        assert_eq!(skel.percpu.get(cpus.last()).unwrap(), Percpu { hits: 5, ..value_of(9) });
        // It is the same map, whatever becomes of the one it was made of.
        drop(skel);
        assert_eq!((hits.get(cpus.last()).unwrap(), hits.map().name()), (5, ".percpu"));

        let error = hits.as_type::<[u64; 100]>().unwrap_err().to_string();
        let size = size_of::<Percpu>();
        assert_eq!(error, format!("use per-CPU map .percpu: its value has {size} bytes, the type 800"));
    }

    fn an_impossible_cpu_is_named(mode) {
        let skel = load(mode);
        let before: Vec<_> = skel.percpu.iter().unwrap().collect();
        for cpu in [skel.percpu.cpus().last() + 1, u32::MAX] {
            let (get, set) = (skel.percpu.get(cpu), skel.percpu.set(cpu, &value_of(0)));
            for error in [get.unwrap_err(), set.unwrap_err()] {
                let words = error.to_string();
                let possible = format!("the possible CPUs are {:?}", skel.percpu.cpus());
                assert!(words.contains(&format!("CPU {cpu} ")) && words.contains(".percpu"), "{words}");
                assert!(words.contains(&possible), "{words}");
            }
        }
        assert_eq!(skel.percpu.iter().unwrap().collect::<Vec<_>>(), before);
    }
}

#[test]
fn auto_takes_the_native_form_where_the_kernel_can() {
    if !may_load() {
        return;
    }
    // Only native programs go with a section that has its type, which older kernels refuse.
    let is_native = |mode| map_info(load(mode).percpu.map()).btf_value_type_id != 0;
    let features = features::probe().unwrap();
    assert_eq!(is_native(PerCpuMode::Auto), features.direct);
    assert!(!is_native(PerCpuMode::Lowered));
    // The kernels of the matrix are known.
    if matrix().is_some() {
        assert_eq!(features.all_cpus, is_from("BPF_F_CPU, BPF_F_ALL_CPUS"));
        assert_eq!(features.direct, is_from(".percpu addressed directly"));
    }
}

#[test]
fn native_is_refused_with_a_reason_where_the_kernel_cannot() {
    if !may_load() {
        return;
    }
    if features::probe().unwrap().direct {
        return skelgen_tests::not_on_this_kernel("a refusal of programs that address `.percpu` directly");
    }
    let mut open = Counters::open().unwrap();
    open.set_percpu_mode(PerCpuMode::Native);
    let error = open.load().unwrap_err();
    assert_eq!((error.object_name(), error.errno()), (Some("counters"), Some(Errno::EINVAL)));
    // The section with its type is what such a kernel refuses first.
    assert_eq!((error.operation(), error.subject_name()), ("create map", Some(".percpu")));
    let hint = error.hint_text().unwrap();
    assert!(hint.contains("Linux 7.3") && hint.contains("PerCpuMode::Auto"), "{hint}");
}
