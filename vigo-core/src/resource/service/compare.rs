//! What differs between a wanted and an observed service, and what to do about it.

use super::{Action, Boot, BootState, Goal, Mask, MaskState, Observed, OnNotify, RunState, StartType, State, Want};
use crate::host::{Comparison, Phase, Problem};
use crate::resource::Change;
use alloc::format;
use alloc::string::ToString;

pub(super) fn compare(want: &Want, state: &State, phase: Phase) -> Comparison<Action> {
    let seen = match state {
        State::Found(seen) => seen,
        State::Missing => return missing(want),
    };
    let mut c = Comparison::in_sync();
    unmask(want, seen, &mut c);
    boot(want, seen, &mut c);
    let flags_change = flags(want, seen, &mut c);
    run(want, seen, phase, flags_change, &mut c);
    // Last, because a masked unit takes neither `disable` nor `stop` on every version.
    if want.mask == Some(Mask::Masked) && seen.mask != MaskState::Masked {
        c.change(Change::new("mask", mask_word(seen.mask), "masked"));
        c.act(Action::Mask);
    }
    c
}

/// A name that nothing knows: in sync only where it is not to run and nothing else is asked of it.
fn missing(want: &Want) -> Comparison<Action> {
    let name = &want.name;
    let in_sync = want.goal == Goal::Stopped && want.boot.is_none() && want.start_type.is_none();
    let mut c = match in_sync {
        true => Comparison::in_sync(),
        false => Comparison::fail(Problem::failed(format!("service `{name}` does not exist"))),
    };
    if in_sync {
        c.notes.push(format!("service `{name}` does not exist"));
    }
    c.doubtful = true;
    c
}

fn unmask(want: &Want, seen: &Observed, c: &mut Comparison<Action>) {
    if want.mask == Some(Mask::Unmasked) && seen.mask != MaskState::Unmasked {
        c.change(Change::new("mask", mask_word(seen.mask), "unmasked"));
        c.act(Action::Unmask);
    }
}

fn boot(want: &Want, seen: &Observed, c: &mut Comparison<Action>) {
    if let (Some(wanted), Some(now)) = (want.start_type, seen.start_type) {
        if wanted != now {
            c.change(Change::new("start_type", now.to_string(), wanted.to_string()));
            c.act(Action::SetStartType(wanted));
        }
        return;
    }
    let Some(wanted) = want.boot else { return };
    let stays_masked = seen.mask != MaskState::Unmasked && want.mask != Some(Mask::Unmasked);
    match (wanted, seen.boot) {
        (Boot::Enabled, _) if stays_masked => c.failure = Some(masked(want, seen)),
        (_, BootState::Fixed(word)) => {
            c.notes.push(format!("`enabled` has no effect: service `{}` is {word}", want.name));
        }
        (Boot::Enabled, BootState::Disabled) => {
            c.change(Change::new("boot_state", boot_word(seen), "enabled"));
            c.act(Action::Enable);
        }
        (Boot::Disabled, BootState::Enabled) => {
            c.change(Change::new("boot_state", boot_word(seen), "disabled"));
            c.act(Action::Disable);
        }
        // Windows knows a third: "manual" starts at no boot, and is still not disabled.
        (Boot::Disabled, BootState::Disabled) if seen.start_type == Some(StartType::Manual) => {
            c.change(Change::new("boot_state", "manual", "disabled"));
            c.act(Action::Disable);
        }
        (Boot::Enabled, BootState::Enabled) | (Boot::Disabled, BootState::Disabled) => {}
    }
}

fn flags(want: &Want, seen: &Observed, c: &mut Comparison<Action>) -> bool {
    match (&want.flags, &seen.flags) {
        (Some(wanted), Some(now)) if wanted != now => {
            c.change(Change::new("flags", now.to_string(), wanted.to_string()));
            c.act(Action::SetFlags);
            true
        }
        (Some(_), None) => {
            c.failure = Some(Problem::failed(format!("service `{}` takes no flags", want.name)));
            false
        }
        _ => false,
    }
}

