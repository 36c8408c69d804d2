//! launchctl(1).

use crate::job;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Op, OpOutput, Outputs, Ran};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::service::{
    Action, Boot, BootState, Observed, Reload, RunState, Scope, Service, State, Want, unsupported,
};

/// Jobs of launchd. *Unverified*: written after what people reported in public.
pub struct Launchd;

const LAUNCHCTL: &str = "/bin/launchctl";

/// `print` of a job that is not loaded.
const NOT_LOADED: i32 = 113;

/// Property lists in a folder, and bytes of one, that are looked through for a label.
const PLISTS_MAX: usize = 2048;
const PLIST_BYTES_MAX: u64 = 256 << 10;

impl Adapter<Service> for Launchd {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        if want.name.contains(['/', '"']) {
            let message = format!("expected the label of a job, found `{}`", want.name);
            return Err(Problem::bad_value("service", message));
        }
        let attribute = match want {
            Want { mask: Some(_), .. } => Some("masked"),
            Want { flags: Some(_), .. } => Some("flags"),
            Want { start_type: Some(_), .. } => Some("start_type"),
            Want { runlevel: Some(_), .. } => Some("runlevel"),
            _ => None,
        };
        match attribute {
            Some(attribute) => Err(unsupported(attribute, "launchd", facts)),
            None if facts.image.is_some() => Err(Problem::unsupported("launchd does not work on an image")),
            None => Ok(()),
        }
    }

    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        match &want.scope {
            Scope::System => look(want, "system"),
            // An agent runs in the session of its user, which is known by number.
            Scope::User(user) => alloc::vec![id(user)],
        }
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        observed(want, outputs).unwrap_or_else(Interpreted::Unknown)
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], facts: &HostFacts) -> Result<Vec<Op>, Problem> {
        let State::Found(seen) = state else {
            return Err(Problem::failed(format!("service `{}` does not exist", want.name)));
        };
        let domain = match (&want.scope, seen.uid) {
            (Scope::System, _) => "system".into(),
            (Scope::User(_), Some(uid)) => format!("gui/{uid}"),
            (Scope::User(user), None) => return Err(Problem::failed(format!("user `{user}` does not exist"))),
        };
        let target = format!("{domain}/{}", seen.native);
        let mut ops = Vec::new();
        for action in actions {
            if let Some(own) = want.own_command(*action) {
                ops.push(own);
                continue;
            }
            match action {
                Action::Enable => ops.push(change(&["enable", &target], &[0])),
                Action::Disable => ops.push(change(&["disable", &target], &[0])),
                Action::Start => {
                    if !seen.loaded {
                        let enabled = seen.boot == BootState::Enabled || want.boot == Some(Boot::Enabled);
                        if !enabled || want.boot == Some(Boot::Disabled) {
                            let problem = Problem::failed(format!(
                                "job `{}` is disabled and launchd does not load it",
                                want.name
                            ));
                            return Err(problem.help("write `enabled: true`"));
                        }
                        let none = || Problem::failed(format!("no property list of job `{}` was found", want.name));
                        let file = seen.file.as_ref().ok_or_else(none)?;
                        ops.push(change(&["bootstrap", &domain, file.as_str()], &[0]));
                    }
                    // Loading starts a job only if it says so of itself.
                    ops.push(change(&["kickstart", &target], &[0]));
                }
                // A job that launchd keeps alive cannot be stopped otherwise. 3: it is not loaded.
                Action::Stop => ops.push(change(&["bootout", &target], &[0, 3])),
                Action::Restart | Action::Reload => ops.push(change(&["kickstart", "-k", &target], &[0])),
                Action::Mask | Action::Unmask => return Err(unsupported("masked", "launchd", facts)),
                Action::SetFlags => return Err(unsupported("flags", "launchd", facts)),
                Action::SetStartType(_) => return Err(unsupported("start_type", "launchd", facts)),
            }
        }
        Ok(ops)
    }

    fn diagnose(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        let filter = format!("eventMessage CONTAINS \"{}\"", want.name);
        let args = ["show", "--last", "2m", "--style", "compact", "--predicate", &filter];
        alloc::vec![Op::Run(Command::read("/usr/bin/log", args))]
    }
}

