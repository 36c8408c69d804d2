//! How long to wait.

use crate::id::EnvoyId;
use crate::random::Random;
use crate::time::Duration;

/// The wait after the first failure, at the most.
const FIRST_MS: u64 = 5_000;

/// The longest wait.
const LAST_MS: u64 = 300_000;

/// The shortest wait.
const LEAST_MS: u64 = 1_000;

/// Waits that double with each failure, with full jitter: agents whose server went away do not come back together.
#[derive(Clone, Debug)]
pub(super) struct Backoff {
    failures: u32,
    random: Random,
}

impl Backoff {
    pub(super) fn new(seed: u64) -> Self {
        Self { failures: 0, random: Random::new(seed) }
    }

    /// Returns how long to wait after one more failure.
    pub(super) fn next(&mut self) -> Duration {
        let doubled = 1u64.checked_shl(self.failures).map_or(LAST_MS, |factor| FIRST_MS.saturating_mul(factor));
        let most = doubled.min(LAST_MS);
        self.failures = self.failures.saturating_add(1).min(32);
        Duration::from_ms(LEAST_MS + self.random.below(most - LEAST_MS + 1))
    }

    /// Takes that something succeeded.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

/// Returns an envoy's own share of `most`, which is the same every time.
pub(super) fn splay(id: EnvoyId, most: Duration) -> Duration {
    let [a, b, c, d, e, f, g, h, ..] = id.0;
    Duration::from_ms(u64::from_be_bytes([a, b, c, d, e, f, g, h]) % most.as_ms().saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn waits_double_from_five_seconds_to_five_minutes_and_use_their_whole_range() {
        let most: [u64; 9] = [5, 10, 20, 40, 80, 160, 300, 300, 300];
        let mut waits: [Vec<u64>; 9] = Default::default();
        for seed in 0..2000 {
            let mut backoff = Backoff::new(seed);
            waits.iter_mut().for_each(|w| w.push(backoff.next().as_ms()));
        }
        for (waits, most) in waits.iter().zip(most) {
            let (least, longest) = (waits.iter().min().copied(), waits.iter().max().copied());
            assert!(least >= Some(1000) && least < Some(1000 + most * 100), "{most}: {least:?}");
            assert!(longest <= Some(most * 1000) && longest > Some(most * 900), "{most}: {longest:?}");
        }
        let mut backoff = Backoff::new(1);
        (0..100).for_each(|_| _ = backoff.next());
        backoff.reset();
        assert!(backoff.next().as_ms() <= 5000);
    }

    #[test]
    fn the_splay_is_the_envoys_own() {
        let of = |byte, most| splay(EnvoyId([byte; 16]), Duration::from_secs(most)).as_ms();
        assert_eq!(of(7, 30), of(7, 30));
        assert!(of(7, 30) != of(8, 30) && of(7, 30) <= 30_000);
        assert_eq!(of(7, 0), 0);
        assert!(splay(EnvoyId([0xfe; 16]), Duration::from_ms(u64::MAX)).as_ms() > 0);
    }
}
