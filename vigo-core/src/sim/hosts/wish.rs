//! What a policy wants of the services of a model.

use super::model::{Can, Deed, Run, Truth};
use crate::random::Random;
use crate::resource::service::{OnNotify, StartType};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;

/// What is wanted of one service.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) service: Arc<str>,
    pub(super) state: Goal,
    pub(super) enabled: Option<bool>,
    pub(super) masked: Option<bool>,
    pub(super) flags: Option<&'static str>,
    pub(super) start_type: Option<StartType>,
    pub(super) on_notify: OnNotify,
    /// A file of configuration notifies it.
    pub(super) is_notified: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Goal {
    Running,
    Stopped,
    Unmanaged,
}

impl Wish {
    pub(super) fn draw(service: Arc<str>, can: Can, random: &mut Random) -> Self {
        let state = match random.below(9) {
            0..=4 => Goal::Running,
            5 | 6 => Goal::Stopped,
            _ => Goal::Unmanaged,
        };
        let mut enabled = match random.below(5) {
            0 | 1 => Some(true),
            2 => Some(false),
            _ => None,
        };
        let mut start_type = match random.below(8) {
            0 => Some(StartType::Auto),
            1 => Some(StartType::Delayed),
            2 => Some(StartType::Manual),
            3 => Some(StartType::Disabled),
            _ => None,
        };
        if !can.start_type {
            start_type = None;
        } else if start_type.is_some() {
            enabled = None;
        }
        if !can.run_disabled && state == Goal::Running {
            enabled = enabled.filter(|on| *on);
            start_type = start_type.filter(|wanted| *wanted != StartType::Disabled);
        }
        let masked = match random.below(6) {
            0 if state != Goal::Running && enabled != Some(true) => Some(true),
            1 | 2 => Some(false),
            _ => None,
        };
        let flags = [None, None, Some(""), Some("-a two"), Some("-v")][random.below(5) as usize];
        let on_notify = match random.below(5) {
            0 => OnNotify::Nothing,
            1 | 2 => OnNotify::Reload,
            _ => OnNotify::Restart,
        };
        Self {
            service,
            state,
            enabled,
            masked: masked.filter(|_| can.mask),
            flags: flags.filter(|_| can.flags),
            start_type,
            on_notify,
            is_notified: random.below(2) == 0 && masked != Some(true),
        }
    }

    /// Returns the path of the file that notifies it.
    pub(super) fn file(&self, is_windows: bool) -> String {
        let folder = if is_windows { "C:\\" } else { "/etc/" };
        format!("{folder}{}.conf", self.service)
    }

    /// Returns the resources of a policy, the file with this content.
    pub(super) fn text(&self, version: u64, is_windows: bool) -> String {
        let service = &self.service;
        let mut text = String::new();
        if self.is_notified {
            let path = self.file(is_windows);
            text.push_str(&format!(
                "  - {{name: '{service}-conf', type: file, target_path: '{path}', content: 'is {version}', \
                 notify: ['{service}']}}\n"
            ));
        }
        text.push_str(&format!("  - {{name: '{service}', type: service, service: '{service}'"));
        text.push_str(match self.state {
            Goal::Running => ", state: running",
            Goal::Stopped => ", state: stopped",
            Goal::Unmanaged => ", state: unmanaged",
        });
        let flag = |name: &str, on: Option<bool>| on.map(|on| format!(", {name}: {on}")).unwrap_or_default();
        text.push_str(&flag("enabled", self.enabled));
        text.push_str(&flag("masked", self.masked));
        text.push_str(&self.flags.map(|flags| format!(", flags: '{flags}'")).unwrap_or_default());
        text.push_str(&self.start_type.map(|start| format!(", start_type: {start}")).unwrap_or_default());
        text.push_str(match self.on_notify {
            OnNotify::Restart => "}\n",
            OnNotify::Reload => ", on_notify: reload}\n",
            OnNotify::Nothing => ", on_notify: none}\n",
        });
        text
    }

