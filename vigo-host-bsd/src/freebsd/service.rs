//! service(8), sysrc(8) and rc.d(8) scripts.

use crate::answer::{change, look, offers_reload, ran, rcvar, said, text, truth};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Op, OpOutput, Outputs};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::service::{
    Action, BootState, Goal, Observed, Reload, RunState, Scope, Service, State, Want, check_script, unsupported,
};

/// Services of FreeBSD. Run against its own scripts on another system, not on FreeBSD itself.
pub struct RcD;

const SERVICE: &str = "/usr/sbin/service";
const SYSRC: &str = "/usr/sbin/sysrc";

impl Adapter<Service> for RcD {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        check_script(&want.name)?;
        if want.name.bytes().any(|b| b.is_ascii_uppercase()) && !want.name.bytes().any(|b| b.is_ascii_lowercase()) {
            let message = format!("`{}` is a placeholder in the order of scripts, not a service", want.name);
            return Err(Problem::bad_value("service", message));
        }
        let attribute = match want {
            Want { mask: Some(_), .. } => Some("masked"),
            Want { start_type: Some(_), .. } => Some("start_type"),
            Want { runlevel: Some(_), .. } => Some("runlevel"),
            Want { scope: Scope::User(_), .. } => Some("scope"),
            _ => None,
        };
        match attribute {
            Some(attribute) => Err(unsupported(attribute, "rc.d", facts)),
            None if facts.image.is_some() => Err(Problem::unsupported("rc.d does not work on an image")),
            None => Ok(()),
        }
    }

    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        let name = &*want.name;
        // `status` of what is not enabled says nothing, and exits 0 (rc.subr(8) of 12.1): always the `one…` verbs.
        let mut ops = alloc::vec![look(SERVICE, &[name, "onestatus"]), look(SERVICE, &[name, "rcvar"])];
        ops.extend(scripts(name).iter().map(Op::read_file));
        ops.extend(own_files(name).iter().map(Op::read_file));
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
        let variable = || {
            let none = || Problem::failed(format!("service `{name}` has no variable in rc.conf"));
            seen.variable.as_deref().ok_or_else(none)
        };
        // Where rc.conf.d sets it, that file wins over rc.conf, into which sysrc would write.
        let set = |assignment: &str| match &seen.file {
            Some(file) => change(SYSRC, &["-f", file.as_str(), assignment]),
            None => change(SYSRC, &[assignment]),
        };
        let mut ops = Vec::new();
        for action in actions {
            if let Some(own) = want.own_command(*action) {
                ops.push(own);
                continue;
            }
            match action {
                Action::Start => ops.push(change(SERVICE, &[name, "onestart"])),
                Action::Stop => ops.push(change(SERVICE, &[name, "onestop"])),
                Action::Reload if seen.reload == Reload::Possible => ops.push(change(SERVICE, &[name, "onereload"])),
                Action::Restart | Action::Reload => ops.push(change(SERVICE, &[name, "onerestart"])),
                Action::Enable | Action::Disable => {
                    let on = *action == Action::Enable;
                    ops.push(set(&format!("{}={}", variable()?, if on { "YES" } else { "NO" })));
                    // sysrc without permission exits 0: the script itself is asked whether it took.
                    let enabled = Command::read(SERVICE, [name, "enabled"]).accept(&[if on { 0 } else { 1 }]);
                    ops.push(Op::Run(enabled));
                }
                Action::SetFlags => {
                    let flags = want.flags.as_deref().unwrap_or("");
                    ops.push(set(&format!("{}={flags}", flags_variable(variable()?))));
                }
                Action::Mask | Action::Unmask => return Err(unsupported("masked", "rc.d", facts)),
                Action::SetStartType(_) => return Err(unsupported("start_type", "rc.d", facts)),
            }
        }
        Ok(ops)
    }

    fn diagnose(&self, _: &Want, _: &HostFacts) -> Vec<Op> {
        alloc::vec![look("/usr/bin/tail", &["-n", "20", "/var/log/messages"])]
    }
}

