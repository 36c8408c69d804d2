//! svcs(1), svcprop(1) and svcadm(8).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{Command, Op, OpOutput, Outputs, Ran};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::service::{
    Action, BootState, Goal, Observed, RunState, Scope, Service, State, Want, unsupported,
};

/// Services of the Service Management Facility. *Unverified*: written after the manual pages and sources of 2013.
pub struct Smf;

const SVCS: &str = "/usr/bin/svcs";
const SVCPROP: &str = "/usr/bin/svcprop";
const SVCADM: &str = "/usr/sbin/svcadm";

impl Adapter<Service> for Smf {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        if want.name.starts_with("lrc:") {
            let message = format!("`{}` is a legacy script, which SMF shows and cannot manage", want.name);
            return Err(Problem::bad_value("service", message));
        }
        let attribute = match want {
            Want { mask: Some(_), .. } => Some("masked"),
            Want { flags: Some(_), .. } => Some("flags"),
            Want { start_type: Some(_), .. } => Some("start_type"),
            Want { runlevel: Some(_), .. } => Some("runlevel"),
            Want { scope: Scope::User(_), .. } => Some("scope"),
            _ => None,
        };
        match attribute {
            Some(attribute) => Err(unsupported(attribute, "SMF", facts)),
            None if facts.image.is_some() => Err(Problem::unsupported("SMF does not work on an image")),
            None => Ok(()),
        }
    }

    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        alloc::vec![states(&want.name)]
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        observed(want, outputs).unwrap_or_else(Interpreted::Unknown)
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], facts: &HostFacts) -> Result<Vec<Op>, Problem> {
        let State::Found(seen) = state else {
            return Err(Problem::failed(format!("service `{}` does not exist", want.name)));
        };
        let fmri = &*seen.native;
        let (enables, disables) = (actions.contains(&Action::Enable), actions.contains(&Action::Disable));
        let mut ops = Vec::new();
        // What is in maintenance stays there until it is cleared, also by `enable` and `restart`.
        let starts = [Action::Start, Action::Restart].iter().any(|start| actions.contains(start));
        let clears = seen.run == Some(RunState::Maintenance) && starts;
        ops.extend(clears.then(|| change(&["clear", fmri])));
        for action in actions {
            if let Some(own) = want.own_command(*action) {
                ops.push(own);
                continue;
            }
            match action {
                Action::Enable => ops.push(change(&["enable", fmri])),
                Action::Disable => ops.push(change(&["disable", fmri])),
                // `enable` has started it, `disable` has stopped it: the rest is below.
                Action::Start | Action::Restart if clears => {}
                Action::Start if enables || disables => {}
                Action::Stop if enables || disables => {}
                Action::Start => ops.push(change(&["enable", "-t", fmri])),
                Action::Stop => ops.push(change(&["disable", "-t", fmri])),
                Action::Restart => ops.push(change(&["restart", fmri])),
                Action::Reload => ops.push(change(&["refresh", fmri])),
                Action::Mask | Action::Unmask => return Err(unsupported("masked", "SMF", facts)),
                Action::SetFlags => return Err(unsupported("flags", "SMF", facts)),
                Action::SetStartType(_) => return Err(unsupported("start_type", "SMF", facts)),
            }
        }
        // A change of the boot state has changed the run state with it: the wanted one is set again, for now only.
        let runs = match want.goal {
            Goal::Running | Goal::Restarted => true,
            Goal::Stopped => false,
            Goal::Reloaded | Goal::Unmanaged => !seen.run.is_some_and(RunState::is_down),
        };
        if enables && !runs {
            ops.push(change(&["disable", "-t", fmri]));
        }
        if disables && runs {
            ops.push(change(&["enable", "-t", fmri]));
        }
        Ok(ops)
    }

    fn diagnose(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        alloc::vec![Op::Run(Command::read(SVCS, ["-xv", &*want.name]))]
    }
}

fn states(name: &str) -> Op {
    Op::Run(Command::read(SVCS, ["-H", "-o", "state,nstate,fmri", name]))
}

