//! Data sections that are made longer before the load, as Linux' own tests do with `.percpu`
//! (`prog_tests/global_data_init.c`): they keep their first values, and have room behind them.

use std::mem::offset_of;

use skelgen_runtime::uapi::{BPF_F_MMAPABLE, BPF_F_RDONLY_PROG, BPF_MAP_TYPE_PERCPU_ARRAY, MapFlags};
use skelgen_runtime::{Errno, Error, Map, Plain, Update, features};
use skelgen_tests::may_load;
use skelgen_tests::skeletons::counters::Counters;
use skelgen_tests::skeletons::data_sections::{DataSections, LoadedDataSections};
use skelgen_tests::skeletons::percpu_basic::types::{Percpu, PercpuCustom};
use skelgen_tests::skeletons::percpu_basic::{LoadedPercpuBasic, PercpuBasic};
use skelgen_tests::skeletons::statics::Statics;

use crate::cpus::{online, run_on};
use crate::global_percpu_data::{change_everywhere, open};
use crate::info::map_info;
use crate::modes::in_each_mode;

/// Bytes of the section, and those that it is made to have.
const SECTION: usize = size_of::<Percpu>();
const LONGER: usize = 4096;
/// The most that the kernel has for one CPU.
const MOST: u32 = 32 << 10;

/// Where element `index` of `tail` is, the array that ends the section.
fn tail(index: usize) -> usize {
    offset_of!(Percpu, tail) + index * size_of::<u32>()
}

/// The bytes of each CPU's value.
fn raw(map: &Map) -> Vec<Vec<u8>> {
    let all = map.lookup(&[0; 4]).unwrap().unwrap();
    all.chunks_exact(map.value_size().next_multiple_of(8)).map(|slot| slot[..map.value_size()].to_vec()).collect()
}

/// The section's bytes, with zeroes behind them.
fn padded(value: &impl Plain, len: usize) -> Vec<u8> {
    let mut bytes = value.as_bytes().to_vec();
    bytes.resize(len, 0);
    bytes
}

fn assert_words(error: &Error, words: &[&str]) {
    let text = error.to_string();
    assert!(words.iter().all(|word| text.contains(word)), "{text} should have {words:?}");
}

