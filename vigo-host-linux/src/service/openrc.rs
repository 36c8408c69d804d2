//! rc-service(8) and rc-update(8).

use super::script::{lsb_state, offers_reload, script, script_text};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Op, OpOutput, Outputs, Owner, Ran};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::service::{
    Action, BootState, Observed, Reload, RunState, Scope, Service, State, Want, check_script, unsupported,
};

/// Services of OpenRC.
pub struct OpenRc;

const RC_SERVICE: &str = "rc-service";
const RC_UPDATE: &str = "rc-update";

impl Adapter<Service> for OpenRc {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        check_script(&want.name)?;
        let attribute = match want {
            Want { mask: Some(_), .. } => Some("masked"),
            Want { flags: Some(_), .. } => Some("flags"),
            Want { start_type: Some(_), .. } => Some("start_type"),
            Want { scope: Scope::User(_), .. } => Some("scope"),
            _ => None,
        };
        match attribute {
            Some(attribute) => Err(unsupported(attribute, "OpenRC", facts)),
            None => want.runlevel.as_deref().map_or(Ok(()), |level| {
                let plain = level.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
                let bad =
                    || Problem::bad_value("runlevel", format!("expected the name of a runlevel, found `{level}`"));
                if plain && !level.starts_with('.') { Ok(()) } else { Err(bad()) }
            }),
        }
    }

    fn probe(&self, want: &Want, facts: &HostFacts) -> Vec<Op> {
        self.probe_all(&[want], facts)
    }

    fn probe_all(&self, wants: &[&Want], facts: &HostFacts) -> Vec<Op> {
        if facts.image.is_some() {
            return wants.iter().flat_map(|want| [Op::read_file(&script(&want.name)), Op::stat(&link(want))]).collect();
        }
        let mut ops = alloc::vec![show()];
        for want in wants {
            ops.push(status(&want.name));
            ops.push(Op::read_file(&script(&want.name)));
        }
        ops
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        let seen = if facts.image.is_some() { in_image(want, outputs) } else { observed(want, outputs) };
        seen.map_or_else(Interpreted::Unknown, Interpreted::Known)
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], facts: &HostFacts) -> Result<Vec<Op>, Problem> {
        let State::Found(seen) = state else {
            return Err(Problem::failed(format!("service `{}` does not exist", want.name)));
        };
        let name = &*want.name;
        let level = want.runlevel.as_deref().unwrap_or("default");
        let mut ops = Vec::new();
        for action in actions {
            if let Some(own) = want.own_command(*action) {
                ops.push(own);
                continue;
            }
            match action {
                Action::Enable if facts.image.is_some() => ops.push(Op::Symlink {
                    path: link(want),
                    to: script(name).shared(),
                    owner: Owner::default(),
                    force: false,
                }),
                Action::Disable if facts.image.is_some() => {
                    ops.push(Op::Remove { path: link(want), recursive: false });
                }
                Action::Enable => ops.push(change(RC_UPDATE, &["add", name, level], &[0])),
                // `del` of what is not in the runlevel exits 1.
                Action::Disable if want.runlevel.is_some() => {
                    ops.push(change(RC_UPDATE, &["del", name, level], &[0, 1]));
                }
                Action::Disable => ops.push(change(RC_UPDATE, &["--all", "del", name], &[0, 1])),
                Action::Start | Action::Restart | Action::Reload if seen.run == Some(RunState::Failed) => {
                    // OpenRC takes a crashed service for started until it is told otherwise, and cannot stop it.
                    ops.push(change(RC_SERVICE, &[name, "zap"], &[0]));
                    ops.push(change(RC_SERVICE, &[name, "start"], &[0]));
                }
                Action::Start => ops.push(change(RC_SERVICE, &[name, "start"], &[0])),
                Action::Stop => ops.push(change(RC_SERVICE, &[name, "stop"], &[0])),
                Action::Reload if seen.reload == Reload::Possible => {
                    ops.push(change(RC_SERVICE, &[name, "reload"], &[0]));
                }
                Action::Restart | Action::Reload => ops.push(change(RC_SERVICE, &[name, "restart"], &[0])),
                Action::Mask | Action::Unmask => return Err(unsupported("masked", "OpenRC", facts)),
                Action::SetFlags => return Err(unsupported("flags", "OpenRC", facts)),
                Action::SetStartType(_) => return Err(unsupported("start_type", "OpenRC", facts)),
            }
        }
        Ok(ops)
    }

    fn diagnose(&self, _: &Want, facts: &HostFacts) -> Vec<Op> {
        match facts.image {
            Some(_) => Vec::new(),
            None => alloc::vec![Op::Run(Command::read("tail", ["-n", "20", "/var/log/messages"]))],
        }
    }
}

