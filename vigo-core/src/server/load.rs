//! How much work a server takes on, and what becomes of what is more.
//!
//! Work fills a bucket, which empties at the rate that the server is meant to keep up with. Nothing is turned away: who
//! checks in too often for the server is told to come later, who connects too often is refused before that costs anything,
//! and comes again after a pause of its own.

use crate::fleet::Envoy;
use crate::time::{Duration, Timestamp};
use crate::wire::message::{Answer, CheckIn};
use core::num::NonZeroU32;

/// How much of one kind of work a server takes on, from `server.yaml`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Budget {
    /// Pieces a second, for ever.
    pub per_second: NonZeroU32,
    /// Pieces at once, after a rest.
    pub burst: NonZeroU32,
}

/// Work in hand, in thousandths of a piece: what a budget of so many pieces a second does in a millisecond is as many of
/// them.
#[derive(Clone, Debug, Default)]
struct Bucket {
    content: u64,
    at: Timestamp,
}

/// A piece of work.
const PIECE: u64 = 1000;

/// A check-in over a connection that is there already: some sixty microseconds against those of a handshake.
const HELD: u64 = PIECE / 10;

/// The longest that an envoy is put off: enough for twice as many as come within an interval of ten minutes.
const LATER_MAX: Duration = Duration::from_secs(600);

impl Budget {
    const fn rate(self) -> u64 {
        self.per_second.get() as u64
    }

    const fn full(self) -> u64 {
        self.burst.get() as u64 * PIECE
    }
}

impl Bucket {
    /// Lets go what was done since the last time.
    fn drain(&mut self, budget: Budget, now: Timestamp) {
        let done = now.since(self.at).as_ms().saturating_mul(budget.rate());
        self.content = self.content.saturating_sub(done);
        self.at = now;
    }
}

/// The check-ins that a server answers.
#[derive(Clone, Debug, Default)]
pub struct CheckInLoad {
    bucket: Bucket,
    put_off: u64,
}

impl CheckInLoad {
    /// Counts a check-in that is answered, and has the envoy come so much later as the server is behind its budget: with
    /// too many envoys the intervals get longer until it keeps up, and no longer than that.
    pub fn answered(
        &mut self,
        check_in: &CheckIn,
        answer: &mut Answer,
        envoy: &mut Envoy,
        budget: Budget,
        now: Timestamp,
    ) {
        self.bucket.drain(budget, now);
        let most = budget.full().saturating_add(LATER_MAX.as_ms().saturating_mul(budget.rate()));
        let cost = if check_in.held { HELD } else { PIECE };
        self.bucket.content = self.bucket.content.saturating_add(cost).min(most);
        let later = self.bucket.content.saturating_sub(budget.full()) / budget.rate();
        if later > 0 {
            self.put_off = self.put_off.saturating_add(1);
            answer.next_in_ms = answer.next_in_ms.saturating_add(later);
            // It is not silent before then.
            envoy.cadence = Duration::from_ms(answer.next_in_ms);
        }
    }

    /// Returns how many check-ins were answered with a later time than usual.
    pub const fn put_off(&self) -> u64 {
        self.put_off
    }
}

/// The connections that a server takes.
#[derive(Clone, Debug, Default)]
pub struct ConnectionLoad {
    bucket: Bucket,
    counts: ConnectionCounts,
}

/// What became of connections, since the server started.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ConnectionCounts {
    /// Taken.
    pub taken: u64,
    /// Asked whether they are where they say they are.
    pub validated: u64,
    /// Refused in their first packet.
    pub refused: u64,
    /// Left to wait until there was room.
    pub delayed: u64,
}

/// A connection of which there is one packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrival {
    /// The other side has shown that it receives at the address that it claims, or cannot be asked.
    pub is_valid: bool,
    /// Many others are in their handshake.
    pub is_crowded: bool,
}

/// What becomes of a connection of which there is one packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Greeting {
    /// Its handshake begins.
    Take,
    /// It has to show that it receives at the address it claims, which costs no cryptography.
    Validate,
    /// It is told to go, which costs none either.
    Refuse,
}

impl ConnectionLoad {
    /// Decides about a connection that can be refused.
    pub fn greet(&mut self, arrival: Arrival, budget: Budget, now: Timestamp) -> Greeting {
        self.bucket.drain(budget, now);
        // A flood of invented addresses is not to use up what the real ones need.
        if !arrival.is_valid && (arrival.is_crowded || self.bucket.content > budget.full() / 2) {
            self.counts.validated = self.counts.validated.saturating_add(1);
            return Greeting::Validate;
        }
        if self.bucket.content.saturating_add(PIECE) > budget.full() {
            self.counts.refused = self.counts.refused.saturating_add(1);
            return Greeting::Refuse;
        }
        self.take();
        Greeting::Take
    }

    /// Takes a connection that can wait, and returns for how long it has to. Those that cannot be refused get their turn.
    pub fn wait(&mut self, budget: Budget, now: Timestamp) -> Duration {
        self.bucket.drain(budget, now);
        self.take();
        let over = self.bucket.content.saturating_sub(budget.full());
        self.counts.delayed = self.counts.delayed.saturating_add(u64::from(over > 0));
        Duration::from_ms(over.div_ceil(budget.rate()))
    }

    /// Returns what became of all so far.
    pub const fn counts(&self) -> ConnectionCounts {
        self.counts
    }

