//! rcctl(8).

use crate::answer::{change, look, ran, said, text};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Op, Outputs};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::service::{
    Action, Boot, BootState, Observed, Reload, RunState, Scope, Service, State, Want, check_script, unsupported,
};

/// Services of OpenBSD. Run against rcctl 1.120 on another system, not on OpenBSD itself.
pub struct Rcctl;

const RCCTL: &str = "/usr/sbin/rcctl";

/// From here on, two listings are cheaper than two calls a service.
const BATCH_MIN: usize = 3;

impl Adapter<Service> for Rcctl {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        check_script(&want.name)?;
        if want.flags.as_deref() == Some("NO") {
            let problem = Problem::bad_value("flags", "expected flags, found `NO`");
            return Err(problem.help("write `enabled: false`"));
        }
        let attribute = match want {
            Want { mask: Some(_), .. } => Some("masked"),
            Want { start_type: Some(_), .. } => Some("start_type"),
            Want { runlevel: Some(_), .. } => Some("runlevel"),
            Want { scope: Scope::User(_), .. } => Some("scope"),
            _ => None,
        };
        match attribute {
            Some(attribute) => Err(unsupported(attribute, "rcctl", facts)),
            None if facts.image.is_some() => Err(Problem::unsupported("rcctl does not work on an image")),
            None => Ok(()),
        }
    }

    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        let mut ops = alloc::vec![get(&want.name), check(&want.name)];
        ops.extend(details(want));
        ops
    }

    fn probe_all(&self, wants: &[&Want], facts: &HostFacts) -> Vec<Op> {
        if wants.len() < BATCH_MIN {
            return wants.iter().flat_map(|want| self.probe(want, facts)).collect();
        }
        let mut ops: Vec<Op> = ["all", "on", "started"].iter().map(|what| ls(what)).collect();
        for want in wants {
            ops.extend(want.flags.is_some().then(|| get(&want.name)));
            ops.extend(details(want));
        }
        ops
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        match observed(want, outputs) {
            Ok(Some(state)) => Interpreted::Known(state),
            Ok(None) => Interpreted::Ask(self.probe(want, facts)),
            Err(why) => Interpreted::Unknown(why),
        }
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], facts: &HostFacts) -> Result<Vec<Op>, Problem> {
        let State::Found(seen) = state else {
            return Err(Problem::failed(format!("service `{}` does not exist", want.name)));
        };
        let name = &*want.name;
        // `-f` starts what is not enabled, too (rcctl(8)).
        let op = |action: &Action| {
            if let Some(own) = want.own_command(*action) {
                return Ok(own);
            }
            Ok(match action {
                Action::Start => change(RCCTL, &["-f", "start", name]),
                Action::Stop => change(RCCTL, &["-f", "stop", name]),
                Action::Restart => change(RCCTL, &["-f", "restart", name]),
                Action::Reload if seen.reload == Reload::Impossible => change(RCCTL, &["-f", "restart", name]),
                Action::Reload => change(RCCTL, &["-f", "reload", name]),
                Action::Enable => change(RCCTL, &["enable", name]),
                Action::Disable => change(RCCTL, &["disable", name]),
                Action::SetFlags => match want.flags.as_deref() {
                    None | Some("") => change(RCCTL, &["set", name, "flags"]),
                    Some(flags) => {
                        let mut args = alloc::vec!["set", name, "flags"];
                        args.extend(flags.split_whitespace());
                        change(RCCTL, &args)
                    }
                },
                Action::Mask | Action::Unmask => return Err(unsupported("masked", "rcctl", facts)),
                Action::SetStartType(_) => return Err(unsupported("start_type", "rcctl", facts)),
            })
        };
        actions.iter().map(op).collect()
    }

    fn diagnose(&self, _: &Want, _: &HostFacts) -> Vec<Op> {
        alloc::vec![look("/usr/bin/tail", &["-n", "20", "/var/log/daemon"])]
    }
}

fn get(name: &str) -> Op {
    look(RCCTL, &["get", name])
}

fn check(name: &str) -> Op {
    look(RCCTL, &["check", name])
}