fn change(program: &str, args: &[&str], accept: &[i32]) -> Op {
    Op::Run(Command::change(program, args.iter().copied()).accept(accept).timeout(Service::COMMAND_TIMEOUT))
}

fn status(name: &str) -> Op {
    Op::Run(Command::read(RC_SERVICE, [name, "status"]))
}

fn show() -> Op {
    Op::Run(Command::read(RC_UPDATE, ["show"]))
}

/// The link that has a service started in its runlevel.
fn link(want: &Want) -> AbsPath {
    let level = want.runlevel.as_deref().unwrap_or("default");
    AbsPath::known("/etc/runlevels").join(level).join(&want.name)
}

fn in_image(want: &Want, outputs: &Outputs) -> Result<State, String> {
    match script_text(&want.name, outputs).ok_or("the script was not read")?? {
        None => Ok(State::Missing),
        Some(_) => {
            let boot = match outputs.path(&link(want)) {
                Some(OpOutput::Stat(_)) => BootState::Enabled,
                Some(OpOutput::Missing) => BootState::Disabled,
                other => return Err(format!("expected the link `{}`, found {other:?}", link(want))),
            };
            Ok(State::Found(Observed { run: None, boot, ..Observed::new(&*want.name) }))
        }
    }
}

fn observed(want: &Want, outputs: &Outputs) -> Result<State, String> {
    let name = &*want.name;
    let text = script_text(name, outputs).ok_or("the script was not read")??;
    let run = match outputs.get(&status(name)) {
        Some(OpOutput::Ran(ran)) => run_state(ran),
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        _ => return Err(format!("`{}` was not run", status(name))),
    };
    let run = match (run, &text) {
        (Some(run), _) => run,
        (None, None) => return Ok(State::Missing),
        // A script that is not there yet: a plan knows what an earlier resource would write.
        (None, Some(_)) if is_missing(name, outputs) => RunState::Stopped,
        (None, Some(_)) => return Err(format!("`{}` tells no known state", status(name))),
    };
    let levels = match outputs.get(&show()) {
        Some(OpOutput::Ran(ran)) if ran.success() => levels_of(&ran.out(), name),
        Some(OpOutput::Ran(ran)) => return Err(format!("rc-update show: {}, {}", ran.exit, ran.err().trim())),
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        _ => return Err("rc-update was not run".into()),
    };
    let enabled = match &want.runlevel {
        Some(wanted) => levels.iter().any(|level| *level == **wanted),
        None => !levels.is_empty(),
    };
    let reload = text.is_some_and(|text| offers_reload(&text));
    Ok(State::Found(Observed {
        run: Some(run),
        boot: if enabled { BootState::Enabled } else { BootState::Disabled },
        reload: if reload || !want.may_reload() { Reload::Possible } else { Reload::Impossible },
        ..Observed::new(name)
    }))
}

/// Returns what a script of OpenRC says, or by its exit code one of System V.
fn run_state(ran: &Ran) -> Option<RunState> {
    let (out, err) = (ran.out(), ran.err());
    // rc-service's own words, such as ` * rc-service: service `food' does not exist`: the script told nothing.
    if err.lines().any(|line| line.trim_start_matches([' ', '*']).starts_with("rc-service: ")) {
        return None;
    }
    let word = out.lines().chain(err.lines()).find_map(|line| line.split_once("status: ")).map(|(_, word)| word.trim());
    match word {
        Some("started" | "inactive") => Some(RunState::Running),
        Some("stopped") => Some(RunState::Stopped),
        Some("starting") => Some(RunState::Starting),
        Some("stopping") => Some(RunState::Stopping),
        Some("crashed" | "unsupervised") => Some(RunState::Failed),
        Some(_) => None,
        None => lsb_state(ran),
    }
}

fn is_missing(name: &str, outputs: &Outputs) -> bool {
    matches!(outputs.get(&status(name)), Some(OpOutput::Ran(ran)) if ran.err().contains("does not exist"))
}

