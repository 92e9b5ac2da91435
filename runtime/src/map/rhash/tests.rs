//! A table that is resized as the kernel's is: after each resize, all keys are in another order.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, Hasher};

use super::*;

/// What happens to the table between the elements that a command reads.
type Happens = fn(&mut Sim);

struct Sim {
    /// By place in the table.
    table: BTreeMap<u64, u32>,
    places: HashMap<u32, u64>,
    seed: u64,
    random: u64,
    happens: Happens,
    /// And before each command.
    between: Happens,
    /// The last key that a command gave as the next.
    next: Option<u32>,
}

impl Sim {
    fn of(keys: u32, happens: Happens) -> Sim {
        let mut sim = Sim {
            table: BTreeMap::new(),
            places: HashMap::new(),
            seed: 1,
            random: 7,
            happens,
            between: |_| {},
            next: None,
        };
        (0..keys).for_each(|key| sim.insert(key));
        sim
    }

    fn place(&self, key: u32) -> u64 {
        let mut hasher = std::hash::BuildHasherDefault::<std::hash::DefaultHasher>::default().build_hasher();
        hasher.write_u64(self.seed);
        hasher.write_u32(key);
        hasher.finish()
    }

    fn insert(&mut self, key: u32) {
        let place = self.place(key);
        self.table.insert(place, key);
        self.places.insert(key, place);
    }

    fn delete(&mut self, key: u32) {
        if let Some(place) = self.places.remove(&key) {
            self.table.remove(&place);
        }
    }

    fn resize(&mut self) {
        self.seed += 1;
        let keys: Vec<u32> = self.places.keys().copied().collect();
        self.table.clear();
        keys.into_iter().for_each(|key| self.insert(key));
    }

    fn random(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }
}

fn number(key: &[u8]) -> u32 {
    u32::from_ne_bytes(key.try_into().unwrap())
}

impl Table for Sim {
    fn read(&mut self, from: Option<&[u8]>, keys: &mut [u8], values: &mut [u8]) -> (Batched, Option<Vec<u8>>) {
        let between = self.between;
        between(self);
        let answer =
            |done, error, next: Option<u32>| (Batched { done, error }, next.map(|key| key.to_ne_bytes().to_vec()));
        let mut key = match from.map(number) {
            Some(key) if !self.places.contains_key(&key) => return answer(0, Some(Errno::EAGAIN), None),
            Some(key) => Some(key),
            None => self.table.values().next().copied(),
        };
        let mut done = 0;
        let room = keys.len() / 4;
        while let Some(here) = key.filter(|_| done < room) {
            keys[done * 4..][..4].copy_from_slice(&here.to_ne_bytes());
            values[done * 4..][..4].copy_from_slice(&here.to_ne_bytes());
            done += 1;
            let happens = self.happens;
            happens(self);
            // The kernel finds no place for an element that was deleted, and takes that for the end.
            key = match self.places.get(&here) {
                Some(&place) => self.table.range(place + 1..).next().map(|(_, &key)| key),
                None => None,
            };
        }
        self.next = key;
        answer(done, key.is_none().then_some(Errno::ENOENT), key)
    }

    fn has(&mut self, key: &[u8]) -> Result<bool, Errno> {
        let between = self.between;
        between(self);
        Ok(self.places.contains_key(&number(key)))
    }
}

fn read(table: Sim, count: usize) -> Result<Vec<u32>, Errno> {
    let most = table.places.len() + 200;
    let pass = Reader { table, key_size: 4, value_len: 4, count, most }.read_all()?;
    assert_eq!(pass.keys, pass.values);
    Ok(pass.keys.chunks_exact(4).map(number).collect())
}

/// Whether all of `0..keys` were met, and nothing twice.
fn check(table: Sim, keys: u32, count: usize) {
    let met = read(table, count).unwrap();
    let set: BTreeSet<u32> = met.iter().copied().collect();
    assert_eq!(set.len(), met.len());
    let missed: Vec<u32> = (0..keys).filter(|key| !set.contains(key)).collect();
    assert!(missed.is_empty(), "{missed:?} of {keys} with {count}");
}

