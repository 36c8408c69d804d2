//! What is wanted of a service, what is seen of it, and what is done about it.

use super::compare;
use crate::action::{AbsPath, Command, Op};
use crate::host::{Comparison, Family, HostFacts, Phase, Problem};
use crate::time::Duration;
use crate::value::Text;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

/// The family.
pub struct Service;

/// What is wanted of a service.
#[derive(Clone, Debug)]
pub struct Want {
    /// The native name, as written.
    pub name: Arc<str>,
    /// What is to become of the run state.
    pub goal: Goal,
    /// Whether it starts at boot; `None` leaves that alone.
    pub boot: Option<Boot>,
    /// Whether it is masked; `None` leaves that alone.
    pub mask: Option<Mask>,
    /// Whose service it is.
    pub scope: Scope,
    /// Flags of the daemon; `None` leaves them alone, empty is none.
    pub flags: Option<Arc<str>>,
    /// When the service control manager starts it; `None` leaves that alone.
    pub start_type: Option<StartType>,
    /// The runlevel that `boot` is about; `None` is the usual one.
    pub runlevel: Option<Arc<str>>,
    /// What an operator wants to be run instead of the native restart.
    pub restart_command: Option<Text>,
    /// What an operator wants to be run instead of the native reload.
    pub reload_command: Option<Text>,
    /// What a trigger does to it while it runs.
    pub on_notify: OnNotify,
}

/// What is to become of the run state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Goal {
    /// It runs.
    Running,
    /// It does not run.
    Stopped,
    /// It is started anew, each time it is asked for.
    Restarted,
    /// It takes in its configuration, each time it is asked for.
    Reloaded,
    /// It is left alone.
    Unmanaged,
}

/// A wanted boot state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Boot {
    /// It starts at boot.
    Enabled,
    /// It does not.
    Disabled,
}

/// A wanted mask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mask {
    /// Nothing can start it.
    Masked,
    /// It can be started.
    Unmasked,
}

/// Whose service it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scope {
    /// The machine's.
    System,
    /// This account's, in its own service manager.
    User(Arc<str>),
}

/// When the Windows service control manager starts a service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StartType {
    /// At boot, by the boot loader or the kernel: a driver.
    Kernel,
    /// At boot.
    Auto,
    /// Shortly after boot.
    Delayed,
    /// When somebody asks.
    Manual,
    /// Never.
    Disabled,
}

/// What a trigger does to a steady service that runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnNotify {
    /// Restarts it.
    Restart,
    /// Reloads it.
    Reload,
    /// Nothing.
    Nothing,
}

/// What an observation found.
#[derive(Clone, Debug)]
pub enum State {
    /// There is no service of this name.
    Missing,
    /// There is one.
    Found(Observed),
}

/// A service as it is.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The native name of the one service that was found: a unit's own name, an FMRI, a label.
    pub native: Arc<str>,
    /// What it does now; `None` in an image, where nothing runs.
    pub run: Option<RunState>,
    /// Whether it starts at boot.
    pub boot: BootState,
    /// Whether something keeps it from ever being started.
    pub mask: MaskState,
    /// The daemon's flags; `None` where there is no such thing.
    pub flags: Option<Arc<str>>,
    /// When it is started; `None` where there is no such thing.
    pub start_type: Option<StartType>,
    /// Whether it can take in its configuration without a restart.
    pub reload: Reload,
    /// Whether the service manager holds an older definition than the disk.
    pub stale: bool,
    /// Whether it takes no request before a transition has ended.
    pub busy: bool,
    /// Whether starting it lets go on what is there already (paused, degraded), which has taken in nothing.
    pub resumes: bool,
    /// Why it cannot be started, or how it failed, in the service manager's words.
    pub detail: Option<String>,
    /// Whether its definition cannot be used.
    pub broken: bool,
    /// The user id of the account whose service manager is asked.
    pub uid: Option<u32>,
    /// The variable, on systems where one holds the boot state.
    pub variable: Option<Arc<str>>,
    /// The file that defines it, or sets its boot state.
    pub file: Option<AbsPath>,
    /// The content of `file`, where a change edits it.
    pub content: Option<Arc<[u8]>>,
    /// Where its start script has to be put first, on systems whose packages keep it aside, and the script.
    pub aside: Option<Box<(AbsPath, Arc<[u8]>)>>,
    /// Whether the service manager knows it, on systems where a job is loaded before it can be started.
    pub loaded: bool,
    /// Services that must be stopped before it, the first first.
    pub dependents: Arc<[Arc<str>]>,
    /// The group of services that it is started with at boot, on systems that have such an order.
    pub group: Option<Arc<str>>,
}

