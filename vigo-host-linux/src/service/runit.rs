//! runit: sv(8), runsvdir(8). A service is a folder in `/etc/sv`; a link to it in the folder of running services has it
//! supervised, and a file `down` in it keeps it from being started at boot.

use super::script::first_line;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Content, Expect, FileKind, Op, OpOutput, Outputs, Owner, Ran, Replace};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::service::{
    Action, BootState, Observed, RunState, Scope, Service, State, Want, check_script, unsupported,
};

/// Services of runit.
pub struct Runit;

/// The folders of running services: Debian's, Void's.
const FOLDERS: [&str; 2] = ["/etc/service", "/var/service"];

impl Adapter<Service> for Runit {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        check_script(&want.name)?;
        let attribute = match want {
            Want { mask: Some(_), .. } => "masked",
            Want { flags: Some(_), .. } => "flags",
            Want { start_type: Some(_), .. } => "start_type",
            Want { runlevel: Some(_), .. } => "runlevel",
            Want { scope: Scope::User(_), .. } => "scope",
            _ => return Ok(()),
        };
        Err(unsupported(attribute, "runit", facts))
    }

    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        let of_folder = |folder| {
            let entry = AbsPath::known(folder).join(&want.name);
            [followed(&AbsPath::known(folder)), Op::stat(&entry), followed(&entry.join("down"))]
        };
        let run = followed(&definition(want).join("run"));
        [run].into_iter().chain(FOLDERS.into_iter().flat_map(of_folder)).collect()
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        observed(want, outputs, facts).unwrap_or_else(Interpreted::Unknown)
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], facts: &HostFacts) -> Result<Vec<Op>, Problem> {
        let name = &*want.name;
        let State::Found(Observed { file: Some(entry), loaded, boot, .. }) = state else {
            return Err(Problem::failed(format!("service `{name}` does not exist")));
        };
        let links = !loaded && actions.contains(&Action::Enable);
        let mut ops = Vec::new();
        for action in actions {
            if let Some(own) = want.own_command(*action) {
                ops.push(own);
                continue;
            }
            ops.push(match action {
                Action::Enable if links => Op::Symlink {
                    path: entry.clone(),
                    to: definition(want).shared(),
                    owner: Owner::default(),
                    force: false,
                },
                Action::Enable if *boot == BootState::Disabled => {
                    Op::Remove { path: entry.join("down"), recursive: false }
                }
                Action::Enable => continue,
                // The link stays: without it nothing could start the service, or stop it.
                Action::Disable => mark_down(&entry.join("down")),
                // What is linked anew is started by its supervisor, within 5 s.
                Action::Start if links => continue,
                Action::Start if !loaded => {
                    let problem = Problem::failed(format!("service `{name}` is not supervised: there is no `{entry}`"));
                    return Err(problem.help("write `enabled: true`, which makes that link"));
                }
                // Neither waits: the state is looked at until it is reached.
                Action::Start => sv(&["up", name]),
                Action::Stop => sv(&["down", name]),
                Action::Restart => sv(&["restart", name]),
                // Who does not know the signal ends, and is started again.
                Action::Reload => sv(&["hup", name]),
                Action::Mask | Action::Unmask => return Err(unsupported("masked", "runit", facts)),
                Action::SetFlags => return Err(unsupported("flags", "runit", facts)),
                Action::SetStartType(_) => return Err(unsupported("start_type", "runit", facts)),
            });
        }
        Ok(ops)
    }

    fn diagnose(&self, want: &Want, facts: &HostFacts) -> Vec<Op> {
        match facts.image {
            Some(_) => Vec::new(),
            None => {
                let log = format!("/var/log/{}/current", want.name);
                alloc::vec![Op::Run(Command::read("tail", ["-n", "20", &log]))]
            }
        }
    }
}

fn definition(want: &Want) -> AbsPath {
    AbsPath::known("/etc/sv").join(&want.name)
}

fn followed(path: &AbsPath) -> Op {
    Op::Stat { path: path.clone(), follow: true }
}

fn sv(args: &[&str]) -> Op {
    Op::Run(Command::change("sv", args.iter().copied()).timeout(Service::COMMAND_TIMEOUT))
}

