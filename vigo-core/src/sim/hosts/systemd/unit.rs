//! A unit and its states.

use crate::sim::hosts::luck::{Luck, Start};
use crate::time::{Duration, Timestamp};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A service unit.
#[derive(Clone, Debug)]
pub struct Unit {
    /// `food.service`
    pub name: String,
    /// Whether an administrator defined it, in `/etc`, rather than a package.
    pub is_local: bool,
    /// What its `[Install]` section says.
    pub install: Install,
    /// When it counts as started.
    pub kind: Kind,
    /// Its file cannot be used.
    pub is_bad: bool,
    /// It knows how to reload.
    pub reloads: bool,
    /// How long it takes to come up.
    pub starts_in: Duration,
    /// How long it takes to go down.
    pub stops_in: Duration,
    /// How long a start may take (`TimeoutStartSec=`).
    pub start_max: Duration,
    /// It is started again so long after it failed (`Restart=on-failure`, `RestartSec=`).
    pub restarts_in: Option<Duration>,
    pub(super) luck: Luck,
    pub(super) is_enabled: bool,
    pub(super) is_enabled_runtime: bool,
    pub(super) is_masked: bool,
    pub(super) is_masked_runtime: bool,
    pub(super) is_stale: bool,
    pub(super) state: State,
    pub(super) result: &'static str,
    pub(super) status: i32,
    pub(super) pid: u32,
    pub(super) starts: u64,
    /// When it was last started, for the start limit.
    pub(super) recent: Vec<Timestamp>,
    pub(super) taken_in: Timestamp,
    pub(super) moved: Timestamp,
}

/// What an `[Install]` section says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Install {
    /// `WantedBy=multi-user.target`
    Wanted,
    /// Likewise, and `Alias=` with this name.
    Alias(&'static str),
    /// Nothing: it cannot be enabled.
    Nothing,
    /// Only `Also=`.
    Also,
}

/// When a service counts as started, by its `Type=`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// At once.
    Simple,
    /// When it says so.
    Notify,
    /// When it has done its work.
    Oneshot,
}

/// Where a unit stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    Inactive,
    Failed,
    /// On its way up, until it is up or has failed.
    Starting {
        until: Timestamp,
        end: End,
    },
    /// Before it is started again by itself.
    Waiting {
        until: Timestamp,
    },
    Active {
        dies_at: Option<Timestamp>,
    },
    /// On its way down, and then up again or not.
    Stopping {
        until: Timestamp,
        again: bool,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    Up { dies_after: Option<Duration> },
    Exit,
    Timeout,
}

/// More starts than this within [`LIMIT_INTERVAL`] are refused (systemd.unit(5), `StartLimitBurst=`).
const LIMIT_BURST: usize = 5;
const LIMIT_INTERVAL: Duration = Duration::from_secs(10);