fn ls(what: &str) -> Op {
    look(RCCTL, &["ls", what])
}

fn defaults(name: &str) -> Op {
    look(RCCTL, &["getdef", name])
}

fn script(name: &str) -> AbsPath {
    AbsPath::known("/etc/rc.d").join(name)
}

/// Returns what else is read, where flags or a reload are asked for.
fn details(want: &Want) -> Vec<Op> {
    let mut ops = Vec::new();
    ops.extend(want.flags.is_some().then(|| defaults(&want.name)));
    ops.extend(want.may_reload().then(|| Op::read_file(&script(&want.name))));
    ops
}

/// What `rcctl get` says of a service.
struct Got {
    enabled: bool,
    /// `None` for a special variable, which has a status only.
    flags: Option<String>,
}

/// Returns what the answers say; `None` when they are about other services.
fn observed(want: &Want, outputs: &Outputs) -> Result<Option<State>, String> {
    let name = &*want.name;
    let single = match ran(outputs, &get(name)).transpose()? {
        // Exit 2 is "no such service" (rcctl(8)); `disable` of one exits 0 all the same.
        Some((_, 2)) => return Ok(Some(State::Missing)),
        // 1 is also the exit of rcctl's own errors, which it tells on standard error.
        Some((ran, code @ (0 | 1))) if ran.err().trim().is_empty() => {
            Some(Got { enabled: code == 0, flags: variable(&ran.out(), "_flags").map(String::from) })
        }
        Some((ran, code)) => return Err(format!("rcctl get: exit {code}, {}", said(ran))),
        None => None,
    };
    let mut seen = Observed::new(name);
    let checked = ran(outputs, &check(name)).transpose()?;
    let listed = |what: &str| -> Result<Option<bool>, String> {
        match ran(outputs, &ls(what)).transpose()? {
            // These three say 0 whatever they list; only `ls failed` and `ls rogue` know a 1 (rcctl(8)).
            Some((ran, 0)) => Ok(Some(ran.out().lines().any(|line| line.trim() == name))),
            Some((ran, code)) => Err(format!("rcctl ls {what}: exit {code}, {}", said(ran))),
            None => Ok(None),
        }
    };
    seen.run = Some(match checked {
        Some((_, 0)) => RunState::Running,
        Some((_, 2)) => return Ok(Some(State::Missing)),
        Some((ran, 1)) if ran.err().contains("special variable") => {
            seen.broken = true;
            seen.detail = Some("a special variable without a script in /etc/rc.d".into());
            RunState::Stopped
        }
        Some((ran, 1)) if ran.out().contains(&format!("{name}(")) => RunState::Stopped,
        Some((ran, code)) => return Err(format!("rcctl check: exit {code}, {}", said(ran))),
        None => match (listed("all")?, listed("started")?) {
            (Some(false), _) => return Ok(Some(State::Missing)),
            (Some(true), Some(true)) => RunState::Running,
            (Some(true), Some(false)) => RunState::Stopped,
            _ => return Ok(None),
        },
    });
    let enabled = match (&single, listed("on")?) {
        (Some(got), _) => got.enabled,
        (None, Some(on)) => on,
        (None, None) => return Ok(None),
    };
    seen.boot = if enabled { BootState::Enabled } else { BootState::Disabled };
    if let (Some(wanted), Some(got)) = (&want.flags, single) {
        seen.flags = flags(want, wanted, got, outputs)?;
    }
    if want.may_reload() && text(outputs, &script(name)).transpose()?.is_some_and(|s| refuses_reload(&s)) {
        seen.reload = Reload::Impossible;
    }
    Ok(Some(State::Found(seen)))
}

