//! System V start scripts: service(8), update-rc.d(8), chkconfig(8).

use super::script::{lsb_state, offers_reload, script, script_text};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Op, OpOutput, Outputs};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::service::{
    Action, BootState, Observed, Reload, Scope, Service, State, Want, check_script, unsupported,
};

/// Services of System V init.
pub struct SysV;

/// Links in the folder of a runlevel.
const LINKS_MAX: usize = 4096;

/// The runlevels of a running machine (LSB).
const LEVELS: [&str; 4] = ["2", "3", "4", "5"];

impl Adapter<Service> for SysV {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        check_script(&want.name)?;
        let attribute = match want {
            Want { mask: Some(_), .. } => Some("masked"),
            Want { flags: Some(_), .. } => Some("flags"),
            Want { start_type: Some(_), .. } => Some("start_type"),
            Want { runlevel: Some(_), .. } => Some("runlevel"),
            Want { scope: Scope::User(_), .. } => Some("scope"),
            _ => None,
        };
        match attribute {
            Some(attribute) => Err(unsupported(attribute, "System V init", facts)),
            None if want.boot.is_some() && !facts.has("update-rc.d") && !facts.has("chkconfig") => {
                Err(Problem::unsupported("expected `update-rc.d` or `chkconfig` for `enabled`, found neither"))
            }
            None => Ok(()),
        }
    }

    fn probe(&self, want: &Want, facts: &HostFacts) -> Vec<Op> {
        let mut ops = alloc::vec![Op::read_file(&script(&want.name))];
        ops.extend(LEVELS.iter().map(|level| list(level)));
        ops.extend(facts.image.is_none().then(runlevel));
        ops
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        observed(want, outputs, facts).unwrap_or_else(Interpreted::Unknown)
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], facts: &HostFacts) -> Result<Vec<Op>, Problem> {
        let State::Found(seen) = state else {
            return Err(Problem::failed(format!("service `{}` does not exist", want.name)));
        };
        let name = &*want.name;
        let op = |action: &Action| {
            if let Some(own) = want.own_command(*action) {
                return Ok(own);
            }
            Ok(match action {
                Action::Start => change("service", &[name, "start"]),
                Action::Stop => change("service", &[name, "stop"]),
                Action::Reload if seen.reload == Reload::Possible => change("service", &[name, "reload"]),
                Action::Restart | Action::Reload => change("service", &[name, "restart"]),
                Action::Enable | Action::Disable => switch(name, *action == Action::Enable, seen.loaded, facts),
                Action::Mask | Action::Unmask => return Err(unsupported("masked", "System V init", facts)),
                Action::SetFlags => return Err(unsupported("flags", "System V init", facts)),
                Action::SetStartType(_) => return Err(unsupported("start_type", "System V init", facts)),
            })
        };
        actions.iter().map(op).collect()
    }

    fn diagnose(&self, _: &Want, facts: &HostFacts) -> Vec<Op> {
        match facts.image {
            Some(_) => Vec::new(),
            None => alloc::vec![Op::Run(Command::read("tail", ["-n", "20", "/var/log/syslog"]))],
        }
    }
}

fn change(program: &str, args: &[&str]) -> Op {
    Op::Run(Command::change(program, args.iter().copied()).timeout(Service::COMMAND_TIMEOUT))
}

fn status(name: &str) -> Op {
    Op::Run(Command::read("service", [name, "status"]))
}

fn runlevel() -> Op {
    Op::Run(Command::read("runlevel", [""; 0]))
}

fn folder(level: &str) -> Option<AbsPath> {
    AbsPath::parse(&format!("/etc/rc{level}.d")).ok()
}

fn list(level: &str) -> Op {
    let path = folder(level).unwrap_or_else(|| AbsPath::known("/etc/rc2.d"));
    Op::ListDir { path, deep: false, entries_max: LINKS_MAX }
}

/// Returns the call that switches the links, in the image where there is one.
fn switch(name: &str, on: bool, has_links: bool, facts: &HostFacts) -> Op {
    let args: [&str; 3] = match facts.has("update-rc.d") {
        // Without any link there is nothing to enable: the script's own defaults make them.
        true if on && !has_links => ["update-rc.d", name, "defaults"],
        true => ["update-rc.d", name, if on { "enable" } else { "disable" }],
        false => ["chkconfig", name, if on { "on" } else { "off" }],
    };
    match &facts.image {
        None => change(args[0], &args[1..]),
        Some(image) => change("chroot", &[image.as_str(), args[0], args[1], args[2]]),
    }
}

