//! Structs of one's own, with padding and `bool`s, as the values of per-CPU sections and maps.

use skelgen_runtime::{PerCpu, PerCpuMap, Value};
use skelgen_tests::may_load;
use skelgen_tests::skeletons::counters::Counters;
use skelgen_tests::skeletons::percpu_maps::PercpuMaps;
use skelgen_tests::skeletons::percpu_types::PercpuTypes;

use crate::cpus::{online, run_on};
use crate::modes::in_each_mode;

#[derive(Clone, Copy, Debug, PartialEq, PerCpu)]
#[repr(C)]
#[percpu(object = "../fixtures/counters.bpf.o")]
struct CounterValues {
    hits: u64,
    errors: u32,
    last_pid: i32,
    by_class: [u64; 4],
    armed: bool,
    calls: CallRange,
}

#[derive(Clone, Copy, Debug, PartialEq, PerCpu)]
#[repr(C)]
struct CallRange {
    first_ns: u64,
    lowest: u32,
    highest: u32,
}

/// 13 bytes in 16, in C as well.
#[derive(Clone, Copy, Debug, PartialEq, PerCpu)]
#[repr(C)]
#[percpu(object = "../fixtures/percpu_maps.bpf.o", map = "hash_sample")]
struct Sample {
    count: u64,
    low: i32,
    armed: u8,
}

/// 12 bytes in C, 16 here.
#[derive(Clone, Copy, Debug, PartialEq, PerCpu)]
#[repr(C)]
#[percpu(object = "../fixtures/percpu_types.bpf.o", section = ".percpu.of_function")]
struct OfFunction {
    runs: u64,
    touch_count: u32,
}

in_each_mode! {
    fn a_section_is_read_and_written_as_a_struct_of_ones_own(mode) {
        let mut open = Counters::open().unwrap();
        open.set_percpu_mode(mode);
        let skel = open.load().unwrap();
        let percpu = skel.percpu.as_type::<CounterValues>().unwrap();
        let calls = CallRange { first_ns: 0, lowest: u32::MAX, highest: 0 };
        let first = CounterValues { hits: 0, errors: 0, last_pid: -1, by_class: [0; 4], armed: true, calls };
        for cpu in percpu.cpus().iter() {
            assert_eq!(percpu.get(cpu).unwrap(), first, "CPU {cpu}");
            let value = CounterValues { hits: cpu.into(), armed: cpu % 2 == 0, ..first };
            percpu.set(cpu, &value).unwrap();
        }
        for cpu in online().iter() {
            assert_eq!(run_on(cpu, &skel.progs.bump, [7, 2]), cpu + 7, "CPU {cpu}");
            let [hits, by_class] = [u64::from(cpu) + 7, 7];
            let expected = CounterValues { hits, by_class: [0, 0, by_class, 0], armed: cpu % 2 == 0, ..first };
            assert_eq!(percpu.get(cpu).unwrap(), expected, "CPU {cpu}");
            // The skeleton's own type sees the same.
            assert_eq!(skel.percpu.get(cpu).unwrap().armed, expected.armed, "CPU {cpu}");
        }
    }

    fn a_section_that_ends_where_no_struct_does_fits(mode) {
        let mut open = PercpuTypes::open().unwrap();
        open.set_percpu_mode(mode);
        let skel = open.load().unwrap();
        let percpu = skel.percpu_of_function.as_type::<OfFunction>().unwrap();
        assert!(percpu.map().value_size() < size_of::<OfFunction>());
        percpu.set_all(&OfFunction { runs: 5, touch_count: 40 }).unwrap();
        for cpu in online().iter() {
            run_on(cpu, &skel.progs.touch, [0, 0]);
            assert_eq!(percpu.get(cpu).unwrap(), OfFunction { runs: 6, touch_count: 41 }, "CPU {cpu}");
        }
    }
}

#[test]
fn a_map_is_read_and_written_as_a_struct_of_ones_own() {
    if !may_load() {
        return;
    }
    let skel = PercpuMaps::open().unwrap().load().unwrap();
    let map = skel.maps.hash_sample.map().try_clone().unwrap();
    let map = PerCpuMap::<u32, Sample>::new(map).unwrap();
    assert_eq!(map.get(&3, 0).unwrap(), None);
    map.set_all(&3, &Sample { count: 1, low: -1, armed: 1 }).unwrap();
    for cpu in map.cpus().iter() {
        let value = Sample { count: u64::from(cpu) + 2, low: -2, armed: 9 };
        map.set(&3, cpu, &value).unwrap();
        assert_eq!(map.get(&3, cpu).unwrap(), Some(value), "CPU {cpu}");
    }
    // What is padding here is so in C, and was zeroes.
    let raw = PerCpuMap::<u32, [u8; 16]>::new(map.map().try_clone().unwrap()).unwrap();
    let mut bytes = [0; 16];
    Sample { count: 2, low: -2, armed: 9 }.write(&mut bytes);
    assert_eq!(raw.get(&3, 0).unwrap(), Some(bytes));
}