fn scripts(name: &str) -> [AbsPath; 2] {
    [AbsPath::known("/etc/rc.d").join(name), AbsPath::known("/usr/local/etc/rc.d").join(name)]
}

/// Files that set variables of this service only; they win over rc.conf and rc.conf.local, and the last one over the
/// first (rc.conf(5)).
fn own_files(name: &str) -> [AbsPath; 2] {
    [AbsPath::known("/etc/rc.conf.d").join(name), AbsPath::known("/usr/local/etc/rc.conf.d").join(name)]
}

fn flags_variable(variable: &str) -> String {
    format!("{}_flags", variable.strip_suffix("_enable").unwrap_or(variable))
}

fn observed(want: &Want, outputs: &Outputs, _: &HostFacts) -> Result<Interpreted<State>, String> {
    let name = &*want.name;
    let answer = |verb: &str| {
        let op = look(SERVICE, &[name, verb]);
        ran(outputs, &op).unwrap_or_else(|| Err(format!("`{op}` was not run")))
    };
    let mut script = None;
    for path in scripts(name) {
        match outputs.path(&path) {
            Some(OpOutput::File { content, .. }) => {
                script.get_or_insert_with(|| String::from_utf8_lossy(content).into_owned());
            }
            Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
            _ => {}
        }
    }
    let (rcvar_ran, rcvar_code) = answer("rcvar")?;
    if script.is_none() && rcvar_code != 0 {
        return Ok(Interpreted::Known(State::Missing));
    }
    let (status, code) = answer("onestatus")?;
    let run = match code {
        // pf(4): the exit code says nothing.
        _ if name == "pf" => {
            let out = status.out();
            match (out.contains("Enabled"), out.contains("Disabled")) {
                (true, _) => Some(RunState::Running),
                (false, true) => Some(RunState::Stopped),
                (false, false) => None,
            }
        }
        0 => Some(RunState::Running),
        // A line of its own words; a broken line in rc.conf adds to stderr and changes no exit code.
        1 if !status.out().trim().is_empty() || status.err().contains("not running") => Some(RunState::Stopped),
        _ => None,
    };
    // A script may have no such verb, and its run state then be nobody's business; a verb that failed says nothing.
    let has_no_status = status.err().contains("unknown directive");
    if run.is_none() && !(want.goal == Goal::Unmanaged && has_no_status) {
        return Err(format!("service {name} onestatus: exit {code}, {}", said(status)));
    }
    let mut seen = Observed { run, ..Observed::new(name) };
    if rcvar_code != 0 {
        return Err(format!("service {name} rcvar: exit {rcvar_code}, {}", said(rcvar_ran)));
    }
    match rcvar(&rcvar_ran.out()) {
        None => seen.boot = BootState::Fixed("without a variable in rc.conf"),
        Some(variable) => {
            seen.boot = match truth(&variable.value) {
                Some(true) => BootState::Enabled,
                Some(false) => BootState::Disabled,
                None => return Err(format!("expected YES or NO of `{}`, found `{}`", variable.name, variable.value)),
            };
            // What is set there is set after all else, be it the one variable or the other.
            let ours = [&variable.name, &flags_variable(&variable.name)];
            for file in own_files(name) {
                let content = text(outputs, &file).transpose()?.unwrap_or_default();
                if content.lines().any(|line| ours.iter().any(|variable| assigns(line, variable))) {
                    seen.file = Some(file);
                }
            }
            seen.variable = Some(variable.name.into());
        }
    }
    if let (Some(wanted), Some(variable)) = (&want.flags, &seen.variable) {
        let name = flags_variable(variable);
        // sysrc reads rc.conf and rc.conf.local, and a service's own file only when it is named.
        let own = seen.file.as_ref().map(|file| look(SYSRC, &["-f", file.as_str(), "-qn", &name]));
        let asked: Vec<Op> = own.into_iter().chain([look(SYSRC, &["-qn", &name])]).collect();
        let mut now = String::new();
        for op in &asked {
            match ran(outputs, op).transpose()? {
                None => return Ok(Interpreted::Ask(asked)),
                Some((ran, 0)) => {
                    now = ran.out().trim().into();
                    break;
                }
                // Not set there.
                Some((ran, 1)) if ran.err().trim().is_empty() => {}
                Some((ran, code)) => return Err(format!("sysrc: exit {code}, {}", said(ran))),
            }
        }
        let same = now.split_whitespace().eq(wanted.split_whitespace());
        seen.flags = Some(if same { wanted.clone() } else { now.into() });
    }
    if want.may_reload() && !script.is_some_and(|text| offers_reload(&text)) {
        seen.reload = Reload::Impossible;
    }
    Ok(Interpreted::Known(State::Found(seen)))
}