fn run(want: &Want, seen: &Observed, phase: Phase, flags_change: bool, c: &mut Comparison<Action>) {
    if want.goal == Goal::Unmanaged {
        return;
    }
    let Some(now) = seen.run else {
        c.notes.push("run state ignored: nothing runs in an image".into());
        return;
    };
    if seen.busy || now == RunState::Stopping {
        c.pending = Some(now.to_string());
    }
    let change = |c: &mut Comparison<Action>, after: &str, action: Action| {
        let before = match &seen.detail {
            Some(detail) => format!("{now} ({detail})"),
            None => now.to_string(),
        };
        c.change(Change::new("run_state", before, after));
        c.act(action);
    };
    match want.goal {
        Goal::Unmanaged => {}
        Goal::Stopped => match now {
            RunState::Stopped | RunState::Failed => {}
            RunState::Maintenance => c.notes.push("in maintenance".into()),
            RunState::Running | RunState::Starting | RunState::Stopping | RunState::Paused => {
                change(c, "stopped", Action::Stop);
            }
        },
        Goal::Reloaded => {
            if phase == Phase::Before && matches!(now, RunState::Running | RunState::Starting) {
                change(c, "reloaded", Action::Reload);
            }
        }
        Goal::Restarted if phase == Phase::Before && matches!(now, RunState::Running | RunState::Starting) => {
            change(c, "restarted", Action::Restart);
        }
        Goal::Running | Goal::Restarted => match now {
            RunState::Running if flags_change => change(c, "restarted", Action::Restart),
            RunState::Running => {}
            RunState::Starting => c.pending = Some(now.to_string()),
            _ => {
                if let Some(problem) = cannot_start(want, seen, phase) {
                    c.failure = Some(problem);
                }
                change(c, "running", Action::Start);
            }
        },
    }
}

/// Says why a service that does not run cannot be started, where that is known beforehand.
fn cannot_start(want: &Want, seen: &Observed, phase: Phase) -> Option<Problem> {
    let name = &want.name;
    let detail = seen.detail.as_deref().map(|d| format!(": {d}")).unwrap_or_default();
    let now = seen.run?;
    if seen.mask != MaskState::Unmasked && want.mask != Some(Mask::Unmasked) {
        return Some(masked(want, seen));
    }
    if seen.broken {
        return Some(Problem::failed(format!("the definition of service `{name}` cannot be used{detail}")));
    }
    let stays_disabled = match want.start_type {
        Some(wanted) => wanted == StartType::Disabled,
        None => want.boot != Some(Boot::Enabled),
    };
    if seen.start_type == Some(StartType::Disabled) && stays_disabled {
        let problem = Problem::failed(format!("service `{name}` is disabled and cannot be started"));
        return Some(problem.help("write `start_type: manual` or `auto`"));
    }
    // What came up failed, or in maintenance again after it was cleared, does so again: it is not tried twice.
    (phase == Phase::After && matches!(now, RunState::Failed | RunState::Maintenance))
        .then(|| Problem::failed(format!("service `{name}` was started and is `{now}`{detail}")))
}

fn masked(want: &Want, seen: &Observed) -> Problem {
    let kind = if seen.mask == MaskState::Runtime { "masked until the next boot" } else { "masked" };
    Problem::failed(format!("service `{}` is {kind}", want.name)).help("write `masked: false` to unmask it")
}

pub(super) fn predict(want: &Want, state: &State) -> Option<State> {
    let State::Found(seen) = state else { return Some(state.clone()) };
    let mut next = seen.clone();
    match want.mask {
        Some(Mask::Masked) => next.mask = MaskState::Masked,
        Some(Mask::Unmasked) => next.mask = MaskState::Unmasked,
        None => {}
    }
    match (want.boot, seen.boot) {
        (_, BootState::Fixed(_)) | (None, _) => {}
        (Some(Boot::Enabled), _) => {
            next.boot = BootState::Enabled;
            next.start_type = seen.start_type.map(|_| StartType::Auto);
        }
        (Some(Boot::Disabled), _) => {
            next.boot = BootState::Disabled;
            next.start_type = seen.start_type.map(|_| StartType::Disabled);
        }
    }
    if let (Some(wanted), Some(_)) = (want.start_type, seen.start_type) {
        next.start_type = Some(wanted);
        let starts = matches!(wanted, StartType::Auto | StartType::Delayed | StartType::Kernel);
        next.boot = if starts { BootState::Enabled } else { BootState::Disabled };
    }
    if let (Some(flags), Some(_)) = (&want.flags, &seen.flags) {
        next.flags = Some(flags.clone());
    }
    if let Some(now) = seen.run {
        next.run = Some(match want.goal {
            Goal::Running | Goal::Restarted => RunState::Running,
            Goal::Stopped if !now.is_down() => RunState::Stopped,
            Goal::Stopped | Goal::Reloaded | Goal::Unmanaged => now,
        });
    }
    next.stale = false;
    next.busy = false;
    next.detail = None;
    next.aside = None;
    Some(State::Found(next))
}

pub(super) fn refresh(want: &Want, state: &State) -> Option<Action> {
    let State::Found(seen) = state else { return None };
    let runs = matches!(seen.run, Some(RunState::Running | RunState::Starting));
    if !runs || want.goal == Goal::Stopped {
        return None;
    }
    match want.on_notify {
        OnNotify::Restart => Some(Action::Restart),
        OnNotify::Reload => Some(Action::Reload),
        OnNotify::Nothing => None,
    }
}

