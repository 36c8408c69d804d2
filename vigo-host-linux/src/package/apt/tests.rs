//! apt, against a machine of text.

use super::*;
use vigo_core::action::{Effect, Entry, Exit, FileKind, Metadata};
use vigo_core::host::Phase;
use vigo_core::resource::package::{Hold, Version};

const STATUS: &str = "Package: food\nStatus: install ok installed\nArchitecture: all\nVersion: 1.0\n\
Provides: eatable\n\nPackage: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n\n";

fn want(names: &[&str], ensure: Ensure) -> Want {
    Want {
        names: names.iter().map(|n| Arc::from(*n)).collect(),
        everything: false,
        ensure,
        version: None,
        allow_downgrade: false,
        purge: false,
        refresh_after: None,
        hold: Hold::AsIs,
        cleanup: false,
        flags: Vec::new(),
    }
}

fn meta(mtime_ms: i64) -> Metadata {
    let (kind, context, target) = (FileKind::File, None, None);
    Metadata { kind, mode: 0o644, uid: 0, gid: 0, size: 0, mtime_ms, dev: 1, ino: 1, nlink: 1, target, context }
}

fn recorded(text: &str) -> OpOutput {
    OpOutput::Ran(Ran::from_recording(text).unwrap().1)
}

fn asks(command: &Command, verb: &str) -> bool {
    command.args.iter().any(|a| a.as_str() == verb)
}

struct Machine {
    status: OpOutput,
    journal: &'static [&'static str],
    query: &'static str,
    policy: &'static str,
    simulated: &'static str,
    lists: &'static [(&'static str, i64)],
    stamp: Option<i64>,
}

fn machine() -> Machine {
    Machine {
        status: OpOutput::File { meta: meta(0), content: STATUS.as_bytes().into() },
        journal: &[],
        query: "",
        policy: include_str!("../../../tests/fixtures/apt/2.6.1/policy.txt"),
        simulated: include_str!("../../../tests/fixtures/apt/2.6.1/simulate-upgrade.txt"),
        lists: &[],
        stamp: None,
    }
}

impl Machine {
    fn answer(&self, op: &Op) -> OpOutput {
        assert_eq!(op.effect(), Effect::Reads, "{op}");
        let entries = |items: &[(&str, i64)]| {
            OpOutput::Dir(items.iter().map(|(p, t)| Entry { path: (*p).into(), meta: meta(*t) }).collect())
        };
        match op {
            Op::ReadFile { .. } => self.status.clone(),
            Op::ListDir { path, .. } if *path == journal_path() => {
                entries(&self.journal.iter().map(|n| (*n, 0)).collect::<Vec<_>>())
            }
            Op::ListDir { .. } => entries(self.lists),
            Op::Stat { .. } => self.stamp.map_or(OpOutput::Missing, |t| OpOutput::Stat(meta(t))),
            Op::Run(c) if &*c.program == DPKG_QUERY => recorded(self.query),
            Op::Run(c) if asks(c, "pkgnames") => OpOutput::exited(0, "food\nfoodd\nnginx\n", ""),
            Op::Run(c) if asks(c, "policy") => {
                let OpOutput::Ran(mut ran) = recorded(self.policy) else { panic!() };
                let known = ["a", "g++", "gone", "nginx"].map(|n| format!("{n}:\n  Candidate: 1\n"));
                ran.stdout.extend_from_slice(known.concat().as_bytes());
                OpOutput::Ran(ran)
            }
            _ => recorded(self.simulated),
        }
    }

    fn observe(&self, want: &Want, facts: &HostFacts) -> (Result<State, String>, Outputs) {
        let mut outputs = Outputs::default();
        let mut ops = Apt.probe(want, facts);
        for _ in 0..4 {
            for op in ops.drain(..) {
                let output = self.answer(&op);
                outputs.push(op, Arc::new(output));
            }
            match Apt.interpret(want, &outputs, facts) {
                Interpreted::Known(state) => return (Ok(state), outputs),
                Interpreted::Unknown(why) => return (Err(why), outputs),
                Interpreted::Ask(more) => ops = more,
            }
        }
        panic!("more than three rounds of questions");
    }

