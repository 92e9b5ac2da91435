//! Per-CPU maps of every type, as bytes: the values of all CPUs, and where each CPU's begins.

use libbpf_rs::{MapCore, MapFlags, MapType};
use skelgen_runtime::Update;
use skelgen_tests::may_load;
use skelgen_tests::random::Random;

use crate::both::{Both, VALUE_SIZES, joined, split};
use crate::cgroup;

#[test]
fn percpu_array() {
    if !may_load() {
        return;
    }
    let mut random = Random::new();
    for value_size in VALUE_SIZES {
        let both = Both::array(MapType::PercpuArray, value_size, 5);
        values_are_equal(&both, &mut random);
        assert_eq!(both.keys_found().len(), 5);
    }
}

#[test]
fn percpu_hash() {
    if !may_load() {
        return;
    }
    hashes(MapType::PercpuHash);
}

#[test]
fn lru_percpu_hash() {
    if !may_load() {
        return;
    }
    hashes(MapType::LruPercpuHash);
}

#[test]
fn percpu_cgroup_storage() {
    if !may_load() {
        return;
    }
    let mut random = Random::new();
    for value_size in VALUE_SIZES {
        let Some(storage) = cgroup::storage(value_size) else { return };
        values_are_equal(&storage.both, &mut random);
        assert_eq!(storage.both.keys_found(), storage.both.keys);
    }
}

fn hashes(map_type: MapType) {
    let mut random = Random::new();
    for value_size in VALUE_SIZES {
        for key_size in [4, 5, 24] {
            let both = Both::hash(map_type, [key_size, value_size], &mut random);
            values_are_equal(&both, &mut random);
            deletions_are_seen(&both, &mut random);
        }
    }
}

/// Every key is written by either, in turns; both read all of them equal.
fn values_are_equal(both: &Both, random: &mut Random) {
    for round in 0..4 {
        let mut expected = Vec::new();
        for (nth, key) in both.keys.iter().enumerate() {
            let values = both.values(random);
            if (nth + round) % 2 == 0 {
                both.ours.update(key, &joined(&values), Update::Any).unwrap();
            } else {
                both.libbpf.update_percpu(key, &values, MapFlags::ANY).unwrap();
            }
            expected.push(values);
        }
        for (key, values) in both.keys.iter().zip(expected) {
            let libbpfs = both.libbpf.lookup_percpu(key, MapFlags::ANY).unwrap();
            assert_eq!(libbpfs.as_ref(), Some(&values), "libbpf's, {key:?}");
            let ours = both.ours.lookup(key).unwrap().map(|all| split(&all, both.ours.value_size()));
            assert_eq!(ours, Some(values), "ours, {key:?}");
        }
    }
}

/// The map has all of its keys.
fn deletions_are_seen(both: &Both, random: &mut Random) {
    let mut left = both.keys.clone();
    left.sort();
    assert_eq!(both.keys_found(), left);
    while !left.is_empty() {
        let key = left.remove(random.below(left.len()));
        if left.len().is_multiple_of(2) {
            assert!(both.ours.delete(&key).unwrap());
        } else {
            both.libbpf.delete(&key).unwrap();
        }
        assert_eq!(both.ours.lookup(&key).unwrap(), None);
        assert_eq!(both.libbpf.lookup_percpu(&key, MapFlags::ANY).unwrap(), None);
        assert_eq!(both.keys_found(), left);
    }
}
