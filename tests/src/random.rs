//! Numbers to decide by: the same from the same seed, everywhere.

use std::env;

/// The seed that random tests begin with; each further round has the next. `SKELGEN_SEED` is another.
///
/// # Panics
///
/// `SKELGEN_SEED` is no number.
#[must_use]
pub fn seed() -> u64 {
    env::var("SKELGEN_SEED").map_or(1, |seed| seed.parse().expect("SKELGEN_SEED is a number"))
}

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// From [`seed`], which it prints: a test that fails then says which.
    #[must_use]
    pub fn new() -> Random {
        let seed = seed();
        println!("SKELGEN_SEED={seed}");
        Random(seed)
    }

    /// The next number, any of 64 bits.
    #[allow(clippy::should_implement_trait, reason = "there is always one more")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Less than `n`, which is not 0.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// A number, more often a small one or one at the edge of its width than chance would have it.
    pub fn number(&mut self) -> i32 {
        match self.below(4) {
            0 => self.below(9) as i32,
            1 => -(self.below(5) as i32) - 1,
            2 => self.pick(&[i32::MIN, i32::MAX, 0xffff, 0x10000, 0x7fff, -0x8000]),
            _ => self.next() as i32,
        }
    }

    /// `len` bytes.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }

    /// `count` different keys of `len` bytes.
    pub fn keys(&mut self, count: usize, len: usize) -> Vec<Vec<u8>> {
        let mut keys = Vec::new();
        while keys.len() < count {
            let key = self.bytes(len);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }
}

impl Default for Random {
    fn default() -> Self {
        Random::new()
    }
}
