//! Whose connection is held, and for how long.

use super::{CheckInSettings, ServedPolicy};
use crate::fleet::Envoy;
use crate::time::{Duration, Timestamp};

/// Whose connection is held, from `server.yaml`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HoldSettings {
    /// How long a connection is held after its work.
    pub idle: Duration,
    /// Envoys with an interval up to this stay connected: holding is cheaper than coming again.
    pub below: Duration,
    /// Connections that are held at the most.
    pub max: usize,
}

/// The longest that a question of [`Await`](crate::wire::message::Await) is left open. Both sides give up a connection
/// over which nothing came for a minute, and routers in between forget it after one.
const OPEN_MAX: Duration = Duration::from_secs(40);

/// What the first of those who were connected waits when a server ends: it may be back by then.
const COME_BACK_FIRST_MS: u64 = 2_000;

/// The last of them comes back after so long, at the most.
const COME_BACK_LAST_MS: u64 = 300_000;

/// Between two of them: five hundred handshakes a second leave a small server room for what else there is.
const COME_BACK_PACE_MS: u64 = 2;

/// Returns whether the connection of `envoy` is held, and how long at the most until that is asked again; `held` is the
/// number of others that are held.
pub fn hold_for(
    envoy: &Envoy,
    policy: &ServedPolicy,
    settings: &CheckInSettings,
    held: usize,
    now: Timestamp,
) -> Option<Duration> {
    let CheckInSettings { hold, interval, .. } = settings;
    if held >= hold.max {
        return None;
    }
    let is_chosen = policy.class(envoy.class).is_some_and(|class| class.always_hold);
    if is_chosen || *interval <= hold.below || envoy.called {
        return Some(OPEN_MAX);
    }
    let since = now.since(envoy.busy_at);
    let left = Duration::from_ms(hold.idle.as_ms().saturating_sub(since.as_ms()));
    (left > Duration::ZERO && envoy.busy_at <= now).then_some(left.min(OPEN_MAX))
}

/// Returns when the `nth` of those whose connections are held is to come back to a server that ends: one after the
/// other, so that it is not stormed when it is there again.
pub fn come_back(nth: usize) -> Duration {
    let behind = u64::try_from(nth).unwrap_or(u64::MAX).saturating_mul(COME_BACK_PACE_MS);
    Duration::from_ms(behind.saturating_add(COME_BACK_FIRST_MS).min(COME_BACK_LAST_MS))
}
