//! One CPU's value, one value for all CPUs, and each CPU's own.

use skelgen_runtime::{PerCpuMap, PerCpuValues, PossibleCpus};
use skelgen_tests::may_load;
use skelgen_tests::skeletons::percpu_maps::PercpuMaps;
use skelgen_tests::skeletons::percpu_maps::types::Sample;

use crate::kinds::{Setup, in_kinds, list, sorted};

in_kinds! {
    [array hash lru cgroup] of Setup::of(16);

    /// From the last CPU to the first, so that a write that reached further would undo the one before.
    fn a_write_for_one_cpu_leaves_the_others_alone(subject) {
        let map = subject.map;
        let mut expected: Vec<_> = subject.keys.iter().map(|_| subject.same(V::of(7))).collect();
        for key in &subject.keys {
            map.set_all(key, &V::of(7)).unwrap();
        }
        for cpu in map.cpus().iter().rev() {
            for (index, key) in subject.keys.iter().enumerate() {
                map.set(key, cpu, &subject.value(index, cpu)).unwrap();
                expected[index][cpu] = subject.value(index, cpu);
                for (key, expected) in subject.keys.iter().zip(&expected) {
                    assert_eq!(map.values(key).unwrap().as_ref(), Some(expected), "key {key:?}, after CPU {cpu}");
                }
            }
        }
    }

    fn all_ways_to_read_agree(subject) {
        let map = subject.map;
        subject.fill();
        let mut into = subject.same(V::zeroed());
        for (index, key) in subject.keys.iter().enumerate() {
            let expected = subject.values(index);
            assert_eq!(map.values(key).unwrap().as_ref(), Some(&expected));
            assert!(map.values_into(key, &mut into).unwrap());
            assert_eq!(into, expected);
            for (cpu, value) in &expected {
                assert_eq!(map.get(key, cpu).unwrap().as_ref(), Some(value), "key {key:?}, CPU {cpu}");
            }
        }
        assert_eq!(subject.elements(), subject.filled());
        for cpu in map.cpus().iter() {
            let of_cpu = map.iter_cpu(cpu).unwrap().map(Result::unwrap).collect();
            let expected: Vec<_> = subject.filled().iter().map(|(key, values)| (*key, values[cpu])).collect();
            assert_eq!(sorted(of_cpu), expected, "CPU {cpu}");
        }
        let keys = sorted(map.keys().map(|key| (key.unwrap(), ())).collect());
        assert_eq!(keys, subject.filled().iter().map(|(key, _)| (*key, ())).collect::<Vec<_>>());
    }

    fn one_value_reaches_every_cpu(subject) {
        subject.fill();
        let last = subject.keys.len() - 1;
        subject.map.set_all(&subject.keys[last], &V::of(5)).unwrap();
        let mut expected = subject.filled();
        for (key, values) in &mut expected {
            if *key == subject.keys[last] {
                *values = subject.same(V::of(5));
            }
        }
        assert_eq!(subject.elements(), expected);
    }

    fn an_element_that_is_not_there(subject) {
        let (map, absent) = (subject.map, &subject.absent);
        for cpu in map.cpus().iter() {
            assert_eq!(map.get(absent, cpu).unwrap(), None);
        }
        assert_eq!(map.values(absent).unwrap(), None);
        let mut values = subject.same(V::of(9));
        assert!(!map.values_into(absent, &mut values).unwrap());
        assert_eq!(values, subject.same(V::of(9)));
    }

    /// What there was room for, be it of other CPUs, becomes this map's.
    fn values_of_other_cpus_are_replaced(subject) {
        subject.fill();
        let other = Box::leak(Box::new(PossibleCpus::parse("1000-1003").unwrap()));
        let mut values = PerCpuValues::from_fn(other, |_| V::of(9));
        assert!(subject.map.values_into(&subject.keys[0], &mut values).unwrap());
        assert_eq!(values, subject.values(0));
    }
}

