//! rc.d(8) scripts and rc.conf(5).

use super::assignment;
use crate::answer::{change, look, offers_reload, ran, rcvar, said, text, truth};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Content, Expect, Op, OpOutput, Outputs, Replace};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::service::{
    Action, BootState, Goal, Observed, Reload, RunState, Scope, Service, State, Want, check_script, unsupported,
};

/// Services of NetBSD. Run against its own rc.subr on another system, not on NetBSD itself.
pub struct RcD;

/// Folders of scripts that `rc_directories` may add; more are a mistake.
const FOLDERS_MAX: usize = 8;

impl Adapter<Service> for RcD {
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
            Some(attribute) => Err(unsupported(attribute, "rc.d", facts)),
            None if facts.image.is_some() => Err(Problem::unsupported("rc.d does not work on an image")),
            None => Ok(()),
        }
    }

    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        [rc_conf(), own_file(&want.name), standard_folder().join(&want.name)].iter().map(Op::read_file).collect()
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        observed(want, outputs).unwrap_or_else(Interpreted::Unknown)
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], facts: &HostFacts) -> Result<Vec<Op>, Problem> {
        let State::Found(seen) = state else {
            return Err(Problem::failed(format!("service `{}` does not exist", want.name)));
        };
        let script = seen.aside.as_ref().map_or(&*seen.native, |aside| aside.0.as_str());
        let op = |action: &Action| {
            if let Some(own) = want.own_command(*action) {
                return Ok(own);
            }
            Ok(match action {
                Action::Start => change(script, &["onestart"]),
                Action::Stop => change(script, &["onestop"]),
                Action::Reload if seen.reload == Reload::Possible => change(script, &["onereload"]),
                Action::Restart | Action::Reload => change(script, &["onerestart"]),
                Action::Enable => edit(seen, "YES")?,
                Action::Disable => edit(seen, "NO")?,
                Action::SetFlags => return Err(unsupported("flags", "rc.d", facts)),
                Action::Mask | Action::Unmask => return Err(unsupported("masked", "rc.d", facts)),
                Action::SetStartType(_) => return Err(unsupported("start_type", "rc.d", facts)),
            })
        };
        let place = |(place, script): &(AbsPath, Arc<[u8]>)| {
            let replace = Replace::kept(place.clone(), Content::Bytes(script.clone()), Expect::Missing);
            Ok(Op::ReplaceFile(Replace { mode: Some(0o755), ..replace }))
        };
        let first = seen.aside.as_deref().into_iter().filter(|_| !actions.is_empty()).map(place);
        first.chain(actions.iter().map(op)).collect()
    }

    fn diagnose(&self, _: &Want, _: &HostFacts) -> Vec<Op> {
        alloc::vec![look("/usr/bin/tail", &["-n", "20", "/var/log/messages"])]
    }
}

fn rc_conf() -> AbsPath {
    AbsPath::known("/etc/rc.conf")
}

/// The file of this service's variables; it wins over rc.conf (rc.conf(5)).
fn own_file(name: &str) -> AbsPath {
    AbsPath::known("/etc/rc.conf.d").join(name)
}

fn standard_folder() -> AbsPath {
    AbsPath::known("/etc/rc.d")
}

/// Where packages of pkgsrc leave their scripts, to be copied by hand.
fn examples() -> AbsPath {
    AbsPath::known("/usr/pkg/share/examples/rc.d")
}

/// Returns the operation that sets the variable in the file that sets it now.
fn edit(seen: &Observed, word: &str) -> Result<Op, Problem> {
    let unknown = || Problem::failed(format!("`{}` names no variable of rc.conf", seen.native));
    let (Some(variable), Some(file)) = (&seen.variable, &seen.file) else { return Err(unknown()) };
    let old = match seen.content.as_deref() {
        Some(bytes) => core::str::from_utf8(bytes)
            .map_err(|_| Problem::failed(format!("expected UTF-8 text in `{file}`, found other bytes")))?,
        None => "",
    };
    let content = Content::Bytes(assignment::set(old, variable, word).into_bytes().into());
    let expect = seen.content.as_deref().map_or(Expect::Missing, Expect::content);
    Ok(Op::ReplaceFile(Replace::kept(file.clone(), content, expect)))
}

