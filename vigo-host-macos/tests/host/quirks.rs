//! What macOS' tools are known to do, each as a test, and what becomes of answers that make no sense.

use crate::machine::{command, is_refused, plan, said};
use vigo_core::action::{Op, OpOutput, Outputs, Ran};
use vigo_core::converge::Outcome;
use vigo_core::host::{Host, HostFacts, Interpreted, ProblemKind, observe};
use vigo_core::resource::package::{Action, Ensure, Hold, Want};
use vigo_core::resource::user;
use vigo_host_macos::{BLANKS, MacOs};

const INFO: &str = "as admin: /opt/homebrew/bin/brew info*";

fn package() -> Want {
    Want {
        names: vec!["food".into()],
        everything: false,
        ensure: Ensure::Present,
        version: None,
        allow_downgrade: false,
        purge: false,
        refresh_after: None,
        hold: Hold::AsIs,
        cleanup: false,
        flags: Vec::new(),
    }
}

/// The calls of an installation where `stat` says this.
fn calls(stat: OpOutput) -> Result<Vec<Op>, String> {
    let adapter = MacOs.package(&HostFacts::default(), None).expect("an answer");
    let mut asked = Vec::new();
    let seen = observe(adapter, &package(), &HostFacts::default(), |op| {
        asked.push(op.clone());
        if op.to_string().starts_with("/usr/bin/stat") { stat.clone() } else { said(r#"{"formulae":[],"casks":[]}"#) }
    });
    let state = match seen {
        Interpreted::Known(state) => state,
        Interpreted::Unknown(why) => return Err(why),
        Interpreted::Ask(ops) => panic!("{ops:?}"),
    };
    let actions = [Action::RefreshIndex, Action::Install(vec!["food".into()])];
    asked.extend(adapter.lower(&package(), &state, &actions, &HostFacts::default()).map_err(|p| p.message)?);
    Ok(asked.into_iter().filter(|op| op.to_string().contains("brew ")).filter(|op| matches!(op, Op::Run(_))).collect())
}

const MISSING: [&str; 3] = [
    "stat: /opt/homebrew/bin/brew: stat: No such file or directory\n",
    "stat: /usr/local/bin/brew: stat: No such file or directory\n",
    "stat: /home/linuxbrew/.linuxbrew/bin/brew: stat: No such file or directory\n",
];

#[test]
fn homebrew_is_looked_for_at_three_prefixes() {
    let programs = ["/opt/homebrew/bin/brew", "/usr/local/bin/brew", "/home/linuxbrew/.linuxbrew/bin/brew"];
    for (at, program) in programs.iter().enumerate() {
        let others: String = MISSING.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, m)| *m).collect();
        let calls = calls(OpOutput::exited(1, &format!("501 alice {program}\n"), &others)).unwrap();
        let own = calls.iter().filter(|op| command(op).user.is_some());
        own.for_each(|op| assert_eq!(&*command(op).program, *program));
    }
    let both = "501 alice /opt/homebrew/bin/brew\n502 bob /usr/local/bin/brew\n";
    let calls = calls(OpOutput::exited(1, both, MISSING[2])).unwrap();
    assert!(calls.iter().any(|op| op.to_string() == "as alice: /opt/homebrew/bin/brew install --formula food"));
}

#[test]
fn homebrew_never_updates_by_itself() {
    for op in calls(OpOutput::exited(1, "501 alice /opt/homebrew/bin/brew\n", &MISSING[1..].concat())).unwrap() {
        if command(&op).user.is_some() {
            let env = &command(&op).env;
            assert!(env.iter().any(|(n, v)| &**n == "HOMEBREW_NO_AUTO_UPDATE" && v.as_str() == "1"), "{op}");
        }
    }
}

#[test]
fn homebrew_runs_as_the_owner_of_its_prefix_and_never_as_root() {
    let calls_of = |out: &str| calls(OpOutput::exited(1, out, &MISSING[1..].concat()));
    let calls = calls_of("501 alice /opt/homebrew/bin/brew\n").unwrap();
    let brews: Vec<&Op> = calls.iter().filter(|op| command(op).program.ends_with("/brew")).collect();
    assert_eq!(brews.len(), 3, "the question, the refresh, the installation");
    brews.iter().for_each(|op| assert_eq!(command(op).user.as_deref(), Some("alice"), "{op}"));
    assert!(calls_of("0 root /opt/homebrew/bin/brew\n").unwrap_err().contains("refuses to run as root"));
    assert!(calls_of("777 777 /opt/homebrew/bin/brew\n").unwrap_err().contains("has no name"));
    assert!(calls_of("501 -rf /opt/homebrew/bin/brew\n").unwrap_err().contains("has no name"));
}