/// Returns the flags as they compare with the wanted ones: empty stands for the daemon's own defaults.
fn flags(want: &Want, wanted: &Arc<str>, got: Got, outputs: &Outputs) -> Result<Option<Arc<str>>, String> {
    let Some(now) = got.flags else { return Ok(None) };
    if now == "NO" {
        // The flags of a service that is off are not kept anywhere; they are set once it is on.
        let stays_off = want.boot != Some(Boot::Enabled);
        return Ok(Some(if stays_off { wanted.clone() } else { "NO".into() }));
    }
    let now = now.split_whitespace().collect::<Vec<_>>().join(" ");
    if !wanted.is_empty() {
        return Ok(Some(if same_words(&now, wanted) { wanted.clone() } else { now.into() }));
    }
    let default = match ran(outputs, &defaults(&want.name)).transpose()? {
        // Defaults of what is off by default read `NO`, which means none.
        Some((ran, 0 | 1)) => String::from(variable(&ran.out(), "_flags").filter(|flags| *flags != "NO").unwrap_or("")),
        _ => String::new(),
    };
    Ok(Some(if same_words(&now, &default) { "".into() } else { now.into() }))
}

fn same_words(a: &str, b: &str) -> bool {
    a.split_whitespace().eq(b.split_whitespace())
}

/// Returns the value of the variable with this ending.
fn variable<'a>(out: &'a str, ending: &str) -> Option<&'a str> {
    out.lines().find_map(|line| line.split_once('=').filter(|(name, _)| name.ends_with(ending))).map(|(_, value)| value)
}

