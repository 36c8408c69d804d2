//! Whether one identity lives on two machines.
//!
//! Each process of an agent says a number of its own, its *life*, and counts its check-ins. A process that ends never
//! comes back: a power cut, an update or a snapshot bring a life that was not there before. Two copies of an identity take
//! turns, and so do their lives, or the fingerprints of their machines: once may be a machine that was set back to a moment
//! in its memory; what goes to and fro is two.

use crate::time::{Duration, Timestamp};
use crate::wire::message::CheckIn;
use alloc::vec::Vec;
use core::net::IpAddr;
use sha2::{Digest as _, Sha256};

/// What a check-in says of the copy that it comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Life {
    /// The number of the process; 0 for an agent that says none.
    pub life: u64,
    /// The number of the check-in in its life.
    pub turn: u64,
    /// A digest of the machine's fingerprint.
    pub machine: u64,
    /// Where it comes from.
    pub from: IpAddr,
}

impl Life {
    /// Returns what a check-in from this address says.
    pub fn of(check_in: &CheckIn, from: IpAddr) -> Self {
        let mut machine = [0; 8];
        machine.iter_mut().zip(Sha256::digest(&check_in.machine)).for_each(|(byte, of)| *byte = of);
        let machine = u64::from_be_bytes(machine);
        Self { life: check_in.life, turn: check_in.turn, machine, from: from.to_canonical() }
    }
}

/// That one identity seems to run twice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cloned {
    /// Where two of the copies came from; the same address twice where both are behind one.
    pub from: [IpAddr; 2],
    /// When that was found.
    pub at: Timestamp,
}

/// The copies of one identity that were heard of.
#[derive(Clone, Debug, Default)]
pub struct Copies {
    /// Who came last.
    newest: Option<Life>,
    /// Life and machine of all, the newest first. Most envoys have one for as long as their agent runs.
    heard: Vec<(u64, u64)>,
    /// How often one came back that had been followed by another, and since when that is counted.
    returns: u32,
    since: Timestamp,
}

/// Lives that are remembered: more copies than that, in strict order, are not told apart.
const COPIES_MAX: usize = 64;

/// Returns that are no accident, and the time within which they happen.
const RETURNS_MAX: u32 = 3;
const WINDOW: Duration = Duration::from_secs(86_400);

impl Copies {
    /// Takes a check-in. Returns where the two copies come from, when it is known that there are two.
    pub fn hear(&mut self, new: Life, now: Timestamp) -> Option<[IpAddr; 2]> {
        let copy = (new.life, new.machine);
        let known = self.heard.iter().position(|heard| *heard == copy);
        let was_here = self.heard.iter().any(|(_, machine)| *machine == new.machine);
        if let Some(at) = known {
            self.heard.remove(at);
        }
        self.heard.insert(0, copy);
        self.heard.truncate(COPIES_MAX);
        let newest = self.newest.replace(new)?;
        let is_return = match known {
            Some(0) => new.life != 0 && new.turn <= newest.turn,
            Some(_) => true,
            None => newest.machine != new.machine && was_here,
        };
        if !is_return {
            return None;
        }
        if now.since(self.since) > WINDOW {
            (self.returns, self.since) = (0, now);
        }
        self.returns = self.returns.saturating_add(1);
        (self.returns >= RETURNS_MAX).then_some([newest.from, new.from])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    /// Returns the number of the check-in at which they are found to be two, one check-in every five minutes.
    fn found(sayings: impl IntoIterator<Item = (u64, u64, u64)>) -> Option<usize> {
        found_every(300, sayings)
    }

    fn found_every(seconds: u64, sayings: impl IntoIterator<Item = (u64, u64, u64)>) -> Option<usize> {
        let (mut copies, mut now) = (Copies::default(), Timestamp::from_epoch_secs(1_800_000_000));
        for (at, (life, turn, machine)) in sayings.into_iter().enumerate() {
            let from = IpAddr::from([192, 0, 2, machine as u8]);
            now = now + Duration::from_secs(seconds);
            if copies.hear(Life { life, turn, machine, from }, now).is_some() {
                return Some(at + 1);
            }
        }
        None
    }

    #[test]
    fn two_copies_are_found_within_a_few_check_ins() {
        let turns = |lives: Vec<(u64, u64)>| {
            move |n: u64| {
                let (life, machine) = lives[n as usize % lives.len()];
                (life, 1 + n / lives.len() as u64, machine)
            }
        };
        let cases = [
            ("two machines", vec![(7, 1), (8, 2)], 5),
            ("two containers of one machine", vec![(7, 1), (8, 1)], 5),
            ("three", vec![(7, 1), (8, 2), (9, 3)], 6),
            ("twenty", (0..20).map(|n| (7 + n, n)).collect(), 23),
            ("agents that say no life", vec![(0, 1), (0, 2)], 5),
            ("a copy of a running machine", vec![(7, 1), (7, 1)], 6),
        ];
        for (name, lives, expected) in cases {
            assert_eq!(found((0..100).map(turns(lives))), Some(expected), "{name}");
        }
        let often = (0..100).map(|n| if n % 3 == 2 { (8, n, 2) } else { (7, n, 1) });
        assert_eq!(found(often), Some(7), "one that asks twice as often");
        let switched_on_by_turns = (0..10).map(|n| (100 + n, 1, n % 2));
        assert_eq!(found(switched_on_by_turns), Some(5), "two that are never on at once");
    }

    #[test]
    fn what_happens_to_one_machine_is_no_copy() {
        let mut lost = vec![(7, 1, 1), (7, 2, 1), (7, 9, 1), (7, 10, 1)];
        lost.extend((11..200).map(|turn| (7, turn * 2, 1)));
        assert_eq!(found(lost), None, "lost answers and lost check-ins");
        assert_eq!(found((0..200).map(|n| (100 + n, 1, 1))), None, "power cuts, updates, snapshots of the disk");
        assert_eq!(found((0..200).map(|n| (0, 0, 1 + n / 100))), None, "it moved");
        let set_back =
            [(7, 1, 1), (7, 2, 1), (7, 3, 1), (7, 2, 1), (7, 3, 1), (7, 4, 1), (8, 1, 1), (7, 4, 1), (7, 5, 1)];
        assert_eq!(found(set_back), None, "set back to a moment in its memory, twice");
        let daily = (0..60).map(|n| (7, 1 + n % 2, 1));
        assert_eq!(found_every(43_200, daily), None, "set back once a day");
    }

    #[test]
    fn little_is_kept_and_both_places_are_told() {
        let mut copies = Copies::default();
        let now = Timestamp::from_epoch_secs(1_800_000_000);
        let from = |n: u8| IpAddr::from([192, 0, 2, n]);
        for life in 0..1000 {
            copies.hear(Life { life, turn: 1, machine: 1, from: from(1) }, now);
        }
        assert_eq!(copies.heard.len(), COPIES_MAX);
        let mut both = None;
        for n in 0..6u8 {
            both = copies.hear(Life { life: 5000 + u64::from(n % 2), turn: 1, machine: 1, from: from(n % 2) }, now);
        }
        assert_eq!(both, Some([from(0), from(1)]));
    }
}
