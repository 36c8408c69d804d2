//! What is to be lived through, and what came of it.

use crate::time::{Duration, Timestamp};
use alloc::string::String;
use alloc::vec::Vec;
use thiserror::Error;

/// What a fleet lives through.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Story {
    /// All chance comes of it.
    pub seed: u64,
    /// How many machines want to be envoys.
    pub machines: usize,
    /// How long faults happen. The fleet then has [`Story::calm`] to come to rest.
    pub storm: Duration,
    /// How long nothing fails, after it.
    pub calm: Duration,
    /// Time between two check-ins, and two runs.
    pub interval: Duration,
    /// The connections of the machines are held.
    pub holds: bool,
    /// How often something fails: one of so many times that it could; 0 for never.
    pub rarity: u64,
    /// The disk of the server may be put back to an earlier state.
    pub restores: bool,
    /// The server may be lost with all that it has: another takes its place by the recovery kit.
    pub losses: bool,
    /// The disk of a machine may be put back to an earlier state.
    pub snapshots: bool,
    /// The disk of a machine is copied into another one, once.
    pub copies: bool,
    /// Somebody may answer in the server's place.
    pub hostile: bool,
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Told {
    /// Envoys at the end.
    pub envoys: usize,
    /// Runs that began.
    pub runs: u64,
    /// Reports that the server has.
    pub reports: u64,
    /// Requests that the server has answered.
    pub answered: u64,
    /// Requests that it refused because it had seen them.
    pub replays: u64,
    /// How often a machine was called over a connection that was held.
    pub called: u64,
    /// Machines and servers that crashed.
    pub crashes: u64,
    /// Messages that got lost.
    pub lost: u64,
    /// Answers of somebody else.
    pub forged: u64,
    /// How often a machine was to be left alone.
    pub rests: u64,
    /// Orders.
    pub orders: u64,
    /// Secrets that machines were given.
    pub secrets: u64,
    /// Questions for the secrets of others.
    pub thefts: u64,
    /// Publishes.
    pub publishes: u64,
    /// How often the server's disk went back in time.
    pub restores: u64,
    /// How often all that lies beside it went back with it.
    pub volumes: u64,
    /// Envoys that were taken up again, which the server's disk had lost.
    pub adopted: u64,
    /// How often an envoy has shown what the server's disk had lost.
    pub remembered: u64,
    /// How often the server was lost with all that it had.
    pub losses: u64,
    /// Envoys that were enrolled anew by their own key.
    pub enrolled_anew: u64,
    /// Envoys that waited until somebody let them in.
    pub let_in: u64,
    /// How often a machine's disk went back in time.
    pub snapshots: u64,
    /// Disks that were copied into another machine.
    pub copies: u64,
    /// SHA-256 over all that happened: the same story has the same.
    pub digest: [u8; 32],
}

/// Something that must not be.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("seed {seed} at {at}: {what}")]
pub struct Violation {
    /// The seed of the story.
    pub seed: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: String,
    /// The last things that happened before it, oldest first.
    pub trace: Vec<String>,
}

impl Story {
    /// Returns a story of an hour in which everything fails, and a quarter of one in which nothing does.
    pub const fn stormy(seed: u64) -> Self {
        Self {
            seed,
            machines: 4,
            storm: Duration::from_secs(3600),
            calm: Duration::from_secs(900),
            interval: Duration::from_secs(90),
            holds: seed.is_multiple_of(2),
            rarity: 25,
            restores: false,
            losses: false,
            snapshots: false,
            copies: false,
            hostile: true,
        }
    }
}
