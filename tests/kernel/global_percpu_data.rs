//! What Linux' own tests want of global per-CPU data (`prog_tests/global_data_init.c` in its selftests), of a
//! skeleton: native as there, and lowered.

use std::io::Read;

use skelgen_runtime::PerCpuMode;
use skelgen_runtime::uapi::{BPF_F_MMAPABLE, BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PERCPU_ARRAY, MapFlags};
use skelgen_tests::skeletons::percpu_basic::types::Percpu;
use skelgen_tests::skeletons::percpu_basic::{LoadedPercpuBasic, OpenPercpuBasic, PercpuBasic};

use crate::cpus::{online, run_on};
use crate::info::map_info;
use crate::modes::in_each_mode;

pub(crate) fn open(mode: PerCpuMode) -> OpenPercpuBasic {
    let mut open = PercpuBasic::open().unwrap();
    open.set_percpu_mode(mode);
    open
}

/// What `change` makes of a CPU's `.percpu` variables, run once there with this amount.
fn changed(mut value: Percpu, cpu: u32, amount: u32) -> Percpu {
    value.total += u64::from(amount);
    value.zero += 1;
    value.minus -= 1;
    value.bytes[4] = cpu as u8;
    value.grid[1][2] += amount;
    value.record.id += cpu;
    value.record.pairs[0].small = -2;
    value.record.pairs[1].large += i64::from(amount);
    value.record.tag[0] = b'F';
    value.ran_on = cpu as i32;
    value.tail[0] -= 1;
    value
}

/// Runs `change` on each CPU that is there, and looks at all variables after each run.
pub(crate) fn change_everywhere(skel: &LoadedPercpuBasic, first: &Percpu) {
    let mut expected: Vec<Percpu> = skel.percpu.values().unwrap().into_iter().map(|(_, value)| value).collect();
    assert!(expected.iter().all(|value| value == first));
    for (run, cpu) in (1..).zip(online().iter()) {
        let amount = 100 + cpu;
        let value = changed(*first, cpu, amount);
        assert_eq!(u64::from(run_on(cpu, &skel.progs.change, [amount.into(), 0])), value.total, "CPU {cpu}");
        expected[skel.percpu.cpus().slot(cpu).unwrap()] = value;

        let found: Vec<Percpu> = skel.percpu.iter().unwrap().map(|(_, value)| value).collect();
        assert_eq!(found, expected, "after a run on CPU {cpu}");
        assert_eq!(skel.percpu.get(cpu).unwrap(), value, "CPU {cpu}");
        // Of this one there is one for all CPUs.
        assert_eq!(skel.data_percpu.get().not_percpu, 99 + run);
    }
}

#[test]
fn a_skeleton_opens_with_the_values_of_the_source() {
    let open = PercpuBasic::open().unwrap();
    let value = &*open.percpu;
    assert_eq!((value.total, value.zero, value.minus, value.ran_on, value.tail), (1000, 0, -5, -1, [77]));
    assert_eq!((value.bytes, value.grid), ([1, 2, 3, 4, 5], [[10, 11, 12], [20, 21, 22]]));
    assert_eq!((value.record.id, value.record.tag), (7, *b"fresh\0"));
    let pairs = value.record.pairs.map(|pair| (pair.small, pair.large));
    assert_eq!(pairs, [(-1, -100), (1, 1 << 40)]);
    assert_eq!((open.percpu_custom.custom_runs, open.percpu_custom.custom_word), (0, 0xbeef));
    assert_eq!(open.percpu_with_a_long_name.long_name, 3);
    assert_eq!(open.data_percpu.not_percpu, 99);
}

