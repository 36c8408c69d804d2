//! A service and its states.

use crate::resource::service::StartType;
use crate::sim::hosts::luck::{Luck, Start};
use crate::time::{Duration, Timestamp};
use alloc::string::String;
use alloc::vec::Vec;

/// A service of one process of its own.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) display: String,
    pub(super) start_type: StartType,
    pub(super) state: State,
    /// What runs before it, and is started with it.
    pub(super) needs: Vec<String>,
    pub(super) can_pause: bool,
    /// It goes when the last who holds it open lets go.
    pub(super) is_marked: bool,
    pub(super) luck: Luck,
    pub(super) starts: u64,
    pub(super) starts_in: Duration,
    pub(super) stops_in: Duration,
    /// How it last ended.
    pub(super) exit: u32,
    pub(super) taken_in: Timestamp,
    pub(super) moved: Timestamp,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    Stopped,
    StartPending { until: Timestamp, end: Start },
    StopPending { until: Timestamp },
    Running { dies_at: Option<Timestamp> },
    ContinuePending { until: Timestamp },
    Paused,
}

/// How long the manager waits for a process to report to it.
pub(super) const CONNECT_MAX: Duration = Duration::from_secs(30);

/// ERROR_PROCESS_ABORTED.
const ABORTED: u32 = 1067;

impl Service {
    pub(super) fn new(display: &str, luck: Luck) -> Self {
        Self {
            display: display.into(),
            start_type: StartType::Auto,
            state: State::Stopped,
            needs: Vec::new(),
            can_pause: false,
            is_marked: false,
            luck,
            starts: 0,
            starts_in: Duration::from_ms(300),
            stops_in: Duration::from_ms(200),
            exit: 0,
            taken_in: Timestamp::default(),
            moved: Timestamp::default(),
        }
    }

    /// Begins a start; `Err` when its process does not report, with how long that takes.
    pub(super) fn begin(&mut self, at: Timestamp) -> Result<(), Duration> {
        self.starts += 1;
        self.taken_in = at;
        let end = self.luck.start(self.starts, self.starts_in);
        let took = match end {
            Start::Hangs => {
                self.state = State::Stopped;
                return Err(CONNECT_MAX);
            }
            Start::Up(took) | Start::Refuses(took) | Start::Dies(took, _) => took,
        };
        (self.state, self.exit) = (State::StartPending { until: at + took, end }, 0);
        Ok(())
    }

    /// Lets time pass.
    pub(super) fn advance(&mut self, now: Timestamp) {
        loop {
            match self.state {
                State::StartPending { until, end } if until <= now => match end {
                    Start::Dies(_, after) => self.state = State::Running { dies_at: Some(until + after) },
                    Start::Refuses(_) => self.end(until),
                    Start::Up(_) | Start::Hangs => self.state = State::Running { dies_at: None },
                },
                State::Running { dies_at: Some(at) } if at <= now => self.end(at),
                State::StopPending { until } if until <= now => (self.state, self.exit) = (State::Stopped, 0),
                State::ContinuePending { until } if until <= now => self.state = State::Running { dies_at: None },
                _ => return,
            }
        }
    }

    fn end(&mut self, at: Timestamp) {
        (self.state, self.exit, self.moved) = (State::Stopped, ABORTED, at);
    }

    /// Returns when it rests, and how, if nothing else is asked of it.
    pub(super) fn rest(&self, now: Timestamp) -> (Timestamp, Self) {
        let (mut at, mut service) = (now, self.clone());
        while let State::StartPending { until, .. } | State::StopPending { until } | State::ContinuePending { until } =
            service.state
        {
            at = until;
            service.advance(until);
        }
        (at, service)
    }

    /// Returns number, name and accepted controls of its state, as `sc.exe query` prints them.
    pub(super) fn words(&self) -> (u32, &'static str, &'static str) {
        match self.state {
            State::Stopped => (1, "STOPPED", ""),
            State::StartPending { .. } => (2, "START_PENDING", "(NOT_STOPPABLE, NOT_PAUSABLE, IGNORES_SHUTDOWN)"),
            State::StopPending { .. } => (3, "STOP_PENDING", "(NOT_STOPPABLE, NOT_PAUSABLE, IGNORES_SHUTDOWN)"),
            State::Running { .. } if self.can_pause => (4, "RUNNING", "(STOPPABLE, PAUSABLE, ACCEPTS_SHUTDOWN)"),
            State::Running { .. } => (4, "RUNNING", "(STOPPABLE, NOT_PAUSABLE, ACCEPTS_SHUTDOWN)"),
            State::ContinuePending { .. } => (5, "CONTINUE_PENDING", "(STOPPABLE, PAUSABLE, ACCEPTS_SHUTDOWN)"),
            State::Paused => (7, "PAUSED", "(STOPPABLE, PAUSABLE, ACCEPTS_SHUTDOWN)"),
        }
    }

    pub(super) fn is_active(&self) -> bool {
        self.state != State::Stopped
    }

    pub(super) fn calm(&mut self) {
        self.luck.calm();
        if let State::Running { dies_at } = &mut self.state {
            *dies_at = None;
        }
    }
}
