//! The kinds of per-CPU maps, each with each of three types of values, and the tests that hold for several of them.

use std::fmt::Debug;

use skelgen_runtime::uapi::{BPF_MAP_TYPE_LRU_PERCPU_HASH, BPF_MAP_TYPE_PERCPU_HASH};
use skelgen_runtime::{Map, OpenMap, PerCpuMap, PerCpuValues, Plain, cpus, features};
use skelgen_tests::skeletons::percpu_maps::types::{CgroupKey, Sample, Triple};
use skelgen_tests::skeletons::percpu_maps::{LoadedPercpuMaps, OpenPercpuMaps, PercpuMaps};
use skelgen_tests::{Cgroup, allowed_cpus, may_load, not_on_this_kernel, on_cpu};

/// A map, and some keys for its elements.
pub(crate) struct Subject<'a, K: Plain, V: Plain> {
    pub(crate) map: &'a PerCpuMap<K, V>,
    /// Keys at which there are elements, or at which a write makes them.
    pub(crate) keys: Vec<K>,
    /// A key at which there is none. In a hash that has elements at all of `keys`, none can be made there either.
    pub(crate) absent: K,
}

/// A type of values that differ by a number; 0 makes zeroes.
pub(crate) trait Example: Plain + PartialEq {
    fn of(number: u32) -> Self;
}

/// A type of keys.
pub(crate) trait Key: Plain + PartialEq {}

impl<K: Plain + PartialEq> Key for K {}

impl Example for u32 {
    fn of(number: u32) -> u32 {
        number
    }
}

impl Example for Sample {
    fn of(number: u32) -> Sample {
        let count = u64::from(number) << 32 | u64::from(number);
        Sample { count, low: -number.cast_signed(), armed: (number % 256) as u8, ..Sample::default() }
    }
}

impl Example for Triple {
    fn of(number: u32) -> Triple {
        Triple { words: [number, number.wrapping_mul(3), number << 8] }
    }
}

/// How large maps are, and with how many keys they are used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    array_and_hash: u32,
    lru: u32,
    keys: u32,
    with_flags: bool,
}

impl Setup {
    /// So many elements, which fill a hash. An LRU hash has more room, as it throws elements out before it is full.
    pub(crate) fn of(keys: u32) -> Setup {
        Setup { array_and_hash: keys, lru: keys + 1000, keys, with_flags: false }
    }

    /// Twice as many elements as CPUs, of which half are used.
    pub(crate) fn by_cpus() -> Setup {
        let keys = u32::try_from(cpus::possible().unwrap().count()).unwrap();
        Setup { array_and_hash: keys * 2, lru: keys * 2, keys, with_flags: false }
    }

    /// One element.
    pub(crate) fn one() -> Setup {
        Setup { array_and_hash: 1, lru: 1, keys: 1, with_flags: false }
    }

    /// For kernels only that have `BPF_F_CPU` and `BPF_F_ALL_CPUS`.
    pub(crate) fn with_flags(self) -> Setup {
        Setup { with_flags: true, ..self }
    }

    /// Whether the running test can run. If not, it is noted as one that did not.
    fn can_run(self) -> bool {
        if !may_load() {
            return false;
        }
        let can = !self.with_flags || features::probe().unwrap().all_cpus;
        if !can {
            not_on_this_kernel("BPF_F_CPU and BPF_F_ALL_CPUS");
        }
        can
    }

    fn subject<'a, V: Plain>(&self, map: &'a PerCpuMap<u32, V>) -> Subject<'a, u32, V> {
        Subject { map, keys: (0..self.keys).collect(), absent: map.map().max_entries() }
    }
}

