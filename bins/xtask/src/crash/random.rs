//! Chance that repeats.

/// Numbers that look random, the same ones for a seed: splitmix64.
pub struct Random(u64);

impl Random {
    /// Begins with a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }

    /// Returns a number in a range.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to.saturating_sub(from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_its_numbers_spread() {
        let of = |seed| {
            let mut random = Random::new(seed);
            (0..1000).map(|_| random.between(20, 500)).collect::<Vec<_>>()
        };
        assert_eq!(of(7), of(7));
        assert!(of(7) != of(8));
        assert!(of(7).iter().all(|n| (20..500).contains(n)));
        assert!(of(7).iter().any(|n| *n < 60) && of(7).iter().any(|n| *n > 460));
    }
}