fn change(args: &[&str], accept: &[i32]) -> Op {
    Op::Run(Command::change(LAUNCHCTL, args.iter().copied()).accept(accept).timeout(Service::COMMAND_TIMEOUT))
}

fn print(domain: &str, label: &str) -> Op {
    Op::Run(Command::read(LAUNCHCTL, ["print", &format!("{domain}/{label}")]))
}

fn print_disabled(domain: &str) -> Op {
    Op::Run(Command::read(LAUNCHCTL, ["print-disabled", domain]))
}

fn id(user: &str) -> Op {
    Op::Run(Command::read("/usr/bin/id", ["-u", user]))
}

/// The folders of property lists: the machine's, and Apple's own, whose jobs are found nowhere else once they are unloaded.
fn folders(scope: &Scope) -> [AbsPath; 2] {
    match scope {
        Scope::System => ["/Library/LaunchDaemons", "/System/Library/LaunchDaemons"].map(AbsPath::known),
        Scope::User(_) => ["/Library/LaunchAgents", "/System/Library/LaunchAgents"].map(AbsPath::known),
    }
}

/// The job's state, the list of disabled jobs, and the property list where it usually is.
fn look(want: &Want, domain: &str) -> Vec<Op> {
    let plists = usual_plists(want).map(|path| read_plist(&path));
    [print(domain, &want.name), print_disabled(domain)].into_iter().chain(plists).collect()
}

fn usual_plists(want: &Want) -> [AbsPath; 2] {
    folders(&want.scope).map(|folder| folder.join(&format!("{}.plist", want.name)))
}

fn read_plist(path: &AbsPath) -> Op {
    Op::ReadFile { path: path.clone(), follow: true, bytes_max: PLIST_BYTES_MAX }
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
    let uid = match &want.scope {
        Scope::System => None,
        Scope::User(user) => {
            let ran = ran(outputs, &id(user)).ok_or("id was not run")??;
            let number = ran.out().trim().parse::<u32>();
            Some(number.map_err(|_| format!("user `{user}` does not exist: {}", ran.err().trim()))?)
        }
    };
    let domain = uid.map_or_else(|| "system".to_string(), |uid| format!("gui/{uid}"));
    let Some(printed) = ran(outputs, &print(&domain, &want.name)).transpose()? else {
        return Ok(Interpreted::Ask(look(want, &domain)));
    };
    let mut seen = Observed { uid, reload: Reload::Impossible, ..Observed::new(&*want.name) };
    match printed.code() {
        Some(0) => {
            let job = Job::parse(&printed.out());
            seen.run = Some(job.run.ok_or_else(|| format!("launchctl print tells no known state of `{}`", want.name))?);
            seen.detail = job.detail;
            seen.file = job.path;
        }
        Some(NOT_LOADED) => seen.loaded = false,
        _ => return Err(format!("launchctl print: {}, {}", printed.exit, printed.err().trim())),
    }
    let plist = if seen.loaded { None } else { find_plist(want, outputs)? };
    match plist {
        Some(Search::Ask(ops)) => return Ok(Interpreted::Ask(ops)),
        Some(Search::Missing) => return Ok(Interpreted::Known(State::Missing)),
        Some(Search::Found(path)) => seen.file = Some(path),
        None => {}
    }
    let disabled = ran(outputs, &print_disabled(&domain)).ok_or("launchctl print-disabled was not run")??;
    if !disabled.success() {
        return Err(format!("launchctl print-disabled: {}, {}", disabled.exit, disabled.err().trim()));
    }
    // The list of overrides beats what the job says of itself; a label in neither is enabled.
    seen.boot = match (overridden(&disabled.out(), &want.name)?, &seen.file) {
        (Some(true), _) => BootState::Disabled,
        (Some(false), _) | (None, None) => BootState::Enabled,
        (None, Some(path)) => match outputs.path(path) {
            // A job that is loaded names its file, which need not be called like it.
            None => return Ok(Interpreted::Ask(alloc::vec![read_plist(path)])),
            Some(OpOutput::File { content, .. }) => job::boot(content)
                .ok_or_else(|| format!("expected a property list at `{path}`, found something else"))?,
            Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
            Some(_) => BootState::Enabled,
        },
    };
    Ok(Interpreted::Known(State::Found(seen)))
}

/// What `launchctl print` tells of a job. It is explicitly no interface: a tolerant scan for known words.
#[derive(Default)]
struct Job {
    run: Option<RunState>,
    detail: Option<String>,
    path: Option<AbsPath>,
}