/// What holds for a kind of map.
type Check<K, V> = fn(Subject<'_, K, V>);

fn load(max_entries: u32, resized: impl Fn(&mut OpenPercpuMaps) -> [&mut OpenMap; 3]) -> LoadedPercpuMaps {
    let mut open = PercpuMaps::open().unwrap();
    for map in resized(&mut open) {
        map.set_max_entries(max_entries).unwrap();
    }
    open.load().unwrap()
}

pub(crate) fn array(setup: Setup, words: Check<u32, u32>, samples: Check<u32, Sample>, triples: Check<u32, Triple>) {
    if !setup.can_run() {
        return;
    }
    let maps = load(setup.array_and_hash, |open| {
        [&mut open.maps.array_word, &mut open.maps.array_sample, &mut open.maps.array_triple]
    })
    .maps;
    words(setup.subject(&maps.array_word));
    samples(setup.subject(&maps.array_sample));
    triples(setup.subject(&maps.array_triple));
}

pub(crate) fn hash(setup: Setup, words: Check<u32, u32>, samples: Check<u32, Sample>, triples: Check<u32, Triple>) {
    if !setup.can_run() {
        return;
    }
    let maps = load(setup.array_and_hash, |open| {
        [&mut open.maps.hash_word, &mut open.maps.hash_sample, &mut open.maps.hash_triple]
    })
    .maps;
    words(setup.subject(&maps.hash_word));
    samples(setup.subject(&maps.hash_sample));
    triples(setup.subject(&maps.hash_triple));
}

/// On one CPU: each keeps unused elements for itself, for want of which another throws out used ones.
pub(crate) fn lru(setup: Setup, words: Check<u32, u32>, samples: Check<u32, Sample>, triples: Check<u32, Triple>) {
    if !setup.can_run() {
        return;
    }
    let maps =
        load(setup.lru, |open| [&mut open.maps.lru_word, &mut open.maps.lru_sample, &mut open.maps.lru_triple]).maps;
    on_cpu(allowed_cpus().unwrap()[0], || {
        words(setup.subject(&maps.lru_word));
        samples(setup.subject(&maps.lru_sample));
        triples(setup.subject(&maps.lru_triple));
    })
    .unwrap();
}

/// The storage of one cgroup, which has one element.
pub(crate) fn cgroup(
    setup: Setup,
    words: Check<CgroupKey, u32>,
    samples: Check<u64, Sample>,
    triples: Check<CgroupKey, Triple>,
) {
    if !setup.can_run() {
        return;
    }
    let Some(cgroup) = Cgroup::new("kinds") else { return };
    let LoadedPercpuMaps { maps, progs } = PercpuMaps::open().unwrap().load().unwrap();
    let attached = [&progs.storage_of_words, &progs.storage_of_samples, &progs.storage_of_triples];
    let _links = attached.map(|program| program.attach_cgroup(&cgroup).unwrap());
    words(of_cgroup(&maps.cgroup_word, CgroupKey { cgroup: u64::MAX, ..CgroupKey::default() }));
    samples(of_cgroup(&maps.cgroup_sample, u64::MAX));
    triples(of_cgroup(&maps.cgroup_triple, CgroupKey { cgroup: u64::MAX, ..CgroupKey::default() }));
}

fn of_cgroup<K: Plain, V: Plain>(map: &PerCpuMap<K, V>, absent: K) -> Subject<'_, K, V> {
    let keys = map.keys().collect::<Result<Vec<_>, _>>().unwrap();
    assert_eq!(keys.len(), 1);
    Subject { map, keys, absent }
}

/// Declares tests that are the same for some kinds of maps: of each `fn name(subject)` the tests `name::array`,
/// `name::hash` and so on, which go through all three types of values.
macro_rules! in_kinds {
    ($kinds:tt of $setup:expr; $(
        $(#[$attr:meta])*
        fn $name:ident($subject:ident) $body:block
    )*) => {$(
        $(#[$attr])*
        mod $name {
            use super::*;

            fn check<K: $crate::kinds::Key, V: $crate::kinds::Example>($subject: $crate::kinds::Subject<'_, K, V>) $body

            $crate::kinds::in_kinds!(@tests $kinds $setup);
        }
    )*};
    (@tests [$($kind:ident)*] $setup:expr) => {$(
        #[test]
        fn $kind() {
            $crate::kinds::$kind($setup, check, check, check);
        }
    )*};
}

pub(crate) use in_kinds;

impl<K: Key, V: Example> Subject<'_, K, V> {
    /// The map as bytes.
    pub(crate) fn bytes(&self) -> &Map {
        self.map.map()
    }

    /// Whether elements come and go.
    pub(crate) fn is_hash(&self) -> bool {
        matches!(self.bytes().map_type(), BPF_MAP_TYPE_PERCPU_HASH | BPF_MAP_TYPE_LRU_PERCPU_HASH)
    }

    /// A value that tells the key and the CPU that it was written for.
    pub(crate) fn value(&self, index: usize, cpu: u32) -> V {
        V::of(1 + index as u32 * 16 + cpu)
    }

    /// Such values for each CPU.
    pub(crate) fn values(&self, index: usize) -> PerCpuValues<V> {
        PerCpuValues::from_fn(self.map.cpus(), |cpu| self.value(index, cpu))
    }

    /// The same value for each CPU.
    pub(crate) fn same(&self, value: V) -> PerCpuValues<V> {
        PerCpuValues::from_fn(self.map.cpus(), |_| value)
    }

    /// Writes such values at each key.
    pub(crate) fn fill(&self) {
        for (index, key) in self.keys.iter().enumerate() {
            self.map.set_values(key, &self.values(index)).unwrap();
        }
    }

    /// All elements, by key, in an order that does not depend on the map.
    pub(crate) fn elements(&self) -> Vec<(K, PerCpuValues<V>)> {
        by_key(self.map)
    }

    /// The elements as [`fill`](Self::fill) writes them.
    pub(crate) fn filled(&self) -> Vec<(K, PerCpuValues<V>)> {
        let element = |(index, key): (usize, &K)| (*key, self.values(index));
        sorted(self.keys.iter().enumerate().map(element).collect())
    }
}

/// The items of an iterator over elements, in an order that does not depend on the map.
pub(crate) fn by_key<K: Plain, T>(elements: impl IntoIterator<Item = skelgen_runtime::Result<(K, T)>>) -> Vec<(K, T)> {
    sorted(elements.into_iter().map(Result::unwrap).collect())
}

/// Elements in the order of their keys' bytes.
pub(crate) fn sorted<K: Plain, T>(mut elements: Vec<(K, T)>) -> Vec<(K, T)> {
    elements.sort_by(|(one, _), (other, _)| one.as_bytes().cmp(other.as_bytes()));
    elements
}

/// Values beside each other, for a message.
pub(crate) fn list<T: Debug>(values: &PerCpuValues<T>) -> String {
    format!("{:?}", values.iter().collect::<Vec<_>>())
}
