//! Chance.

use crate::random::Random;
use crate::time::Duration;

/// What fails, and when: all of it from one seed.
pub(super) struct Faults {
    random: Random,
    /// 0: nothing fails.
    rarity: u64,
}

impl Faults {
    pub(super) fn new(seed: u64, rarity: u64) -> Self {
        Self { random: Random::new(seed), rarity }
    }

    /// From now on nothing fails.
    pub(super) fn stop(&mut self) {
        self.rarity = 0;
    }

    /// Returns whether something fails now that is so many times rarer than the story's measure.
    pub(super) fn strikes(&mut self, rarer: u64) -> bool {
        let one_in = self.rarity.saturating_mul(rarer);
        // The number is drawn in any case: what does not fail changes nothing else.
        let drawn = self.random.next();
        one_in > 0 && drawn.is_multiple_of(one_in)
    }

    pub(super) fn below(&mut self, most: u64) -> u64 {
        self.random.below(most)
    }

    /// Returns whether one of two comes out.
    pub(super) fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    /// Returns how long a message is on its way: mostly some milliseconds, now and then seconds.
    pub(super) fn delay(&mut self) -> Duration {
        let most = if self.strikes(1) { 8_000 } else { 40 };
        Duration::from_ms(1 + self.below(most))
    }

    pub(super) fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for chunk in bytes.chunks_exact_mut(8) {
            chunk.copy_from_slice(&self.random.next().to_be_bytes());
        }
        bytes
    }
}