/// Returns whether a script says that it cannot reload (rc.subr(8)).
fn refuses_reload(script: &str) -> bool {
    script.lines().any(|line| line.trim().replace(['"', '\''], "").starts_with("rc_reload=NO"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use vigo_core::action::{OpOutput, Ran};
    use vigo_core::host::observe;
    use vigo_core::resource::service::{Goal, OnNotify};

    macro_rules! fixture {
        ($case:literal) => {
            OpOutput::Ran(
                Ran::from_recording(include_str!(concat!("../../tests/fixtures/rcctl/1.120/", $case, ".txt")))
                    .unwrap()
                    .1,
            )
        };
    }

    fn want(name: &str) -> Want {
        Want { boot: Some(Boot::Enabled), ..Want::new(name, Goal::Running) }
    }

    fn see(want: &Want, answers: &[(&str, OpOutput)]) -> Interpreted<State> {
        observe(&Rcctl, want, &HostFacts::default(), |op| {
            let op = op.to_string();
            let call = op.strip_prefix("/usr/sbin/rcctl ").unwrap_or(&op);
            answers.iter().find(|(a, _)| *a == call).map_or(OpOutput::Missing, |(_, output)| output.clone())
        })
    }

    fn found(want: &Want, answers: &[(&str, OpOutput)]) -> Observed {
        match see(want, answers) {
            Interpreted::Known(State::Found(seen)) => seen,
            other => panic!("{}: {other:?}", want.name),
        }
    }

    fn lowered(want: &Want, seen: Observed, actions: &[Action]) -> Vec<String> {
        let ops = Rcctl.lower(want, &State::Found(seen), actions, &HostFacts::default()).unwrap();
        ops.iter().map(|op| op.to_string().replace("/usr/sbin/", "")).collect()
    }

    #[test]
    fn get_and_check_say_boot_state_and_run_state() {
        let cases = [
            (fixture!("get-food-enabled"), fixture!("check-food-running"), BootState::Enabled, RunState::Running),
            (fixture!("get-food-disabled"), fixture!("check-food-stopped"), BootState::Disabled, RunState::Stopped),
            (fixture!("get-food-enabled"), fixture!("check-food-stopped"), BootState::Enabled, RunState::Stopped),
        ];
        for (get, check, boot, run) in cases {
            let seen = found(&want("food"), &[("get food", get), ("check food", check)]);
            assert_eq!((seen.boot, seen.run), (boot, Some(run)));
        }
    }

    #[test]
    fn exit_2_is_no_such_service_and_never_enabled() {
        let answers = [("get nosuch", fixture!("get-missing")), ("check nosuch", fixture!("check-missing"))];
        assert!(matches!(see(&want("nosuch"), &answers), Interpreted::Known(State::Missing)));
    }

    #[test]
    fn disable_of_an_unknown_service_exits_0_and_proves_nothing() {
        let OpOutput::Ran(ran) = fixture!("disable-missing") else { panic!() };
        assert_eq!(ran.code(), Some(0));
    }

    #[test]
    fn three_listings_serve_many_services() {
        let wants = [want("food"), want("badd"), want("httpd"), want("nosuch")];
        let ops = Rcctl.probe_all(&wants.iter().collect::<Vec<_>>(), &HostFacts::default());
        assert_eq!(ops.len(), 3);
        let mut outputs = Outputs::default();
        for (op, output) in ops.into_iter().zip([fixture!("ls-all"), fixture!("ls-on"), fixture!("ls-started")]) {
            outputs.push(op, Arc::new(output));
        }
        let cases = [
            ("food", Some((BootState::Enabled, RunState::Running))),
            ("badd", Some((BootState::Enabled, RunState::Stopped))),
            ("httpd", Some((BootState::Disabled, RunState::Stopped))),
            ("nosuch", None),
        ];
        for (name, expected) in cases {
            match (Rcctl.interpret(&want(name), &outputs, &HostFacts::default()), expected) {
                (Interpreted::Known(State::Missing), None) => {}
                (Interpreted::Known(State::Found(seen)), Some((boot, run))) => {
                    assert_eq!((seen.boot, seen.run), (boot, Some(run)), "{name}");
                }
                (other, _) => panic!("{name}: {other:?}"),
            }
        }
    }

    #[test]
    fn empty_flags_are_the_defaults_and_no_is_off() {
        let with = |flags: &str| Want { flags: Some(flags.into()), ..want("food") };
        let off = Want { boot: None, ..with("-v") };
        let cases = [
            ("defaults wanted and there", with(""), fixture!("get-food-enabled"), Some("")),
            (
                "defaults wanted, others there",
                with(""),
                fixture!("get-food-enabled-custom-flags"),
                Some("-a two -b x y"),
            ),
            ("the default written out", with("-a one"), fixture!("get-food-enabled"), Some("-a one")),
            (
                "blanks do not count",
                with("-a  two -b x y"),
                fixture!("get-food-enabled-custom-flags"),
                Some("-a  two -b x y"),
            ),
            ("off, and enabled in this run", with("-v"), fixture!("get-food-disabled"), Some("NO")),
            ("off, and staying so", off, fixture!("get-food-disabled"), Some("-v")),
            ("a special variable has none", with("-v"), fixture!("get-pf-special-variable"), None),
        ];
        for (name, want, get, expected) in cases {
            let answers = [
                ("get food", get),
                ("check food", fixture!("check-food-running")),
                ("getdef food", fixture!("getdef-food")),
            ];
            assert_eq!(found(&want, &answers).flags.as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn flags_are_set_after_enable_and_joined_from_words() {
        let want = Want { flags: Some("-a two -b x y".into()), ..want("food") };
        assert_eq!(
            lowered(&want, Observed::new("food"), &[Action::Enable, Action::SetFlags, Action::Restart]),
            ["rcctl enable food", "rcctl set food flags -a two -b x y", "rcctl -f restart food"]
        );
        let reset = Want { flags: Some("".into()), ..want };
        assert_eq!(lowered(&reset, Observed::new("food"), &[Action::SetFlags]), ["rcctl set food flags"]);
        let off = Want { flags: Some("NO".into()), ..reset };
        assert!(Rcctl.check(&off, &HostFacts::default()).is_err(), "rcctl says that it contradicts `set`");
    }

    #[test]
    fn changed_flags_restart_a_running_service() {
        use vigo_core::host::{Family, Phase};
        let want = Want { flags: Some("-v".into()), ..want("food") };
        let now = |run| Observed {
            run: Some(run),
            boot: BootState::Enabled,
            flags: Some("-a".into()),
            ..Observed::new("food")
        };
        let actions = |run| Service::compare(&want, &State::Found(now(run)), Phase::Before).actions;
        let calls = lowered(&want, now(RunState::Running), &actions(RunState::Running));
        assert_eq!(calls, ["rcctl set food flags -v", "rcctl -f restart food"]);
        let calls = lowered(&want, now(RunState::Stopped), &actions(RunState::Stopped));
        assert_eq!(calls, ["rcctl set food flags -v", "rcctl -f start food"], "what starts has them anyway");
    }

    #[test]
    fn the_order_in_pkg_scripts_is_rcctls_and_no_file_is_edited_by_hand() {
        use Action::{Disable, Enable, Reload, Restart, SetFlags, Start, Stop};
        let want = Want { flags: Some("-v".into()), ..want("food") };
        for action in [Enable, Disable, Start, Stop, Restart, Reload, SetFlags] {
            let ops =
                Rcctl.lower(&want, &State::Found(Observed::new("food")), &[action], &HostFacts::default()).unwrap();
            for op in ops {
                assert!(op.to_string().starts_with("/usr/sbin/rcctl "), "{op}");
            }
        }
    }

    #[test]
    fn start_is_forced() {
        assert_eq!(lowered(&want("httpd"), Observed::new("httpd"), &[Action::Start]), ["rcctl -f start httpd"]);
    }

    #[test]
    fn a_special_variable_cannot_be_started() {
        let check = fixture!("start-pf-special-variable");
        let seen = found(&want("pf"), &[("get pf", fixture!("get-pf-special-variable")), ("check pf", check)]);
        assert!(seen.broken);
        assert_eq!(seen.boot, BootState::Enabled);
    }

    #[test]
    fn a_script_that_cannot_reload_is_restarted() {
        let want = Want { on_notify: OnNotify::Reload, ..want("badd") };
        for (script, call) in [
            ("daemon=\"/x\"\n. /etc/rc.d/rc.subr\nrc_reload=NO\n", "rcctl -f restart badd"),
            ("daemon=\"/x\"\n", "rcctl -f reload badd"),
        ] {
            let answers = [
                ("get badd", fixture!("get-food-enabled")),
                ("check badd", fixture!("check-httpd")),
                ("read /etc/rc.d/badd", OpOutput::file(script)),
            ];
            let seen = found(&want, &answers);
            assert_eq!(lowered(&want, seen, &[Action::Reload]), [call]);
        }
        let OpOutput::Ran(refused) = fixture!("reload-badd") else { panic!() };
        assert_eq!(refused.code(), Some(1), "rcctl refuses it");
    }

    #[test]
    fn a_failed_read_is_unknown() {
        let cases = [
            ("no answer", OpOutput::exited(1, "", "rcctl: need root privileges\n")),
            ("another exit", OpOutput::exited(127, "", "sh: not found\n")),
            ("not run", OpOutput::Missing),
        ];
        for (name, check) in cases {
            let answers = [("get food", fixture!("get-food-enabled")), ("check food", check)];
            assert!(matches!(see(&want("food"), &answers), Interpreted::Unknown(_)), "{name}");
        }
        let get = OpOutput::exited(1, "", "rcctl: cannot create temporary file under /etc\n");
        let seen = see(&want("food"), &[("get food", get), ("check food", fixture!("check-food-running"))]);
        assert!(matches!(seen, Interpreted::Unknown(_)), "an error of rcctl is not \"disabled\": {seen:?}");
        for what in ["all", "on", "started"] {
            let mut outputs = Outputs::default();
            for listed in ["all", "on", "started"] {
                let code = i32::from(listed == what);
                outputs.push(ls(listed), Arc::new(OpOutput::exited(code, "food\n", "")));
            }
            let seen = Rcctl.interpret(&want("food"), &outputs, &HostFacts::default());
            assert!(matches!(seen, Interpreted::Unknown(_)), "ls {what} fails: {seen:?}");
        }
        let cut = OpOutput::Ran(Ran { truncated: true, ..Ran::from_recording("$ x\n[exit 0]").unwrap().1 });
        let mut outputs = Outputs::default();
        for what in ["all", "on", "started"] {
            outputs.push(ls(what), Arc::new(cut.clone()));
        }
        assert!(matches!(Rcctl.interpret(&want("food"), &outputs, &HostFacts::default()), Interpreted::Unknown(_)));
    }

    #[test]
    fn dangerous_scripts_and_paths_are_never_run() {
        for name in ["rc", "reboot", "../x", "rc.subr", "a b"] {
            assert!(Rcctl.check(&want(name), &HostFacts::default()).is_err(), "{name}");
        }
    }
}