in_each_mode! {
    fn every_cpu_begins_with_the_edited_value_and_zeroes_behind(mode) {
        for len in [SECTION as u32 + 1, LONGER as u32, MOST] {
            let mut open = open(mode);
            open.percpu.total = 2;
            open.percpu.tail = [u32::MAX];
            let first = *open.percpu;
            open.maps.percpu.set_value_size(len).unwrap();
            assert_eq!(open.maps.percpu.value_size(), len);
            let skel = open.load().unwrap();

            let info = map_info(skel.percpu.map());
            assert_eq!((info.name(), info.map_type, info.map_flags), (".percpu", BPF_MAP_TYPE_PERCPU_ARRAY, MapFlags(0)));
            assert_eq!((info.value_size, info.max_entries), (len, 1));
            // Kernels before 7.3 refuse the type of a per-CPU section, and `tail` can only have whole elements.
            let is_typed = features::probe().unwrap().direct && (len as usize - tail(0)).is_multiple_of(4);
            assert_eq!(info.btf_value_type_id != 0, is_typed, "{len} bytes");
            let cpus = skel.percpu.cpus();
            assert_eq!(raw(skel.percpu.map()), vec![padded(&first, len as usize); cpus.count()]);
            assert!(cpus.iter().all(|cpu| skel.percpu.get(cpu).unwrap() == first));
            assert_eq!(skel.percpu_custom.map().value_size(), 10);
        }
    }

    fn other_maps_keep_the_types_that_they_have(mode) {
        let types = |longer: bool| {
            let mut open = open(mode);
            if longer {
                open.maps.percpu.set_value_size(LONGER as u32).unwrap();
            }
            let skel = open.load().unwrap();
            [skel.percpu_custom.map(), skel.bss.map(), skel.rodata.map(), skel.data_percpu.map()]
                .map(|map| map_info(map).btf_value_type_id)
        };
        let usual = types(false);
        assert_eq!(types(true), usual);
        assert!(usual[1..].iter().all(|&id| id != 0), "{usual:?}");
    }

    fn programs_see_and_change_it_on_each_cpu(mode) {
        let mut open = open(mode);
        open.maps.percpu.set_value_size(LONGER as u32).unwrap();
        let skel = open.load().unwrap();
        for cpu in online().iter() {
            // 0 if this CPU has the values of the source.
            assert_eq!(run_on(cpu, &skel.progs.untouched, [0; 2]), 0, "CPU {cpu}");
        }
        let first = skel.percpu.get(0).unwrap();
        change_everywhere(&skel, &first);
        assert!(raw(skel.percpu.map()).iter().all(|value| value[SECTION..].iter().all(|&byte| byte == 0)));
    }

    fn each_cpu_has_its_own_elements_behind(mode) {
        let skel = load_longer(mode);
        let cpus = skel.percpu.cpus();
        let last = (LONGER - offset_of!(Percpu, tail)) / 4 - 1;
        let mut expected = raw(skel.percpu.map());
        for cpu in cpus.iter() {
            for index in [0, 1, 7, last] {
                let (at, value) = (tail(index), cpu << 16 | index as u32);
                skel.percpu.write_at(cpu, at, &value).unwrap();
                expected[cpus.slot(cpu).unwrap()][at..at + 4].copy_from_slice(&value.to_ne_bytes());
                assert_eq!(raw(skel.percpu.map()), expected, "element {index} of CPU {cpu}");
                assert_eq!(skel.percpu.read_at::<u32>(cpu, at).unwrap(), value);
            }
        }
        // The first is the program's as well.
        for cpu in online().iter() {
            run_on(cpu, &skel.progs.change, [0; 2]);
            assert_eq!(skel.percpu.read_at::<u32>(cpu, tail(0)).unwrap(), (cpu << 16).wrapping_sub(1));
            assert_eq!(skel.percpu.read_at::<u32>(cpu, tail(1)).unwrap(), cpu << 16 | 1);
        }
    }

    fn set_keeps_what_is_behind_and_set_all_does_not(mode) {
        let skel = load_longer(mode);
        let cpus = skel.percpu.cpus();
        let mut expected = raw(skel.percpu.map());
        for (slot, cpu) in cpus.iter().enumerate() {
            skel.percpu.write_at(cpu, SECTION, &[cpu as u8 + 1; LONGER - SECTION]).unwrap();
            let value = Percpu { total: cpu.into(), ..skel.percpu.get(cpu).unwrap() };
            skel.percpu.set(cpu, &value).unwrap();
            expected[slot] = [value.as_bytes(), &[cpu as u8 + 1; LONGER - SECTION]].concat();
            assert_eq!(raw(skel.percpu.map()), expected, "CPU {cpu}");
        }
        assert!(skel.percpu.iter().unwrap().all(|(cpu, value)| value.total == cpu.into()));
        assert!(skel.percpu.values().unwrap().iter().all(|(cpu, value)| value.total == cpu.into()));

        let value = Percpu { total: 99, ..skel.percpu.get(0).unwrap() };
        skel.percpu.set_all(&value).unwrap();
        assert_eq!(raw(skel.percpu.map()), vec![padded(&value, LONGER); cpus.count()]);
    }

    fn offsets_are_held_against_the_maps_value(mode) {
        let skel = load_longer(mode);
        let before = raw(skel.percpu.map());
        for at in [LONGER - 3, LONGER, usize::MAX] {
            let (read, write) = (skel.percpu.read_at::<u32>(0, at), skel.percpu.write_at(0, at, &1u32));
            for error in [read.unwrap_err(), write.unwrap_err()] {
                assert_words(&error, &["CPU 0", ".percpu", &format!("4 bytes at {at} "), "4096 bytes"]);
            }
        }
        let impossible = skel.percpu.cpus().last() + 1;
        assert_words(&skel.percpu.read_at::<u32>(impossible, 0).unwrap_err(), &["possible CPUs"]);
        assert_words(&skel.percpu.write_at(impossible, 0, &0u32).unwrap_err(), &["possible CPUs"]);
        assert_eq!(raw(skel.percpu.map()), before);
        // A section as it is has offsets too, and ends where it ends.
        skel.percpu_custom.write_at(0, 8, &0xabcdu16).unwrap();
        assert_eq!(skel.percpu_custom.get(0).unwrap().custom_word, 0xabcd);
        assert_words(&skel.percpu_custom.read_at::<u32>(0, 8).unwrap_err(), &["its 10 bytes"]);
    }

    fn a_section_may_end_inside_its_struct(mode) {
        // 10 bytes, of which alignment makes a struct of 16.
        for len in [12, 16, 17, 100] {
            let mut open = open(mode);
            open.percpu_custom.custom_runs = 5;
            open.maps.percpu_custom.set_value_size(len).unwrap();
            let skel = open.load().unwrap();
            let cpus = skel.percpu_custom.cpus();
            for cpu in cpus.iter() {
                let mut value = skel.percpu_custom.get(cpu).unwrap();
                assert_eq!((value.custom_runs, value.custom_word), (5, 0xbeef), "CPU {cpu}");
                value.custom_runs += u64::from(cpu);
                skel.percpu_custom.write_at(cpu, len as usize - 1, &(cpu as u8)).unwrap();
                // What alignment adds to the struct can be in the map now, so the struct is read again.
                let value = PercpuCustom { custom_runs: value.custom_runs, ..skel.percpu_custom.get(cpu).unwrap() };
                skel.percpu_custom.set(cpu, &value).unwrap();
            }
            for (slot, cpu) in cpus.iter().enumerate() {
                let value = &raw(skel.percpu_custom.map())[slot];
                assert_eq!(value[..8], (5 + u64::from(cpu)).to_ne_bytes());
                assert_eq!((value.len(), value[len as usize - 1]), (len as usize, cpu as u8));
            }
            skel.percpu_custom.set_all(&skel.percpu_custom.get(0).unwrap()).unwrap();
            assert!(skel.percpu_custom.iter().unwrap().all(|(_, value)| value.custom_runs == 5));
        }
    }

    fn a_longer_map_can_be_lent(mode) {
        let lender = load_longer(mode);
        lender.percpu.write_at(0, tail(3), &33u32).unwrap();
        let mut open = open(mode);
        open.percpu.total = 1;
        let error = open.maps.percpu.reuse_map(lender.percpu.map()).unwrap_err();
        assert_words(&error, &[".percpu", "value_size is 4096, and should be 104"]);
        open.maps.percpu.set_value_size(LONGER as u32).unwrap();
        open.maps.percpu.reuse_map(lender.percpu.map()).unwrap();
        assert_eq!(open.maps.percpu.value_size(), LONGER as u32);
        assert_words(&open.maps.percpu.set_value_size(8192).unwrap_err(), &[".percpu", "exists already"]);
        let borrower = open.load().unwrap();
        assert_eq!(map_info(borrower.percpu.map()).id, map_info(lender.percpu.map()).id);

        // It keeps its values, and both see what either changes.
        assert_eq!(run_on(0, &borrower.progs.change, [1, 0]), 1001);
        assert_eq!(lender.percpu.get(0).unwrap().total, 1001);
        drop(lender);
        assert_eq!(borrower.percpu.read_at::<u32>(0, tail(3)).unwrap(), 33);
    }
}