/// The run state of a service on any system.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RunState {
    /// It runs.
    Running,
    /// It does not.
    Stopped,
    /// It is on its way up.
    Starting,
    /// It is on its way down.
    Stopping,
    /// It is there and does nothing (Windows).
    Paused,
    /// It ended with an error.
    Failed,
    /// Its manager has given up on it until somebody clears it (SMF).
    Maintenance,
}

/// The boot state of a service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BootState {
    /// It starts at boot.
    Enabled,
    /// It does not.
    Disabled,
    /// It cannot be enabled or disabled, for this reason: `static`, `indirect` …
    Fixed(&'static str),
}

/// What keeps a service from being started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MaskState {
    /// Nothing.
    Unmasked,
    /// A mask that stays.
    Masked,
    /// A mask that is gone after the next boot.
    Runtime,
}

/// Whether a service can take in its configuration without a restart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reload {
    /// It can, or its manager finds out.
    Possible,
    /// It cannot: a reload is a restart.
    Impossible,
}

/// What is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Starts it, or continues it.
    Start,
    /// Stops it.
    Stop,
    /// Stops and starts it.
    Restart,
    /// Has it take in its configuration; restarts it where that is impossible.
    Reload,
    /// Makes it start at boot.
    Enable,
    /// Makes it not start at boot.
    Disable,
    /// Makes it impossible to start.
    Mask,
    /// Makes it possible again to start.
    Unmask,
    /// Sets its flags.
    SetFlags,
    /// Sets its start type.
    SetStartType(StartType),
}

impl Observed {
    /// Returns a stopped, disabled service of this name about which nothing else is known.
    pub fn new(native: impl Into<Arc<str>>) -> Self {
        Self {
            native: native.into(),
            run: Some(RunState::Stopped),
            boot: BootState::Disabled,
            mask: MaskState::Unmasked,
            flags: None,
            start_type: None,
            reload: Reload::Possible,
            stale: false,
            busy: false,
            resumes: false,
            detail: None,
            broken: false,
            uid: None,
            variable: None,
            file: None,
            content: None,
            aside: None,
            loaded: true,
            dependents: Arc::new([]),
            group: None,
        }
    }
}

impl RunState {
    /// Returns whether nothing of it runs or is about to.
    pub fn is_down(self) -> bool {
        matches!(self, Self::Stopped | Self::Failed | Self::Maintenance)
    }
}

impl Want {
    /// Returns what asks for nothing but a run state.
    pub fn new(name: impl Into<Arc<str>>, goal: Goal) -> Self {
        Self {
            name: name.into(),
            goal,
            boot: None,
            mask: None,
            scope: Scope::System,
            flags: None,
            start_type: None,
            runlevel: None,
            restart_command: None,
            reload_command: None,
            on_notify: OnNotify::Restart,
        }
    }

    /// Returns the operator's own command for the action, in place of the native one.
    pub fn own_command(&self, action: Action) -> Option<Op> {
        let text = match action {
            Action::Restart => self.restart_command.as_ref(),
            Action::Reload => self.reload_command.as_ref(),
            _ => None,
        }?;
        Some(Op::Run(Command::change("/bin/sh", ["-c".into(), text.shared()]).timeout(Service::COMMAND_TIMEOUT)))
    }

