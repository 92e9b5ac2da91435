//! `PerCpuMap`: each of its operations, in an order of chance, beside a model and libbpf.

use std::collections::BTreeMap;

use libbpf_rs::{MapCore, MapFlags, MapHandle, MapType};
use skelgen_runtime::uapi::{BPF_F_ALL_CPUS, BPF_F_CPU};
use skelgen_runtime::{PerCpuMap, PerCpuValues, Update, features};
use skelgen_tests::may_load;
use skelgen_tests::random::Random;

use crate::both::{Both, array, joined, split};
use crate::{batch, cgroup};

#[test]
fn percpu_array() {
    if !may_load() {
        return;
    }
    every_size(|value_size, _| Some((Both::array(MapType::PercpuArray, value_size, 5), ())));
}

#[test]
fn percpu_hash() {
    if !may_load() {
        return;
    }
    every_size(|value_size, random| Some((Both::hash(MapType::PercpuHash, [4, value_size], random), ())));
}

#[test]
fn lru_percpu_hash() {
    if !may_load() {
        return;
    }
    every_size(|value_size, random| Some((Both::hash(MapType::LruPercpuHash, [4, value_size], random), ())));
}

#[test]
fn percpu_cgroup_storage() {
    if !may_load() {
        return;
    }
    let mut random = Random::new();
    macro_rules! every_size {
        ($($len:literal)*) => {$(
            let Some(storage) = cgroup::storage($len) else { return };
            let mut beside = Beside::<16, $len>::new(storage.both);
            beside.operations(&mut random);
            // Its kernel side knows no batches; ours goes by keys then.
            beside.same_elements();
        )*};
    }
    every_size! { 1 4 13 16 72 }
}

/// Everything, with a map of each size of values.
fn every_size<Held>(make: impl Fn(u32, &mut Random) -> Option<(Both, Held)>) {
    let mut random = Random::new();
    macro_rules! sizes {
        ($($len:literal)*) => {$(
            let Some((both, _held)) = make($len, &mut random) else { return };
            let mut beside = Beside::<4, $len>::new(both);
            beside.operations(&mut random);
            beside.same_elements();
            beside.batches(&mut random);
            beside.removals(&mut random);
        )*};
    }
    sizes! { 1 4 13 16 72 }
}

/// A map, and what it should hold: the values of the possible CPUs, one after another.
struct Beside<const K: usize, const V: usize> {
    ours: PerCpuMap<[u8; K], [u8; V]>,
    libbpf: MapHandle,
    keys: Vec<[u8; K]>,
    model: BTreeMap<[u8; K], Vec<Vec<u8>>>,
    is_hash: bool,
}

impl<const K: usize, const V: usize> Beside<K, V> {
    fn new(both: Both) -> Self {
        let Both { ours, libbpf, keys } = both;
        let ours: PerCpuMap<[u8; K], [u8; V]> = PerCpuMap::new(ours).unwrap();
        let keys: Vec<_> = keys.iter().map(|key| array(key)).collect();
        // Arrays and storages have elements from the start, and keep them.
        let is_hash = matches!(libbpf.map_type(), MapType::PercpuHash | MapType::LruPercpuHash);
        let zeroes = vec![vec![0; V]; ours.cpus().count()];
        let model = if is_hash { BTreeMap::new() } else { keys.iter().map(|&key| (key, zeroes.clone())).collect() };
        Beside { ours, libbpf, keys, model, is_hash }
    }

    fn zeroes(&self) -> Vec<Vec<u8>> {
        vec![vec![0; V]; self.ours.cpus().count()]
    }

    fn random_values(&self, random: &mut Random) -> Vec<Vec<u8>> {
        self.zeroes().iter().map(|_| random.bytes(V)).collect()
    }

    /// As our side has them.
    fn ours_of(&self, values: &[Vec<u8>]) -> PerCpuValues<[u8; V]> {
        let cpus = self.ours.cpus();
        PerCpuValues::from_fn(cpus, |cpu| array(&values[cpus.slot(cpu).unwrap()]))
    }

