//! A daemon that a start script runs and ends.

use super::luck::{Luck, Start};
use super::model::Run;
use crate::time::{Duration, Timestamp};

/// A process, or none.
#[derive(Clone, Debug)]
pub(super) struct Daemon {
    pub(super) luck: Luck,
    pub(super) starts_in: Duration,
    pub(super) stops_in: Duration,
    life: Option<Life>,
    starts: u64,
    pub(super) taken_in: Timestamp,
    pub(super) moved: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct Life {
    pid: u32,
    dies_at: Option<Timestamp>,
    /// It was asked to end.
    ends_at: Option<Timestamp>,
}

/// What a start script sees of a start, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Began {
    Up,
    Refused,
    /// The script does not come back.
    Hangs,
}

/// Longer than anybody waits.
const FOR_EVER: Duration = Duration::from_secs(86_400);

impl Daemon {
    pub(super) fn new(luck: Luck) -> Self {
        Self {
            luck,
            starts_in: Duration::from_ms(80),
            stops_in: Duration::from_ms(100),
            life: None,
            starts: 0,
            taken_in: Timestamp::default(),
            moved: Timestamp::default(),
        }
    }

    pub(super) fn advance(&mut self, now: Timestamp) {
        let Some(life) = self.life else { return };
        match (life.ends_at, life.dies_at) {
            (Some(at), _) if at <= now => self.life = None,
            (_, Some(at)) if at <= now => (self.life, self.moved) = (None, at),
            _ => {}
        }
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.life.map(|life| life.pid)
    }

    pub(super) fn run(&self) -> Run {
        match self.life {
            None => Run::Down,
            Some(Life { ends_at: Some(_), .. }) => Run::Between,
            Some(_) => Run::Up,
        }
    }

    /// Starts it, and returns what becomes of that and when it is known. What is on its way down is started when it is gone.
    pub(super) fn start(&mut self, at: Timestamp) -> (Began, Duration) {
        let gone = self.life.and_then(|life| life.ends_at).unwrap_or(at);
        self.starts += 1;
        self.life = None;
        let (began, took, dies_at) = match self.luck.start(self.starts, self.starts_in) {
            Start::Up(took) => (Began::Up, took, None),
            Start::Dies(took, after) => (Began::Up, took, Some(gone + took + after)),
            Start::Refuses(took) => (Began::Refused, took, None),
            Start::Hangs => (Began::Hangs, FOR_EVER, None),
        };
        if began == Began::Up {
            self.life = Some(Life { pid: 100 + self.starts as u32, dies_at, ends_at: None });
            self.taken_in = gone;
        }
        (began, (gone + took).since(at))
    }

    /// Asks it to end, and returns when it will have.
    pub(super) fn stop(&mut self, at: Timestamp) -> Duration {
        let stops_in = self.stops_in;
        match &mut self.life {
            Some(life) => life.ends_at.get_or_insert(at + stops_in).since(at),
            None => Duration::ZERO,
        }
    }

    /// Ends it at once, and nobody asked for it.
    pub(super) fn kill(&mut self, at: Timestamp) {
        (self.life, self.moved) = (None, at);
    }

    pub(super) fn calm(&mut self) {
        self.luck.calm();
        if let Some(life) = &mut self.life {
            life.dies_at = None;
        }
    }
}