fn observed(want: &Want, outputs: &Outputs, facts: &HostFacts) -> Result<Interpreted<State>, String> {
    let name = &*want.name;
    let Some(text) = script_text(name, outputs).ok_or("the script was not read")?? else {
        return Ok(Interpreted::Known(State::Missing));
    };
    let mut seen = Observed::new(name);
    if facts.image.is_some() {
        seen.run = None;
    } else {
        // Only now, that there is a script: nothing else is run by that name.
        seen.run = match outputs.get(&status(name)) {
            None => return Ok(Interpreted::Ask(alloc::vec![status(name)])),
            Some(OpOutput::Ran(ran)) => match lsb_state(ran) {
                // In a plan the script may be one that an earlier resource would write.
                _ if ran.err().contains("unrecognized service") => seen.run,
                Some(run) => Some(run),
                None => return Err(format!("service {name} status: {}, {}", ran.exit, ran.err().trim())),
            },
            Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
            Some(other) => return Err(format!("expected an answer of `service`, found {other:?}")),
        };
    }
    let current: Option<String> = match outputs.get(&runlevel()) {
        Some(OpOutput::Ran(ran)) => ran.out().split_whitespace().nth(1).map(String::from),
        _ => None,
    };
    let (mut started, mut linked, mut listed) = (false, false, false);
    for level in LEVELS {
        let counts = current.as_deref().is_none_or(|c| !LEVELS.contains(&c) || c == level);
        match folder(level).and_then(|path| outputs.path(&path)) {
            Some(OpOutput::Dir(entries)) => {
                listed = true;
                for kind in entries.iter().filter_map(|e| link_kind(&e.path, name)) {
                    linked = true;
                    started |= kind == 'S' && counts;
                }
            }
            Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
            _ => {}
        }
    }
    if !listed && want.boot.is_some() {
        return Err("there is no folder of a runlevel, such as /etc/rc2.d".into());
    }
    seen.boot = if started { BootState::Enabled } else { BootState::Disabled };
    seen.loaded = linked;
    if want.may_reload() && !offers_reload(&text) {
        seen.reload = Reload::Impossible;
    }
    Ok(Interpreted::Known(State::Found(seen)))
}