in_each_mode! {
    fn each_section_is_a_map_of_its_name(mode) {
        let skel = open(mode).load().unwrap();
        let percpu = [
            (skel.percpu.map(), ".percpu", ".percpu", 104),
            (skel.percpu_custom.map(), ".percpu.custom", ".percpu.custom", 10),
            // The kernel takes 15 characters.
            (skel.percpu_with_a_long_name.map(), ".percpu.with_a_long_name", ".percpu.with_a_", 4),
        ];
        for (map, section, name, value_size) in percpu {
            let info = map_info(map);
            assert_eq!((map.name(), info.name()), (section, name));
            assert_eq!((info.map_type, info.map_flags), (BPF_MAP_TYPE_PERCPU_ARRAY, MapFlags(0)), "{name}");
            assert_eq!((info.key_size, info.value_size, info.max_entries), (4, value_size, 1), "{name}");
            match mode {
                PerCpuMode::Native => assert_ne!(info.btf_value_type_id, 0, "{name}"),
                // Older kernels refuse it.
                PerCpuMode::Lowered => assert_eq!(info.btf_value_type_id, 0, "{name}"),
                PerCpuMode::Auto => {}
            }
        }
    }

    fn a_data_section_that_ends_in_percpu_is_ordinary(mode) {
        let skel = open(mode).load().unwrap();
        let info = map_info(skel.data_percpu.map());
        assert_eq!((skel.data_percpu.map().name(), info.name()), (".data.percpu", ".data.percpu"));
        assert_eq!((info.map_type, info.map_flags), (BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE));
        assert_eq!((info.key_size, info.value_size, info.max_entries), (4, 4, 1));
        assert_ne!(info.btf_value_type_id, 0);
    }

    fn programs_see_the_values_of_the_source(mode) {
        let skel = open(mode).load().unwrap();
        for cpu in online().iter() {
            // Else the number of the first variable that is different.
            assert_eq!(run_on(cpu, &skel.progs.untouched, [0; 2]), 0, "CPU {cpu}");
        }
    }

    fn programs_see_what_was_edited_before_the_load(mode) {
        let mut open = open(mode);
        open.percpu_with_a_long_name.long_name = 4;
        let skel = open.load().unwrap();
        for cpu in online().iter() {
            assert_eq!(run_on(cpu, &skel.progs.untouched, [0; 2]), 12, "CPU {cpu}");
        }
        type Edit = fn(&mut Percpu);
        let edits: [(u32, Edit); 4] = [
            (1, |value| value.total = 1),
            (3, |value| value.minus = i32::MIN),
            (5, |value| value.grid[1][2] = 0),
            (7, |value| value.record.pairs[1].large = -1),
        ];
        for (number, edit) in edits {
            let mut open = self::open(mode);
            edit(&mut open.percpu);
            let edited = *open.percpu;
            let skel = open.load().unwrap();
            assert!(skel.percpu.iter().unwrap().all(|(_, value)| value == edited));
            for cpu in online().iter() {
                assert_eq!(run_on(cpu, &skel.progs.untouched, [0; 2]), number, "CPU {cpu}");
            }
        }
    }

    fn each_cpu_shows_what_a_run_there_did(mode) {
        let open = open(mode);
        let first = *open.percpu;
        change_everywhere(&open.load().unwrap(), &first);
    }

    fn each_cpu_shows_what_a_run_there_did_to_edited_values(mode) {
        let mut open = open(mode);
        open.percpu.total = 2;
        open.percpu.record.pairs[1].large = -1;
        open.percpu.tail = [u32::MAX];
        let first = *open.percpu;
        change_everywhere(&open.load().unwrap(), &first);
    }

    fn sections_of_other_names_are_per_cpu_as_well(mode) {
        let skel = open(mode).load().unwrap();
        for cpu in online().iter() {
            for _ in 0..=cpu % 3 {
                run_on(cpu, &skel.progs.change, [0; 2]);
            }
        }
        for cpu in skel.percpu.cpus().iter() {
            let runs = if online().contains(cpu) { cpu % 3 + 1 } else { 0 };
            let custom = skel.percpu_custom.get(cpu).unwrap();
            assert_eq!(custom.custom_runs, runs.into(), "CPU {cpu}");
            assert_eq!(custom.custom_word, if runs % 2 == 1 { !0xbeef } else { 0xbeef }, "CPU {cpu}");
            assert_eq!(skel.percpu_with_a_long_name.get(cpu).unwrap().long_name, 3 << runs, "CPU {cpu}");
        }
    }

    fn an_iterator_goes_over_all_cpus(mode) {
        let mut open = open(mode);
        open.percpu.total = 0xc0de;
        open.rodata.stride = size_of::<Percpu>() as u32;
        let possible = skelgen_runtime::cpus::possible().unwrap();
        open.rodata.cpus = possible.count() as u32;
        let skel = open.load().unwrap();
        let link = skel.progs.sum_total.attach_iter_map(skel.percpu.map()).unwrap();

        let sum = || {
            let mut bytes = Vec::new();
            link.iter().unwrap().read_to_end(&mut bytes).unwrap();
            u64::from_ne_bytes(bytes.try_into().expect("one element"))
        };
        let mut expected = 0xc0de * possible.count() as u64;
        assert_eq!(sum(), expected);
        assert_eq!((skel.bss.get().iter_elems, skel.bss.get().iter_sum), (1, expected));
        for cpu in online().iter() {
            run_on(cpu, &skel.progs.change, [u64::from(cpu) + 1, 0]);
            expected += u64::from(cpu) + 1;
        }
        assert_eq!(sum(), expected);
        assert_eq!(skel.bss.get().iter_elems, 2);
    }
}