impl Job {
    fn parse(out: &str) -> Self {
        let mut job = Self::default();
        let mut last_exit = None;
        // Only what stands one level deep: blocks below hold states of their own.
        let mut depth = 0_u32;
        for line in out.lines() {
            let line = line.trim();
            if line == "}" {
                depth = depth.saturating_sub(1);
                continue;
            }
            if line.ends_with('{') {
                depth = depth.saturating_add(1);
                continue;
            }
            let Some((key, value)) = line.split_once(" = ").filter(|_| depth == 1) else { continue };
            match key {
                "state" => {
                    job.run = match value {
                        // What waits for an event is armed, and that is all it ever is of itself.
                        "running" | "waiting" => Some(RunState::Running),
                        "not running" | "exited" => Some(RunState::Stopped),
                        "spawn scheduled" | "spawning" => Some(RunState::Starting),
                        _ => None,
                    }
                }
                "path" => job.path = AbsPath::parse(value).ok(),
                "last exit code" => last_exit = value.split([':', ' ']).next().and_then(|n| n.parse::<i32>().ok()),
                _ => {}
            }
        }
        if job.run == Some(RunState::Stopped)
            && let Some(code) = last_exit.filter(|code| *code > 0)
        {
            job.run = Some(RunState::Failed);
            job.detail = Some(format!("last exit code {code}"));
        }
        job
    }
}

/// Returns what the list of overrides says of the label: `true` is disabled. Older systems print booleans, newer words.
fn overridden(out: &str, label: &str) -> Result<Option<bool>, String> {
    for line in out.lines() {
        let Some((name, value)) = line.trim().split_once(" => ") else { continue };
        if !name.trim_matches('"').eq_ignore_ascii_case(label) {
            continue;
        }
        return match value.trim() {
            "true" | "disabled" => Ok(Some(true)),
            "false" | "enabled" => Ok(Some(false)),
            other => Err(format!("expected true or false of `{label}`, found `{other}`")),
        };
    }
    Ok(None)
}

enum Search {
    Found(AbsPath),
    Missing,
    Ask(Vec<Op>),
}