fn observed(want: &Want, outputs: &Outputs) -> Result<Interpreted<State>, String> {
    let name = &*want.name;
    let unread = |path: &AbsPath| format!("`{path}` was not read");
    let conf = text(outputs, &rc_conf()).ok_or_else(|| unread(&rc_conf()))??;
    let own = text(outputs, &own_file(name)).ok_or_else(|| unread(&own_file(name)))??;
    let folders = core::iter::once(standard_folder()).chain(more_folders(&conf)).take(FOLDERS_MAX);
    // Last: a script there is started by nobody.
    let folders: Vec<AbsPath> = folders.chain([examples()]).collect();
    let mut script = None;
    let mut unasked = Vec::new();
    for path in folders.iter().map(|folder| folder.join(name)) {
        match outputs.path(&path) {
            None => unasked.push(Op::read_file(&path)),
            Some(OpOutput::File { content, .. }) if script.is_none() => script = Some((path, content.clone())),
            Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
            _ => {}
        }
    }
    let Some((path, content)) = script else {
        return Ok(match unasked.is_empty() {
            true => Interpreted::Known(State::Missing),
            false => Interpreted::Ask(unasked),
        });
    };
    // Only now, that there is a script: nothing else is run by that name.
    let calls = ["onestatus", "rcvar"].map(|verb| look(path.as_str(), &[verb]));
    let [Some(status), Some(variable)] = calls.each_ref().map(|op| ran(outputs, op)) else {
        return Ok(Interpreted::Ask(calls.into()));
    };
    let ((status, code), (variable, variable_code)) = (status?, variable?);
    if variable_code != 0 {
        return Err(format!("{path} rcvar: exit {variable_code}, {}", said(variable)));
    }
    let run = match code {
        0 => Some(RunState::Running),
        1 if status.out().contains("not running") => Some(RunState::Stopped),
        _ => None,
    };
    // A script may have no such verb, and its run state then be nobody's business; a verb that failed says nothing.
    let has_no_status = status.err().contains("unknown directive");
    if run.is_none() && !(want.goal == Goal::Unmanaged && has_no_status) {
        return Err(format!("{path} onestatus: exit {code}, {}", said(status)));
    }
    let mut seen = Observed { run, ..Observed::new(path.shared()) };
    seen.aside = (path == examples().join(name)).then(|| Box::new((standard_folder().join(name), content.clone())));
    match rcvar(&variable.out()) {
        None => seen.boot = BootState::Fixed("without a variable in rc.conf"),
        Some(variable) => {
            seen.boot = match truth(&variable.value) {
                Some(true) if seen.aside.is_none() => BootState::Enabled,
                Some(_) => BootState::Disabled,
                None => return Err(format!("expected YES or NO of `{}`, found `{}`", variable.name, variable.value)),
            };
            let file = match assignment::value(&own, &variable.name) {
                Some(_) => own_file(name),
                None => rc_conf(),
            };
            seen.content = match outputs.path(&file) {
                Some(OpOutput::File { content, .. }) => Some(content.clone()),
                _ => None,
            };
            seen.file = Some(file);
            seen.variable = Some(variable.name.into());
        }
    }
    if want.may_reload() && !offers_reload(&String::from_utf8_lossy(&content)) {
        seen.reload = Reload::Impossible;
    }
    Ok(Interpreted::Known(State::Found(seen)))
}