    fn plan(&self, want: &Want, facts: &HostFacts) -> Vec<String> {
        let state = self.observe(want, facts).0.unwrap();
        let c = Package::compare(want, &state, Phase::Before);
        if let Some(problem) = c.failure {
            return alloc::vec![problem.message];
        }
        Apt.lower(want, &state, &c.actions, facts).unwrap().iter().map(ToString::to_string).collect()
    }
}

const INSTALL: &str = "/usr/bin/apt-get -q -y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
    -o DPkg::Lock::Timeout=120 -o APT::Cmd::Pattern-Only=true";

#[test]
fn wants_become_calls() {
    let facts = HostFacts::default();
    let image = HostFacts { image: Some(AbsPath::known("/img")), ..HostFacts::default() };
    let version = |v: &str| Want { version: Some(Version::new(v)), ..want(&["food"], Ensure::Present) };
    let call = |rest: &str| alloc::vec![format!("{INSTALL} {rest}")];
    let cases = [
        ("there", want(&["food"], Ensure::Present), &facts, Vec::new()),
        ("provided", want(&["eatable"], Ensure::Present), &facts, Vec::new()),
        ("several, one call", want(&["a", "food", "g++"], Ensure::Present), &facts, call("install -- a g++")),
        ("configuration left", want(&["gone"], Ensure::Present), &facts, call("install -- gone")),
        ("not there", want(&["gone"], Ensure::Absent), &facts, Vec::new()),
        ("removed", want(&["food"], Ensure::Absent), &facts, call("remove -- food")),
        ("purged", Want { purge: true, ..want(&["food", "gone"], Ensure::Absent) }, &facts, call("purge -- food gone")),
        ("latest", want(&["food"], Ensure::Latest), &facts, call("install -- food")),
        ("version", version("1.0"), &facts, Vec::new()),
        ("newer version", version("1.1"), &facts, call("install -- food=1.1")),
        ("newer by prefix", version("1.1*"), &facts, call("install -- 'food=1.1*'")),
        (
            "older version",
            version("0.9"),
            &facts,
            alloc::vec!["expected `food` 0.9, found 1.0, which is newer".to_string()],
        ),
        (
            "older version, allowed",
            Want { allow_downgrade: true, ..version("0.9") },
            &facts,
            call("--allow-downgrades install -- food=0.9"),
        ),
        (
            "held",
            Want { hold: Hold::Held, flags: alloc::vec!["-t".into(), "x".into()], ..version("1.1") },
            &facts,
            alloc::vec![format!("{INSTALL} -t x install -- food=1.1"), "/usr/bin/apt-mark hold -- food".to_string(),],
        ),
        ("everything", Want { everything: true, ..want(&[], Ensure::Latest) }, &facts, call("--with-new-pkgs upgrade")),
        ("image", want(&["a"], Ensure::Present), &image, alloc::vec![format!("chroot /img {INSTALL} install -- a")]),
        (
            "never fetched",
            Want { refresh_after: Some(Duration::from_secs(60)), ..want(&["a"], Ensure::Present) },
            &facts,
            alloc::vec![
                "/usr/bin/apt-get -q -o 'APT::Update::Post-Invoke-Success::=touch \
                 /var/lib/apt/periodic/update-success-stamp' update"
                    .to_string(),
                format!("{INSTALL} install -- a"),
            ],
        ),
    ];
    for (name, want, facts, expected) in cases {
        assert_eq!(machine().plan(&want, facts), expected, "{name}");
    }
}

#[test]
fn a_name_that_no_index_knows_is_told_with_the_nearest_before_anything_is_done() {
    let old = Some(Duration::from_secs(60));
    let refreshed = Want { refresh_after: old, ..want(&["ngnix"], Ensure::Present) };
    let cases = [
        ("near", want(&["a", "ngnix"], Ensure::Present), "no package is called `ngnix`", Some("did you mean `nginx`?")),
        ("latest", want(&["foood"], Ensure::Latest), "no package is called `foood`", Some("did you mean `food`?")),
        (
            "far",
            want(&["nosuch"], Ensure::Present),
            "no package is called `nosuch`",
            Some("check the name, add its repository, or refresh the index by `update_cache: true`"),
        ),
    ];
    for facts in [HostFacts::default(), HostFacts { planning: true, ..HostFacts::default() }] {
        for (name, want, message, help) in &cases {
            let state = machine().observe(want, &facts).0.unwrap();
            let c = Package::compare(want, &state, Phase::Before);
            let problem = c.failure.unwrap();
            assert_eq!((&*problem.message, problem.help.as_deref()), (*message, *help), "{name}");
            assert!(c.changes.is_empty(), "{name}");
        }
        let state = machine().observe(&refreshed, &HostFacts::default()).0.unwrap();
        let c = Package::compare(&refreshed, &state, Phase::Before);
        assert_eq!(c.failure, None, "an index that is about to be fetched may know it");
    }
}