#[test]
fn a_formula_and_a_cask_of_one_name_are_two_packages() {
    let both = said(
        r#"{"formulae":[],"casks":[{"token":"food","full_token":"food","old_tokens":[],"version":"1","installed":"1","outdated":false}]}"#,
    );
    let seen: &[(&str, OpOutput)] = &[(INFO, both)];
    assert_eq!(plan(&BLANKS[0], "package", "package: food", seen).outcome, Outcome::Changed);
    assert_eq!(plan(&BLANKS[0], "package", "package: food, manager: brew_cask", seen).outcome, Outcome::Ok);
}

#[test]
fn a_lock_of_another_homebrew_is_waited_for() {
    let adapter = MacOs.package(&HostFacts::default(), None).unwrap();
    let op = adapter.probe(&package(), &HostFacts::default()).remove(0);
    let cases = [
        ("Error: A `brew install food` process has already locked /opt/homebrew/Cellar/food.\n", ProblemKind::Locked),
        ("curl: (6) Could not resolve host: ghcr.io\n", ProblemKind::Blocked),
        ("Error: No available formula with the name \"food\".\n", ProblemKind::Failed),
    ];
    for (err, kind) in cases {
        let problem = adapter.classify(&package(), &op, &Ran::exited(1, "", err)).unwrap();
        assert_eq!(problem.kind, kind, "{err}");
        assert!(problem.help.is_some() || kind == ProblemKind::Failed, "{err}");
    }
    assert!(adapter.classify(&package(), &op, &Ran::exited(1, "", "")).is_none());
}

#[test]
fn answers_that_make_no_sense_are_unknown_and_nothing_is_done() {
    let broken: Vec<(&str, OpOutput)> = vec![
        ("empty", said("")),
        ("cut", said("{\"formulae\":[{\"name\":\"foo")),
        ("cut plist", said("<?xml?><plist><array><dict><key>a</key><string>b")),
        ("localised", said("Es ist ein Fehler aufgetreten.\n")),
        ("not UTF-8", OpOutput::Ran(Ran { stdout: b"\xff\xfe{\xff<\xff\n".to_vec(), ..Ran::exited(0, "", "") })),
        ("failed", OpOutput::exited(1, "", "boom\n")),
        ("too long", OpOutput::Ran(Ran { truncated: true, ..Ran::exited(0, "{}", "") })),
        ("another shape", said("{\"formulae\": {}, \"casks\": 7}")),
        ("nothing in it", said("<plist><array></array></plist>")),
        ("deep", said(&format!("<plist>{}", "<array>".repeat(5000)))),
        ("deep JSON", said(&format!("{{\"formulae\":{}", "[".repeat(5000)))),
    ];
    let resources: &[(&str, &str, &str)] = &[
        ("package", "package: food", INFO),
        ("package", "package: food, state: absent", INFO),
        ("package", "package: food", "/usr/bin/stat*"),
        ("repository", "repository: a.b, state: absent", "as admin: /opt/homebrew/bin/brew tap-info*"),
        ("user", "username: alice", "/usr/bin/dscl -plist . -readall /Users*"),
        ("user", "username: alice, state: absent", "/usr/bin/dscl -plist . -readall /Groups*"),
        ("user", "username: admin, password: x", "/usr/bin/dscl -plist . -read /Users/admin*"),
        ("user", "username: alice", "/usr/bin/id -u alice"),
        ("group", "group: admin, state: absent", "/usr/bin/dscl -plist . -readall /Groups*"),
        ("hostname", "hostname: a", "/usr/sbin/scutil --get HostName"),
        ("timezone", "timezone: Europe/Berlin", "/usr/sbin/systemsetup*"),
        ("mount", "path: /a, state: absent", "/sbin/mount"),
        ("cron", "schedule: '@daily', command: x", "crontab -l"),
        ("process", "process: food, state: stopped", "ps*"),
    ];
    for (kind, attributes, key) in resources {
        for (name, output) in &broken {
            let sense = match (*kind, *name) {
                // A name, a table of jobs or an id may be any text; the JSON and its shape are of packages.
                (
                    "hostname",
                    "localised" | "cut" | "cut plist" | "another shape" | "nothing in it" | "deep" | "deep JSON",
                ) => true,
                ("hostname", "not UTF-8") => true,
                ("cron", name) => !matches!(name, "failed" | "too long" | "not UTF-8"),
                ("user", _) if key.contains("/id") => true,
                _ => false,
            };
            if sense {
                continue;
            }
            let seen = plan(&BLANKS[0], kind, attributes, &[(key, output.clone())]);
            assert_eq!(seen.outcome, Outcome::Failed, "{kind} {attributes} {name}: {seen:?}");
            assert!(seen.operations.is_empty(), "{kind} {attributes} {name}: {seen:?}");
        }
    }
}