/// Returns the folders that `rc_directories` adds.
fn more_folders(conf: &str) -> Vec<AbsPath> {
    let value = assignment::value(conf, "rc_directories").unwrap_or_default();
    value.split([' ', '\t', ':']).filter_map(|word| AbsPath::parse(word).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use vigo_core::action::Ran;
    use vigo_core::host::observe;
    use vigo_core::resource::service::{Boot, OnNotify};

    macro_rules! fixture {
        ($case:literal) => {
            OpOutput::Ran(
                Ran::from_recording(include_str!(concat!("../../tests/fixtures/rcd-netbsd/1.96/", $case, ".txt")))
                    .unwrap()
                    .1,
            )
        };
    }

    fn want(name: &str) -> Want {
        Want { boot: Some(Boot::Enabled), ..Want::new(name, Goal::Running) }
    }

    fn see(want: &Want, answers: &[(&str, OpOutput)]) -> Interpreted<State> {
        observe(&RcD, want, &HostFacts::default(), |op| {
            let op = op.to_string();
            answers.iter().find(|(a, _)| *a == op).map_or(OpOutput::Missing, |(_, output)| output.clone())
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
            ("read /etc/rc.d/food", OpOutput::file("name=food\nrcvar=$name\n")),
            ("/etc/rc.d/food onestatus", status),
            ("/etc/rc.d/food rcvar", rcvar),
        ]
    }

    fn ops(want: &Want, seen: &Observed, actions: &[Action]) -> Vec<Op> {
        RcD.lower(want, &State::Found(seen.clone()), actions, &HostFacts::default()).unwrap()
    }

    fn written(op: &Op) -> (String, String, Expect) {
        let Op::ReplaceFile(r) = op else { panic!("{op}") };
        (r.path.to_string(), String::from_utf8(r.content.bytes().unwrap().into()).unwrap(), r.expect)
    }

    #[test]
    fn onestatus_and_rcvar_say_run_state_and_boot_state() {
        let cases = [
            (fixture!("food-onestatus-running"), fixture!("food-rcvar-enabled"), RunState::Running, BootState::Enabled),
            (fixture!("food-onestatus-stopped"), fixture!("food-rcvar-unset"), RunState::Stopped, BootState::Disabled),
        ];
        for (status, rcvar, run, boot) in cases {
            let seen = found(&want("food"), &food(status, rcvar));
            assert_eq!((seen.run, seen.boot, seen.variable.as_deref()), (Some(run), boot, Some("food")));
        }
        let OpOutput::Ran(status) = fixture!("food-status-not-enabled") else { panic!() };
        assert_eq!(status.code(), Some(1), "`status` says nothing of a service that is not enabled");
    }

    #[test]
    fn a_missing_script_is_missing_and_nothing_is_run() {
        let mut run = false;
        let seen = observe(&RcD, &want("nosuch"), &HostFacts::default(), |op| {
            run |= matches!(op, Op::Run(_));
            OpOutput::Missing
        });
        assert!(matches!(seen, Interpreted::Known(State::Missing)) && !run, "{seen:?}");
    }

    #[test]
    fn more_folders_of_scripts_come_from_rc_directories() {
        let answers = [
            ("read /etc/rc.conf", OpOutput::file("rc_directories=\"/etc/rc.d /usr/pkg/etc/rc.d\"\nfood=YES\n")),
            ("read /usr/pkg/etc/rc.d/food", OpOutput::file("name=food\n")),
            ("/usr/pkg/etc/rc.d/food onestatus", fixture!("food-onestatus-running")),
            ("/usr/pkg/etc/rc.d/food rcvar", fixture!("food-rcvar-enabled")),
        ];
        assert_eq!(&*found(&want("food"), &answers).native, "/usr/pkg/etc/rc.d/food");
    }

    #[test]
    fn a_script_that_its_package_keeps_aside_is_put_in_its_place_first() {
        let script = "name=food\nrcvar=$name\n";
        let mut answers = alloc::vec![
            ("read /etc/rc.conf", OpOutput::file("food=YES\n")),
            ("read /usr/pkg/share/examples/rc.d/food", OpOutput::file(script)),
            ("/usr/pkg/share/examples/rc.d/food onestatus", fixture!("food-onestatus-stopped")),
            ("/usr/pkg/share/examples/rc.d/food rcvar", fixture!("food-rcvar-enabled")),
        ];
        let seen = found(&want("food"), &answers);
        assert_eq!((seen.run, seen.boot), (Some(RunState::Stopped), BootState::Disabled), "nothing starts it at boot");
        let calls = ops(&want("food"), &seen, &[Action::Enable, Action::Start]);
        assert_eq!(written(&calls[0]), ("/etc/rc.d/food".into(), script.into(), Expect::Missing));
        assert!(calls[0].to_string().contains(" mode 0755"), "{}", calls[0]);
        assert_eq!(calls[2].to_string(), "/etc/rc.d/food onestart");
        assert!(ops(&want("food"), &seen, &[]).is_empty(), "what is only looked at is not copied");
        answers.extend(food(fixture!("food-onestatus-stopped"), fixture!("food-rcvar-enabled")));
        assert_eq!(found(&want("food"), &answers).aside, None, "the one in its place counts");
    }

    #[test]
    fn edits_keep_quotes_and_comments_are_atomic_and_call_no_sed() {
        let before = "# mine\nfood=\"NO\" # later\n";
        let mut answers = food(fixture!("food-onestatus-running"), fixture!("food-rcvar-unset"));
        answers.push(("read /etc/rc.conf", OpOutput::file(before)));
        let calls = ops(&want("food"), &found(&want("food"), &answers), &[Action::Enable]);
        let after = "# mine\nfood=\"YES\" # later\n";
        assert_eq!(written(&calls[0]), ("/etc/rc.conf".into(), after.into(), Expect::content(before.as_bytes())));
        assert_eq!(calls.len(), 1, "one rename, and no program: {calls:?}");
    }

    #[test]
    fn the_variable_has_no_enable_in_its_name_and_underscores_for_dashes() {
        let answers = [
            ("read /etc/rc.d/a-b", OpOutput::file("name=a-b\nrcvar=a_b\n")),
            ("/etc/rc.d/a-b onestatus", fixture!("food-onestatus-stopped")),
            ("/etc/rc.d/a-b rcvar", OpOutput::exited(0, "# a-b\n$a_b=NO\n", "")),
        ];
        let seen = found(&want("a-b"), &answers);
        assert_eq!(seen.variable.as_deref(), Some("a_b"));
        assert_eq!(written(&ops(&want("a-b"), &seen, &[Action::Enable])[0]).1, "a_b=YES\n");
    }

    #[test]
    fn a_missing_assignment_is_added_and_another_is_replaced_where_it_stands() {
        let status = || food(fixture!("food-onestatus-running"), fixture!("food-rcvar-unset"));
        let mut none = status();
        none.push(("read /etc/rc.conf", OpOutput::file("sshd=YES\n")));
        let mut there = status();
        there.push(("read /etc/rc.conf", OpOutput::file("food=\"NO\" # later\nsshd=YES\n")));
        let mut own = status();
        own.push(("read /etc/rc.conf", OpOutput::file("sshd=YES\n")));
        own.push(("read /etc/rc.conf.d/food", OpOutput::file("food_flags=-v\nfood=NO\n")));
        let cases = [
            ("nothing at all", status(), "/etc/rc.conf", "", "food=YES\n"),
            ("added", none, "/etc/rc.conf", "sshd=YES\n", "sshd=YES\nfood=YES\n"),
            ("replaced", there, "/etc/rc.conf", "food=\"NO\" # later\nsshd=YES\n", "food=\"YES\" # later\nsshd=YES\n"),
            (
                "its own file keeps its other lines",
                own,
                "/etc/rc.conf.d/food",
                "food_flags=-v\nfood=NO\n",
                "food_flags=-v\nfood=YES\n",
            ),
        ];
        for (name, answers, path, before, after) in cases {
            let seen = found(&want("food"), &answers);
            let ops = ops(&want("food"), &seen, &[Action::Enable]);
            let expect = if before.is_empty() { Expect::Missing } else { Expect::content(before.as_bytes()) };
            assert_eq!(written(&ops[0]), (path.into(), after.into(), expect), "{name}");
        }
    }

    #[test]
    fn only_one_verbs_are_used() {
        let seen = found(&want("food"), &food(fixture!("food-onestatus-running"), fixture!("food-rcvar-enabled")));
        let calls: Vec<String> = ops(&want("food"), &seen, &[Action::Start, Action::Stop, Action::Restart])
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(calls, ["/etc/rc.d/food onestart", "/etc/rc.d/food onestop", "/etc/rc.d/food onerestart"]);
    }

    #[test]
    fn what_does_not_offer_reload_is_restarted() {
        let want = Want { on_notify: OnNotify::Reload, ..want("food") };
        let mut answers = food(fixture!("food-onestatus-running"), fixture!("food-rcvar-enabled"));
        let seen = found(&want, &answers);
        assert_eq!(ops(&want, &seen, &[Action::Reload])[0].to_string(), "/etc/rc.d/food onerestart");
        let OpOutput::Ran(refused) = fixture!("food-reload-not-supported") else { panic!() };
        assert_eq!(refused.code(), Some(1));
        answers[0].1 = OpOutput::file("name=food\nextra_commands=\"reload\"\n");
        let seen = found(&want, &answers);
        assert_eq!(ops(&want, &seen, &[Action::Reload])[0].to_string(), "/etc/rc.d/food onereload");
    }

    #[test]
    fn a_failed_read_is_unknown() {
        let rcvar = || fixture!("food-rcvar-enabled");
        let cases = [
            ("no status verb", food(fixture!("food-unknown-verb"), rcvar())),
            ("not run", food(OpOutput::Missing, rcvar())),
            ("rcvar fails", food(fixture!("food-onestatus-running"), OpOutput::exited(1, "", "boom\n"))),
            ("no truth word", food(fixture!("food-onestatus-running"), OpOutput::exited(0, "$food=perhaps\n", ""))),
        ];
        for (name, answers) in cases {
            assert!(matches!(see(&want("food"), &answers), Interpreted::Unknown(_)), "{name}");
        }
    }

    #[test]
    fn a_status_that_fails_is_unknown_also_where_the_run_state_is_left_alone() {
        let unmanaged = Want::new("food", Goal::Unmanaged);
        let fails = food(OpOutput::exited(1, "", "cannot fork\n"), fixture!("food-rcvar-enabled"));
        assert!(matches!(see(&unmanaged, &fails), Interpreted::Unknown(_)), "a notification must not get lost");
        let none = food(fixture!("food-unknown-verb"), fixture!("food-rcvar-enabled"));
        assert_eq!(found(&unmanaged, &none).run, None, "a script without status");
    }

    #[test]
    fn dangerous_scripts_are_never_run() {
        for name in ["rc", "reboot", "halt", "../../bin/sh"] {
            assert!(RcD.check(&want(name), &HostFacts::default()).is_err(), "{name}");
        }
    }
}