fn load_longer(mode: skelgen_runtime::PerCpuMode) -> LoadedPercpuBasic {
    let mut open = open(mode);
    open.maps.percpu.set_value_size(LONGER as u32).unwrap();
    open.load().unwrap()
}

#[test]
fn sizes_that_no_map_can_have_are_refused() {
    let mut open = PercpuBasic::open().unwrap();
    let percpu = &mut open.maps.percpu;
    assert_words(&percpu.set_value_size(103).unwrap_err(), &["value_size", ".percpu", "103", "104"]);
    assert_words(&percpu.set_value_size(MOST + 1).unwrap_err(), &["value_size", ".percpu", "32769", "32768"]);
    assert_eq!(percpu.value_size(), 104);
    percpu.set_value_size(200).unwrap();
    percpu.set_value_size(104).unwrap();
    assert_eq!(percpu.value_size(), 104);
    assert_words(&open.maps.bss.set_value_size(0).unwrap_err(), &[".bss", "0 bytes"]);

    let mut open = Counters::open().unwrap();
    assert_words(&open.maps.percpu.set_key_size(8).unwrap_err(), &["key_size", ".percpu", "data section"]);
    assert_words(&open.maps.percpu.set_max_entries(2).unwrap_err(), &[".percpu", "data section"]);
}

/// Ordinary sections, each `longer` bytes longer than the object has it.
fn load_sections(longer: u32) -> LoadedDataSections {
    let mut open = DataSections::open().unwrap();
    open.data.d_u32 = 0xa;
    open.data_zero.dz_zero = 41;
    open.rodata.r_u32 = 7;
    open.rodata_x.rx_u32 = 9;
    open.bss.b_u64 = 100;
    open.bss.b_large[4999] = 1;
    let maps = &mut open.maps;
    let maps = [&mut maps.data, &mut maps.data_zero, &mut maps.rodata, &mut maps.rodata_x, &mut maps.bss];
    for map in maps {
        map.set_value_size(map.value_size() + longer).unwrap();
    }
    open.load().unwrap()
}