/// Whether all of an instance is there: a part of one is never started.
fn complete(fmri: &str) -> Op {
    Op::Run(Command::read(SVCPROP, ["-c", "-p", "general/complete", fmri]))
}

fn enabled(fmri: &str) -> Op {
    Op::Run(Command::read(SVCPROP, ["-c", "-p", "general/enabled", fmri]))
}

/// `-s` is not used: the state is polled, for every verb alike. `-r` would enable what nobody manages.
fn change(args: &[&str]) -> Op {
    Op::Run(Command::change(SVCADM, args.iter().copied()).timeout(Service::COMMAND_TIMEOUT))
}

fn ran<'a>(outputs: &'a Outputs, op: &Op) -> Option<Result<&'a Ran, String>> {
    Some(match outputs.get(op)? {
        OpOutput::Ran(ran) if ran.truncated => Err(format!("`{op}`: its output was cut")),
        OpOutput::Ran(ran) => Ok(ran),
        OpOutput::Failed(failure) => Err(failure.message.clone()),
        other => Err(format!("expected an answer of `{op}`, found {other:?}")),
    })
}

fn observed(want: &Want, outputs: &Outputs) -> Result<Interpreted<State>, String> {
    let name = &*want.name;
    let svcs = ran(outputs, &states(name)).ok_or("svcs was not run")??;
    let (out, err) = (svcs.out(), svcs.err());
    let lines: Vec<[&str; 3]> = out.lines().filter_map(columns).collect();
    let [state, next, fmri] = match lines[..] {
        [line] if svcs.success() => line,
        [] if err.contains("doesn't match any instances") => return Ok(Interpreted::Known(State::Missing)),
        [] => return Err(format!("svcs: {}, {}", svcs.exit, err.trim())),
        [_] => return Err(format!("svcs: {}, {}", svcs.exit, err.trim())),
        _ => {
            let all: Vec<String> = lines.iter().map(|[_, _, fmri]| format!("`{fmri}`")).collect();
            return Err(format!("expected one service of the name `{name}`, found {}", all.join(", ")));
        }
    };
    let mut run = run_state(state, next, want).map_err(|why| format!("`{fmri}` {why}"))?;
    if state == "uninitialized" {
        match ran(outputs, &complete(fmri)).transpose()? {
            None => return Ok(Interpreted::Ask(alloc::vec![complete(fmri)])),
            Some(ran) if ran.success() && ran.out().trim() == "false" => run = RunState::Stopped,
            Some(_) => {}
        }
    }
    let prop = match ran(outputs, &enabled(fmri)).transpose()? {
        None => return Ok(Interpreted::Ask(alloc::vec![enabled(fmri)])),
        Some(prop) => prop,
    };
    let boot = match prop.out().trim() {
        "true" => BootState::Enabled,
        "false" => BootState::Disabled,
        other => {
            return Err(format!("expected true or false of general/enabled, found `{other}`: {}", prop.err().trim()));
        }
    };
    let detail = match state {
        "degraded" | "offline" | "uninitialized" => Some(state.to_string()),
        _ => None,
    };
    // `clear` makes it online again as it is (svcadm(8)).
    let resumes = state == "degraded";
    Ok(Interpreted::Known(State::Found(Observed { run: Some(run), boot, detail, resumes, ..Observed::new(fmri) })))
}

fn columns(line: &str) -> Option<[&str; 3]> {
    let mut words = line.split_whitespace();
    let columns = [words.next()?, words.next()?, words.next()?];
    words.next().is_none().then_some(columns)
}

