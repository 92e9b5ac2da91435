//! Numbers to decide by: the same from the same seed, everywhere.

use std::env;

/// The seed that random tests begin with; each further round has the next. `SKELGEN_SEED` is another.
pub(crate) fn seed() -> u64 {
    env::var("SKELGEN_SEED").map_or(1, |seed| seed.parse().expect("SKELGEN_SEED is a number"))
}

/// SplitMix64.
pub(crate) struct Random(pub(super) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Less than `n`, which is not 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// True once in `n` times.
    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// A number, more often a small one or one at the edge of its width than chance would have it.
    pub(crate) fn number(&mut self) -> i32 {
        match self.below(4) {
            0 => self.below(9) as i32,
            1 => -(self.below(5) as i32) - 1,
            2 => self.pick(&[i32::MIN, i32::MAX, 0xffff, 0x10000, 0x7fff, -0x8000]),
            _ => self.next() as i32,
        }
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }
}