const SIZES: [u32; 5] = [0, 1, 2, 31, 400];

#[test]
fn a_table_at_rest_is_read_in_one_pass() {
    for keys in SIZES {
        for count in [1, 64, 100_000] {
            check(Sim::of(keys, |_| {}), keys, count);
        }
    }
}

#[test]
fn a_table_that_is_resized_now_and_then_is_read_whole() {
    fn resized(sim: &mut Sim) {
        if sim.random(500) == 0 {
            sim.resize();
        }
    }
    for keys in SIZES {
        for (count, seed) in [(1, 3), (64, 4), (64, 5), (64, 6), (100_000, 7)] {
            let mut sim = Sim::of(keys, resized);
            sim.random = seed;
            check(sim, keys, count);
        }
    }
}

/// The pass goes on in the new order, from its first element.
#[test]
fn a_resize_after_the_first_element_is_noticed() {
    for keys in SIZES {
        for count in [1, 64, 100_000] {
            let once = |sim: &mut Sim| {
                if sim.seed == 1 {
                    sim.resize();
                }
            };
            check(Sim::of(keys, once), keys, count);
        }
    }
}

#[test]
fn elements_that_come_and_go_hide_no_others() {
    fn busy(sim: &mut Sim) {
        let key = 1_000_000 + sim.random(200) as u32;
        match sim.random(100) {
            0 => sim.insert(key),
            1 => sim.delete(key),
            _ => {}
        }
        if sim.random(600) == 0 {
            sim.resize();
        }
    }
    for keys in SIZES {
        for seed in 3..6 {
            let mut sim = Sim::of(keys, busy);
            sim.random = seed;
            check(sim, keys, 64);
        }
    }
}

/// A pass that loses its place continues at an element before it.
#[test]
fn deleting_the_element_at_each_cursor_loses_nothing() {
    fn cursor_goes(sim: &mut Sim) {
        if let Some(key) = sim.next.filter(|&key| key >= 500) {
            sim.delete(key);
        }
    }
    for count in [1, 7] {
        let mut sim = Sim::of(1000, |_| {});
        sim.between = cursor_goes;
        check(sim, 500, count);
    }
}

/// A command ends as if at the table's end when its element is deleted.
#[test]
fn deleting_the_element_that_is_read_ends_no_pass() {
    fn element_goes(sim: &mut Sim) {
        let key = 500 + sim.random(500) as u32;
        sim.delete(key);
    }
    for (count, seed) in [(1, 3), (7, 4), (64, 5), (100_000, 6)] {
        let mut sim = Sim::of(1000, element_goes);
        sim.random = seed;
        check(sim, 500, count);
    }
}

#[test]
fn an_element_that_is_deleted_and_inserted_again_ends_no_pass() {
    fn element_goes(sim: &mut Sim) {
        let key = 500 + sim.random(500) as u32;
        sim.delete(key);
    }
    for (count, seed) in [(1, 3), (7, 4), (64, 5), (100_000, 6)] {
        let mut sim = Sim::of(1000, element_goes);
        sim.between = |sim| (500..1000).for_each(|key| sim.insert(key));
        sim.random = seed;
        check(sim, 500, count);
    }
}

#[test]
fn a_table_that_is_resized_for_ever_is_given_up() {
    let error = read(
        Sim::of(500, |sim| {
            if sim.random(20) == 0 {
                sim.resize()
            }
        }),
        64,
    );
    assert_eq!(error.unwrap_err(), Errno::EAGAIN);
}

#[test]
fn an_element_that_a_batch_has_twice_is_given_once() {
    let mut keys = [1, 2, 1, 3, 2];
    let mut values = keys;
    assert_eq!(leave_out_twice(&mut keys, &mut values, 5, 1, 1), 3);
    assert_eq!((&keys[..3], &values[..3]), (&[1, 2, 3][..], &[1, 2, 3][..]));
}