#[test]
fn installing_asks_nobody_anything() {
    let want = want(&["a"], Ensure::Present);
    let facts = HostFacts::default();
    let (state, _) = machine().observe(&want, &facts);
    let ops = Apt.lower(&want, &state.unwrap(), &[Action::Install(want.names.clone())], &facts).unwrap();
    let [Op::Run(command)] = &*ops else { panic!("{ops:?}") };
    assert!(command.env.iter().any(|(k, v)| &**k == "DEBIAN_FRONTEND" && v.as_str() == "noninteractive"));
    assert_eq!(command.timeout, Duration::from_secs(600));
}

#[test]
fn the_index_has_the_age_of_its_newest_list_or_of_the_last_refresh() {
    let now = HostFacts { now: Timestamp::from_epoch_secs(10_000), ..HostFacts::default() };
    let want = Want { refresh_after: Some(Duration::from_secs(60)), ..want(&["a"], Ensure::Present) };
    let age = |secs| Index::Age(Duration::from_secs(secs));
    type Lists = &'static [(&'static str, i64)];
    let cases: [(&str, Lists, Option<i64>, Index); 5] = [
        ("never", &[("lock", 9_999_000), ("partial", 9_999_000)], None, Index::Never),
        ("lists", &[("x_InRelease", 9_000_000), ("y_Packages.lz4", 8_000_000)], None, age(1000)),
        ("stamp", &[("x_InRelease", 0)], Some(9_990_000), age(10)),
        ("stamp without lists", &[("lock", 0)], Some(9_990_000), Index::Never),
        ("in this run", &[("x_InRelease", 10_000_500)], None, age(0)),
    ];
    for (name, lists, stamp, expected) in cases {
        let (state, _) = Machine { lists, stamp, ..machine() }.observe(&want, &now);
        assert_eq!(state.unwrap().index, expected, "{name}");
    }
}

#[test]
fn an_open_journal_is_read_by_dpkg_itself() {
    let held = include_str!("../../../tests/fixtures/apt/2.6.1/query-held.txt");
    let open = Machine { journal: &["0001", "tmp.i"], query: held, ..machine() };
    let (state, _) = open.observe(&want(&["food"], Ensure::Present), &HostFacts::default());
    let food = &state.unwrap().packages[0];
    assert!(food.held && food.installed.as_deref() == Some("1.0"), "a held package is installed: {food:?}");
    let missing = include_str!("../../../tests/fixtures/apt/2.6.1/query-missing.txt");
    let (state, _) =
        Machine { query: missing, ..open }.observe(&want(&["food"], Ensure::Present), &HostFacts::default());
    assert!(state.unwrap_err().starts_with("`dpkg-query` ended with exit 1"));
}

#[test]
fn what_dpkg_query_printed_is_understood() {
    let cases = [
        (include_str!("../../../tests/fixtures/apt/2.6.1/query-installed.txt"), Some(Status::Installed)),
        (include_str!("../../../tests/fixtures/apt/2.6.1/query-installed-and-missing.txt"), Some(Status::Installed)),
        (include_str!("../../../tests/fixtures/apt/2.6.1/query-held.txt"), Some(Status::Installed)),
        (include_str!("../../../tests/fixtures/apt/2.6.1/query-config-files.txt"), Some(Status::ConfigFiles)),
        (include_str!("../../../tests/fixtures/apt/2.6.1/query-missing.txt"), None),
        (include_str!("../../../tests/fixtures/apt/2.6.1/query-purged.txt"), None),
    ];
    for (text, expected) in cases {
        let ran = Ran::from_recording(text).unwrap().1;
        let seen = Database::Query(&ran.stdout).find("food").map(|e| e.state);
        assert_eq!(seen, expected, "{text}");
    }
    let ran = Ran::from_recording(include_str!("../../../tests/fixtures/apt/2.6.1/query-installed.txt")).unwrap().1;
    assert_eq!(Database::Query(&ran.stdout).provider("eatable"), Some("food"));
    let ran = Ran::from_recording(include_str!("../../../tests/fixtures/apt/2.6.1/query-provided.txt")).unwrap().1;
    assert_eq!(Database::Query(&ran.stdout).find("eatable").map(|e| e.state), Some(Status::NotInstalled));
}