/// Returns the run state of a state and the next one, which is `-` when nothing is on its way (smf(7)).
fn run_state(state: &str, next: &str, want: &Want) -> Result<RunState, String> {
    match next {
        "-" | "none" => {}
        "online" | "degraded" => return Ok(RunState::Starting),
        "offline" | "disabled" | "maintenance" | "uninitialized" => return Ok(RunState::Stopping),
        other => return Err(format!("is on its way to `{other}`, which is not known")),
    }
    Ok(match state {
        "online" => RunState::Running,
        "disabled" => RunState::Stopped,
        "maintenance" => RunState::Maintenance,
        // It runs, not as it should: enough to be stopped, not enough to count as running.
        "degraded" if want.goal == Goal::Stopped => RunState::Running,
        "degraded" => RunState::Maintenance,
        // Enabled, and waiting for what it depends on; `svcs -xv` tells for what.
        "offline" | "uninitialized" => RunState::Starting,
        "legacy_run" => return Err("is a legacy script, which SMF shows and cannot manage".into()),
        other => return Err(format!("is in the state `{other}`, which is not known")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::host::observe;
    use vigo_core::resource::service::Boot;

    macro_rules! fixture {
        ($folder:literal, $case:literal) => {
            OpOutput::Ran(
                Ran::from_recording(include_str!(concat!(
                    "../tests/fixtures/",
                    $folder,
                    "/documented/",
                    $case,
                    ".txt"
                )))
                .unwrap()
                .1,
            )
        };
    }

    const SSH: &str = "svc:/network/ssh:default";

    fn want(goal: Goal) -> Want {
        Want::new("ssh", goal)
    }

    fn see(want: &Want, svcs: OpOutput, prop: OpOutput) -> Interpreted<State> {
        observe(&Smf, want, &HostFacts::default(), |op| match op.to_string().contains("svcprop") {
            true => prop.clone(),
            false => svcs.clone(),
        })
    }

    fn found(want: &Want, svcs: OpOutput, prop: OpOutput) -> Observed {
        match see(want, svcs, prop) {
            Interpreted::Known(State::Found(seen)) => seen,
            other => panic!("{other:?}"),
        }
    }

    fn is_true() -> OpOutput {
        fixture!("svcprop", "enabled")
    }

    fn lowered(want: &Want, run: RunState, actions: &[Action]) -> Vec<String> {
        let seen = Observed { run: Some(run), ..Observed::new(SSH) };
        let ops = Smf.lower(want, &State::Found(seen), actions, &HostFacts::default()).unwrap();
        ops.iter().map(|op| op.to_string().replace("/usr/sbin/", "").replace(SSH, "ssh")).collect()
    }

    #[test]
    fn states_are_read_and_what_is_on_its_way_is_pending() {
        let cases = [
            (fixture!("svcs", "state-online"), RunState::Running),
            (fixture!("svcs", "state-disabled"), RunState::Stopped),
            (fixture!("svcs", "state-offline"), RunState::Starting),
            (fixture!("svcs", "state-uninitialized"), RunState::Starting),
            (fixture!("svcs", "state-offline-to-online"), RunState::Starting),
            (fixture!("svcs", "state-maintenance"), RunState::Maintenance),
            (fixture!("svcs", "state-degraded"), RunState::Maintenance),
            (OpOutput::exited(0, "online disabled svc:/network/ssh:default\n", ""), RunState::Stopping),
        ];
        for (svcs, run) in cases {
            let seen = found(&want(Goal::Running), svcs, is_true());
            assert_eq!((seen.run, seen.boot, &*seen.native), (Some(run), BootState::Enabled, SSH));
        }
        let degraded = found(&want(Goal::Stopped), fixture!("svcs", "state-degraded"), is_true());
        assert_eq!(degraded.run, Some(RunState::Running), "there is something to stop");
        assert!(degraded.resumes, "and something that goes on when it is cleared");
    }

    #[test]
    fn a_name_becomes_exactly_one_fmri() {
        let OpOutput::Ran(ambiguous) = fixture!("svcadm", "enable-ambiguous") else { panic!() };
        assert_eq!(ambiguous.code(), Some(1), "svcadm refuses it, too");
        let two = "online - svc:/network/http:apache24\ndisabled - svc:/network/http:nginx\n";
        let Interpreted::Unknown(why) = see(&want(Goal::Running), OpOutput::exited(0, two, ""), is_true()) else {
            panic!("two services of one name")
        };
        assert!(why.contains("svc:/network/http:apache24") && why.contains("svc:/network/http:nginx"), "{why}");
    }

    #[test]
    fn a_missing_service_is_missing() {
        let seen = see(&want(Goal::Running), fixture!("svcs", "missing"), is_true());
        assert!(matches!(seen, Interpreted::Known(State::Missing)), "{seen:?}");
    }

    #[test]
    fn legacy_scripts_are_refused_clearly() {
        let Interpreted::Unknown(why) = see(&want(Goal::Running), fixture!("svcs", "state-legacy"), is_true()) else {
            panic!("a legacy script")
        };
        assert!(why.contains("legacy"), "{why}");
        assert!(Smf.check(&Want::new("lrc:/etc/rc2_d/S99old", Goal::Stopped), &HostFacts::default()).is_err());
    }

    #[test]
    fn boot_state_and_run_state_are_separate() {
        let seen = found(&want(Goal::Running), fixture!("svcs", "state-online"), OpOutput::exited(0, "false\n", ""));
        assert_eq!((seen.run, seen.boot), (Some(RunState::Running), BootState::Disabled));
        assert_eq!(lowered(&want(Goal::Running), RunState::Stopped, &[Action::Start]), ["svcadm enable -t ssh"]);
        assert_eq!(lowered(&want(Goal::Stopped), RunState::Running, &[Action::Stop]), ["svcadm disable -t ssh"]);
    }

    #[test]
    fn after_a_change_of_the_boot_state_the_run_state_is_set_again() {
        use Action::{Disable, Enable, Start, Stop};
        use RunState::{Running, Stopped};
        let cases: [(Goal, RunState, &[Action], &[&str]); 6] = [
            (Goal::Running, Stopped, &[Enable, Start], &["svcadm enable ssh"]),
            (Goal::Stopped, Running, &[Disable, Stop], &["svcadm disable ssh"]),
            (Goal::Stopped, Stopped, &[Enable], &["svcadm enable ssh", "svcadm disable -t ssh"]),
            (Goal::Running, Running, &[Disable], &["svcadm disable ssh", "svcadm enable -t ssh"]),
            (Goal::Unmanaged, Stopped, &[Enable], &["svcadm enable ssh", "svcadm disable -t ssh"]),
            (Goal::Unmanaged, Running, &[Disable], &["svcadm disable ssh", "svcadm enable -t ssh"]),
        ];
        for (goal, run, actions, calls) in cases {
            assert_eq!(lowered(&want(goal), run, actions), calls, "{goal:?} {run}");
        }
    }

    #[test]
    fn maintenance_is_cleared_before_enable() {
        assert_eq!(lowered(&want(Goal::Running), RunState::Maintenance, &[Action::Start]), ["svcadm clear ssh"]);
        let on = Want { boot: Some(Boot::Enabled), ..want(Goal::Running) };
        assert_eq!(
            lowered(&on, RunState::Maintenance, &[Action::Enable, Action::Start]),
            ["svcadm clear ssh", "svcadm enable ssh"]
        );
    }

    #[test]
    fn maintenance_is_not_cleared_twice() {
        use vigo_core::host::{Family, Phase};
        let seen = State::Found(Observed { run: Some(RunState::Maintenance), ..Observed::new(SSH) });
        assert!(Service::compare(&want(Goal::Running), &seen, Phase::Before).failure.is_none());
        assert!(Service::compare(&want(Goal::Running), &seen, Phase::After).failure.is_some());
        assert_eq!(Smf.diagnose(&want(Goal::Running), &HostFacts::default())[0].to_string(), "/usr/bin/svcs -xv ssh");
    }

    #[test]
    fn reload_is_refresh_and_nothing_waits_in_svcadm() {
        let calls = lowered(&want(Goal::Running), RunState::Running, &[Action::Reload, Action::Restart]);
        assert_eq!(calls, ["svcadm refresh ssh", "svcadm restart ssh"]);
    }

    #[test]
    fn restart_leaves_maintenance_by_clear_and_reload_is_refresh() {
        let maintained = |action| lowered(&want(Goal::Running), RunState::Maintenance, &[action]);
        assert_eq!(maintained(Action::Restart), ["svcadm clear ssh"]);
        assert_eq!(maintained(Action::Reload), ["svcadm refresh ssh"]);
    }

    #[test]
    fn an_instance_that_is_not_complete_is_stopped() {
        let seen = |complete: OpOutput| {
            let seen = observe(&Smf, &want(Goal::Running), &HostFacts::default(), |op| match op.to_string() {
                op if op.contains("general/complete") => complete.clone(),
                op if op.contains("svcprop") => is_true(),
                _ => fixture!("svcs", "state-uninitialized"),
            });
            let Interpreted::Known(State::Found(seen)) = seen else { panic!("{seen:?}") };
            seen.run
        };
        assert_eq!(seen(OpOutput::exited(0, "false\n", "")), Some(RunState::Stopped));
        assert_eq!(seen(OpOutput::exited(0, "true\n", "")), Some(RunState::Starting));
        assert_eq!(seen(OpOutput::exited(1, "", "svcprop: Couldn't find property\n")), Some(RunState::Starting));
    }

    /// Everything that is ever called.
    fn all_calls() -> Vec<String> {
        use Action::{Disable, Enable, Reload, Restart, Start, Stop};
        let runs = [RunState::Running, RunState::Stopped, RunState::Maintenance, RunState::Starting];
        let goals = [Goal::Running, Goal::Stopped, Goal::Unmanaged];
        let wants = goals.iter().flat_map(|goal| runs.map(|run| (*goal, run)));
        let actions = [Enable, Disable, Start, Stop, Restart, Reload];
        wants.flat_map(|(goal, run)| actions.map(|action| lowered(&want(goal), run, &[action]))).flatten().collect()
    }

    #[test]
    fn one_program_is_called_with_five_verbs_which_set_no_property_and_no_milestone() {
        let calls = all_calls();
        let verbs = calls.iter().map(|call| call.split(' ').take(2).collect::<Vec<_>>().join(" "));
        let verbs: alloc::collections::BTreeSet<String> = verbs.collect();
        let known = ["clear", "disable", "enable", "refresh", "restart"].map(|verb| format!("svcadm {verb}"));
        assert_eq!(verbs.into_iter().collect::<Vec<_>>(), known);
    }

    #[test]
    fn no_manifest_is_imported_for_a_service_that_is_missing() {
        let missing = || Smf.lower(&want(Goal::Running), &State::Missing, &[Action::Start], &HostFacts::default());
        assert_eq!(missing().unwrap_err().message, "service `ssh` does not exist");
    }

    #[test]
    fn services_that_nobody_manages_are_not_enabled_and_svcadm_is_told_nothing_else() {
        use Action::{Disable, Enable, Reload, Restart, Start, Stop};
        for run in [RunState::Running, RunState::Stopped, RunState::Maintenance, RunState::Starting] {
            for action in [Enable, Disable, Start, Stop, Restart, Reload] {
                for call in lowered(&want(Goal::Unmanaged), run, &[action]) {
                    let words: Vec<&str> = call.split(' ').collect();
                    let known = ["enable", "disable", "restart", "refresh", "clear"];
                    assert!(words[0] == "svcadm" && known.contains(&words[1]), "no milestone, no svccfg: {call}");
                    assert!(!words.contains(&"-r") && !words.contains(&"-s"), "{call}");
                }
            }
        }
        let offline = found(&want(Goal::Running), fixture!("svcs", "state-offline"), is_true());
        assert_eq!(offline.detail.as_deref(), Some("offline"), "`svcs -xv` of the report names what is missing");
    }

    #[test]
    fn a_failed_read_is_unknown() {
        let online = || fixture!("svcs", "state-online");
        let cases = [
            ("repository down", OpOutput::exited(1, "", "svcs: Could not bind to repository\n"), is_true()),
            ("usage", OpOutput::exited(2, "", "Usage: svcs\n"), is_true()),
            ("a star instead of the next state", fixture!("svcs", "state-column-with-transition-star"), is_true()),
            ("another state", OpOutput::exited(0, "sleeping - svc:/x:default\n", ""), is_true()),
            ("no property", online(), OpOutput::exited(1, "", "svcprop: Couldn't find property\n")),
            ("not run", OpOutput::Missing, is_true()),
            ("nothing", OpOutput::exited(0, "", ""), is_true()),
        ];
        for (name, svcs, prop) in cases {
            assert!(matches!(see(&want(Goal::Running), svcs, prop), Interpreted::Unknown(_)), "{name}");
        }
    }
}