/// Returns the runlevels of a service: `name | level level…`.
fn levels_of(out: &str, name: &str) -> Vec<String> {
    out.lines()
        .filter_map(|line| line.split_once('|'))
        .filter(|(service, _)| service.trim() == name)
        .flat_map(|(_, levels)| levels.split_whitespace().map(ToString::to_string))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::sync::Arc;
    use vigo_core::host::observe;
    use vigo_core::resource::service::{Boot, Goal, OnNotify};

    macro_rules! fixture {
        ($case:literal) => {
            OpOutput::Ran(
                Ran::from_recording(include_str!(concat!("../../tests/fixtures/openrc/0.45.2/", $case, ".txt")))
                    .unwrap()
                    .1,
            )
        };
    }

    const SCRIPT: &str = "#!/sbin/openrc-run\ncommand=/x\nextra_started_commands=\"reload\"\n";

    fn want(name: &str) -> Want {
        Want { boot: Some(Boot::Enabled), ..Want::new(name, Goal::Running) }
    }

    fn see(want: &Want, status: OpOutput, script: OpOutput) -> Interpreted<State> {
        observe(&OpenRc, want, &HostFacts::default(), |op| match op {
            Op::Run(c) if &*c.program == RC_UPDATE => fixture!("rc-update-show"),
            Op::Run(_) => status.clone(),
            _ => script.clone(),
        })
    }

    fn found(want: &Want, status: OpOutput) -> Observed {
        match see(want, status, OpOutput::file(SCRIPT)) {
            Interpreted::Known(State::Found(seen)) => seen,
            other => panic!("{other:?}"),
        }
    }

    fn lowered(want: &Want, seen: Observed, actions: &[Action]) -> Vec<String> {
        let ops = OpenRc.lower(want, &State::Found(seen), actions, &HostFacts::default()).unwrap();
        ops.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn native_and_old_scripts_say_their_state() {
        let said = |text: &str, code: i32| OpOutput::exited(code, "", &format!(" * status: {text}\n"));
        let cases = [
            ("native, running", fixture!("native-status-running"), RunState::Running),
            ("native, stopped", fixture!("native-status-stopped"), RunState::Stopped),
            ("old, running", fixture!("rc-service-cron-status-running"), RunState::Running),
            ("old, stopped", fixture!("rc-service-cron-status-stopped"), RunState::Stopped),
            ("old, dead", OpOutput::exited(1, "x is dead and pid file exists\n", ""), RunState::Failed),
            ("crashed", fixture!("native-status-crashed"), RunState::Failed),
            ("its supervisor has crashed", fixture!("native-status-unsupervised"), RunState::Failed),
            ("starting", said("starting", 8), RunState::Starting),
            ("stopping", said("stopping", 4), RunState::Stopping),
        ];
        for (name, status, run) in cases {
            assert_eq!(found(&want("cron"), status).run, Some(run), "{name}");
        }
    }

    #[test]
    fn enabled_is_in_a_runlevel() {
        let at = |name: &str, level: Option<&str>| {
            let want = Want { runlevel: level.map(Arc::from), ..want(name) };
            found(&want, fixture!("native-status-running")).boot
        };
        let cases = [
            ("cron", None, BootState::Enabled),
            ("cron", Some("default"), BootState::Enabled),
            ("cron", Some("boot"), BootState::Disabled),
            ("food", None, BootState::Disabled),
            // A long name overruns its column.
            ("checkroot-bootclean.sh", Some("sysinit"), BootState::Enabled),
            ("bootlogs", Some("recovery"), BootState::Enabled),
        ];
        for (name, level, boot) in cases {
            assert_eq!(at(name, level), boot, "{name} {level:?}");
        }
        let OpOutput::Ran(one) = fixture!("rc-update-show-default") else { panic!() };
        assert_eq!(levels_of(&one.out(), "cron"), ["default"]);
    }

    #[test]
    fn a_missing_service_is_missing() {
        let seen = see(&want("nosuch"), fixture!("rc-service-missing-status"), OpOutput::Missing);
        assert!(matches!(seen, Interpreted::Known(State::Missing)), "{seen:?}");
        let planned = see(&want("nosuch"), fixture!("rc-service-missing-status"), OpOutput::file(SCRIPT));
        let Interpreted::Known(State::Found(seen)) = planned else { panic!("{planned:?}") };
        assert_eq!(seen.run, Some(RunState::Stopped), "its script would be there");
    }

    #[test]
    fn a_crashed_service_is_zapped_before_it_is_started_anew() {
        let seen = found(&want("food"), fixture!("native-status-crashed"));
        for action in [Action::Start, Action::Restart, Action::Reload] {
            let calls = lowered(&want("food"), seen.clone(), &[action]);
            assert_eq!(calls, ["rc-service food zap", "rc-service food start"], "{action:?}");
        }
        // Without that a start does nothing and says that it is well; a restart fails, because it cannot be stopped.
        let accepted = |ops: Vec<Op>, answer: OpOutput| match (&ops[0], answer) {
            (Op::Run(command), OpOutput::Ran(ran)) => command.accept.contains(&ran.code().unwrap()),
            other => panic!("{other:?}"),
        };
        let running = Observed { run: Some(RunState::Running), ..seen.clone() };
        let lower = |seen: &Observed, action| {
            let state = State::Found(seen.clone());
            OpenRc.lower(&want("food"), &state, &[action], &HostFacts::default()).unwrap()
        };
        assert!(accepted(lower(&running, Action::Start), fixture!("native-start-crashed")));
        assert!(!accepted(lower(&running, Action::Restart), fixture!("native-restart-crashed")));
        assert!(accepted(lower(&seen, Action::Start), fixture!("native-zap")));
    }

    #[test]
    fn del_of_what_is_not_there_is_no_failure() {
        let OpOutput::Ran(absent) = fixture!("rc-update-del-absent") else { panic!() };
        let want = Want { runlevel: Some("default".into()), ..want("cron") };
        for want in [want.clone(), Want { runlevel: None, ..want }] {
            let state = State::Found(Observed::new("cron"));
            let ops = OpenRc.lower(&want, &state, &[Action::Disable], &HostFacts::default()).unwrap();
            let [Op::Run(c)] = &ops[..] else { panic!() };
            assert!(c.accept.contains(&absent.code().unwrap()), "{}", ops[0]);
        }
    }

    #[test]
    fn every_action_has_its_call() {
        let boot = Want { runlevel: Some("boot".into()), ..want("food") };
        let cases = [
            (want("food"), Action::Enable, "rc-update add food default"),
            (boot.clone(), Action::Enable, "rc-update add food boot"),
            (boot, Action::Disable, "rc-update del food boot"),
            (want("food"), Action::Disable, "rc-update --all del food"),
            (want("food"), Action::Stop, "rc-service food stop"),
            (want("food"), Action::Restart, "rc-service food restart"),
            (want("food"), Action::Reload, "rc-service food reload"),
        ];
        for (want, action, call) in cases {
            assert_eq!(lowered(&want, Observed::new("food"), &[action]), [call]);
        }
    }

    #[test]
    fn what_does_not_offer_reload_is_restarted() {
        let want = Want { on_notify: OnNotify::Reload, ..want("food") };
        let OpOutput::Ran(refused) = fixture!("native-reload-unknown") else { panic!() };
        assert_eq!(refused.code(), Some(1));
        let seen = see(&want, fixture!("native-status-running"), OpOutput::file("command=/x\n"));
        let Interpreted::Known(State::Found(seen)) = seen else { panic!("{seen:?}") };
        assert_eq!(lowered(&want, seen, &[Action::Reload]), ["rc-service food restart"]);
    }

    #[test]
    fn in_an_image_the_link_is_made() {
        let facts = HostFacts { image: Some(AbsPath::known("/mnt")), ..HostFacts::default() };
        let seen = observe(&OpenRc, &want("food"), &facts, |op| match op {
            Op::ReadFile { .. } => OpOutput::file(SCRIPT),
            Op::Stat { .. } => OpOutput::Missing,
            other => panic!("{other}"),
        });
        let Interpreted::Known(State::Found(seen)) = seen else { panic!("{seen:?}") };
        assert_eq!((seen.run, seen.boot), (None, BootState::Disabled));
        let ops = OpenRc.lower(&want("food"), &State::Found(seen), &[Action::Enable], &facts).unwrap();
        assert_eq!(ops[0].to_string(), "symlink /etc/runlevels/default/food -> /etc/init.d/food");
    }

    #[test]
    fn a_failed_read_is_unknown() {
        let cases = [
            ("another word", OpOutput::exited(0, " * status: dreaming\n", "")),
            ("another exit", OpOutput::exited(77, "", "boom\n")),
            ("the script could not be run", fixture!("native-status-busy")),
            ("not run", OpOutput::Missing),
        ];
        for (name, status) in cases {
            assert!(matches!(see(&want("food"), status, OpOutput::file(SCRIPT)), Interpreted::Unknown(_)), "{name}");
        }
        for name in ["reboot", "halt", "rc", "single", "../x"] {
            assert!(OpenRc.check(&want(name), &HostFacts::default()).is_err(), "{name} is never run");
        }
    }
}