fn status(want: &Want) -> Op {
    Op::Run(Command::read("sv", ["status", &*want.name]))
}

fn mark_down(path: &AbsPath) -> Op {
    Op::ReplaceFile(Replace {
        path: path.clone(),
        content: Content::Bytes([].into()),
        mode: Some(0o644),
        owner: Owner::default(),
        context: None,
        expect: Expect::Anything,
        validate: None,
        backup: None,
        follow: false,
        parents: false,
    })
}

fn observed(want: &Want, outputs: &Outputs, facts: &HostFacts) -> Result<Interpreted<State>, String> {
    let there = |op: Op| match outputs.get(&op) {
        Some(OpOutput::Stat(meta)) => Ok(Some(meta.kind)),
        Some(OpOutput::Missing) => Ok(None),
        Some(OpOutput::Failed(failure)) => Err(failure.message.clone()),
        _ => Err(format!("`{op}` was not answered")),
    };
    let mut folder = None;
    for path in FOLDERS.map(AbsPath::known) {
        if folder.is_none() && there(followed(&path))? == Some(FileKind::Dir) {
            folder = Some(path);
        }
    }
    let folder = folder.ok_or("expected `/etc/service` or `/var/service`, found neither")?;
    let entry = folder.join(&want.name);
    let linked = there(Op::stat(&entry))?.is_some();
    if !linked && there(followed(&definition(want).join("run")))?.is_none() {
        return Ok(Interpreted::Known(State::Missing));
    }
    let kept_down = there(followed(&entry.join("down")))?.is_some();
    let mut seen = Observed {
        boot: if linked && !kept_down { BootState::Enabled } else { BootState::Disabled },
        loaded: linked,
        file: Some(entry),
        ..Observed::new(&*want.name)
    };
    if facts.image.is_some() {
        seen.run = None;
    } else if linked {
        match outputs.get(&status(want)) {
            None => return Ok(Interpreted::Ask(alloc::vec![status(want)])),
            Some(OpOutput::Ran(ran)) => (seen.run, seen.busy) = run_state(ran)?,
            Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
            Some(_) => return Err(format!("expected an answer of `{}`", status(want))),
        }
    }
    Ok(Interpreted::Known(State::Found(seen)))
}

