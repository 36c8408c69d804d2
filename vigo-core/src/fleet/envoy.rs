//! One envoy.

use super::copies::{Cloned, Copies, Life};
use super::status::Health;
use crate::bundle::{Maintenance, Order};
use crate::id::EnvoyId;
use crate::time::{Duration, Timestamp};
use crate::wire::message::{Counts, QuietRuns, Report};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use ed25519_dalek::VerifyingKey;

/// What a server keeps in memory about an envoy.
#[derive(Clone, Debug)]
pub struct Envoy {
    /// Its id.
    pub id: EnvoyId,
    /// Its identity key, screened when it enrolled.
    pub key: VerifyingKey,
    /// The name that the server decided.
    pub hostname: Arc<str>,
    /// Its class among those that are published.
    pub class: ClassOf,
    /// It was thrown out.
    pub revoked: bool,
    /// The counter that its next check-in should come with, and the one before.
    pub contact: u64,
    /// The counter may be some contacts old, for the server has started since: what the envoy says is believed once.
    pub contact_is_old: bool,
    /// When it was last heard of, by the server's clock; zero for never since the start.
    pub last_seen: Timestamp,
    /// The time between two check-ins that it was told last.
    pub cadence: Duration,
    /// There is something for it that it was not told: it is to check in now.
    pub called: bool,
    /// When it last got something to do, or said what came of it; zero for never since the start.
    pub busy_at: Timestamp,
    /// What it was ordered and has not answered for, the oldest first.
    pub orders: Vec<Order>,
    /// Digest of the traits that the server has of it; zeros for none.
    pub traits_digest: [u8; 32],
    /// The version of the key set that it has, as far as it said.
    pub keyset: u64,
    /// Its newest run, if any is known.
    pub last_run: Option<LastRun>,
    /// What it manages, as its last check-in since the start showed.
    pub shown: Shown,
    /// Whether it has shown an assignment that the database does not remember.
    pub past: Past,
    /// Where it was told that the servers are, since the start, and by the answer of which [`Envoy::contact`]: one that comes
    /// with that number, or a later one, has read it.
    pub servers_told: Option<(Arc<[String]>, u64)>,
    /// It reports changes and makes none, whatever else is said.
    pub observes: bool,
    /// Whether it leaves its machine alone.
    pub maintenance: Maintenance,
    /// The copies of it that were heard of since the start.
    pub copies: Copies,
    /// It seems to run twice, until somebody says otherwise.
    pub cloned: Option<Cloned>,
}

/// Which policy an envoy has shown to have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Shown {
    /// None yet, or one that is not what it should have.
    #[default]
    Other,
    /// To manage nothing, as it should.
    Nothing,
    /// The bundle of this digest, as it should.
    Bundle([u8; 32]),
}

/// What an envoy was asked of a time that the server's database has lost, since the server started.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Past {
    /// Nothing.
    #[default]
    Unasked,
    /// To show its assignment, so many times without an answer to it.
    Asked(u8),
    /// It has shown it, or has nothing to show: it is asked no more.
    Shown,
}

/// The class of an envoy.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ClassOf {
    /// Not looked up yet: the envoy comes back soon.
    #[default]
    Pending,
    /// No match block takes its name: it manages nothing.
    None,
    /// Index into the published classes.
    Class(u32),
}

/// The newest run of an envoy.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LastRun {
    /// One for each state database of the agent.
    pub incarnation: u64,
    /// The run's number in its incarnation.
    pub seq: u64,
    /// When it ended, by the envoy's clock.
    pub ended: Timestamp,
    /// What it came to.
    pub health: Health,
    /// The bundle that it ran, where that is known.
    pub bundle: Option<[u8; 32]>,
    /// How many runs of that bundle in a row changed something.
    pub changed_in_a_row: u32,
    /// How many resources came to what.
    pub counts: Counts,
}

impl Envoy {
    /// Returns an envoy that has just enrolled.
    pub fn new(id: EnvoyId, key: VerifyingKey, hostname: Arc<str>) -> Self {
        Self {
            id,
            key,
            hostname,
            class: ClassOf::Pending,
            revoked: false,
            contact: 0,
            contact_is_old: false,
            last_seen: Timestamp::default(),
            cadence: Duration::ZERO,
            called: false,
            busy_at: Timestamp::default(),
            orders: Vec::new(),
            traits_digest: [0; 32],
            keyset: 0,
            last_run: None,
            shown: Shown::Other,
            past: Past::Unasked,
            servers_told: None,
            observes: false,
            maintenance: Maintenance::No,
            copies: Copies::default(),
            cloned: None,
        }
    }

    /// Returns whether a run of this number is newer than the newest known: only such a one moves the status.
    pub fn is_news(&self, incarnation: u64, seq: u64) -> bool {
        self.last_run.is_none_or(|run| run.incarnation != incarnation || seq > run.seq)
    }

    /// Notes which copy of it checks in. Returns that it runs twice, when that is news.
    pub fn hear(&mut self, life: Life, now: Timestamp) -> Option<Cloned> {
        let from = self.copies.hear(life, now)?;
        if self.cloned.is_some() {
            return None;
        }
        self.cloned = Some(Cloned { from, at: now });
        self.cloned
    }

    /// Forgets that it seemed to run twice, and what said so.
    pub fn dismiss_clone(&mut self) {
        self.cloned = None;
        self.copies = Copies::default();
    }

    /// Takes a report's outcome, once it is on disk.
    pub fn take_report(&mut self, report: &Report) {
        if !self.is_news(report.incarnation, report.seq) {
            return;
        }
        self.last_run = Some(LastRun::of(report, self.last_run.as_ref()));
    }

    /// Takes what a check-in says of runs that are no report: nothing changed in them, and nothing failed. Returns whether
    /// it is news.
    pub fn take_quiet(&mut self, runs: &QuietRuns) -> bool {
        if runs.runs == 0 || !self.is_news(runs.incarnation, runs.seq) {
            return false;
        }
        self.last_run = Some(LastRun {
            incarnation: runs.incarnation,
            seq: runs.seq,
            ended: Timestamp::from_epoch_ms(runs.ended_ms),
            health: Health::Converged,
            bundle: None,
            changed_in_a_row: 0,
            counts: runs.counts.unwrap_or_default(),
        });
        true
    }
}

impl LastRun {
    /// Returns the run that a report tells of, which came after `before`.
    ///
    /// Between two reports whose numbers do not follow each other lie runs that changed nothing. What another bundle changes
    /// is a new policy, not drift: the count begins again.
    pub fn of(report: &Report, before: Option<&Self>) -> Self {
        let counts = report.counts.unwrap_or_default();
        let bundle = <[u8; 32]>::try_from(&*report.bundle_digest).ok();
        let follows = |b: &&Self| {
            b.incarnation == report.incarnation && b.seq.checked_add(1) == Some(report.seq) && b.bundle == bundle
        };
        let in_a_row = before.filter(follows).map_or(0, |b| b.changed_in_a_row);
        Self {
            incarnation: report.incarnation,
            seq: report.seq,
            ended: Timestamp::from_epoch_ms(report.started_ms) + Duration::from_ms(report.duration_ms),
            health: Health::of(&report.outcome, &counts),
            bundle,
            changed_in_a_row: if counts.changed > 0 { in_a_row.saturating_add(1) } else { 0 },
            counts,
        }
    }
}