#[test]
fn a_database_that_cannot_be_read_is_unknown() {
    let missing = Machine { status: OpOutput::Missing, ..machine() };
    let (state, _) = missing.observe(&want(&["food"], Ensure::Present), &HostFacts::default());
    assert_eq!(state.unwrap_err(), "`/var/lib/dpkg/status` does not exist: this is no Debian system");
}

#[test]
fn a_plan_knows_what_comes_along() {
    let planning = HostFacts { planning: true, ..HostFacts::default() };
    let food = want(&["nginx"], Ensure::Present);
    let machine = Machine {
        simulated: "$ apt-get\nO| Inst nginx-common (1.2 Debian:12 [all])\nO| Inst nginx (1.2 Debian:12 [amd64])\n\
            O| Conf nginx (1.2 Debian:12 [amd64])\n[exit 0]\n",
        ..machine()
    };
    let (state, outputs) = machine.observe(&food, &planning);
    let state = state.unwrap();
    let c = Package::compare(&food, &state, Phase::Before);
    assert_eq!(c.notes, ["brings nginx-common"]);
    assert!(!c.doubtful);
    let shadow = Apt.shadow(&food, &state, &c.actions, &outputs);
    let [Op::ReplaceFile(Replace { content: Content::Bytes(after), .. })] = &*shadow else { panic!("{shadow:?}") };
    let later = Machine { status: OpOutput::File { meta: meta(0), content: after.clone() }, ..machine };
    for name in ["nginx", "nginx-common", "food"] {
        let want = want(&[name], Ensure::Present);
        assert_eq!(later.plan(&want, &planning), Vec::<String>::new(), "{name} is there in the plan");
    }
    let refused = Machine { simulated: include_str!("../../../tests/fixtures/apt/2.6.1/install-missing.txt"), ..later };
    assert_eq!(refused.plan(&want(&["nginx-full"], Ensure::Absent), &planning), Vec::<String>::new());
    let removed = refused.plan(&want(&["food"], Ensure::Absent), &planning);
    assert_eq!(removed, ["Unable to locate package nosuch"], "what apt-get refuses in a plan is a failure there");
}

#[test]
fn a_batch_asks_once_for_all() {
    let old = Some(Duration::from_secs(60));
    let wants = [
        want(&["a", "b"], Ensure::Latest),
        want(&["b", "c"], Ensure::Latest),
        Want { refresh_after: old, ..want(&["d"], Ensure::Present) },
    ];
    let ops = Apt.probe_all(&wants.iter().collect::<Vec<_>>(), &HostFacts::default());
    let shown: Vec<String> = ops.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "read /var/lib/dpkg/status",
            "list /var/lib/dpkg/updates",
            "list /var/lib/apt/lists",
            "stat /var/lib/apt/periodic/update-success-stamp",
            "/usr/bin/apt-cache policy -- a b c",
        ]
    );
}

#[test]
fn names_that_apt_would_take_for_something_else_are_refused() {
    for name in ["foo-", "Foo", "-x", "a b", "task^", "+x", "a/b"] {
        assert!(Apt.check(&want(&[name], Ensure::Present), &HostFacts::default()).is_err(), "{name}");
    }
    for name in ["g++", "libc6:i386", "python3.11", "0ad"] {
        assert_eq!(Apt.check(&want(&[name], Ensure::Present), &HostFacts::default()), Ok(()), "{name}");
    }
}

#[test]
fn signals_and_codes_of_a_failed_query_are_shown() {
    let ran = Ran { exit: Exit::Signal(9), stdout: Vec::new(), stderr: Vec::new(), truncated: false };
    let mut outputs = Outputs::default();
    outputs.push(ask_query(&HostFacts::default()), Arc::new(OpOutput::Ran(ran)));
    assert_eq!(database(&outputs).unwrap_err(), "`dpkg-query` ended with signal 9: ");
}