/// Returns `S` or `K` of a link such as `S01cron` that is the service's.
fn link_kind(link: &str, name: &str) -> Option<char> {
    let mut chars = link.chars();
    let kind = chars.next().filter(|c| matches!(c, 'S' | 'K'))?;
    let digits = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    (digits(chars.next()) && digits(chars.next()) && chars.as_str() == name).then_some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::sync::Arc;
    use vigo_core::action::{Entry, Ran};
    use vigo_core::host::observe;
    use vigo_core::resource::service::{Boot, Goal, RunState};

    macro_rules! fixture {
        ($case:literal) => {
            OpOutput::Ran(
                Ran::from_recording(include_str!(concat!("../../tests/fixtures/sysvinit/3.06/", $case))).unwrap().1,
            )
        };
    }

    fn want() -> Want {
        Want { boot: Some(Boot::Enabled), ..Want::new("cron", Goal::Running) }
    }

    fn facts() -> HostFacts {
        HostFacts { programs: [Arc::from("update-rc.d")].into(), ..HostFacts::default() }
    }

    /// Makes a listing of the output of `ls`.
    fn dir(ls: OpOutput) -> OpOutput {
        let OpOutput::Ran(ran) = ls else { panic!() };
        let OpOutput::File { meta, .. } = OpOutput::file("") else { panic!() };
        OpOutput::Dir(ran.out().lines().map(|name| Entry { path: name.into(), meta: meta.clone() }).collect())
    }

    fn see(facts: &HostFacts, script: OpOutput, status: OpOutput, rc2: OpOutput) -> Interpreted<State> {
        observe(&SysV, &want(), facts, |op| match op {
            Op::Run(c) if &*c.program == "runlevel" => fixture!("runlevel.txt"),
            Op::Run(_) => status.clone(),
            Op::ListDir { path, .. } if path.name() == "rc2.d" => dir(rc2.clone()),
            Op::ListDir { .. } => OpOutput::Dir(Vec::new()),
            _ => script.clone(),
        })
    }

    fn found(facts: &HostFacts, status: OpOutput, rc2: OpOutput) -> Observed {
        match see(facts, OpOutput::file("#!/bin/sh\n"), status, rc2) {
            Interpreted::Known(State::Found(seen)) => seen,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn status_and_links_say_run_state_and_boot_state() {
        let cases = [
            (
                fixture!("service-cron-status-running.txt"),
                fixture!("ls-rc2.d-enabled.txt"),
                RunState::Running,
                BootState::Enabled,
            ),
            (
                fixture!("service-cron-status-stopped.txt"),
                fixture!("ls-rc2.d-disabled.txt"),
                RunState::Stopped,
                BootState::Disabled,
            ),
        ];
        for (status, rc2, run, boot) in cases {
            let seen = found(&facts(), status, rc2);
            assert_eq!((seen.run, seen.boot, seen.loaded), (Some(run), boot, true));
        }
    }

    #[test]
    fn a_missing_script_is_missing_and_nothing_is_run() {
        let seen = observe(&SysV, &want(), &facts(), |op| match op {
            Op::Run(c) if &*c.program == "service" => panic!("{op}"),
            _ => OpOutput::Missing,
        });
        assert!(matches!(seen, Interpreted::Known(State::Missing)), "{seen:?}");
    }

    #[test]
    fn the_tool_that_is_there_switches_the_links() {
        let chkconfig = HostFacts { programs: [Arc::from("chkconfig")].into(), ..HostFacts::default() };
        let image = HostFacts { image: Some(AbsPath::known("/mnt")), ..facts() };
        let linked = Observed::new("cron");
        let fresh = Observed { loaded: false, ..Observed::new("cron") };
        let cases = [
            (facts(), &linked, Action::Enable, "update-rc.d cron enable"),
            (facts(), &fresh, Action::Enable, "update-rc.d cron defaults"),
            (facts(), &linked, Action::Disable, "update-rc.d cron disable"),
            (chkconfig.clone(), &linked, Action::Enable, "chkconfig cron on"),
            (chkconfig, &linked, Action::Disable, "chkconfig cron off"),
            (image, &linked, Action::Enable, "chroot /mnt update-rc.d cron enable"),
        ];
        for (facts, seen, action, call) in cases {
            let ops = SysV.lower(&want(), &State::Found(seen.clone()), &[action], &facts).unwrap();
            assert_eq!(ops[0].to_string(), call);
        }
        assert!(SysV.check(&want(), &HostFacts::default()).is_err(), "neither tool is there");
    }

    #[test]
    fn in_an_image_only_links_are_looked_at() {
        let facts = HostFacts { image: Some(AbsPath::known("/mnt")), ..facts() };
        let seen = found(&facts, OpOutput::Missing, fixture!("ls-rc2.d-enabled.txt"));
        assert_eq!((seen.run, seen.boot), (None, BootState::Enabled));
    }

    #[test]
    fn links_are_told_apart_by_the_whole_name() {
        let cases =
            [("S01cron", Some('S')), ("K01cron", Some('K')), ("S01anacron", None), ("S1cron", None), ("", None)];
        for (link, expected) in cases {
            assert_eq!(link_kind(link, "cron"), expected, "{link}");
        }
    }

    #[test]
    fn a_failed_read_is_unknown() {
        let script = || OpOutput::file("#!/bin/sh\n");
        let links = || fixture!("ls-rc2.d-enabled.txt");
        for (name, status) in [("LSB unknown", OpOutput::exited(4, "", "")), ("not run", OpOutput::Missing)] {
            assert!(matches!(see(&facts(), script(), status, links()), Interpreted::Unknown(_)), "{name}");
        }
        let planned = see(&facts(), script(), fixture!("service-missing-status.txt"), links());
        assert!(matches!(planned, Interpreted::Known(State::Found(_))), "its script would be there: {planned:?}");
    }
}