in_kinds! {
    [array hash lru] of Setup::of(16);

    /// What the kernel rounds a value up by stays 0, and a struct's padding is its own.
    ///
    /// A cgroup's storage is not allocated rounded up (`bpf_cgroup_storage_calculate_size`, Linux 7.3): behind a value
    /// the kernel reads what is next to it in its per-CPU memory, which may be anything.
    fn bytes_between_values_are_zeroes(subject) {
        let (map, key) = (subject.map, &subject.keys[0]);
        let ones = V::from_bytes(&vec![0xff; size_of::<V>()]).unwrap();
        let first = map.cpus().iter().next().unwrap();
        let zeroes = |what: &str| {
            let bytes = subject.bytes().lookup(key.as_bytes()).unwrap().unwrap();
            assert_eq!(bytes.len(), size_of::<V>().next_multiple_of(8) * map.cpus().count());
            for slot in bytes.chunks(size_of::<V>().next_multiple_of(8)) {
                assert!(slot[size_of::<V>()..].iter().all(|&byte| byte == 0), "{what}: {slot:x?}");
            }
            assert_eq!(bytes[..size_of::<V>()], vec![0xff; size_of::<V>()], "{what}");
        };
        map.set_all(key, &ones).unwrap();
        zeroes("set_all");
        map.set_values(key, &subject.same(ones)).unwrap();
        zeroes("set_values");
        map.set(key, first, &ones).unwrap();
        zeroes("set");
        map.set_batch(first, &[(*key, ones)]).unwrap();
        zeroes("set_batch");
        map.set_all_batch(&[(*key, ones)]).unwrap();
        zeroes("set_all_batch");
        map.set_values_batch(&[(*key, subject.same(ones))]).unwrap();
        zeroes("set_values_batch");
        assert_eq!(map.get(key, first).unwrap().unwrap().as_bytes(), ones.as_bytes());
        assert_eq!(map.values(key).unwrap().unwrap()[first].as_bytes(), ones.as_bytes());
    }
}

in_kinds! {
    [hash lru] of Setup::of(16);

    fn a_write_for_one_cpu_makes_the_element(subject) {
        let map = subject.map;
        assert!(subject.elements().is_empty());
        for (index, key) in subject.keys.iter().enumerate() {
            let cpu = map.cpus().iter().nth(index % map.cpus().count()).unwrap();
            map.set(key, cpu, &V::of(3)).unwrap();
            let mut expected = subject.same(V::zeroed());
            expected[cpu] = V::of(3);
            let found = map.values(key).unwrap().unwrap();
            assert_eq!(found, expected, "{}", list(&found));
        }
        assert_eq!(subject.elements().len(), subject.keys.len());
    }
}

in_kinds! {
    [array cgroup] of Setup::of(16);

    fn elements_are_there_from_the_start(subject) {
        assert_eq!(subject.elements().len(), subject.keys.len());
        assert!(subject.elements().iter().all(|(_, values)| *values == subject.same(V::zeroed())));
    }
}

#[test]
fn a_table_of_live_values() {
    if !may_load() {
        return;
    }
    let map = PercpuMaps::open().unwrap().load().unwrap().maps.array_sample;
    map.set_all(&3, &Sample { count: 12_345_678, low: -1, armed: 7, ..Sample::default() }).unwrap();
    let rows: String = map.cpus().iter().map(|cpu| format!("\n{cpu:>3}  12345678   -1      7")).collect();
    assert_eq!(map.values(&3).unwrap().unwrap().to_string(), format!("CPU     count  low  armed{rows}"));
}

/// Any type of the map's size will do, if it takes any bytes.
#[test]
fn values_as_another_type() {
    if !may_load() {
        return;
    }
    let maps = PercpuMaps::open().unwrap().load().unwrap().maps;
    let bytes = PerCpuMap::<[u8; 4], [u8; 4]>::new(maps.hash_word.map().try_clone().unwrap()).unwrap();
    let truths = PerCpuMap::<u32, [bool; 4]>::new(maps.hash_word.map().try_clone().unwrap()).unwrap();
    bytes.set_all(&7u32.to_ne_bytes(), &[0, 1, 2, 255]).unwrap();
    let cpu = maps.hash_word.cpus().last();
    assert_eq!(truths.get(&7, cpu).unwrap(), Some([false, true, true, true]));
    truths.set(&7, cpu, &[true, false, true, false]).unwrap();
    assert_eq!(maps.hash_word.get(&7, cpu).unwrap(), Some(u32::from_ne_bytes([1, 0, 1, 0])));
}
