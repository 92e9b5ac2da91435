//! Random operations on per-CPU maps of each type: all give what a model in memory gives.

mod lru;
mod model;
mod operations;
mod subject;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use skelgen_runtime::{Errno, Link, PerCpuMap, Plain, cpus};
use skelgen_tests::random::seed;
use skelgen_tests::skeletons::percpu_maps::types::CgroupKey;
use skelgen_tests::skeletons::percpu_maps::{LoadedPercpuMaps, PercpuMaps};
use skelgen_tests::{Cgroup, may_load};

use model::{Kind, Model, Outcome};
use operations::{Operation, Shape, Way, operations};
use subject::{Programs, Subject};

/// Sequences for each map, and the operations of each.
const SEQUENCES: u64 = 4;
const OPERATIONS: usize = 250;

/// Elements of arrays and hashes: fewer than there are keys, so that hashes fill up.
const ENTRIES: u32 = 5;
const KEYS: [u32; 8] = [0, 1, 2, 3, 4, 5, 6, u32::MAX];

/// Operations that a failure tells of.
const SHOWN: usize = 20;

fn seeds() -> impl Iterator<Item = u64> {
    (0..SEQUENCES).map(|further| seed().wrapping_add(further))
}

/// So many entries that an LRU hash forgets nothing. It does so when it has no free ones, and each CPU may set
/// `LOCAL_FREE_TARGET` of them aside, 128, where others do not find them.
fn enough_for_lru() -> u32 {
    128 * (cpus::possible().unwrap().count() as u32 + 2)
}

/// The fixture, its LRU hashes with so many entries.
fn load(lru_entries: u32) -> LoadedPercpuMaps {
    let mut open = PercpuMaps::open().unwrap();
    let maps = &mut open.maps;
    let few = [
        &mut maps.array_word,
        &mut maps.array_sample,
        &mut maps.array_triple,
        &mut maps.hash_word,
        &mut maps.hash_sample,
        &mut maps.hash_triple,
        &mut maps.malloc_triple,
    ];
    few.into_iter().for_each(|map| map.set_max_entries(ENTRIES).unwrap());
    let lru = [&mut maps.lru_word, &mut maps.lru_sample, &mut maps.lru_triple];
    lru.into_iter().for_each(|map| map.set_max_entries(lru_entries).unwrap());
    open.load().unwrap()
}

/// Does the operations of `seed` to a map and to its model.
fn check<K: Plain + PartialEq, V: Plain>(
    seed: u64,
    (kind, capacity): (Kind, usize),
    map: &PerCpuMap<K, V>,
    keys: &[K],
    programs: Programs<'_>,
) {
    let mut subject = Subject::new(map, keys, programs);
    let shape = subject.shape();
    let mut model = Model::new(kind, capacity, &shape);
    let operations = operations(seed, &shape, OPERATIONS);
    for (step, operation) in operations.iter().enumerate() {
        let expected = model.apply(operation);
        let found = subject.apply(operation);
        if found != expected {
            let words = [format!("gives    {found:?}"), format!("should   {expected:?}")];
            fail(seed, &mut subject, &operations[..=step], &words, &model);
        }
    }
}

/// Tells all that is to be known of a mismatch at the last of `operations`.
fn fail<K: Plain + PartialEq, V: Plain>(
    seed: u64,
    subject: &mut Subject<'_, K, V>,
    operations: &[Operation],
    words: &[String],
    model: &Model,
) -> ! {
    let step = operations.len() - 1;
    let mut text = format!("SKELGEN_SEED={seed}, {}, operation {step}:\n", subject.name());
    for (index, operation) in operations.iter().enumerate().skip(step.saturating_sub(SHOWN)) {
        writeln!(text, "{index:6} {operation:?}").unwrap();
    }
    words.iter().for_each(|word| writeln!(text, "{word}").unwrap());
    writeln!(text, "model after it:").unwrap();
    model.elements.iter().for_each(|(key, values)| writeln!(text, "{key:6} {values:?}").unwrap());
    writeln!(text, "map after it: {:?}", subject.apply(&Operation::ReadAll(Way::Keys))).unwrap();
    panic!("{text}");
}

#[test]
fn arrays_do_what_the_model_does() {
    if !may_load() {
        return;
    }
    for seed in seeds() {
        let skel = load(1);
        let (maps, kind) = (&skel.maps, (Kind::Array, ENTRIES as usize));
        let programs = Programs { add: Some(&skel.progs.add_to_array), make: None };
        check(seed, kind, &maps.array_word, &KEYS, programs);
        check(seed, kind, &maps.array_sample, &KEYS, Programs::default());
        check(seed, kind, &maps.array_triple, &KEYS, Programs::default());
    }
}

#[test]
fn hashes_do_what_the_model_does() {
    if !may_load() {
        return;
    }
    for seed in seeds() {
        let skel = load(1);
        let (maps, kind) = (&skel.maps, (Kind::Hash, ENTRIES as usize));
        let programs = Programs { add: Some(&skel.progs.add_to_hash), make: Some(&skel.progs.make_in_hash) };
        check(seed, kind, &maps.hash_word, &KEYS, programs);
        check(seed, kind, &maps.hash_sample, &KEYS, Programs::default());
        check(seed, kind, &maps.hash_triple, &KEYS, Programs::default());
        check(seed, kind, &maps.malloc_triple, &KEYS, Programs::default());
    }
}