fn boot_word(seen: &Observed) -> alloc::string::String {
    match seen.start_type {
        Some(start_type) => start_type.to_string(),
        None => seen.boot.to_string(),
    }
}

fn mask_word(mask: MaskState) -> &'static str {
    match mask {
        MaskState::Unmasked => "unmasked",
        MaskState::Masked => "masked",
        MaskState::Runtime => "masked until the next boot",
    }
}

#[cfg(test)]
mod tests {
    use super::super::Observed;
    use super::*;
    use alloc::string::String;
    use alloc::vec::Vec;

    fn want(goal: Goal) -> Want {
        Want::new("food", goal)
    }

    fn run(run: RunState) -> Observed {
        Observed { run: Some(run), ..Observed::new("food") }
    }

    /// Prints a comparison in one line: actions, pending, failure.
    fn shown(want: &Want, seen: Observed, phase: Phase) -> String {
        let c = compare(want, &State::Found(seen), phase);
        let mut words: Vec<String> = c.actions.iter().map(ToString::to_string).collect();
        words.extend(c.pending.map(|p| format!("pending {p}")));
        words.extend(c.failure.map(|p| format!("fails: {p}")));
        assert!(c.changes.is_empty() || !words.is_empty(), "a change without an action: {:?}", c.changes);
        words.join(", ")
    }

    #[test]
    fn every_pair_of_goal_and_run_state() {
        use Goal::*;
        use RunState as R;
        let cases = [
            (Running, R::Running, "", ""),
            (Running, R::Stopped, "start", "start"),
            (Running, R::Starting, "pending starting", "pending starting"),
            (Running, R::Stopping, "start, pending stopping", "start, pending stopping"),
            (Running, R::Paused, "start", "start"),
            (Running, R::Failed, "start", "start, fails: service `food` was started and is `failed`"),
            (Running, R::Maintenance, "start", "start, fails: service `food` was started and is `maintenance`"),
            (Stopped, R::Running, "stop", "stop"),
            (Stopped, R::Stopped, "", ""),
            (Stopped, R::Starting, "stop", "stop"),
            (Stopped, R::Stopping, "stop, pending stopping", "stop, pending stopping"),
            (Stopped, R::Paused, "stop", "stop"),
            (Stopped, R::Failed, "", ""),
            (Stopped, R::Maintenance, "", ""),
            (Restarted, R::Running, "restart", ""),
            (Restarted, R::Stopped, "start", "start"),
            (Restarted, R::Starting, "restart", "pending starting"),
            (Restarted, R::Failed, "start", "start, fails: service `food` was started and is `failed`"),
            (Reloaded, R::Running, "reload", ""),
            (Reloaded, R::Stopped, "", ""),
            (Reloaded, R::Failed, "", ""),
            (Unmanaged, R::Running, "", ""),
            (Unmanaged, R::Stopped, "", ""),
            (Unmanaged, R::Stopping, "", ""),
        ];
        for (goal, state, before, after) in cases {
            assert_eq!(shown(&want(goal), run(state), Phase::Before), before, "{goal:?} of {state} before");
            assert_eq!(shown(&want(goal), run(state), Phase::After), after, "{goal:?} of {state} after");
        }
    }

    #[test]
    fn boot_state_mask_and_flags() {
        let on = Want { boot: Some(Boot::Enabled), ..want(Goal::Unmanaged) };
        let off = Want { boot: Some(Boot::Disabled), ..want(Goal::Unmanaged) };
        let masked = Want { mask: Some(Mask::Masked), ..want(Goal::Stopped) };
        let unmasked = Want { mask: Some(Mask::Unmasked), boot: Some(Boot::Enabled), ..want(Goal::Running) };
        let flags = Want { flags: Some("-v".into()), ..want(Goal::Running) };
        let boot = |boot| Observed { boot, ..run(RunState::Running) };
        let mask = |mask| Observed { mask, ..run(RunState::Stopped) };
        let flag = |flags: &str| Observed { flags: Some(flags.into()), ..run(RunState::Running) };
        let manual = Observed { start_type: Some(StartType::Manual), ..run(RunState::Running) };
        let cases = [
            ("enable", &on, boot(BootState::Disabled), "enable"),
            ("enabled already", &on, boot(BootState::Enabled), ""),
            ("static", &on, boot(BootState::Fixed("static")), ""),
            ("disable", &off, boot(BootState::Enabled), "disable"),
            ("disable a static one", &off, boot(BootState::Fixed("static")), ""),
            ("disable is not manual", &off, manual, "disable"),
            ("enable a masked one", &on, mask(MaskState::Masked), "fails: service `food` is masked"),
            ("mask", &masked, run(RunState::Running), "stop, mask"),
            ("mask for good", &masked, mask(MaskState::Runtime), "mask"),
            ("masked already", &masked, mask(MaskState::Masked), ""),
            ("unmask first", &unmasked, mask(MaskState::Masked), "unmask, enable, start"),
            (
                "start a masked one",
                &want(Goal::Running),
                mask(MaskState::Masked),
                "start, fails: service `food` is masked",
            ),
            ("changed flags restart", &flags, flag(""), "set flags, restart"),
            ("same flags", &flags, flag("-v"), ""),
            ("no flags there", &flags, run(RunState::Running), "fails: service `food` takes no flags"),
        ];
        for (name, want, seen, expected) in cases {
            assert_eq!(shown(want, seen, Phase::Before), expected, "{name}");
        }
    }

