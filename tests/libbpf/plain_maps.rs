//! Maps with keys, and one value for all CPUs.

use libbpf_rs::{MapCore, MapFlags, MapType};
use skelgen_runtime::{TypedMap, Update};
use skelgen_tests::may_load;
use skelgen_tests::random::Random;

use crate::both::{Both, VALUE_SIZES, array};

#[test]
fn arrays() {
    if !may_load() {
        return;
    }
    let mut random = Random::new();
    for value_size in VALUE_SIZES {
        let both = Both::array(MapType::Array, value_size, 7);
        values_are_equal(&both, &mut random);
        assert_eq!(both.keys_found().len(), 7);
    }
}

#[test]
fn hashes() {
    if !may_load() {
        return;
    }
    let mut random = Random::new();
    for map_type in [MapType::Hash, MapType::LruHash] {
        for value_size in VALUE_SIZES {
            let both = Both::hash(map_type, [5, value_size], &mut random);
            values_are_equal(&both, &mut random);
            for (nth, key) in both.keys.iter().enumerate() {
                if nth % 2 == 0 {
                    assert!(both.ours.delete(key).unwrap());
                } else {
                    both.libbpf.delete(key).unwrap();
                }
                assert_eq!(both.ours.lookup(key).unwrap(), None);
                assert_eq!(both.libbpf.lookup(key, MapFlags::ANY).unwrap(), None);
                assert_eq!(both.keys_found().len(), both.keys.len() - 1 - nth);
            }
        }
    }
}

#[test]
fn lpm_tries() {
    if !may_load() {
        return;
    }
    let mut random = Random::new();
    // Whole addresses: a shorter prefix would find others.
    let keys: Vec<_> = random.keys(16, 4).iter().map(|address| prefix(32, address)).collect();
    let both = Both::new(MapType::LpmTrie, [8, 13, 32], keys);
    values_are_equal(&both, &mut random);
    // And one that holds what none of them is.
    let net = both.keys[0][4] ^ 0x80;
    let value = random.bytes(13);
    both.ours.update(&prefix(8, &[net, 0, 0, 0]), &value, Update::New).unwrap();
    for _ in 0..16 {
        let mut address = random.bytes(4);
        address[0] = net;
        let key = prefix(32, &address);
        assert_eq!(both.ours.lookup(&key).unwrap(), both.libbpf.lookup(&key, MapFlags::ANY).unwrap());
    }
}

fn prefix(bits: u32, address: &[u8]) -> Vec<u8> {
    [&bits.to_ne_bytes(), address].concat()
}

/// Every key is written by either, in turns; both read all of them equal.
fn values_are_equal(both: &Both, random: &mut Random) {
    let value_size = both.ours.value_size();
    for round in 0..4 {
        let mut expected = Vec::new();
        for (nth, key) in both.keys.iter().enumerate() {
            let value = random.bytes(value_size);
            if (nth + round) % 2 == 0 {
                both.ours.update(key, &value, Update::Any).unwrap();
            } else {
                both.libbpf.update(key, &value, MapFlags::ANY).unwrap();
            }
            expected.push(value);
        }
        for (key, value) in both.keys.iter().zip(expected) {
            assert_eq!(both.libbpf.lookup(key, MapFlags::ANY).unwrap().as_ref(), Some(&value), "libbpf's, {key:?}");
            assert_eq!(both.ours.lookup(key).unwrap(), Some(value), "ours, {key:?}");
        }
    }
}

#[test]
fn maps_with_types() {
    if !may_load() {
        return;
    }
    let mut random = Random::new();
    let Both { ours, libbpf, keys } = Both::hash(MapType::Hash, [5, 13], &mut random);
    let typed: TypedMap<[u8; 5], [u8; 13]> = TypedMap::new(ours).unwrap();
    let mut expected = Vec::new();
    for (nth, key) in keys.iter().enumerate() {
        let (key, value) = (array(key), array(&random.bytes(13)));
        if nth % 2 == 0 {
            typed.insert(&key, &value).unwrap();
        } else {
            libbpf.update(&key, &value, MapFlags::ANY).unwrap();
        }
        expected.push((key, value));
    }
    expected.sort();
    assert_eq!(sorted(typed.iter().map(Result::unwrap)), expected);
    let batches = libbpf.lookup_batch(512, MapFlags::ANY, MapFlags::ANY).unwrap();
    assert_eq!(sorted(batches.map(|(key, value)| (array(&key), array(&value)))), expected);
}

#[test]
fn batches() {
    if !may_load() {
        return;
    }
    let mut random = Random::new();
    let Both { ours, libbpf, .. } = Both::hash(MapType::Hash, [5, 13], &mut random);
    let typed: TypedMap<[u8; 5], [u8; 13]> = TypedMap::new(ours).unwrap();
    let keys = random.keys(300, 5);
    let elements = sorted(keys.iter().map(|key| (array(key), array(&random.bytes(13)))));
    let (first, second) = elements.split_at(150);

    // A half by each, and the whole read by each.
    typed.insert_batch(first).unwrap();
    let (keys, values): (Vec<_>, Vec<_>) = second.iter().copied().unzip();
    libbpf.update_batch(keys.as_flattened(), values.as_flattened(), 150, MapFlags::ANY, MapFlags::ANY).unwrap();
    assert_eq!(sorted(typed.iter().batch_size(64).map(Result::unwrap)), elements);
    let batches = libbpf.lookup_batch(512, MapFlags::ANY, MapFlags::ANY).unwrap();
    assert_eq!(sorted(batches.map(|(key, value)| (array(&key), array(&value)))), elements);

    // Each removes what the other wrote.
    typed.delete_batch(&keys).unwrap();
    let batches = libbpf.lookup_and_delete_batch(512, MapFlags::ANY, MapFlags::ANY).unwrap();
    assert_eq!(sorted(batches.map(|(key, value)| (array(&key), array(&value)))), first);
    libbpf.update_batch(keys.as_flattened(), values.as_flattened(), 150, MapFlags::ANY, MapFlags::ANY).unwrap();
    assert_eq!(sorted(typed.drain().unwrap().map(Result::unwrap)), second);
    assert_eq!((typed.keys().count(), libbpf.keys().count()), (0, 0));
}

fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<_> = items.collect();
    items.sort();
    items
}
