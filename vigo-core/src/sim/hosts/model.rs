//! What a model of a service manager is to those who drive it.

use crate::action::{Op, OpOutput};
use crate::resource::service::StartType;
use crate::time::{Duration, Timestamp};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A model of a service manager with the daemons that it manages and the files that it reads.
///
/// A driver calls [`Model::perform`] with times that never go back.
pub trait Model {
    /// Performs an operation: what it answers, and how long it takes to.
    fn perform(&mut self, op: &Op, now: Timestamp) -> Answer;

    /// Returns the services that it has, by the names that a policy calls them.
    fn services(&self) -> Vec<Arc<str>>;

    /// Returns what its services have that others do not.
    fn can(&self) -> Can;

    /// Returns the truth about a service; `None` where there is no such thing.
    fn truth(&mut self, service: &str, now: Timestamp) -> Option<Truth>;

    /// Takes what was asked of services since the last call, whether it was done or refused.
    fn take_deeds(&mut self) -> Vec<(Arc<str>, Deed)>;

    /// Does something to a service that nobody asked for, as an administrator would: `number` decides what.
    fn meddle(&mut self, service: &str, number: u64, now: Timestamp);

    /// From now on no daemon fails.
    fn calm(&mut self, now: Timestamp);
}

/// The answer to an operation.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What it is.
    pub output: OpOutput,
    /// When it comes.
    pub took: Duration,
}

/// What services have beside a run state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Can {
    /// They can be masked.
    pub mask: bool,
    /// They have flags.
    pub flags: bool,
    /// They have a start type.
    pub start_type: bool,
    /// They can be run and not be enabled.
    pub run_disabled: bool,
}

/// What a service really is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Truth {
    /// Whether it runs.
    pub run: Run,
    /// Whether it starts at boot; `None` where that cannot be set.
    pub enabled: Option<bool>,
    /// Whether something keeps it from ever being started.
    pub masked: bool,
    /// Whether it cannot be masked.
    pub unmaskable: bool,
    /// Whether it could be started but for a mask.
    pub is_sound: bool,
    /// Its flags, where it has some.
    pub flags: Option<String>,
    /// Its start type, where it has one.
    pub start_type: Option<StartType>,
    /// Services that must run for it to run.
    pub needs: Vec<Arc<str>>,
    /// Services without which it does not run: who stops one of them has it stopped before.
    pub stopped_with: Vec<Arc<str>>,
    /// When the daemon that runs last took in its configuration.
    pub taken_in: Timestamp,
    /// When its run state last changed without anybody asking for it.
    pub moved: Timestamp,
}

/// Whether a service runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Run {
    /// It runs.
    Up,
    /// It does not.
    Down,
    /// It is on its way.
    Between,
}

/// What is asked of a service manager for one service.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Deed {
    /// To start it.
    Start,
    /// To stop it.
    Stop,
    /// To stop and start it.
    Restart,
    /// To have it take in its configuration.
    Reload,
    /// To have it start at boot.
    Enable,
    /// To have it not start at boot.
    Disable,
    /// To make it impossible to start.
    Mask,
    /// To make it possible again.
    Unmask,
    /// To give it flags.
    SetFlags,
    /// To set when it starts.
    SetStartType,
    /// To forget that it failed.
    Clear,
}

impl Answer {
    /// Returns what a program answers.
    pub(super) fn exited(code: i32, stdout: &str, stderr: &str, took: Duration) -> Self {
        Self { output: OpOutput::exited(code, stdout, stderr), took }
    }

    /// Returns what a program answers without taking any time.
    pub(super) fn says(code: i32, stdout: &str, stderr: &str) -> Self {
        Self::exited(code, stdout, stderr, LOOK)
    }
}

/// How long a look takes.
pub(super) const LOOK: Duration = Duration::from_ms(5);