    fn take(&mut self) {
        self.bucket.content = self.bucket.content.saturating_add(PIECE);
        self.counts.taken = self.counts.taken.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::SigningKey;
    use crate::id::EnvoyId;
    use alloc::vec::Vec;

    fn budget(per_second: u32, burst: u32) -> Budget {
        let number = |n| NonZeroU32::new(n).expect("it is not zero");
        Budget { per_second: number(per_second), burst: number(burst) }
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_epoch_ms(1_000_000 + ms)
    }

    fn envoy() -> Envoy {
        let key = SigningKey::from_bytes(&[1; 32]).verifying_key();
        Envoy::new(EnvoyId::of(&key), key, "a".into())
    }

    /// Returns when the next check-in is due, and how long an envoy may be silent.
    fn check_in(load: &mut CheckInLoad, held: bool, budget: Budget, now: Timestamp) -> (u64, u64) {
        let mut answer = Answer { next_in_ms: 60_000, ..Answer::default() };
        let mut envoy = envoy();
        envoy.cadence = Duration::from_secs(60);
        load.answered(&CheckIn { held, ..CheckIn::default() }, &mut answer, &mut envoy, budget, now);
        (answer.next_in_ms, envoy.cadence.as_ms())
    }

    #[test]
    fn who_comes_too_often_is_put_off_by_what_the_server_is_behind() {
        let (budget, mut load) = (budget(10, 2), CheckInLoad::default());
        let seen: Vec<_> = (0..5).map(|_| check_in(&mut load, false, budget, at(0)).0).collect();
        assert_eq!(seen, [60_000, 60_000, 60_100, 60_200, 60_300], "one more is a tenth of a second");
        assert_eq!(load.put_off(), 3);
        assert_eq!(check_in(&mut load, false, budget, at(400)), (60_000, 60_000), "it has caught up");
        assert_eq!(check_in(&mut load, false, budget, at(400)), (60_100, 60_100), "it is not silent before it is due");
        assert_eq!(check_in(&mut load, true, budget, at(400)).0, 60_110, "one that is held costs a tenth");
        assert_eq!(check_in(&mut load, false, budget, at(-9000)).0, 60_210, "a clock that went back does no work");
        assert_eq!(check_in(&mut load, false, budget, at(9000)).0, 60_000);
        (0..100_000).for_each(|_| _ = check_in(&mut load, false, budget, at(9000)));
        assert_eq!(check_in(&mut load, false, budget, at(9000)).0, 60_000 + 600_000, "there is an end to it");
    }

    /// Envoys that come when they are told to: as many as would be too many at their interval.
    #[test]
    fn the_intervals_get_as_long_as_the_server_needs() {
        for (count, per_second, expected) in [(600, 5, 120), (600, 10, 60), (600, 2, 300), (100, 10, 60)] {
            let (budget, mut load) = (budget(per_second, 20), CheckInLoad::default());
            let mut due: Vec<u64> = (0..count).map(|n| n * 60_000 / count).collect();
            let (from, to) = (3_600_000, 7_200_000);
            let mut came = 0;
            for now in (0..to).step_by(100) {
                for due in due.iter_mut().filter(|due| **due <= now) {
                    *due = now + check_in(&mut load, false, budget, at(now as i64)).0;
                    came += u64::from(now >= from);
                }
            }
            let interval = (to - from) / 1000 * count / came;
            let off = interval.abs_diff(expected);
            assert!(off * 50 <= expected, "{count} at {per_second}/s: expected {expected} s, seen {interval} s");
        }
    }

    #[test]
    fn connections_are_taken_validated_and_refused() {
        use Greeting::{Refuse, Take, Validate};
        let (budget, mut load) = (budget(10, 4), ConnectionLoad::default());
        for (ms, is_valid, expected, why) in [
            (0, false, Take, "there is room for all"),
            (0, false, Take, "there is room for all"),
            (0, false, Take, "it is half full"),
            (0, false, Validate, "it is more than half full"),
            (0, true, Take, "this one has shown where it is"),
            (0, true, Refuse, "it is full"),
            (0, false, Validate, "that comes first, and costs as little"),
            (99, true, Refuse, "not yet"),
            (100, true, Take, "one was done"),
            (-500, true, Refuse, "a clock that went back does no work"),
            (-400, true, Take, "and goes on from there"),
            (10_000, false, Take, "it is empty again"),
        ] {
            let arrival = Arrival { is_valid, is_crowded: false };
            assert_eq!(load.greet(arrival, budget, at(ms)), expected, "{ms}: {why}");
        }
        let crowded = |is_valid| Arrival { is_valid, is_crowded: true };
        assert_eq!(load.greet(crowded(false), budget, at(10_000)), Validate, "others are in their handshake");
        assert_eq!(load.greet(crowded(true), budget, at(10_000)), Take);
        assert_eq!(load.counts(), ConnectionCounts { taken: 8, validated: 3, refused: 3, delayed: 0 });
    }

    #[test]
    fn connections_that_can_wait_do() {
        let (budget, mut load) = (budget(10, 2), ConnectionLoad::default());
        let waits = [0, 0, 0, 0, 60, 500, 500, 500].map(|ms| load.wait(budget, at(ms)).as_ms());
        assert_eq!(waits, [0, 0, 100, 200, 240, 0, 0, 100]);
        assert_eq!(load.counts(), ConnectionCounts { taken: 8, delayed: 4, ..ConnectionCounts::default() });
    }
}