#[test]
fn ordinary_sections_can_be_longer() {
    if !may_load() {
        return;
    }
    let usual = load_sections(0);
    let result = run_on(0, &usual.progs.touch, [0; 2]);
    for longer in [1, 4096, 1 << 20] {
        let skel = load_sections(longer);
        assert_eq!(run_on(0, &skel.progs.touch, [0; 2]), result);
        assert!(skel.data.get() == usual.data.get() && skel.bss.get() == usual.bss.get());
        assert!(*skel.bss.get_boxed() == *usual.bss.get_boxed() && skel.rodata.get() == usual.rodata.get());
        assert_eq!((skel.data_zero.get().dz_zero, skel.rodata_x.get().rx_u32), (42, 9));

        let same = |map: &Map, usual: &Map, flags: MapFlags| {
            let (info, usual) = (map_info(map), map_info(usual));
            assert_eq!((info.name(), info.map_flags), (usual.name(), flags));
            // The last variable is no array.
            assert_eq!((info.value_size, info.btf_value_type_id), (usual.value_size + longer, 0));
        };
        same(skel.data.map(), usual.data.map(), BPF_F_MMAPABLE);
        same(skel.bss.map(), usual.bss.map(), BPF_F_MMAPABLE);
        same(skel.rodata.map(), usual.rodata.map(), BPF_F_MMAPABLE | BPF_F_RDONLY_PROG);

        // What is behind: zeroes that can be written, but for constants.
        let end = skel.bss.map().value_size() - 1;
        let constant = skel.rodata.map().value_size() - 1;
        assert_eq!((skel.bss.read::<u8>(end).unwrap(), skel.rodata.read::<u8>(constant).unwrap()), (0, 0));
        skel.bss.write(end, &7u8).unwrap();
        skel.bss.update(|bss| bss.b_u64 = 3);
        skel.bss.set(&skel.bss.get());
        assert_eq!((skel.bss.read::<u8>(end).unwrap(), skel.bss.get().b_u64), (7, 3));
        assert_words(&skel.bss.write(end, &0u16).unwrap_err(), &[".bss", "2 bytes at"]);
        let map = skel.rodata.map();
        let frozen = map.update(&[0; 4], &vec![0; map.value_size()], Update::Any).unwrap_err();
        assert_eq!(frozen.errno(), Some(Errno::EPERM));
    }
}

#[test]
fn sections_that_end_in_an_array_keep_their_types() {
    if !may_load() {
        return;
    }
    let load = |longer: u32| {
        let mut open = DataSections::open().unwrap();
        for map in [&mut open.maps.rodata_x, &mut open.maps.bss_x] {
            map.set_value_size(map.value_size() + longer).unwrap();
        }
        open.load().unwrap()
    };
    let types = |skel: &LoadedDataSections| {
        [&skel.rodata_x.map(), &skel.bss_x.map()].map(|map| map_info(map).btf_value_type_id)
    };
    let usual = load(0);
    let expected = types(&usual);
    assert!(expected.iter().all(|&id| id != 0));
    let result = run_on(0, &usual.progs.touch, [0; 2]);
    for longer in [8, 4096, 1 << 20] {
        let skel = load(longer);
        assert_eq!(types(&skel), expected);
        assert_eq!(map_info(skel.bss_x.map()).value_size, map_info(usual.bss_x.map()).value_size + longer);
        assert_eq!(run_on(0, &skel.progs.touch, [0; 2]), result);
    }
    // 2 bytes are two elements of `rx_text`, and a part of one of `bx_tail`.
    assert_eq!(types(&load(2)), [expected[0], 0]);

    // `.data` ends in a static array of a function.
    let mut open = Statics::open().unwrap();
    open.maps.data.set_value_size(open.maps.data.value_size() + 1000).unwrap();
    assert_ne!(map_info(open.load().unwrap().data.map()).btf_value_type_id, 0);
}

#[test]
fn sections_of_two_skeletons_can_be_one_map() {
    if !may_load() {
        return;
    }
    let first = load_sections(4096);
    let mut open = DataSections::open().unwrap();
    open.maps.bss.set_value_size(first.bss.map().value_size() as u32).unwrap();
    open.maps.bss.reuse_map(first.bss.map()).unwrap();
    let second = open.load().unwrap();
    assert_eq!(second.bss.get().b_u64, 100);
    run_on(0, &second.progs.touch, [0; 2]);
    assert!(first.bss.get().b_u64 > 100);
    second.bss.write(second.bss.map().value_size() - 1, &5u8).unwrap();
    assert_eq!(first.bss.read::<u8>(first.bss.map().value_size() - 1).unwrap(), 5);
}
