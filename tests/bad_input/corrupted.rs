//! Objects cut short, and objects with some bytes changed: the generator may make something of them or refuse them,
//! and it may do nothing else.

use std::any::Any;
use std::panic::catch_unwind;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;
use std::{env, thread};

use skelgen_tests::{fixtures, not_run};

use super::{generate, refusal};

/// Mutations of each object, which take a second. `SKELGEN_MUTATIONS` sets another number.
const MUTATIONS: u64 = 100;

/// Mutations of each object that `.ci/run` tries.
const ALL_MUTATIONS: u64 = 600;

/// Why not all are tried by default.
const LEFT_TO_CI: &str = "left to .ci/run, to save time; SKELGEN_MUTATIONS=600 runs them";

/// A good object takes some milliseconds.
const LONG: Duration = Duration::from_secs(20);

/// Between them the fixtures have all kinds of sections, types, maps and programs.
macro_rules! mutations_do_no_harm {
    ($($fixture:ident)*) => {
        $(
            #[test]
            fn $fixture() {
                mutations_do_no_harm(stringify!($fixture));
            }
        )*
    };
}

mutations_do_no_harm! { agent_percpu attach_all counters counters_be data_sections kconfig kfuncs ksyms maps_all }

fn mutations_do_no_harm(fixture: &'static str) {
    let mutations = env::var("SKELGEN_MUTATIONS").map_or(MUTATIONS, |mutations| mutations.parse().unwrap());
    if mutations < ALL_MUTATIONS {
        not_run::note(&format!("{fixture}, {} mutations", ALL_MUTATIONS - mutations), LEFT_TO_CI);
    }
    let (done, next) = channel();
    let worker = thread::spawn(move || {
        let object = fixtures::bytes(fixture);
        let mut panics = Vec::new();
        for seed in 0..mutations {
            let mutated = mutate(&object, seed);
            if let Err(panic) = catch_unwind(|| generate(fixture, &mutated)) {
                panics.push(format!("seed {seed}: {}", words(&*panic)));
            }
            done.send(seed).unwrap();
        }
        panics
    });
    let mut last = None;
    loop {
        match next.recv_timeout(LONG) {
            Ok(seed) => last = Some(seed),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => panic!("the seed after {last:?} takes longer than {LONG:?}"),
        }
    }
    let panics = worker.join().unwrap();
    assert!(panics.is_empty(), "{}", panics.join("\n"));
}

#[test]
fn a_cut_object_is_refused_at_every_length() {
    let object = fixtures::bytes("counters");
    for length in 0..object.len() {
        // The table of sections stands at the end of the file.
        let refusal = refusal("counters", &object[..length]);
        assert!(refusal.starts_with("counters.bpf.o: "), "{length} bytes: {refusal}");
    }
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words")
}

/// `object` with one to four places changed, the same for the same seed.
fn mutate(object: &[u8], seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    let mut mutated = object.to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(object.len() as u64) as usize;
        // Numbers that are likely to be near some limit, at the sizes that the formats have.
        let value: u64 = match random.below(6) {
            0 => 0,
            1 => u64::MAX,
            2 => 0x8000_0000_8000_0000,
            3 => 0x7fff_ffff_7fff_ffff,
            4 => random.below(0x100),
            _ => random.next(),
        };
        let size = [1, 1, 2, 4, 8][random.below(5) as usize];
        let at = if size == 1 { at } else { at & !3 };
        let end = object.len().min(at + size);
        mutated[at..end].copy_from_slice(&value.to_le_bytes()[..end - at]);
    }
    mutated
}

/// SplitMix64: enough to spread changes over a file, and the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}