    /// Returns whether a reload may be asked for, so that it matters whether that is possible.
    pub fn may_reload(&self) -> bool {
        let natively = self.reload_command.is_none();
        natively && (self.goal == Goal::Reloaded || self.on_notify == OnNotify::Reload)
    }
}

/// Returns whether the name, with or without a unit suffix or as an FMRI, is of one of Vigo's own services.
pub fn is_own(name: &str) -> bool {
    let base = name.rsplit('/').next().unwrap_or(name);
    let base = base.split([':', '.']).next().unwrap_or(base);
    let label_end = name.rsplit('.').next().unwrap_or(name);
    ["vigo-envoy", "vigo_envoy", "vigosrv"]
        .iter()
        .any(|own| base.eq_ignore_ascii_case(own) || label_end.eq_ignore_ascii_case(own))
}

/// Refuses what is no name of a start script, and scripts that must not be run, not even for their status.
///
/// # Errors
/// [`Problem`], when it is one.
pub fn check_script(name: &str) -> Result<(), Problem> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.+@".contains(c);
    if name.starts_with(['.', '-']) || !name.chars().all(plain) {
        return Err(Problem::bad_value("service", format!("expected the name of a start script, found `{name}`")));
    }
    const NEVER: &[&str] = &[
        "functions",
        "functions.sh",
        "halt",
        "kexec",
        "poweroff",
        "rc",
        "rc.subr",
        "rcS",
        "reboot",
        "shutdown",
        "single",
    ];
    if NEVER.contains(&name) {
        return Err(Problem::bad_value(
            "service",
            format!("`{name}` is no service, and running it could end this system"),
        ));
    }
    Ok(())
}

/// Returns that this service manager has nothing like the attribute.
pub fn unsupported(attribute: &str, manager: &str, facts: &HostFacts) -> Problem {
    Problem::unsupported(format!("attribute `{attribute}` of type `service` is not supported by {manager}")).on(facts)
}

impl Service {
    /// How long one call of a service manager may take; the resource's own bound is shorter unless `timeout` says so.
    pub const COMMAND_TIMEOUT: Duration = Duration::from_secs(600);
}

impl Family for Service {
    const TYPE: &'static str = "service";
    type Want = Want;
    type State = State;
    type Action = Action;

    const SETTLE: Duration = Duration::from_secs(60);

    // Starting one service can start or stop others that it requires or excludes.
    const SPOILS: &'static [&'static str] = &["service"];

    fn compare(want: &Want, state: &State, phase: Phase) -> Comparison<Action> {
        compare::compare(want, state, phase)
    }

    fn predict(want: &Want, state: &State) -> Option<State> {
        compare::predict(want, state)
    }

    fn refresh(want: &Want, state: &State) -> Option<Action> {
        compare::refresh(want, state)
    }

    fn starts(action: &Action, state: &State) -> bool {
        let resumes = matches!(state, State::Found(Observed { resumes: true, .. }));
        matches!(action, Action::Restart) || (matches!(action, Action::Start) && !resumes)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Reload => "reload",
            Self::Enable => "enable",
            Self::Disable => "disable",
            Self::Mask => "mask",
            Self::Unmask => "unmask",
            Self::SetFlags => "set flags",
            Self::SetStartType(_) => "set start type",
        })
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Starting => "starting",
            Self::Stopping => "stopping",
            Self::Paused => "paused",
            Self::Failed => "failed",
            Self::Maintenance => "maintenance",
        })
    }
}

impl fmt::Display for BootState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::Fixed(word) => word,
        })
    }
}

impl fmt::Display for StartType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kernel => "boot",
            Self::Auto => "auto",
            Self::Delayed => "delayed",
            Self::Manual => "manual",
            Self::Disabled => "disabled",
        })
    }
}
