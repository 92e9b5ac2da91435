//! What the kernel itself says: of what the runtime refuses before, and of what it relies on.

use skelgen_runtime::uapi::{BPF_EXIST, BPF_F_ALL_CPUS, BPF_F_CPU, BPF_F_LOCK, BPF_NOEXIST};
use skelgen_runtime::{Errno, features};
use skelgen_tests::{may_load, not_on_this_kernel};

use super::{VALUE, has_batches, impossible, joined};
use crate::kinds::{Setup, in_kinds};
use crate::maps;
use crate::raw_elem::{lookup, lookup_and_delete, lookup_and_delete_batch, lookup_batch, update, update_batch};

/// The flags for one CPU's value.
fn one(cpu: u32) -> u64 {
    BPF_F_CPU | u64::from(cpu) << 32
}

in_kinds! {
    [array hash lru cgroup] of Setup::by_cpus().with_flags();

    fn both_flags_at_once(subject) {
        let (map, key, value) = (subject.bytes(), subject.keys[0], V::of(VALUE));
        assert_eq!(lookup(map, key.as_bytes(), BPF_F_CPU | BPF_F_ALL_CPUS), Err(Errno::EINVAL));
        assert_eq!(update(map, key.as_bytes(), value.as_bytes(), BPF_F_CPU | BPF_F_ALL_CPUS), Err(Errno::EINVAL));
    }

    fn all_cpus_is_for_updates(subject) {
        assert_eq!(lookup(subject.bytes(), subject.keys[0].as_bytes(), BPF_F_ALL_CPUS), Err(Errno::EINVAL));
    }

    fn locks(subject) {
        let (map, key, value) = (subject.bytes(), subject.keys[0], V::of(VALUE));
        assert_eq!(lookup(map, key.as_bytes(), BPF_F_LOCK | BPF_F_CPU), Err(Errno::EINVAL));
        for flag in [BPF_F_CPU, BPF_F_ALL_CPUS] {
            assert_eq!(update(map, key.as_bytes(), value.as_bytes(), BPF_F_LOCK | flag), Err(Errno::EINVAL));
        }
    }

    fn an_impossible_cpu(subject) {
        let (map, key, value) = (subject.bytes(), subject.keys[0], V::of(VALUE));
        for cpu in [impossible(), u32::MAX] {
            assert_eq!(update(map, key.as_bytes(), value.as_bytes(), one(cpu)), Err(Errno::ERANGE));
            assert_eq!(lookup(map, key.as_bytes(), one(cpu)), Err(Errno::ERANGE));
        }
        // A number without the flag.
        assert_eq!(update(map, key.as_bytes(), value.as_bytes(), 1 << 32), Err(Errno::EINVAL));
        assert_eq!(lookup(map, key.as_bytes(), 1 << 32), Err(Errno::EINVAL));
    }

    fn one_cpu_among_all(subject) {
        let map = subject.bytes();
        for cpu in subject.map.cpus().iter() {
            for key in &subject.keys {
                update(map, key.as_bytes(), V::zeroed().as_bytes(), BPF_F_ALL_CPUS).unwrap();
            }
            for key in &subject.keys {
                update(map, key.as_bytes(), V::of(VALUE).as_bytes(), one(cpu)).unwrap();
                for other in subject.map.cpus().iter() {
                    let found = lookup(map, key.as_bytes(), one(other)).unwrap();
                    let expected = if other == cpu { V::of(VALUE) } else { V::zeroed() };
                    assert_eq!(&found[..size_of::<V>()], expected.as_bytes(), "CPU {other}, set for CPU {cpu}");
                    // One value was read, however many CPUs there are.
                    assert!(found[size_of::<V>()..].iter().all(|&byte| byte == 0));
                }
            }
        }
    }

    /// What the runtime does about it: `BPF_NOEXIST` and `BPF_EXIST` never go beside these flags.
    fn noexist_and_exist_beside_the_flags(subject) {
        let (map, key, value) = (subject.bytes(), subject.keys[0], V::of(VALUE));
        subject.fill();
        let ask = |flags| update(map, key.as_bytes(), value.as_bytes(), flags);
        if !has_batches(map) {
            // Elements of a cgroup's storage are never made by a write.
            assert_eq!([BPF_F_CPU, BPF_F_ALL_CPUS].map(|flag| ask(BPF_NOEXIST | flag)), [Err(Errno::EINVAL); 2]);
            assert_eq!([BPF_F_CPU, BPF_F_ALL_CPUS].map(|flag| ask(BPF_EXIST | flag)), [Ok(()); 2]);
            return;
        }
        for how in [BPF_NOEXIST, BPF_EXIST] {
            assert_eq!(ask(how | BPF_F_ALL_CPUS), Err(Errno::EINVAL));
        }
        assert_eq!(subject.map.values(&key).unwrap(), Some(subject.values(0)));
        // It is there, and written all the same.
        ask(BPF_NOEXIST | BPF_F_CPU).unwrap();
        assert_eq!(subject.map.get(&key, 0).unwrap(), Some(value));
    }
}

in_kinds! {
    [hash lru] of Setup::by_cpus().with_flags();

    /// It makes an element that is not there.
    fn exist_is_not_heeded_for_one_cpu(subject) {
        let (map, key, value) = (subject.bytes(), subject.keys[0], V::of(VALUE));
        update(map, key.as_bytes(), value.as_bytes(), BPF_EXIST | BPF_F_CPU).unwrap();
        assert_eq!(subject.map.get(&key, 0).unwrap(), Some(value));
    }

    fn taking_elements_out_knows_no_cpus(subject) {
        let map = subject.bytes();
        subject.fill();
        assert_eq!(lookup_and_delete(map, subject.keys[0].as_bytes(), BPF_F_CPU), Err(Errno::EINVAL));
        assert_eq!(lookup_and_delete_batch(map, 1, BPF_F_CPU).result, Err(Errno::EINVAL));
        assert_eq!(subject.elements(), subject.filled());
    }
}