#[test]
fn a_number_is_given_from_501_and_accounts_of_the_system_are_hidden() {
    let ops = plan(&BLANKS[0], "user", "username: bob", &[]).operations.join("\n");
    assert!(ops.contains("-create /Users/bob UniqueID 502") && !ops.contains("IsHidden"), "{ops}");
    let ops = plan(&BLANKS[0], "user", "username: _svc, system: true", &[]).operations.join("\n");
    assert!(ops.contains("UniqueID 200") && ops.contains("-create /Users/_svc IsHidden 1"), "{ops}");
}

#[test]
fn members_change_by_dseditgroup_and_what_is_remembered_is_forgotten() {
    let ops = plan(&BLANKS[0], "group", "group: staff, members: admin", &[]).operations;
    assert_eq!(
        ops,
        [
            "/usr/sbin/dseditgroup -o edit -n . -a admin -t user staff",
            "/usr/sbin/dseditgroup -o edit -n . -d root -t user staff",
            "/usr/bin/dscacheutil -flushcache"
        ]
    );
}

#[test]
fn a_real_name_cannot_pass_for_another_record() {
    let evil = "x</string></array></dict>\n-\nRecordName: root\nUniqueID: 501";
    let escaped = evil.replace('<', "&lt;").replace('>', "&gt;");
    let field =
        |key: &str, value: &str| format!("<key>dsAttrTypeStandard:{key}</key><array><string>{value}</string></array>");
    let record = [
        field("RecordName", "eve"),
        field("UniqueID", "502"),
        field("PrimaryGroupID", "20"),
        field("RealName", &escaped),
    ];
    let text = format!("<plist version=\"1.0\"><array><dict>{}</dict></array></plist>", record.concat());
    let seen: &[(&str, OpOutput)] = &[("/usr/bin/dscl -plist . -readall /Users*", said(&text))];
    let report = plan(&BLANKS[0], "user", "username: eve, uid: 502", seen);
    assert_eq!(report.outcome, Outcome::Ok, "{report:?}");
    let report = plan(&BLANKS[0], "user", "username: nobody2, uid: 501", seen);
    assert_eq!(report.outcome, Outcome::Changed, "nobody has 501: {report:?}");
}

// walks fixtures/dscl
#[test]
fn an_error_of_directory_service_is_the_low_byte_of_its_number() {
    let of = |text: &str| Ran::from_recording(text).unwrap().1;
    let exists = of(include_str!("../fixtures/dscl/reported/create-existing.txt"));
    assert!(exists.err().contains("-14135") && exists.code() == Some(14135 & 0xff));
    let missing = include_str!("../fixtures/dscl/reported/read-missing.txt");
    assert!(missing.contains("-14136"), "its exit was not recorded");
    let ops = adapter_ops("username: bob");
    let create = ops.iter().find(|op| op.to_string().ends_with("-create /Users/bob")).unwrap();
    assert_eq!(command(create).accept, [0, 55], "what was begun is gone on with");
    let seen: &[(&str, OpOutput)] = &[];
    let ops = plan(&BLANKS[0], "user", "username: admin, state: absent", seen).operations;
    assert!(ops.contains(&"/usr/bin/dscl . -delete /Users/admin".to_owned()), "{ops:?}");
}