#[test]
fn lru_hashes_with_room_do_what_the_model_does() {
    if !may_load() {
        return;
    }
    for seed in seeds() {
        let skel = load(enough_for_lru());
        let (maps, kind) = (&skel.maps, (Kind::LruHash, KEYS.len()));
        let programs = Programs { add: Some(&skel.progs.add_to_lru), make: None };
        check(seed, kind, &maps.lru_word, &KEYS, programs);
        check(seed, kind, &maps.lru_sample, &KEYS, Programs::default());
        check(seed, kind, &maps.lru_triple, &KEYS, Programs::default());
    }
}

#[test]
fn full_lru_hashes_forget_whole_elements_only() {
    if !may_load() {
        return;
    }
    // So that it forgets several at a time, which is half of a CPU's share: one that is made need not be in the place of
    // the one that was forgotten last. With more CPUs it would take more than the slow guests have time for.
    let entries = 4 * cpus::possible().unwrap().count().min(4) as u32;
    let keys: Vec<u32> = (0..entries + 4).collect();
    let mut forgotten = 0;
    for seed in seeds() {
        let skel = load(entries);
        let maps = &skel.maps;
        let programs = Programs { add: Some(&skel.progs.add_to_lru), make: None };
        forgotten += lru::check(seed, &maps.lru_word, &keys, programs);
        forgotten += lru::check(seed, &maps.lru_sample, &keys, Programs::default());
        forgotten += lru::check(seed, &maps.lru_triple, &keys, Programs::default());
    }
    assert!(forgotten > 0, "none was ever full");
}

#[test]
fn cgroup_storages_do_what_the_model_does() {
    if !may_load() {
        return;
    }
    let Some(first) = Cgroup::new("model_first") else { return };
    let Some(second) = Cgroup::new("model_second") else { return };
    for seed in seeds() {
        let skel = load(1);
        let (maps, progs) = (&skel.maps, &skel.progs);
        let programs = [&progs.storage_of_words, &progs.storage_of_samples, &progs.storage_of_triples];
        // Attaching makes the elements.
        let attach = |cgroup| programs.map(|program| program.attach_cgroup(cgroup).unwrap());
        let _links: [[Link; 3]; 2] = [attach(&first), attach(&second)];

        // enum bpf_attach_type
        const INGRESS: u32 = 0;
        const EGRESS: u32 = 1;
        let key = |cgroup, attach_type| CgroupKey { cgroup, attach_type, ..CgroupKey::zeroed() };
        // What is there, and then what is not: another way to attach, another cgroup.
        let keys =
            |way, other| [key(first.id(), way), key(second.id(), way), key(first.id(), other), key(u64::MAX, way)];
        let kind = (Kind::CgroupStorage, 2);
        check(seed, kind, &maps.cgroup_word, &keys(EGRESS, INGRESS), Programs::default());
        check(seed, kind, &maps.cgroup_sample, &[first.id(), second.id(), 0, u64::MAX], Programs::default());
        check(seed, kind, &maps.cgroup_triple, &keys(INGRESS, EGRESS), Programs::default());
    }
}

#[test]
fn random_operations_are_worth_the_name() {
    let kinds = [
        (Kind::Array, 5, &[None, Some(Errno::E2BIG), Some(Errno::EEXIST)][..]),
        (Kind::Hash, 5, &[None, Some(Errno::E2BIG), Some(Errno::EEXIST), Some(Errno::ENOENT)]),
        (Kind::LruHash, 8, &[None, Some(Errno::EEXIST), Some(Errno::ENOENT)]),
        (Kind::CgroupStorage, 2, &[None, Some(Errno::ENOENT)]),
    ];
    for (kind, capacity, refusals) in kinds {
        let (cpus, is_hash) = (vec![0, 1, 2], kind == Kind::Hash);
        let shape = Shape { keys: 8, value_size: 4, online: cpus.clone(), cpus, adds: true, makes: is_hash };
        let mut seen = Seen::default();
        for seed in seeds() {
            let mut model = Model::new(kind, capacity, &shape);
            for operation in operations(seed, &shape, OPERATIONS) {
                seen.full += usize::from(model.is_full());
                let outcome = model.apply(&operation);
                seen.note(&operation, &outcome);
            }
        }
        let all = if is_hash { 18 } else { 17 };
        assert_eq!(seen.operations.len(), all, "{kind:?}: {:?}", seen.operations);
        let errnos: BTreeSet<_> = refusals.iter().map(|errno| format!("{errno:?}")).collect();
        assert_eq!(seen.refusals, errnos, "{kind:?}");
        // What is refused to a batch after its first elements is a case of its own.
        assert!(kind == Kind::LruHash || seen.stopped > 4, "{kind:?}: {} batches stop", seen.stopped);
        assert!(!is_hash || seen.full > seen.steps / 5, "{} of {} steps with a full hash", seen.full, seen.steps);
    }
}

/// What sequences had in them.
#[derive(Default)]
struct Seen {
    steps: usize,
    full: usize,
    stopped: usize,
    operations: BTreeSet<String>,
    refusals: BTreeSet<String>,
}

impl Seen {
    fn note(&mut self, operation: &Operation, outcome: &Outcome) {
        self.steps += 1;
        let name = format!("{operation:?}");
        self.operations.insert(name.split([' ', '(']).next().unwrap().to_owned());
        if let Err(refusal) = outcome {
            self.refusals.insert(format!("{:?}", refusal.errno));
            let first = match operation {
                Operation::SetAllBatch { elements } => elements.first().map(|(key, _)| *key),
                Operation::SetValuesBatch { elements } => elements.first().map(|(key, _)| *key),
                _ => refusal.key,
            };
            self.stopped += usize::from(first != refusal.key);
        }
    }
}
