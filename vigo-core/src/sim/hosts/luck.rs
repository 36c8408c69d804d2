//! How daemons start.

use crate::random::Random;
use crate::time::Duration;

/// What becomes of each start of one daemon. The same start always ends the same way, so that a model can tell beforehand
/// how long a call will wait for it.
#[derive(Clone, Debug)]
pub(super) struct Luck {
    seed: u64,
    /// 0: every start succeeds.
    rarity: u64,
    /// What becomes of every start, whatever the numbers say.
    always: Option<Start>,
}

/// What becomes of a start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// It comes up after this time.
    Up(Duration),
    /// It ends with an error after this time, before it was up.
    Refuses(Duration),
    /// It comes up, and ends with an error so long after that.
    Dies(Duration, Duration),
    /// It never comes up.
    Hangs,
}

impl Luck {
    pub(super) fn new(seed: u64, rarity: u64) -> Self {
        Self { seed, rarity, always: None }
    }

    /// Returns the luck of a daemon whose starts all end alike.
    pub(super) fn always(start: Start) -> Self {
        Self { always: Some(start), ..Self::good() }
    }

    /// Returns the luck of a daemon that has none to lose.
    pub(super) fn good() -> Self {
        Self::new(0, 0)
    }

    pub(super) fn calm(&mut self) {
        (self.rarity, self.always) = (0, None);
    }

    /// Returns what becomes of the start with this number, which takes about `usual`.
    pub(super) fn start(&self, number: u64, usual: Duration) -> Start {
        if let Some(start) = self.always {
            return start;
        }
        let mut random = Random::new(self.seed ^ number.wrapping_mul(0x9e37_79b9));
        let is_bad = self.rarity > 0 && random.next().is_multiple_of(self.rarity);
        if !is_bad {
            return Start::Up(usual);
        }
        let later = Duration::from_ms(random.below(40_000));
        match random.below(5) {
            0 | 1 => Start::Refuses(usual),
            2 => Start::Dies(usual, Duration::from_ms(random.below(300))),
            3 => Start::Dies(usual, later),
            _ => Start::Hangs,
        }
    }
}