    /// Returns what of it the truth does not meet; `None` when it is met.
    pub(super) fn unmet(&self, truth: &Truth) -> Option<String> {
        let run = match self.state {
            Goal::Running => truth.run == Run::Up,
            Goal::Stopped => truth.run == Run::Down,
            Goal::Unmanaged => true,
        };
        let enabled = match (self.enabled, truth.enabled, truth.start_type) {
            (Some(false), _, Some(now)) => now == StartType::Disabled,
            // What a mask hides, nobody can see.
            (Some(wanted), Some(now), _) if !truth.masked => wanted == now,
            _ => true,
        };
        let masked = self.masked.is_none_or(|wanted| wanted == truth.masked);
        let start_type = self.start_type.is_none_or(|wanted| truth.start_type == Some(wanted));
        let words = |flags: &str| flags.split_whitespace().map(String::from).collect::<alloc::vec::Vec<_>>();
        // Where a service that is off has no flags, there is nothing to meet.
        let flags = match (self.flags, &truth.flags) {
            (Some(wanted), Some(now)) => words(wanted) == words(now),
            _ => true,
        };
        let is_met = run && enabled && masked && start_type && flags;
        (!is_met).then(|| format!("{} is {truth:?}, expected {self:?}", self.service))
    }

    /// Returns whether nobody can do it: it is then to fail, and to fail without harm.
    pub(super) fn is_hopeless(&self, truth: &Truth, can: Can) -> bool {
        let is_masked = truth.masked && self.masked.is_none();
        let unsound = !truth.is_sound && self.state == Goal::Running;
        let unmaskable = self.masked == Some(true) && truth.unmaskable;
        let told = self.is_notified && self.on_notify != OnNotify::Nothing && self.state != Goal::Stopped;
        let wanted = self.start_type.map(|start| start != StartType::Disabled).or(self.enabled);
        let now = truth.start_type.map(|start| start != StartType::Disabled).or(truth.enabled);
        let stays_off = !can.run_disabled && wanted.or(now) == Some(false);
        // What cannot be started cannot be restarted, nor does it come back when it was stopped with another.
        let is_stopped = truth.run != Run::Up || !truth.stopped_with.is_empty();
        let off = stays_off && ((self.state == Goal::Running && is_stopped) || (told && can.start_type));
        let no_flags = self.flags.is_some() && truth.flags.is_none() && truth.enabled.is_none();
        is_masked || unsound || unmaskable || off || no_flags
    }

    /// Returns why it is wrong to ask this of the service, which was as `before` when the run began: whether it is so still,
    /// unless this run has changed it, and whether this is the first operation for it.
    pub(super) fn refuses(&self, deed: Deed, before: &Truth, is_steady: bool, is_first: bool) -> Option<&'static str> {
        let is_told = self.is_notified && self.on_notify != OnNotify::Nothing && self.state != Goal::Stopped;
        // What was in order when the run began, and has not moved since, needs nothing done.
        let needless = |is_so: bool, why| (is_so && is_first).then_some(why);
        match deed {
            Deed::Start if self.state == Goal::Stopped => Some("it is to be stopped"),
            Deed::Start if self.state == Goal::Unmanaged && before.run == Run::Down => {
                is_steady.then_some("it was down, unmanaged")
            }
            Deed::Start if is_told => None,
            Deed::Start if self.state == Goal::Running => needless(before.run == Run::Up, "it runs already"),
            Deed::Start => None,
            // Some restart by stopping and starting.
            Deed::Stop if is_told => None,
            Deed::Stop if self.state == Goal::Running => Some("it is to run"),
            Deed::Stop if self.state == Goal::Unmanaged && before.run == Run::Up => {
                is_steady.then_some("it ran, unmanaged")
            }
            Deed::Stop if self.state == Goal::Stopped => needless(before.run == Run::Down, "it is stopped already"),
            Deed::Stop => None,
            Deed::Restart | Deed::Reload => (!is_told && self.flags.is_none()).then_some("nothing has notified it"),
            Deed::Enable if self.enabled != Some(true) => Some("its boot state is not to be enabled"),
            Deed::Enable => needless(before.enabled == Some(true), "it is enabled already"),
            Deed::Disable if self.enabled != Some(false) => Some("its boot state is not to be disabled"),
            Deed::Disable => {
                needless(before.enabled == Some(false) && before.start_type.is_none(), "it is disabled already")
            }
            Deed::Mask if self.masked != Some(true) => Some("it is not to be masked"),
            Deed::Mask => None,
            Deed::Unmask if self.masked != Some(false) => Some("it is not to be unmasked"),
            Deed::Unmask => needless(!before.masked, "it is not masked"),
            Deed::SetFlags => self.flags.is_none().then_some("its flags are not managed"),
            Deed::SetStartType => match (self.start_type, self.enabled) {
                (None, None) => Some("its start type is not managed"),
                (Some(wanted), _) => needless(before.start_type == Some(wanted), "it has this start type already"),
                _ => None,
            },
            Deed::Clear => None,
        }
    }
}