in_kinds! {
    [array hash lru] of Setup::by_cpus().with_flags();

    fn an_impossible_cpu_in_a_batch(subject) {
        let (map, keys, value) = (subject.bytes(), joined(&subject.keys), V::of(VALUE));
        for cpu in [impossible(), u32::MAX] {
            assert_eq!(update_batch(map, &keys, value.as_bytes(), one(cpu)).1, Err(Errno::ERANGE));
            assert_eq!(lookup_batch(map, 1, one(cpu)).result, Err(Errno::ERANGE));
        }
    }

    fn batches_of_one_cpu_and_of_all(subject) {
        let (map, keys, count) = (subject.bytes(), joined(&subject.keys), subject.keys.len());
        let (size, slot) = (size_of::<V>(), size_of::<V>().next_multiple_of(8));
        let written = (count as u32, Ok(()));
        // An array has more elements behind these, the others none.
        let ends = |result| assert!(matches!(result, Ok(()) | Err(Errno::ENOENT)), "{result:?}");
        for cpu in subject.map.cpus().iter() {
            assert_eq!(update_batch(map, &keys, V::zeroed().as_bytes(), BPF_F_ALL_CPUS), written);
            assert_eq!(update_batch(map, &keys, V::of(VALUE).as_bytes(), one(cpu)), written);

            let found = lookup_batch(map, count as u32, one(cpu));
            ends(found.result);
            assert_eq!(found.count as usize, count);
            assert!(found.values.chunks(size).take(count).all(|value| value == V::of(VALUE).as_bytes()));
            // In any order, but all of them.
            let mut read: Vec<_> = found.keys.chunks(4).collect();
            let mut expected: Vec<_> = keys.chunks(4).collect();
            read.sort();
            expected.sort();
            assert_eq!(read, expected);

            let found = lookup_batch(map, count as u32, 0);
            ends(found.result);
            assert_eq!(found.count as usize, count);
            for values in found.values.chunks(map.full_value_size()) {
                for (other, value) in subject.map.cpus().iter().zip(values.chunks(slot)) {
                    let expected = if other == cpu { V::of(VALUE) } else { V::zeroed() };
                    assert_eq!(&value[..size], expected.as_bytes(), "CPU {other}, set for CPU {cpu}");
                }
            }
        }
    }

    fn a_batch_takes_neither_noexist_nor_exist(subject) {
        let (map, keys, value) = (subject.bytes(), joined(&subject.keys), V::of(VALUE));
        subject.fill();
        for how in [BPF_NOEXIST, BPF_EXIST] {
            for flag in [0, BPF_F_CPU, BPF_F_ALL_CPUS] {
                assert_eq!(update_batch(map, &keys, value.as_bytes(), how | flag).1, Err(Errno::EINVAL));
            }
        }
        assert_eq!(lookup_batch(map, 1, BPF_F_ALL_CPUS).result, Err(Errno::EINVAL));
        assert_eq!(subject.map.values(&subject.keys[0]).unwrap(), Some(subject.values(0)));
    }
}

in_kinds! {
    [cgroup] of Setup::by_cpus().with_flags();

    fn a_cgroups_storage_has_no_batches(subject) {
        let (map, keys, value) = (subject.bytes(), joined(&subject.keys), V::of(VALUE));
        assert_eq!(update_batch(map, &keys, value.as_bytes(), BPF_F_ALL_CPUS).1, Err(Errno::ENOTSUPP));
        assert_eq!(lookup_batch(map, 1, BPF_F_CPU).result, Err(Errno::ENOTSUPP));
    }
}

#[test]
fn maps_with_one_value_for_all_cpus() {
    if !may_load() {
        return;
    }
    if !features::probe().unwrap().all_cpus {
        return not_on_this_kernel("BPF_F_CPU and BPF_F_ALL_CPUS");
    }
    let maps = maps::load().maps;
    for map in [maps.array.map(), maps.half_typed.map()] {
        let (key, value) = (vec![0; map.key_size()], vec![7; map.value_size()]);
        for flag in [BPF_F_CPU, BPF_F_ALL_CPUS] {
            assert_eq!(update(map, &key, &value, flag), Err(Errno::EINVAL));
            assert_eq!(update_batch(map, &key, &value, flag).1, Err(Errno::EINVAL));
            assert_eq!(lookup(map, &key, flag), Err(Errno::EINVAL));
            assert_eq!(lookup_batch(map, 1, flag).result, Err(Errno::EINVAL));
        }
    }
}

/// So that no write with them can be taken for one of all CPUs' values.
#[test]
fn a_kernel_without_the_flags_refuses_them() {
    if !may_load() {
        return;
    }
    if features::probe().unwrap().all_cpus {
        return not_on_this_kernel("a lack of BPF_F_CPU and BPF_F_ALL_CPUS");
    }
    let maps = maps::load().maps;
    for map in [maps.percpu_array.map(), maps.percpu_hash.map(), maps.lru_percpu_hash.map()] {
        let (key, value) = (vec![0; map.key_size()], vec![7; map.full_value_size()]);
        for flag in [BPF_F_CPU, BPF_F_ALL_CPUS] {
            assert_eq!(update(map, &key, &value, flag), Err(Errno::EINVAL));
            assert_eq!(update_batch(map, &key, &value, flag).1, Err(Errno::EINVAL));
            assert_eq!(lookup(map, &key, flag), Err(Errno::EINVAL));
            assert_eq!(lookup_batch(map, 1, flag).result, Err(Errno::EINVAL));
        }
    }
}