    fn operations(&mut self, random: &mut Random) {
        for _ in 0..150 {
            let key = random.pick(&self.keys);
            self.one_operation(&key, random);
            self.same_element(&key);
        }
        self.keys.clone().iter().for_each(|key| self.same_element(key));
    }

    fn one_operation(&mut self, key: &[u8; K], random: &mut Random) {
        let slot = random.below(self.ours.cpus().count());
        let cpu = self.ours.cpus().iter().nth(slot).unwrap();
        let (value, values) = (random.bytes(V), self.random_values(random));
        let is_there = self.model.contains_key(key);
        // Only hashes have elements to make, and a storage does not even take the flag.
        let how = match random.below(3) {
            0 => Update::Existing,
            1 if self.is_hash => Update::New,
            _ => Update::Any,
        };
        let allowed = match how {
            Update::Any => true,
            Update::New => !is_there,
            Update::Existing => is_there,
        };
        let zeroes = self.zeroes();
        let (result, written) = match random.below(if self.is_hash { 6 } else { 4 }) {
            0 => {
                let mut written = self.model.get(key).cloned().unwrap_or(zeroes);
                written[slot].clone_from(&value);
                (self.ours.update(key, cpu, &array(&value), how), written)
            }
            1 => (self.ours.update_all(key, &array(&value), how), vec![value; zeroes.len()]),
            2 => (self.ours.update_values(key, &self.ours_of(&values), how), values),
            3 => {
                self.libbpf.update_percpu(key, &values, MapFlags::ANY).unwrap();
                self.model.insert(*key, values);
                return;
            }
            4 => {
                assert_eq!(self.ours.delete(key).unwrap(), self.model.remove(key).is_some());
                return;
            }
            _ => {
                let taken = self.ours.take(key).unwrap().map(into_bytes);
                assert_eq!(taken, self.model.remove(key));
                return;
            }
        };
        assert_eq!(result.is_ok(), allowed, "{how:?} {is_there}: {result:?}");
        if allowed {
            self.model.insert(*key, written);
        }
    }

    /// What all three have at `key`.
    fn same_element(&self, key: &[u8; K]) {
        let expected = self.model.get(key);
        assert_eq!(self.libbpf.lookup_percpu(key, MapFlags::ANY).unwrap().as_ref(), expected, "libbpf's");
        assert_eq!(self.ours.values(key).unwrap().map(into_bytes).as_ref(), expected, "ours");
        for (slot, cpu) in self.ours.cpus().iter().enumerate() {
            let value = self.ours.get(key, cpu).unwrap().map(|value| value.to_vec());
            assert_eq!(value.as_ref(), expected.map(|values| &values[slot]), "CPU {cpu}");
        }
    }

    /// What our iterators give, in batches and by CPU.
    fn same_elements(&self) {
        let all: BTreeMap<_, _> =
            self.ours.iter().map(Result::unwrap).map(|(key, all)| (key, into_bytes(all))).collect();
        assert_eq!(all, self.model);
        for (slot, cpu) in self.ours.cpus().iter().enumerate() {
            let elements = self.ours.iter_cpu(cpu).unwrap().batch_size(3).map(Result::unwrap);
            let of_cpu: BTreeMap<_, _> = elements.map(|(key, value)| (key, value.to_vec())).collect();
            let expected: BTreeMap<_, _> =
                self.model.iter().map(|(key, values)| (*key, values[slot].clone())).collect();
            assert_eq!(of_cpu, expected, "CPU {cpu}");
        }
    }

