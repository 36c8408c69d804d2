//! The words for how an envoy is: health, drift, reach, and the worst of them.

use super::Envoy;
use crate::time::Timestamp;
use crate::wire::message::Counts;
use core::fmt;

/// What the newest run came to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Health {
    /// Everything was as it should be, or was made so.
    Converged,
    /// Something failed.
    Degraded,
    /// All failed, or there was no run.
    Failed,
}

/// What the newest runs changed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Drift {
    /// Nothing.
    None,
    /// The newest changed something.
    Changed,
    /// Two in a row did.
    Relapsed,
    /// Three and more did.
    Diverged,
}

/// Whether the envoy is heard of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Reach {
    /// It is.
    Online,
    /// It has been silent for two and a half of its own intervals.
    Stale,
    /// It has been silent for five of them.
    Offline,
}

/// All of it at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status {
    /// `None`: no run is known.
    pub health: Option<Health>,
    /// Of the newest runs.
    pub drift: Drift,
    /// Now.
    pub reach: Reach,
}

impl Health {
    /// Returns the health that an outcome means.
    pub fn of(outcome: &str, counts: &Counts) -> Self {
        match outcome {
            "converged" | "drift" => Self::Converged,
            "not converged" if counts.ok > 0 || counts.changed > 0 => Self::Degraded,
            _ => Self::Failed,
        }
    }

    /// Returns the word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Converged => "converged",
            Self::Degraded => "degraded",
            Self::Failed => "failed",
        }
    }
}

impl Status {
    /// All words that it is printed as.
    pub const WORDS: [&str; 7] = ["offline", "failed", "degraded", "no data", "diverged", "relapsed", "converged"];

    /// Returns how `envoy` is at `now`.
    pub fn of(envoy: &Envoy, now: Timestamp) -> Self {
        let silent = now.since(envoy.last_seen).as_ms();
        let cadence = envoy.cadence.as_ms().max(1);
        let reach = match () {
            () if silent >= cadence.saturating_mul(5) => Reach::Offline,
            () if silent.saturating_mul(2) >= cadence.saturating_mul(5) => Reach::Stale,
            () => Reach::Online,
        };
        let drift = match envoy.last_run.map_or(0, |run| run.changed_in_a_row) {
            0 => Drift::None,
            1 => Drift::Changed,
            2 => Drift::Relapsed,
            _ => Drift::Diverged,
        };
        Self { health: envoy.last_run.map(|run| run.health), drift, reach }
    }
}

impl fmt::Display for Status {
    /// Prints the one word that stands for the worst of them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.reach, self.health, self.drift) {
            (Reach::Offline, ..) => "offline",
            (_, Some(Health::Failed), _) => "failed",
            (_, Some(Health::Degraded), _) => "degraded",
            (_, None, _) => "no data",
            (_, _, Drift::Diverged) => "diverged",
            (_, _, Drift::Relapsed) => "relapsed",
            (_, Some(Health::Converged), _) => "converged",
        })
    }
}
