//! Contents without a pattern, the same in every run.

use std::env;

/// SplitMix64.
pub(crate) struct Random(u64);

impl Random {
    /// From `SKELGEN_SEED`, or the seed of every day. A test that fails says which.
    pub(crate) fn new() -> Random {
        let seed = env::var("SKELGEN_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x5eed);
        println!("SKELGEN_SEED={seed}");
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// `len` bytes.
    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }

    /// `count` different keys of `len` bytes.
    pub(crate) fn keys(&mut self, count: usize, len: usize) -> Vec<Vec<u8>> {
        let mut keys = Vec::new();
        while keys.len() < count {
            let key = self.bytes(len);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    /// One of `all`.
    pub(crate) fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}