/// Finds the property list of a job that is not loaded: by its usual name, else by the labels in the folders.
fn find_plist(want: &Want, outputs: &Outputs) -> Result<Option<Search>, String> {
    for usual in usual_plists(want) {
        if let Some(OpOutput::File { content, .. }) = outputs.path(&usual)
            && job::has_label(content, &want.name, &want.name)
        {
            return Ok(Some(Search::Found(usual)));
        }
    }
    let mut unlisted = Vec::new();
    let mut plists: Vec<(AbsPath, Arc<str>)> = Vec::new();
    for folder in folders(&want.scope) {
        match outputs.path(&folder) {
            None => unlisted.push(Op::ListDir { path: folder, deep: false, entries_max: PLISTS_MAX }),
            Some(OpOutput::Dir(entries)) => plists.extend(
                entries.iter().filter_map(|e| Some((folder.join(&e.path), e.path.strip_suffix(".plist")?.into()))),
            ),
            Some(OpOutput::Missing) => {}
            Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
            Some(other) => return Err(format!("expected a folder at `{folder}`, found {other:?}")),
        }
    }
    if !unlisted.is_empty() {
        return Ok(Some(Search::Ask(unlisted)));
    }
    let unread: Vec<Op> =
        plists.iter().filter(|(path, _)| outputs.path(path).is_none()).map(|(path, _)| read_plist(path)).collect();
    if !unread.is_empty() {
        return Ok(Some(Search::Ask(unread)));
    }
    plists.retain(|(path, stem)| match outputs.path(path) {
        Some(OpOutput::File { content, .. }) => job::has_label(content, stem, &want.name),
        _ => false,
    });
    // They are in the order of the folders: the machine's own come before Apple's.
    match &plists[..] {
        [] => Ok(Some(Search::Missing)),
        [(one, _), (two, _), ..] if one.parent() == two.parent() => {
            Err(format!("expected one property list with the label `{}`, found `{one}` and `{two}`", want.name))
        }
        [(path, _), ..] => Ok(Some(Search::Found(path.clone()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::action::{Entry, Metadata};
    use vigo_core::host::observe;
    use vigo_core::resource::service::Goal;

    macro_rules! fixture {
        ($case:literal) => {
            OpOutput::Ran(
                Ran::from_recording(include_str!(concat!("../tests/fixtures/launchctl/reported/", $case, ".txt")))
                    .unwrap()
                    .1,
            )
        };
    }

    const LABEL: &str = "com.example.food";
    const PLIST: &str = "<plist><dict><key>Label</key><string>com.example.food</string></dict></plist>";

    fn want() -> Want {
        Want { boot: Some(Boot::Enabled), ..Want::new(LABEL, Goal::Running) }
    }

    fn see(want: &Want, answers: &[(&str, OpOutput)]) -> Interpreted<State> {
        observe(&Launchd, want, &HostFacts::default(), |op| {
            let op = op.to_string();
            let call = op.strip_prefix("/bin/launchctl ").unwrap_or(&op);
            answers.iter().find(|(a, _)| *a == call).map_or(OpOutput::Missing, |(_, output)| output.clone())
        })
    }

    fn found(answers: &[(&str, OpOutput)]) -> Observed {
        match see(&want(), answers) {
            Interpreted::Known(State::Found(seen)) => seen,
            other => panic!("{other:?}"),
        }
    }

    const PRINT: &str = "print system/com.example.food";
    const DISABLED: &str = "print-disabled system";

    fn none() -> OpOutput {
        OpOutput::exited(0, "disabled services = {\n}\n", "")
    }

    #[test]
    fn a_loaded_job_is_disabled_by_the_file_that_it_names_whatever_that_is_called() {
        let print = "system/com.example.food = {\n\tpath = /Library/LaunchDaemons/food.plist\n\tstate = running\n}\n";
        let off = PLIST.replace("<dict>", "<dict><key>Disabled</key><true/>");
        let read = "read /Library/LaunchDaemons/food.plist";
        for (content, boot) in [(&*off, BootState::Disabled), (PLIST, BootState::Enabled)] {
            let answers =
                [(PRINT, OpOutput::exited(0, print, "")), (DISABLED, none()), (read, OpOutput::file(content))];
            assert_eq!(found(&answers).boot, boot);
        }
    }

    fn lowered(seen: Observed, actions: &[Action]) -> Vec<String> {
        let ops = Launchd.lower(&want(), &State::Found(seen), actions, &HostFacts::default()).unwrap();
        ops.iter().map(|op| op.to_string().replace("/bin/launchctl", "launchctl")).collect()
    }

    fn dir(names: &[&str]) -> OpOutput {
        let OpOutput::File { meta, .. } = OpOutput::file("") else { panic!() };
        let entry = |name: &&str| Entry { path: (*name).into(), meta: Metadata { ..meta.clone() } };
        OpOutput::Dir(names.iter().map(entry).collect())
    }

    #[test]
    fn print_is_scanned_for_known_words() {
        let cases = [
            (fixture!("print-running"), RunState::Running, None),
            (fixture!("print-running-old-heading"), RunState::Running, None),
            (fixture!("print-waiting"), RunState::Running, None),
            (fixture!("print-spawn-scheduled"), RunState::Starting, None),
            (fixture!("print-not-running"), RunState::Failed, Some("last exit code 1")),
            (fixture!("print-never-exited"), RunState::Stopped, None),
        ];
        for (printed, run, detail) in cases {
            let seen = found(&[(PRINT, printed), (DISABLED, none())]);
            assert_eq!((seen.run, seen.detail.as_deref(), seen.loaded), (Some(run), detail, true));
            assert_eq!(seen.file.unwrap().as_str(), "/Library/LaunchDaemons/com.example.food.plist");
        }
        let nested = "a = {\n\tsub = {\n\t\tstate = running\n\t}\n\tstate = not running\n}\n";
        assert_eq!(Job::parse(nested).run, Some(RunState::Stopped), "a state of something else");
    }

    #[test]
    fn enabled_loaded_and_running_are_three_states() {
        let path = "read /Library/LaunchDaemons/com.example.food.plist";
        let unloaded = |list: OpOutput, plist: &str| {
            found(&[(PRINT, fixture!("print-missing")), (DISABLED, list), (path, OpOutput::file(plist))])
        };
        let off =
            "<plist><dict><key>Disabled</key><true/><key>Label</key><string>com.example.food</string></dict></plist>";
        let cases = [
            ("not loaded, enabled", unloaded(none(), PLIST), BootState::Enabled),
            ("overridden by a boolean", unloaded(fixture!("print-disabled-booleans"), PLIST), BootState::Disabled),
            ("overridden by a word", unloaded(fixture!("print-disabled-words"), PLIST), BootState::Disabled),
            ("disabled of itself", unloaded(none(), off), BootState::Disabled),
            (
                "the override wins",
                unloaded(OpOutput::exited(0, "\t\"com.example.food\" => enabled\n", ""), off),
                BootState::Enabled,
            ),
        ];
        for (name, seen, boot) in cases {
            assert_eq!((seen.run, seen.boot, seen.loaded), (Some(RunState::Stopped), boot, false), "{name}");
        }
    }

    #[test]
    fn the_label_is_read_from_the_file_and_several_hits_are_an_error() {
        let list = "list /Library/LaunchDaemons";
        let base = [(PRINT, fixture!("print-missing")), (DISABLED, none())];
        let with = |more: &[(&'static str, OpOutput)]| {
            let answers: Vec<_> = base.iter().cloned().chain(more.iter().cloned()).collect();
            see(&want(), &answers)
        };
        let one = with(&[
            (list, dir(&["a.plist", "b.plist", "notes.txt"])),
            ("read /Library/LaunchDaemons/a.plist", OpOutput::file("<plist></plist>")),
            ("read /Library/LaunchDaemons/b.plist", OpOutput::file(PLIST)),
        ]);
        let Interpreted::Known(State::Found(seen)) = one else { panic!("{one:?}") };
        assert_eq!(seen.file.unwrap().as_str(), "/Library/LaunchDaemons/b.plist");
        let two = with(&[
            (list, dir(&["a.plist", "b.plist"])),
            ("read /Library/LaunchDaemons/a.plist", OpOutput::file(PLIST)),
            ("read /Library/LaunchDaemons/b.plist", OpOutput::file(PLIST)),
        ]);
        assert!(matches!(two, Interpreted::Unknown(_)), "{two:?}");
        assert!(matches!(with(&[(list, dir(&[]))]), Interpreted::Known(State::Missing)));
    }

    #[test]
    fn the_machines_own_file_counts_before_that_of_apple() {
        let answers = [
            (PRINT, fixture!("print-missing")),
            (DISABLED, none()),
            ("list /Library/LaunchDaemons", dir(&["a.plist"])),
            ("list /System/Library/LaunchDaemons", dir(&["b.plist"])),
            ("read /Library/LaunchDaemons/a.plist", OpOutput::file(PLIST)),
            ("read /System/Library/LaunchDaemons/b.plist", OpOutput::file(PLIST)),
        ];
        assert_eq!(found(&answers).file.unwrap().as_str(), "/Library/LaunchDaemons/a.plist");
    }

    #[test]
    fn a_job_of_apples_own_is_found_again_once_it_is_unloaded() {
        let base = [(PRINT, fixture!("print-missing")), (DISABLED, none())];
        let usual = ("read /System/Library/LaunchDaemons/com.example.food.plist", OpOutput::file(PLIST));
        let other = [
            ("list /System/Library/LaunchDaemons", dir(&["food.plist"])),
            ("read /System/Library/LaunchDaemons/food.plist", OpOutput::file(PLIST)),
        ];
        for more in [&[usual][..], &other] {
            let seen = found(&base.iter().chain(more).cloned().collect::<Vec<_>>());
            assert!(seen.file.as_ref().unwrap().as_str().starts_with("/System/Library/LaunchDaemons/"), "{seen:?}");
            let calls = lowered(seen.clone(), &[Action::Start]);
            assert_eq!(calls[0], format!("launchctl bootstrap system {}", seen.file.unwrap()));
        }
    }

    #[test]
    fn a_job_is_loaded_before_it_is_started_and_unloaded_to_be_stopped() {
        let loaded = found(&[(PRINT, fixture!("print-not-running")), (DISABLED, none())]);
        assert_eq!(lowered(loaded.clone(), &[Action::Start]), ["launchctl kickstart system/com.example.food"]);
        assert_eq!(lowered(loaded.clone(), &[Action::Stop]), ["launchctl bootout system/com.example.food"]);
        assert_eq!(lowered(loaded, &[Action::Reload]), ["launchctl kickstart -k system/com.example.food"]);
        let path = "read /Library/LaunchDaemons/com.example.food.plist";
        let off = [
            (PRINT, fixture!("print-missing")),
            (DISABLED, fixture!("print-disabled-booleans")),
            (path, OpOutput::file(PLIST)),
        ];
        assert_eq!(
            lowered(found(&off), &[Action::Enable, Action::Start]),
            [
                "launchctl enable system/com.example.food",
                "launchctl bootstrap system /Library/LaunchDaemons/com.example.food.plist",
                "launchctl kickstart system/com.example.food"
            ]
        );
        let unasked = Want { boot: None, ..want() };
        let seen = State::Found(found(&off));
        let problem = Launchd.lower(&unasked, &seen, &[Action::Start], &HostFacts::default()).unwrap_err();
        assert!(problem.message.contains("disabled"), "launchd answers 119: {problem}");
    }

    #[test]
    fn bootout_of_what_is_not_loaded_is_no_failure() {
        let Op::Run(bootout) = change(&["bootout", "x"], &[0, 3]) else { panic!() };
        let OpOutput::Ran(error) = fixture!("bootout-error-3") else { panic!() };
        assert!(bootout.accept.contains(&error.code().unwrap()));
        for other in [fixture!("bootstrap-error-5"), fixture!("bootstrap-error-119-disabled")] {
            let OpOutput::Ran(error) = other else { panic!() };
            assert!(!bootout.accept.contains(&error.code().unwrap()));
        }
    }

    #[test]
    fn agents_run_in_the_session_of_their_user() {
        let want = Want { scope: Scope::User("alice".into()), ..want() };
        let answers = [
            ("/usr/bin/id -u alice", OpOutput::exited(0, "501\n", "")),
            ("print gui/501/com.example.food", fixture!("print-running")),
            ("print-disabled gui/501", none()),
        ];
        let seen = see(&want, &answers);
        let Interpreted::Known(State::Found(seen)) = seen else { panic!("{seen:?}") };
        let ops = Launchd.lower(&want, &State::Found(seen), &[Action::Restart], &HostFacts::default()).unwrap();
        assert_eq!(ops[0].to_string(), "/bin/launchctl kickstart -k gui/501/com.example.food");
        let nobody = [("/usr/bin/id -u alice", OpOutput::exited(1, "", "id: alice: no such user\n"))];
        assert!(matches!(see(&want, &nobody), Interpreted::Unknown(_)));
    }

    #[test]
    fn the_list_of_overrides_is_asked_for_and_its_file_is_not_read() {
        let ops = Launchd.probe(&want(), &HostFacts::default());
        let shown: Vec<String> = ops.iter().map(ToString::to_string).collect();
        assert!(shown.contains(&"/bin/launchctl print-disabled system".into()), "{shown:?}");
        assert!(!shown.iter().any(|op| op.contains("/var/db/") || op.contains("overrides")), "{shown:?}");
    }

    #[test]
    fn verbs_name_a_domain_and_are_never_load_and_unload() {
        let seen = found(&[(PRINT, fixture!("print-not-running")), (DISABLED, none())]);
        let actions = [Action::Enable, Action::Disable, Action::Start, Action::Stop, Action::Restart, Action::Reload];
        for action in actions {
            for call in lowered(seen.clone(), &[action]) {
                let words: Vec<&str> = call.split(' ').collect();
                let known = ["enable", "disable", "bootstrap", "bootout", "kickstart"];
                assert!(known.contains(&words[1]), "{call}");
                assert!(words.iter().any(|w| *w == "system" || w.starts_with("system/")), "{call}");
            }
        }
    }

    #[test]
    fn a_bootstrap_too_soon_after_a_bootout_fails_and_is_tried_in_a_later_round() {
        let path = "read /Library/LaunchDaemons/com.example.food.plist";
        let unloaded = [(PRINT, fixture!("print-missing")), (DISABLED, none()), (path, OpOutput::file(PLIST))];
        let call = || lowered(found(&unloaded), &[Action::Start]);
        assert_eq!(call()[0], "launchctl bootstrap system /Library/LaunchDaemons/com.example.food.plist");
        let Op::Run(command) = change(&["bootstrap", "system", "/x"], &[0]) else { panic!() };
        let OpOutput::Ran(too_soon) = fixture!("bootstrap-error-5") else { panic!() };
        assert!(!command.accept.contains(&too_soon.code().unwrap()), "it is not taken for loaded");
        assert_eq!(call(), call(), "the same again, as long as it is not loaded");
    }

    #[test]
    fn a_job_that_is_kept_alive_is_booted_out_and_its_file_stays() {
        let seen = found(&[(PRINT, fixture!("print-running")), (DISABLED, none())]);
        let ops = Launchd.lower(&want(), &State::Found(seen), &[Action::Stop], &HostFacts::default()).unwrap();
        assert_eq!(ops.len(), 1);
        assert_eq!(ops[0].to_string(), "/bin/launchctl bootout system/com.example.food");
    }

    #[test]
    fn a_job_whose_file_cannot_be_read_is_unknown_unless_somebody_said_what_it_is() {
        let path = "read /Library/LaunchDaemons/com.example.food.plist";
        let broken = OpOutput::file(&PLIST.replace("</dict>", ""));
        for (print, list, is_known) in [
            (fixture!("print-missing"), none(), false),
            (fixture!("print-running"), none(), false),
            (fixture!("print-running"), fixture!("print-disabled-words"), true),
        ] {
            let seen = see(&want(), &[(PRINT, print), (DISABLED, list), (path, broken.clone())]);
            assert_eq!(matches!(seen, Interpreted::Known(_)), is_known, "{seen:?}");
        }
    }

    #[test]
    fn labels_are_compared_whole() {
        let list = "\t\"com.example.food2\" => disabled\n\t\"my.com.example.food\" => disabled\n";
        assert_eq!(overridden(list, LABEL), Ok(None));
        assert_eq!(overridden("\t\"com.example.food\" => disabled\n", LABEL), Ok(Some(true)));
    }

    #[test]
    fn what_a_command_began_is_waited_for() {
        use vigo_core::host::{Family, Phase};
        assert!(Service::SETTLE > vigo_core::time::Duration::ZERO);
        let starting = found(&[(PRINT, fixture!("print-spawn-scheduled")), (DISABLED, none())]);
        let compared = Service::compare(&want(), &State::Found(starting), Phase::After);
        assert!(compared.pending.is_some() && compared.failure.is_none(), "{compared:?}");
    }

    #[test]
    fn run_at_load_is_not_enabled() {
        let path = "read /Library/LaunchDaemons/com.example.food.plist";
        let of = |text: &str| {
            let plist = PLIST.replace("<dict>", &format!("<dict><key>RunAtLoad</key><{text}/>"));
            found(&[(PRINT, fixture!("print-missing")), (DISABLED, none()), (path, OpOutput::file(&plist))]).boot
        };
        assert_eq!((of("true"), of("false")), (BootState::Enabled, BootState::Enabled));
    }

    #[test]
    fn a_job_that_the_system_protects_fails() {
        let protected = "Boot-out failed: 150: Operation not permitted while System Integrity Protection is engaged\n";
        let OpOutput::Ran(ran) = OpOutput::exited(150, "", protected) else { panic!() };
        for verb in ["bootout", "disable", "kickstart"] {
            let Op::Run(command) = change(&[verb, "system/com.apple.x"], &[0, 3]) else { panic!() };
            assert!(!command.accept.contains(&ran.code().unwrap()), "{verb}");
        }
    }

    #[test]
    fn a_failed_read_is_unknown() {
        let cases = [
            ("another exit", OpOutput::exited(1, "", "boom\n"), none()),
            ("no known state", OpOutput::exited(0, "x = {\n\tstate = dreaming\n}\n", ""), none()),
            ("empty", OpOutput::exited(0, "", ""), none()),
            ("no list of overrides", fixture!("print-running"), OpOutput::exited(1, "", "no\n")),
            (
                "an override of unknown meaning",
                fixture!("print-running"),
                OpOutput::exited(0, "\"com.example.food\" => maybe\n", ""),
            ),
        ];
        for (name, printed, list) in cases {
            let seen = see(&want(), &[(PRINT, printed), (DISABLED, list)]);
            assert!(matches!(seen, Interpreted::Unknown(_)), "{name}: {seen:?}");
        }
    }
}