    fn batches(&mut self, random: &mut Random) {
        let cpus = self.ours.cpus();
        for round in 0..4 {
            let slot = random.below(cpus.count());
            let cpu = cpus.iter().nth(slot).unwrap();
            let keys: Vec<_> = self.keys.iter().copied().filter(|_| random.below(3) > 0).collect();
            let one_each: Vec<_> = keys.iter().map(|&key| (key, array(&random.bytes(V)))).collect();
            let all_each: Vec<_> = keys.iter().map(|&key| (key, self.random_values(random))).collect();
            match round {
                0 => {
                    let elements: Vec<_> = all_each.iter().map(|(key, all)| (*key, self.ours_of(all))).collect();
                    self.ours.set_values_batch(&elements).unwrap();
                    self.model.extend(all_each);
                }
                1 => {
                    self.ours.set_batch(cpu, &one_each).unwrap();
                    let zeroes = self.zeroes();
                    for (key, value) in one_each {
                        self.model.entry(key).or_insert_with(|| zeroes.clone())[slot] = value.to_vec();
                    }
                }
                2 => {
                    self.ours.set_all_batch(&one_each).unwrap();
                    let all = one_each.iter().map(|(key, value)| (*key, vec![value.to_vec(); cpus.count()]));
                    self.model.extend(all);
                }
                _ => {
                    let elements: Vec<_> = all_each.iter().map(|(key, all)| (key.to_vec(), joined(all))).collect();
                    batch::update(&self.libbpf, &elements, 0).unwrap();
                    self.model.extend(all_each);
                }
            }
            self.same_elements();
            let libbpfs = batch::lookup(&self.libbpf, 0).unwrap();
            let libbpfs: BTreeMap<_, _> = libbpfs.iter().map(|(key, all)| (array(key), split(all, V))).collect();
            assert_eq!(libbpfs, self.model);
        }
        if features::probe().unwrap().all_cpus {
            self.batches_with_flags(random);
        }
    }

    /// `BPF_F_CPU` and `BPF_F_ALL_CPUS` by libbpf.
    fn batches_with_flags(&mut self, random: &mut Random) {
        let count = self.ours.cpus().count();
        let elements: Vec<_> = self.keys.iter().map(|key| (key.to_vec(), random.bytes(V))).collect();
        batch::update(&self.libbpf, &elements, BPF_F_ALL_CPUS).unwrap();
        self.model.extend(elements.into_iter().map(|(key, value)| (array(&key), vec![value; count])));
        self.same_elements();
        for (slot, cpu) in self.ours.cpus().iter().enumerate() {
            let only = BPF_F_CPU | u64::from(cpu) << 32;
            let elements: Vec<_> = self.keys.iter().map(|key| (key.to_vec(), random.bytes(V))).collect();
            batch::update(&self.libbpf, &elements, only).unwrap();
            for (key, value) in elements {
                self.model.get_mut(key.as_slice()).unwrap()[slot] = value;
            }
            self.same_elements();
            let libbpfs: BTreeMap<_, _> = batch::lookup(&self.libbpf, only).unwrap().into_iter().collect();
            let expected = self.model.iter().map(|(key, values)| (key.to_vec(), values[slot].clone())).collect();
            assert_eq!(libbpfs, expected, "CPU {cpu}");
        }
    }

    /// Deletes some elements at once, and takes out the others.
    fn removals(&mut self, random: &mut Random) {
        if !self.is_hash {
            assert!(self.ours.drain().is_err() && self.ours.take(&self.keys[0]).is_err());
            return;
        }
        let some: Vec<_> = self.model.keys().copied().filter(|_| random.below(2) > 0).collect();
        self.ours.delete_batch(&some).unwrap();
        self.model.retain(|key, _| !some.contains(key));
        assert_eq!(self.libbpf.keys().count(), self.model.len());
        let drained = self.ours.drain().unwrap().batch_size(8).map(Result::unwrap);
        let drained: BTreeMap<_, _> = drained.map(|(key, all)| (key, into_bytes(all))).collect();
        assert_eq!(drained, self.model);
        assert_eq!(self.libbpf.keys().count(), 0);
    }
}

/// The values of the possible CPUs, one after another.
fn into_bytes<const V: usize>(values: PerCpuValues<[u8; V]>) -> Vec<Vec<u8>> {
    values.into_iter().map(|(_, value)| value.to_vec()).collect()
}