/// Returns whether the line of a shell file sets the variable.
fn assigns(line: &str, variable: &str) -> bool {
    line.trim_start().strip_prefix(variable).is_some_and(|rest| rest.starts_with('='))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use vigo_core::action::{FailureKind, OpFailure, Ran};
    use vigo_core::host::observe;
    use vigo_core::resource::service::{Boot, OnNotify};

    macro_rules! fixture {
        ($folder:literal, $case:literal) => {
            OpOutput::Ran(
                Ran::from_recording(include_str!(concat!("../../tests/fixtures/", $folder, "/", $case, ".txt")))
                    .unwrap()
                    .1,
            )
        };
    }
    macro_rules! service {
        ($case:literal) => {
            fixture!("service-freebsd/12.1", $case)
        };
    }

    const SCRIPT: &str = "#!/bin/sh\n. /etc/rc.subr\nname=food\nrcvar=food_enable\nextra_commands=\"reload\"\n";

    fn want(name: &str) -> Want {
        Want { boot: Some(Boot::Enabled), ..Want::new(name, Goal::Running) }
    }

    fn see(want: &Want, answers: &[(&str, OpOutput)]) -> Interpreted<State> {
        observe(&RcD, want, &HostFacts::default(), |op| {
            let op = op.to_string();
            let call = op.strip_prefix("/usr/sbin/service ").unwrap_or(&op);
            answers.iter().find(|(a, _)| *a == call).map_or(OpOutput::Missing, |(_, output)| output.clone())
        })
    }

    fn found(want: &Want, answers: &[(&str, OpOutput)]) -> Observed {
        match see(want, answers) {
            Interpreted::Known(State::Found(seen)) => seen,
            other => panic!("{}: {other:?}", want.name),
        }
    }

    fn food(status: OpOutput, rcvar: OpOutput) -> Vec<(&'static str, OpOutput)> {
        alloc::vec![
            ("food onestatus", status),
            ("food rcvar", rcvar),
            ("read /usr/local/etc/rc.d/food", OpOutput::file(SCRIPT)),
        ]
    }

    fn lowered(want: &Want, seen: Observed, actions: &[Action]) -> Vec<String> {
        let ops = RcD.lower(want, &State::Found(seen), actions, &HostFacts::default()).unwrap();
        ops.iter().map(|op| op.to_string().replace("/usr/sbin/", "")).collect()
    }

    #[test]
    fn onestatus_and_rcvar_say_run_state_and_boot_state() {
        let on = || OpOutput::exited(0, "# food\n#\nfood_enable=\"YES\"\n#   (default: \"\")\n\n", "");
        let cases = [
            (service!("food-onestatus-running"), on(), RunState::Running, BootState::Enabled),
            (service!("food-onestatus-stopped"), on(), RunState::Stopped, BootState::Enabled),
            (
                service!("food-onestatus-running"),
                service!("food-rcvar-disabled"),
                RunState::Running,
                BootState::Disabled,
            ),
        ];
        for (status, rcvar, run, boot) in cases {
            let seen = found(&want("food"), &food(status, rcvar));
            assert_eq!((seen.run, seen.boot), (Some(run), boot));
            assert_eq!(seen.variable.as_deref(), Some("food_enable"));
        }
    }

    #[test]
    fn only_one_verbs_are_used_because_the_others_exit_0_when_not_enabled() {
        for output in [service!("food-start-not-enabled"), service!("food-status-not-enabled")] {
            let OpOutput::Ran(ran) = output else { panic!() };
            assert_eq!(ran.code(), Some(0), "it did nothing");
        }
        let actions = [Action::Start, Action::Stop, Action::Restart, Action::Reload];
        assert_eq!(
            lowered(&want("food"), Observed::new("food"), &actions),
            ["service food onestart", "service food onestop", "service food onerestart", "service food onereload"]
        );
    }

    #[test]
    fn services_of_jails_are_left_to_agents_in_them_and_no_name_passes_for_an_option() {
        let actions = [Action::Start, Action::Stop, Action::Restart, Action::Reload, Action::Disable];
        let seen = Observed { variable: Some("food_enable".into()), ..Observed::new("food") };
        for call in lowered(&want("food"), seen, &actions) {
            assert!(call.starts_with("service food ") || call.starts_with("sysrc food_enable="), "{call}");
        }
        for name in ["-j", "-R", "-e", "-l"] {
            assert!(RcD.check(&want(name), &HostFacts::default()).is_err(), "{name}");
        }
    }

    #[test]
    fn edits_keep_quotes_and_comments_and_are_atomic_because_sysrc_alone_makes_them() {
        let own = Observed {
            variable: Some("food_enable".into()),
            file: Some(AbsPath::known("/etc/rc.conf.d/food")),
            ..Observed::new("food")
        };
        for seen in [own.clone(), Observed { file: None, ..own }] {
            let want = Want { flags: Some("-v".into()), ..want("food") };
            let actions = [Action::Enable, Action::Disable, Action::SetFlags];
            let ops = RcD.lower(&want, &State::Found(seen), &actions, &HostFacts::default()).unwrap();
            assert!(ops.iter().all(|op| matches!(op, Op::Run(_))), "no file is written here: {ops:?}");
        }
    }

    #[test]
    fn a_script_that_cannot_be_read_is_unknown_and_not_missing() {
        let failed = OpFailure { kind: FailureKind::Denied, message: "permission denied".into() };
        let answers = [
            ("food onestatus", OpOutput::exited(1, "food does not exist in /etc/rc.d\n", "")),
            ("food rcvar", OpOutput::exited(1, "food does not exist in /etc/rc.d\n", "")),
            ("read /etc/rc.d/food", OpOutput::Failed(failed)),
        ];
        assert!(matches!(see(&want("food"), &answers), Interpreted::Unknown(_)));
    }

    #[test]
    fn the_default_of_the_script_counts_when_nothing_is_set() {
        for (value, boot) in [("YES", BootState::Enabled), ("NO", BootState::Disabled)] {
            let rcvar = format!("# food\n#\nfood_enable=\"{value}\"\n#   (default: \"{value}\")\n\n");
            let answers = food(service!("food-onestatus-stopped"), OpOutput::exited(0, &rcvar, ""));
            assert_eq!(found(&want("food"), &answers).boot, boot, "{value}");
        }
    }

    #[test]
    fn a_missing_script_is_missing() {
        let answers =
            [("nosuch onestatus", service!("missing-onestart")), ("nosuch rcvar", service!("missing-status"))];
        assert!(matches!(see(&want("nosuch"), &answers), Interpreted::Known(State::Missing)));
    }

    #[test]
    fn a_broken_line_in_rc_conf_does_no_harm() {
        let recording = include_str!("../../tests/fixtures/service-freebsd/12.1/list-all-with-broken-rc.conf.txt");
        let broken = Ran::from_recording(recording).unwrap().1;
        let noisy = |output: OpOutput| {
            let OpOutput::Ran(ran) = output else { panic!() };
            OpOutput::Ran(Ran { stderr: broken.stderr.clone(), ..ran })
        };
        let answers = food(noisy(service!("food-onestatus-stopped")), noisy(service!("food-rcvar-disabled")));
        let seen = found(&want("food"), &answers);
        assert_eq!((seen.run, seen.boot), (Some(RunState::Stopped), BootState::Disabled));
    }

    #[test]
    fn the_firewall_is_known_by_its_words() {
        let script = ("read /etc/rc.d/pf", OpOutput::file("name=pf\n"));
        let rcvar = ("pf rcvar", OpOutput::exited(0, "pf_enable=\"YES\"\n", ""));
        let cases = [
            ("Status: Enabled for 0 days 00:01:02\n", RunState::Running),
            ("Status: Disabled for 0 days 00:01:02\n", RunState::Stopped),
        ];
        for (text, run) in cases {
            for code in [0, 1] {
                let answers = [script.clone(), rcvar.clone(), ("pf onestatus", OpOutput::exited(code, text, ""))];
                assert_eq!(found(&want("pf"), &answers).run, Some(run), "{text} exit {code}");
            }
        }
    }

    #[test]
    fn placeholders_are_no_services() {
        for name in ["NETWORKING", "DAEMON", "rc", "reboot"] {
            assert!(RcD.check(&want(name), &HostFacts::default()).is_err(), "{name}");
        }
        assert!(RcD.check(&want("food"), &HostFacts::default()).is_ok());
    }

    #[test]
    fn boot_state_is_set_by_sysrc_and_read_back_from_the_script() {
        let seen = found(&want("food"), &food(service!("food-onestatus-running"), service!("food-rcvar-disabled")));
        assert_eq!(
            lowered(&want("food"), seen.clone(), &[Action::Enable]),
            ["sysrc food_enable=YES", "service food enabled"]
        );
        let ops = RcD.lower(&want("food"), &State::Found(seen), &[Action::Disable], &HostFacts::default()).unwrap();
        let [_, Op::Run(check)] = &ops[..] else { panic!("{ops:?}") };
        let OpOutput::Ran(no) = service!("food-enabled-no") else { panic!() };
        let OpOutput::Ran(yes) = service!("food-enabled-yes") else { panic!() };
        assert_eq!(check.accept, [no.code().unwrap()]);
        assert_ne!(check.accept, [yes.code().unwrap()]);
    }

    #[test]
    fn a_variable_is_edited_where_it_stands() {
        let mut answers = food(service!("food-onestatus-running"), service!("food-rcvar-disabled"));
        answers.push(("read /etc/rc.conf.d/food", OpOutput::file("# ours\nfood_enable=\"NO\"\n")));
        let seen = found(&want("food"), &answers);
        assert_eq!(lowered(&want("food"), seen, &[Action::Enable])[0], "sysrc -f /etc/rc.conf.d/food food_enable=YES");
        let OpOutput::Ran(set) = fixture!("sysrc/10.2", "set-in-other-file") else { panic!() };
        assert!(set.success());
        answers.pop();
        answers.push(("read /etc/rc.conf.d/food", OpOutput::file("food_user=\"-v\"\n")));
        assert_eq!(found(&want("food"), &answers).file, None, "it sets something else");
    }

    #[test]
    fn flags_are_read_and_set_in_the_services_own_file_which_wins() {
        let want = Want { flags: Some("-v".into()), ..want("food") };
        let unset = || fixture!("sysrc/10.2", "get-missing-quiet");
        let set = || OpOutput::exited(0, "-x\n", "");
        let own = "/usr/local/etc/rc.conf.d/food";
        let cases = [
            ("its own file sets it", Some("food_flags=\"-x\"\n"), set(), unset(), "-x", true),
            ("its own file sets the other", Some("food_enable=NO\n"), unset(), set(), "-x", true),
            ("nothing sets it", Some("food_enable=NO\n"), unset(), unset(), "", true),
            ("no file of its own", None, OpOutput::Missing, set(), "-x", false),
        ];
        for (name, file, in_file, elsewhere, flags, is_own) in cases {
            let mut answers = food(service!("food-onestatus-running"), service!("food-rcvar-disabled"));
            answers.push(("/usr/sbin/sysrc -f /usr/local/etc/rc.conf.d/food -qn food_flags", in_file));
            answers.push(("/usr/sbin/sysrc -qn food_flags", elsewhere));
            answers.push(("read /etc/rc.conf.d/food", OpOutput::Missing));
            answers.extend(file.map(|text| ("read /usr/local/etc/rc.conf.d/food", OpOutput::file(text))));
            let seen = found(&want, &answers);
            assert_eq!(seen.flags.as_deref(), Some(flags), "{name}");
            let call = if is_own { format!("sysrc -f {own} food_flags=-v") } else { "sysrc food_flags=-v".into() };
            assert_eq!(lowered(&want, seen, &[Action::SetFlags]), [call], "{name}");
        }
        let mut both = food(service!("food-onestatus-running"), service!("food-rcvar-disabled"));
        both.extend(
            ["read /etc/rc.conf.d/food", "read /usr/local/etc/rc.conf.d/food"]
                .map(|read| (read, OpOutput::file("food_enable=NO\n"))),
        );
        let want = Want { flags: None, ..want };
        assert_eq!(found(&want, &both).file.unwrap().as_str(), own, "it is read last");
    }

    #[test]
    fn flags_are_compared_by_words() {
        let with = |flags: &str| Want { flags: Some(flags.into()), ..want("food") };
        let cases = [
            ("set", "-a -b", OpOutput::exited(0, "-a  -b\n", ""), "-a -b"),
            ("differs", "-c", OpOutput::exited(0, "-a  -b\n", ""), "-a  -b"),
            ("unset", "-c", fixture!("sysrc/10.2", "get-missing-quiet"), ""),
        ];
        for (name, flags, output, expected) in cases {
            let mut answers = food(service!("food-onestatus-running"), service!("food-rcvar-disabled"));
            answers.push(("/usr/sbin/sysrc -qn food_flags", output));
            let seen = found(&with(flags), &answers);
            assert_eq!(seen.flags.as_deref(), Some(expected), "{name}");
            let call = lowered(&with(flags), seen, &[Action::SetFlags]);
            assert_eq!(call.len(), 1);
            assert!(call[0].contains("food_flags="), "{call:?}");
        }
    }

    #[test]
    fn dragonfly_has_no_enable_in_the_name() {
        let answers = food(service!("food-onestatus-running"), OpOutput::exited(0, "# food\n$food=YES\n", ""));
        let seen = found(&want("food"), &answers);
        assert_eq!((seen.boot, seen.variable.as_deref()), (BootState::Enabled, Some("food")));
        assert_eq!(flags_variable("food"), "food_flags");
    }

    #[test]
    fn what_does_not_offer_reload_is_restarted() {
        let want = Want { on_notify: OnNotify::Reload, ..want("food") };
        let mut answers = food(service!("food-onestatus-running"), service!("food-rcvar-disabled"));
        assert_eq!(found(&want, &answers).reload, Reload::Possible);
        answers[2].1 = OpOutput::file("name=food\n");
        let seen = found(&want, &answers);
        assert_eq!(lowered(&want, seen, &[Action::Reload]), ["service food onerestart"]);
        let OpOutput::Ran(refused) = service!("food-unknown-verb") else { panic!() };
        assert_eq!(refused.code(), Some(1));
    }

    #[test]
    fn a_failed_read_is_unknown() {
        let rcvar = || service!("food-rcvar-disabled");
        let cases = [
            ("no status verb", food(service!("food-unknown-verb"), rcvar())),
            ("not run", food(OpOutput::Missing, rcvar())),
            ("no truth word", food(service!("food-onestatus-running"), OpOutput::exited(0, "food_enable=maybe\n", ""))),
            ("rcvar fails", food(service!("food-onestatus-running"), OpOutput::exited(1, "", "boom\n"))),
            (
                "cut",
                food(
                    service!("food-onestatus-running"),
                    OpOutput::Ran(Ran { truncated: true, ..Ran::exited(0, "# food\n", "") }),
                ),
            ),
        ];
        for (name, answers) in cases {
            assert!(matches!(see(&want("food"), &answers), Interpreted::Unknown(_)), "{name}");
        }
        let unmanaged = Want { boot: Some(Boot::Disabled), ..Want::new("food", Goal::Unmanaged) };
        assert!(
            found(&unmanaged, &food(service!("food-unknown-verb"), rcvar())).run.is_none(),
            "a script without status"
        );
        let fails = food(OpOutput::exited(1, "", "cannot fork\n"), rcvar());
        assert!(matches!(see(&unmanaged, &fails), Interpreted::Unknown(_)), "a notification must not get lost");
    }
}