    #[test]
    fn what_goes_on_as_it_was_has_taken_in_nothing() {
        use super::super::Service;
        use crate::host::Family as _;
        let paused = Observed { resumes: true, ..run(RunState::Paused) };
        for (action, state, starts) in [
            (Action::Start, run(RunState::Stopped), true),
            (Action::Start, paused.clone(), false),
            (Action::Restart, paused, true),
            (Action::Stop, run(RunState::Running), false),
        ] {
            assert_eq!(Service::starts(&action, &State::Found(state)), starts, "{action}");
        }
    }

    #[test]
    fn an_unknown_name_fails_unless_it_is_to_be_stopped() {
        let enabled = Want { boot: Some(Boot::Disabled), ..want(Goal::Stopped) };
        let cases = [
            (want(Goal::Running), false),
            (want(Goal::Stopped), true),
            (enabled, false),
            (want(Goal::Restarted), false),
            (want(Goal::Unmanaged), false),
        ];
        for (want, fine) in cases {
            let c = compare(&want, &State::Missing, Phase::Before);
            assert_eq!(c.failure.is_none(), fine, "{want:?}");
            assert!(c.doubtful && c.changes.is_empty(), "{want:?}");
        }
    }

    #[test]
    fn a_disabled_windows_service_is_not_started_unasked() {
        let seen = Observed { start_type: Some(StartType::Disabled), ..run(RunState::Stopped) };
        let shown = |want: &Want| shown(want, seen.clone(), Phase::Before);
        assert_eq!(shown(&want(Goal::Running)), "start, fails: service `food` is disabled and cannot be started");
        let manual = Want { start_type: Some(StartType::Manual), ..want(Goal::Running) };
        assert_eq!(shown(&manual), "set start type, start");
    }

    #[test]
    fn nothing_runs_in_an_image() {
        let image = Observed { run: None, ..Observed::new("food") };
        let want = Want { boot: Some(Boot::Enabled), ..want(Goal::Running) };
        assert_eq!(shown(&want, image.clone(), Phase::Before), "enable");
        assert!(refresh(&want, &State::Found(image)).is_none());
    }

    #[test]
    fn a_trigger_acts_on_what_runs() {
        let with = |on_notify, goal| Want { on_notify, ..want(goal) };
        let cases = [
            (with(OnNotify::Restart, Goal::Running), RunState::Running, Some(Action::Restart)),
            (with(OnNotify::Reload, Goal::Running), RunState::Running, Some(Action::Reload)),
            (with(OnNotify::Nothing, Goal::Running), RunState::Running, None),
            (with(OnNotify::Restart, Goal::Unmanaged), RunState::Running, Some(Action::Restart)),
            (with(OnNotify::Restart, Goal::Unmanaged), RunState::Stopped, None),
            (with(OnNotify::Restart, Goal::Stopped), RunState::Stopped, None),
        ];
        for (want, state, expected) in cases {
            assert_eq!(refresh(&want, &State::Found(run(state))), expected, "{want:?} {state}");
        }
    }

    #[test]
    fn what_is_predicted_is_in_sync() {
        let wants = [
            Want { boot: Some(Boot::Enabled), flags: Some("-v".into()), ..want(Goal::Running) },
            Want { boot: Some(Boot::Disabled), mask: Some(Mask::Masked), ..want(Goal::Stopped) },
            Want { start_type: Some(StartType::Delayed), ..want(Goal::Running) },
            want(Goal::Restarted),
        ];
        let states = [RunState::Running, RunState::Stopped, RunState::Failed, RunState::Stopping, RunState::Paused];
        for want in wants {
            for state in states {
                let seen = Observed {
                    flags: Some("".into()),
                    start_type: want.start_type.map(|_| StartType::Manual),
                    ..run(state)
                };
                let next = predict(&want, &State::Found(seen)).unwrap();
                let c = compare(&want, &next, Phase::After);
                assert!(c.changes.is_empty() && c.failure.is_none(), "{want:?} {state}: {c:?}");
            }
        }
    }
}