/// Reads `run: food: (pid 840) 4s, normally down, want down`. A link that was just made has no supervisor yet; it gets one
/// soon, and takes no request before.
fn run_state(ran: &Ran) -> Result<(Option<RunState>, bool), String> {
    let out = ran.out();
    let line = first_line(&out);
    // The first line is the service's own; behind `; ` stands its log's.
    let own = line.split("; ").next().unwrap_or_default();
    let wants = |what: &str| own.split(", ").any(|part| part == what);
    let state = match own.split(": ").next() {
        Some("run") if wants("want down") => RunState::Stopping,
        Some("run") => RunState::Running,
        Some("down") if wants("want up") => RunState::Starting,
        Some("down") => RunState::Stopped,
        Some("finish") => RunState::Stopping,
        _ if own.contains("supervise/ok") || own.contains("runsv not running") => {
            return Ok((Some(RunState::Stopped), true));
        }
        _ => return Err(format!("`sv status` ended with {}: {line}", ran.exit)),
    };
    Ok((Some(state), false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use alloc::string::ToString;
    use vigo_core::action::Metadata;
    use vigo_core::host::{Phase, observe};
    use vigo_core::resource::service::{Boot, Goal};

    macro_rules! fixture {
        ($case:literal) => {
            OpOutput::Ran(
                Ran::from_recording(include_str!(concat!("../../tests/fixtures/runit/2.1.2/", $case, ".txt")))
                    .unwrap()
                    .1,
            )
        };
    }

    fn want(goal: Goal, boot: Option<Boot>) -> Want {
        Want { boot, ..Want::new("food", goal) }
    }

    fn see(want: &Want, facts: &HostFacts, paths: &[(&str, FileKind)], status: OpOutput) -> Interpreted<State> {
        let OpOutput::File { meta, .. } = OpOutput::file("") else { panic!() };
        let paths: BTreeMap<&str, FileKind> = paths.iter().copied().collect();
        observe(&Runit, want, facts, |op| match op {
            Op::Stat { path, .. } => match paths.get(path.as_str()) {
                Some(kind) => OpOutput::Stat(Metadata { kind: *kind, ..meta.clone() }),
                None => OpOutput::Missing,
            },
            Op::Run(_) => status.clone(),
            other => panic!("{other}"),
        })
    }

    const SERVICE: (&str, FileKind) = ("/etc/service", FileKind::Dir);
    const RUN: (&str, FileKind) = ("/etc/sv/food/run", FileKind::File);
    const LINK: (&str, FileKind) = ("/etc/service/food", FileKind::Symlink);
    const DOWN: (&str, FileKind) = ("/etc/service/food/down", FileKind::File);

    fn found(paths: &[(&str, FileKind)], status: OpOutput) -> Observed {
        match see(&want(Goal::Running, None), &HostFacts::default(), paths, status) {
            Interpreted::Known(State::Found(seen)) => seen,
            other => panic!("{other:?}"),
        }
    }

    /// Returns what is done, or why nothing is.
    fn plan(want: &Want, paths: &[(&str, FileKind)], status: OpOutput) -> Vec<String> {
        use vigo_core::host::Family;
        let Interpreted::Known(state) = see(want, &HostFacts::default(), paths, status) else { panic!() };
        let c = Service::compare(want, &state, Phase::Before);
        if let Some(problem) = c.failure {
            return alloc::vec![problem.to_string()];
        }
        match Runit.lower(want, &state, &c.actions, &HostFacts::default()) {
            Ok(ops) => ops.iter().map(ToString::to_string).collect(),
            Err(problem) => alloc::vec![problem.to_string()],
        }
    }

    #[test]
    fn status_and_link_say_run_state_and_boot_state() {
        let said = |text: &str| OpOutput::exited(0, text, "");
        let unsupervised = OpOutput::exited(1, "warning: food: unable to open supervise/ok: file does not exist\n", "");
        let cases = [
            ("running", fixture!("sv-status-running"), RunState::Running, false),
            ("down", fixture!("sv-status-down-normally-up"), RunState::Stopped, false),
            ("on its way down", fixture!("sv-status-running-normally-down"), RunState::Stopping, false),
            ("on its way up", said("down: food: 0s, normally up, want up\n"), RunState::Starting, false),
            ("finishing", said("finish: food: (pid 7) 0s\n"), RunState::Stopping, false),
            ("with a log", said("run: food: (pid 7) 9s; run: log: (pid 6) 9s, want down\n"), RunState::Running, false),
            ("linked a moment ago", unsupervised, RunState::Stopped, true),
        ];
        for (name, status, run, busy) in cases {
            let seen = found(&[SERVICE, RUN, LINK], status);
            assert_eq!((seen.run, seen.busy, seen.boot), (Some(run), busy, BootState::Enabled), "{name}");
        }
        let down = found(&[SERVICE, RUN, LINK, DOWN], fixture!("sv-status-running"));
        assert_eq!(down.boot, BootState::Disabled, "a file `down` keeps it from being started at boot");
        // sv is not asked about what is not linked: it fails, as it does for a name that nobody knows.
        let OpOutput::Ran(refused) = fixture!("sv-status-not-linked") else { panic!() };
        assert_eq!(refused.code(), Some(1));
        let unlinked = found(&[SERVICE, RUN], OpOutput::Missing);
        assert_eq!((unlinked.run, unlinked.boot), (Some(RunState::Stopped), BootState::Disabled));
        let void = found(
            &[("/var/service", FileKind::Dir), RUN, ("/var/service/food", FileKind::Symlink)],
            fixture!("sv-status-running"),
        );
        assert_eq!((void.boot, void.file.unwrap().as_str()), (BootState::Enabled, "/var/service/food"));
    }

    #[test]
    fn what_is_wanted_becomes_calls() {
        let (on, off) = (Some(Boot::Enabled), Some(Boot::Disabled));
        let running = || fixture!("sv-status-running");
        let stopped = || fixture!("sv-status-down-normally-up");
        let linked = &[SERVICE, RUN, LINK][..];
        let kept_down = &[SERVICE, RUN, LINK, DOWN][..];
        type Case<'a> = (&'a str, Want, &'a [(&'a str, FileKind)], OpOutput, &'a [&'a str]);
        let cases: [Case<'_>; 9] = [
            ("in sync", want(Goal::Running, on), linked, running(), &[]),
            ("start", want(Goal::Running, None), linked, stopped(), &["sv up food"]),
            ("stop", want(Goal::Stopped, None), linked, running(), &["sv down food"]),
            (
                "new",
                want(Goal::Running, on),
                &[SERVICE, RUN],
                OpOutput::Missing,
                &["symlink /etc/service/food -> /etc/sv/food"],
            ),
            (
                "enabled again",
                want(Goal::Running, on),
                kept_down,
                stopped(),
                &["remove /etc/service/food/down", "sv up food"],
            ),
            (
                "disabled, and left running",
                want(Goal::Running, off),
                linked,
                running(),
                &["write /etc/service/food/down (0 bytes) mode 0644"],
            ),
            (
                "not linked",
                want(Goal::Running, None),
                &[SERVICE, RUN],
                OpOutput::Missing,
                &["service `food` is not supervised: there is no `/etc/service/food`"],
            ),
            ("not known", want(Goal::Running, None), &[SERVICE], OpOutput::Missing, &["service `food` does not exist"]),
            ("restart", want(Goal::Restarted, None), linked, running(), &["sv restart food"]),
        ];
        for (name, want, paths, status, expected) in cases {
            assert_eq!(plan(&want, paths, status), expected, "{name}");
        }
        // What these calls answer: `up` and `down` say nothing and wait for nothing.
        for (answer, code) in [(fixture!("sv-up"), 0), (fixture!("sv-down"), 0), (fixture!("sv-restart"), 0)] {
            assert!(matches!(&answer, OpOutput::Ran(ran) if ran.code() == Some(code)), "{answer:?}");
        }
        assert!(matches!(fixture!("sv-up-missing"), OpOutput::Ran(ran) if !ran.success()));
    }

    #[test]
    fn a_fresh_link_is_waited_for() {
        let fresh = OpOutput::exited(1, "fail: food: runsv not running\n", "");
        let want = want(Goal::Running, Some(Boot::Enabled));
        let Interpreted::Known(state) = see(&want, &HostFacts::default(), &[SERVICE, RUN, LINK], fresh) else {
            panic!()
        };
        use vigo_core::host::Family;
        let c = Service::compare(&want, &state, Phase::After);
        assert_eq!(c.pending.as_deref(), Some("stopped"), "settle, do not trust");
    }

    #[test]
    fn in_an_image_only_the_link_is_looked_at() {
        let facts = HostFacts { image: Some(AbsPath::known("/mnt")), ..HostFacts::default() };
        let want = want(Goal::Running, Some(Boot::Enabled));
        let seen = see(&want, &facts, &[SERVICE, RUN, LINK], OpOutput::Missing);
        let Interpreted::Known(State::Found(seen)) = seen else { panic!("{seen:?}") };
        assert_eq!((seen.run, seen.boot), (None, BootState::Enabled));
        assert!(Runit.diagnose(&want, &facts).is_empty());
    }

    #[test]
    fn a_failed_read_is_unknown() {
        let facts = HostFacts::default();
        let cases = [
            ("another word", OpOutput::exited(0, "dreaming: food: 1s\n", "")),
            ("nothing", OpOutput::exited(1, "", "")),
            ("not UTF-8", OpOutput::exited(0, "\u{fffd}", "")),
            ("no such program", OpOutput::Missing),
        ];
        for (name, status) in cases {
            let seen = see(&want(Goal::Running, None), &facts, &[SERVICE, RUN, LINK], status);
            assert!(matches!(seen, Interpreted::Unknown(_)), "{name}: {seen:?}");
        }
        let none = see(&want(Goal::Running, None), &facts, &[RUN], OpOutput::Missing);
        assert!(matches!(none, Interpreted::Unknown(_)), "no folder of running services: {none:?}");
        for bad in ["../x", "reboot"] {
            assert!(Runit.check(&Want::new(bad, Goal::Running), &facts).is_err(), "{bad}");
        }
        let flags = Want { flags: Some("-v".into()), ..want(Goal::Running, None) };
        assert!(Runit.check(&flags, &facts).is_err());
    }
}