/// The operations that make an account of the machine on which nothing has been set up.
fn adapter_ops(attributes: &str) -> Vec<Op> {
    let adapter = MacOs.user(&HostFacts::default()).expect("an answer");
    let name = attributes.trim_start_matches("username: ");
    let want = want(name);
    let mut outputs = Outputs::default();
    let mut asks = adapter.probe(&want, &HostFacts::default());
    loop {
        for op in asks {
            let output = match &op {
                Op::Run(c) => OpOutput::Ran((BLANKS[0].answer)(c).expect("an answer")),
                _ => OpOutput::Missing,
            };
            outputs.push(op, std::sync::Arc::new(output));
        }
        match adapter.interpret(&want, &outputs, &HostFacts::default()) {
            Interpreted::Ask(more) => asks = more,
            Interpreted::Known(state) => {
                return adapter
                    .lower(&want, &state, &[user::Action::Create], &HostFacts::default())
                    .expect("an answer");
            }
            Interpreted::Unknown(why) => panic!("{why}"),
        }
    }
}

fn want(name: &str) -> user::Want {
    user::Want {
        username: name.into(),
        present: true,
        uid: None,
        system: false,
        group: None,
        groups: None,
        groups_exact: false,
        shell: None,
        home: None,
        comment: None,
        manage_home: true,
        move_home: false,
        password: None,
        update_password: user::Update::Always,
        lock: None,
        ageing: user::Ageing::default(),
        authorized_keys: None,
        key_remarks: Vec::new(),
        sudo: None,
        login_class: None,
    }
}

// walks fixtures/dscl
#[test]
fn a_value_may_stand_on_the_next_line_so_the_plain_form_is_not_read() {
    let (_, ran) = Ran::from_recording(include_str!("../fixtures/dscl/reported/read-value-next-line.txt")).unwrap();
    assert_eq!(ran.out(), "RealName:\n Alice Example\n");
    let probes = MacOs.user(&HostFacts::default()).unwrap().probe(&want("alice"), &HostFacts::default());
    let reads: Vec<&Op> = probes.iter().filter(|op| op.to_string().contains("dscl")).collect();
    assert_eq!(reads.len(), 2);
    reads.iter().for_each(|op| assert_eq!(command(op).args[0].as_str(), "-plist"));
}

#[test]
fn a_password_never_stands_in_an_argument() {
    let ops = plan(&BLANKS[0], "user", "username: bob, password: s3cr3t-word", &[]).operations.join("\n");
    assert!(ops.contains("dsimport '{{secret_file}}' /Local/Default M") && !ops.contains("s3cr3t"), "{ops}");
    assert!(!ops.contains("passwd") && !ops.contains("sysadminctl"), "{ops}");
}

#[test]
fn a_crontab_is_never_removed_and_the_spool_is_not_touched() {
    let table = "SHELL=/bin/sh\n# vigo: r\n@daily /bin/date +\\%F\n";
    let seen: &[(&str, OpOutput)] = &[("crontab -l", said(table))];
    let ops = plan(&BLANKS[0], "cron", "state: absent", seen).operations;
    assert_eq!(ops, ["crontab '{{secret_file}}'"], "`crontab -r` asks back");
    let report = plan(&BLANKS[0], "cron", "schedule: '@daily', command: '/bin/date +\\%F'", seen);
    assert_eq!(report.outcome, Outcome::Ok, "a percent sign stays as it is written: {report:?}");
}

#[test]
fn what_the_table_excepts_is_refused_when_the_plan_is_made() {
    let cases = [
        ("package", "package: food, version: '1'", true),
        ("package", "package: food, allow_downgrade: true", true),
        ("package", "package: food, state: absent, purge: true", true),
        ("package", "package: food, post_cleanup: true", false),
        ("package", "package: food, manager: brew_cask, post_cleanup: true", true),
        ("repository", "repository: a.b, repo: a/b, key_url: /k", true),
        ("repository", "repository: a.b, repo: a/b, gpgcheck: false", true),
        ("repository", "repository: a.b, repo: a/b, priority: 1", true),
        ("user", "username: bob, password_min_age: 1", true),
        ("user", "username: bob, password_warn_days: 1", true),
        ("user", "username: bob, password_inactive_days: 1", true),
        ("user", "username: bob, locked: true", false),
        ("sysctl", "key: a.b, value: '1'", true),
        ("swap", "path: /s, size: 64", true),
        ("systemd_unit", "unit: a.service, content: \"[Service]\\n\"", true),
    ];
    for (kind, attributes, refused) in cases {
        assert_eq!(is_refused(&BLANKS[0], kind, attributes), refused, "{kind} {attributes}");
    }
}