impl Unit {
    /// Returns a unit of `Type=simple` that is wanted by a target and disabled.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            is_local: true,
            install: Install::Wanted,
            kind: Kind::Simple,
            is_bad: false,
            reloads: false,
            starts_in: Duration::from_ms(50),
            stops_in: Duration::from_ms(20),
            start_max: Duration::from_secs(90),
            restarts_in: None,
            luck: Luck::good(),
            is_enabled: false,
            is_enabled_runtime: false,
            is_masked: false,
            is_masked_runtime: false,
            is_stale: false,
            state: State::Inactive,
            result: "success",
            status: 0,
            pid: 0,
            starts: 0,
            recent: Vec::new(),
            taken_in: Timestamp::default(),
            moved: Timestamp::default(),
        }
    }

    /// Makes every start end in this way.
    #[must_use]
    pub fn always(mut self, start: Start) -> Self {
        self.luck = Luck::always(start);
        self
    }

    /// Marks that its file is newer than what systemd has read.
    pub fn touch(&mut self) {
        self.is_stale = true;
    }

    pub(super) fn is_template(&self) -> bool {
        self.name.contains("@.")
    }

    /// Returns where the unit is defined, or masked.
    pub(super) fn fragment(&self) -> String {
        let file = match self.name.split_once('@') {
            Some((stem, _)) => format!("{stem}@.service"),
            None => self.name.clone(),
        };
        match (self.is_masked, self.is_masked_runtime, self.is_local) {
            (true, ..) | (_, false, true) => format!("/etc/systemd/system/{file}"),
            (_, true, false) => format!("/run/systemd/system/{file}"),
            (_, true, true) => format!("/etc/systemd/system/{file}"),
            (false, false, false) => format!("/lib/systemd/system/{file}"),
        }
    }

    /// Returns whether something keeps it from being started: in `/etc` a definition beats a mask in `/run`.
    pub(super) fn masked(&self) -> bool {
        self.is_masked || (self.is_masked_runtime && !self.is_local)
    }

    pub(super) fn file_state(&self) -> &'static str {
        match self.install {
            _ if self.is_masked => "masked",
            _ if self.masked() => "masked-runtime",
            Install::Nothing => "static",
            Install::Also => "indirect",
            _ if self.is_enabled => "enabled",
            _ if self.is_enabled_runtime => "enabled-runtime",
            _ => "disabled",
        }
    }

    pub(super) fn load_state(&self) -> &'static str {
        match () {
            () if self.masked() => "masked",
            () if self.is_bad => "bad-setting",
            () => "loaded",
        }
    }

    pub(super) fn active_state(&self) -> (&'static str, &'static str) {
        match self.state {
            State::Inactive => ("inactive", "dead"),
            State::Failed => ("failed", "failed"),
            State::Starting { .. } => ("activating", "start"),
            State::Waiting { .. } => ("activating", "auto-restart"),
            State::Active { .. } => ("active", "running"),
            State::Stopping { .. } => ("deactivating", "stop-sigterm"),
        }
    }

    /// Begins a start.
    pub(super) fn begin(&mut self, at: Timestamp) {
        self.recent.retain(|start| at.since(*start) < LIMIT_INTERVAL);
        if self.recent.len() >= LIMIT_BURST {
            (self.state, self.result, self.pid) = (State::Failed, "start-limit-hit", 0);
            return;
        }
        self.recent.push(at);
        self.starts += 1;
        self.pid = 100 + self.starts as u32;
        (self.result, self.status, self.taken_in) = ("success", 0, at);
        let (took, end) = match self.luck.start(self.starts, self.starts_in) {
            Start::Up(took) => (took, End::Up { dies_after: None }),
            Start::Dies(took, after) => (took, End::Up { dies_after: Some(after) }),
            Start::Refuses(took) => (took, End::Exit),
            Start::Hangs => (self.start_max, End::Timeout),
        };
        self.state = match (self.kind, end) {
            // It is up as soon as it is there, whatever becomes of it.
            (Kind::Simple, End::Up { dies_after }) => State::Active { dies_at: dies_after.map(|after| at + after) },
            (Kind::Simple, End::Exit) => State::Active { dies_at: Some(at + took) },
            (Kind::Simple, End::Timeout) => State::Active { dies_at: None },
            (_, end) => State::Starting { until: at + took, end },
        };
    }

    /// Lets time pass.
    pub(super) fn advance(&mut self, now: Timestamp) {
        loop {
            match self.state {
                State::Starting { until, end } if until <= now => match end {
                    End::Up { .. } if self.kind == Kind::Oneshot => (self.state, self.pid) = (State::Inactive, 0),
                    End::Up { dies_after } => {
                        self.state = State::Active { dies_at: dies_after.map(|after| until + after) }
                    }
                    End::Exit => self.fail(until, "exit-code", 1),
                    End::Timeout => self.fail(until, "timeout", 15),
                },
                State::Active { dies_at: Some(at) } if at <= now => self.fail(at, "exit-code", 1),
                State::Waiting { until } if until <= now => {
                    self.moved = until;
                    self.begin(until);
                }
                State::Stopping { until, again } if until <= now => {
                    (self.state, self.pid, self.result) = (State::Inactive, 0, "success");
                    if again {
                        self.begin(until);
                    }
                }
                _ => return,
            }
        }
    }

    fn fail(&mut self, at: Timestamp, result: &'static str, status: i32) {
        (self.result, self.status, self.pid, self.moved) = (result, status, 0, at);
        self.state = match self.restarts_in {
            Some(pause) => State::Waiting { until: at + pause },
            None => State::Failed,
        };
    }

    /// Begins a stop, and a start behind it.
    pub(super) fn stop(&mut self, at: Timestamp, again: bool) {
        self.state = match self.state {
            State::Active { .. } | State::Starting { .. } => State::Stopping { until: at + self.stops_in, again },
            State::Stopping { until, .. } => State::Stopping { until, again },
            State::Waiting { .. } => State::Inactive,
            other => other,
        };
        if again && !matches!(self.state, State::Stopping { .. }) {
            self.begin(at);
        }
    }

    /// Returns when the job that is under way ends, and the unit as it is then.
    pub(super) fn job_end(&self, now: Timestamp) -> (Timestamp, Self) {
        let (mut at, mut unit) = (now, self.clone());
        while let State::Starting { until, .. } | State::Stopping { until, .. } = unit.state {
            at = until;
            unit.advance(until);
        }
        (at, unit)
    }

    pub(super) fn calm(&mut self) {
        self.luck.calm();
        if let State::Active { dies_at } = &mut self.state {
            *dies_at = None;
        }
    }
}
