//! What illumos' tools are known to do, each as a test, and what becomes of answers that make no sense.

use crate::machine::{is_refused, plan, said};
use vigo_core::action::{OpOutput, Ran};
use vigo_core::converge::Outcome;
use vigo_core::host::{Host, HostFacts, ProblemKind};
use vigo_core::resource::package::{Action, Ensure, Hold, State, Want};
use vigo_host_illumos::{BLANKS, Illumos};

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

#[test]
fn exit_4_is_nothing_to_do_and_exit_7_is_asked_again_later() {
    let adapter = Illumos.package(&HostFacts::default(), None).unwrap();
    let actions = [Action::Install(vec!["food".into()])];
    let ops = adapter.lower(&package(), &State::default(), &actions, &HostFacts::default()).unwrap();
    assert_eq!(crate::machine::command(&ops[0]).accept, [0, 4]);
    let busy = "pkg: The image cannot be modified as it is currently in use by another process: pkg pid 7\n";
    let cases = [
        (7, busy, Some(ProblemKind::Locked)),
        (1, "pkg install: The following pattern(s) did not match any allowable packages.\n", Some(ProblemKind::Failed)),
        (1, "Unable to contact valid package repository\n", Some(ProblemKind::Blocked)),
        (1, "something else\n", None),
    ];
    for (code, err, kind) in cases {
        let problem = adapter.classify(&package(), &ops[0], &Ran::exited(code, "", err));
        assert_eq!(problem.map(|p| p.kind), kind, "{err}");
    }
}

#[test]
fn both_shapes_of_a_listing_are_read_and_warnings_between_lines_are_not() {
    let new = "pkg://omnios/web/nginx@1.24.0-151046.0:20230501T000000Z                 if-\n";
    let old = "pkg://solaris/web/nginx@1.24.0,5.11-0.151.0.1:20101104T230646Z       installed  uf---\n";
    let between = format!(
        "\nWARNING: pkg(5) appears to be out of date, and should be updated before\nrunning pkg update. i--\n{new}x\n"
    );
    for text in [new, old, &between] {
        let seen: &[(&str, OpOutput)] = &[("/usr/bin/pkg list -Hv", said(text))];
        let there = plan(&BLANKS[0], "package", "package: nginx, version: 1.24.0, lock_version: true", seen);
        assert_eq!(there.outcome, Outcome::Ok, "{text}: {there:?}");
    }
    let known = "pkg://solaris/web/nginx@1.24.0,5.11-0.151.0.1:20101104T230646Z   known  -----\n";
    let both = format!("{known}pkg://solaris/SUNWcs@0.5.11,5.11-0.151:20101104T230646Z  installed  -----\n");
    let seen: &[(&str, OpOutput)] = &[("/usr/bin/pkg list -Hv", said(&both))];
    assert_eq!(plan(&BLANKS[0], "package", "package: nginx", seen).outcome, Outcome::Changed, "known is not installed");
}

#[test]
fn licences_are_accepted_and_a_hold_is_a_freeze() {
    let ops = plan(&BLANKS[0], "package", "package: food", &[]).operations;
    assert_eq!(ops, ["/usr/bin/pkg install --deny-new-be --accept food"]);
    let seen: &[(&str, OpOutput)] = &[("/usr/bin/pkg list -Hv", said("pkg://o/food@1.0-1:2023T  i--\n"))];
    let ops = plan(&BLANKS[0], "package", "package: food, version: '1.0', lock_version: true", seen).operations;
    assert_eq!(ops, ["/usr/bin/pkg freeze food"]);
}

#[test]
fn a_name_that_several_packages_end_in_is_not_guessed() {
    let two = "pkg://o/web/php@1-1:2023T  i--\npkg://o/library/php@1-1:2023T  i--\n";
    let seen: &[(&str, OpOutput)] = &[("/usr/bin/pkg list -Hv", said(two))];
    let report = plan(&BLANKS[0], "package", "package: php, state: absent", seen);
    let cause = report.cause.clone().unwrap_or_default();
    assert!(report.operations.is_empty() && cause.contains("`web/php`, `library/php`"), "{report:?}");
    assert_eq!(plan(&BLANKS[0], "package", "package: library/php", seen).outcome, Outcome::Ok);
    assert_eq!(plan(&BLANKS[0], "package", "package: hp", seen).outcome, Outcome::Changed, "parts of names are none");
}

const PASSWD: &str = "root:x:0:0:Super-User:/root:/usr/bin/bash\nalice:x:101:10:Alice:/home/alice:/bin/sh\n";

fn files(shadow: &str) -> [(&'static str, OpOutput); 2] {
    [("read /etc/passwd", OpOutput::file(PASSWD)), ("read /etc/shadow", OpOutput::file(shadow))]
}

#[test]
fn userdel_is_told_of_a_home_only_where_there_is_one() {
    let shadow = files("alice:UP:19000::::::\n");
    let ops = plan(&BLANKS[0], "user", "username: alice, state: absent", &shadow).operations;
    assert_eq!(ops, ["/usr/sbin/userdel alice"]);
    let [passwd, shadow] = shadow;
    let seen = [passwd, shadow, ("stat /home/alice", crate::machine::folder(101))];
    let ops = plan(&BLANKS[0], "user", "username: alice, state: absent", &seen).operations;
    assert_eq!(ops, ["/usr/sbin/userdel -r alice"]);
}

/// What a plan writes into the shadow file.
fn shadow_after(attributes: &str, shadow: &str) -> String {
    use vigo_core::action::{Content, Op, Outputs};
    use vigo_core::host::{Interpreted, Phase};
    use vigo_core::resource::user;
    let adapter = Illumos.user(&HostFacts::default()).expect("an answer");
    let facts =
        HostFacts { now: vigo_core::time::Timestamp::from_epoch_secs(20_000 * 86_400 + 5), ..HostFacts::default() };
    let ageing = |max: Option<i64>, expires: &str| user::Ageing {
        max,
        expires: user::Expiry::parse(expires),
        ..Default::default()
    };
    let hash = |text: &str| Some(user::Password::Hash(vigo_core::value::Text::plain(text)));
    let base = user::Want {
        username: "alice".into(),
        present: true,
        uid: None,
        system: false,
        group: None,
        groups: None,
        groups_exact: false,
        shell: None,
        home: None,
        comment: None,
        manage_home: false,
        move_home: false,
        password: None,
        update_password: user::Update::Always,
        lock: None,
        ageing: Default::default(),
        authorized_keys: None,
        key_remarks: Vec::new(),
        sudo: None,
        login_class: None,
    };
    let want = match attributes {
        "expires" => user::Want { ageing: ageing(None, "2030-01-01"), ..base },
        "ages" => user::Want { ageing: ageing(Some(90), "never"), ..base },
        "hash" => user::Want { password: hash("$6$a$b"), ..base },
        "locked" => user::Want { lock: Some(user::Lock::Locked), ..base },
        _ => user::Want { lock: Some(user::Lock::Open), ..base },
    };
    let mut outputs = Outputs::default();
    let mut asks = adapter.probe(&want, &facts);
    let state = loop {
        for op in asks {
            let output = match op.to_string().as_str() {
                "read /etc/passwd" => OpOutput::file(PASSWD),
                "read /etc/group" => OpOutput::file("staff::10:\n"),
                "read /etc/shadow" => OpOutput::file(shadow),
                _ => OpOutput::Missing,
            };
            outputs.push(op, std::sync::Arc::new(output));
        }
        match adapter.interpret(&want, &outputs, &facts) {
            Interpreted::Ask(more) => asks = more,
            Interpreted::Known(state) => break state,
            Interpreted::Unknown(why) => panic!("{why}"),
        }
    };
    use vigo_core::host::Family;
    let compared = user::Users::compare(&want, &state, Phase::Before);
    let ops = adapter.lower(&want, &state, &compared.actions, &facts).expect("an answer");
    let [Op::ReplaceFile(replace)] = &ops[..] else { panic!("{ops:?}") };
    assert_eq!(replace.path.as_str(), "/etc/shadow");
    assert_eq!(replace.expect, vigo_core::action::Expect::content(shadow.as_bytes()), "only if it is what was read");
    let Content::Bytes(bytes) = &replace.content else { panic!() };
    String::from_utf8(bytes.to_vec()).expect("an answer")
}

#[test]
fn a_role_is_changed_and_removed_by_the_tools_for_roles() {
    let files = |attributes: &str| -> Vec<(&'static str, OpOutput)> {
        vec![
            (
                "read /etc/passwd",
                OpOutput::file("root:x:0:0:Super-User:/root:/bin/bash\nalice:x:100:10::/home/alice:/bin/sh\n"),
            ),
            ("read /etc/shadow", OpOutput::file("root:*LK*:1::::::\nalice:NP:1::::::\n")),
            ("read /etc/group", OpOutput::file("staff::10:\nadm::4:\n")),
            ("read /etc/user_attr", OpOutput::file(attributes)),
        ]
    };
    let role = files("# mine\nroot::::auths=x\nalice::::type=role;profiles=All\n");
    let user = files("bob::::type=role\nalice::::profiles=type=role\n");
    for (seen, modify, remove) in [(&role, "rolemod", "roledel"), (&user, "usermod", "userdel")] {
        let ops = plan(&BLANKS[0], "user", "username: alice, comment: A", seen).operations;
        assert_eq!(ops, [format!("/usr/sbin/{modify} -c A alice")]);
        let ops = plan(&BLANKS[0], "user", "username: alice, state: absent", seen).operations;
        assert!(ops[0].starts_with(&format!("/usr/sbin/{remove} ")), "{ops:?}");
    }
}

#[test]
fn a_role_is_a_member_and_has_a_primary_group_by_the_tool_for_roles() {
    let files: &[(&str, OpOutput)] = &[
        (
            "read /etc/passwd",
            OpOutput::file("alice:x:100:10::/home/alice:/bin/sh\nboss:x:101:10::/home/boss:/bin/pfsh\n"),
        ),
        ("read /etc/group", OpOutput::file("staff::10:\nadm::4:\n")),
        ("read /etc/user_attr", OpOutput::file("alice::::roles=boss\nboss::::type=role\n")),
    ];
    let ops = plan(&BLANKS[0], "group", "group: adm, members: 'alice, boss'", files).operations;
    assert_eq!(ops, ["/usr/sbin/usermod -G adm alice", "/usr/sbin/rolemod -G adm boss"]);
    let ops = plan(&BLANKS[0], "group", "group: staff, gid: 20", files).operations;
    let expected = ["groupadd -g 20 vigo20", "usermod -g 20 alice", "rolemod -g 20 boss", "groupdel vigo20"];
    let expected = expected.into_iter().chain(["groupmod -g 20 staff"]).map(|call| format!("/usr/sbin/{call}"));
    assert_eq!(ops, expected.collect::<Vec<_>>());
}

#[test]
fn a_group_whose_users_are_half_way_to_its_new_number_is_not_in_sync() {
    let files: &[(&str, OpOutput)] = &[
        ("read /etc/passwd", OpOutput::file("alice:x:100:20::/home/alice:/bin/sh\nbob:x:101:10::/home/bob:/bin/sh\n")),
        ("read /etc/group", OpOutput::file("staff::10:\nvigo20::20:\n")),
    ];
    let seen = plan(&BLANKS[0], "group", "group: staff, gid: 20", files);
    let expected = ["usermod -g 20 bob", "groupdel vigo20", "groupmod -g 20 staff"];
    assert_eq!(seen.operations, expected.map(|call| format!("/usr/sbin/{call}")));
}

#[test]
fn passwords_ages_and_the_last_day_are_written_as_days_and_other_lines_stay() {
    let of = |attributes: &str, field: &str| {
        let shadow = format!("# kept\nroot:NP:6445::::::\nalice:{field}:19000:7:30:14:::\nbob:UP:::::::");
        let after = shadow_after(attributes, &shadow);
        let line = after.lines().find(|l| l.starts_with("alice:")).unwrap().to_owned();
        assert_eq!(
            after.replace(&line, ""),
            shadow.replace(&format!("alice:{field}:19000:7:30:14:::"), ""),
            "{attributes}"
        );
        line
    };
    assert_eq!(of("expires", "$5$x$y"), "alice:$5$x$y:19000:7:30:14::21915:");
    assert_eq!(of("ages", "$5$x$y"), "alice:$5$x$y:19000:7:90:14:::");
    assert_eq!(of("hash", "$5$x$y"), "alice:$6$a$b:20000:7:30:14:::");
    assert_eq!(of("hash", "*LK*$5$x$y"), "alice:*LK*$6$a$b:20000:7:30:14:::", "a lock stays");
    assert_eq!(of("locked", "$5$x$y"), "alice:*LK*$5$x$y:19000:7:30:14:::");
    assert_eq!(of("open", "*LK*$5$x$y"), "alice:$5$x$y:19000:7:30:14:::");
}

#[test]
fn the_day_an_account_closes_is_never_given_as_a_local_date() {
    // usermod(8) would take mm/dd/yyyy for midnight of the machine's zone: the day before, east of Greenwich.
    let seen = files("alice:UP:19000::::::\n");
    let report = plan(&BLANKS[0], "user", "username: alice, expires: 2030-01-01, comment: A", &seen);
    let ops = report.operations.join("\n");
    assert!(ops.starts_with("write /etc/shadow") && !ops.contains(" -e ") && !ops.contains("/2030"), "{ops}");
}

#[test]
fn crontab_runs_as_the_user_and_is_told_no_name() {
    let none = OpOutput::exited(1, "", "crontab: can't open your crontab file.\n");
    let seen: &[(&str, OpOutput)] = &[("as alice: crontab -l", none)];
    let ops = plan(&BLANKS[0], "cron", "schedule: '0 1 * * *', command: /bin/x, user: alice", seen).operations;
    assert_eq!(ops, ["as alice: crontab '{{secret_file}}'"], "a file that the executor gives to that user");
}

#[test]
fn a_crontab_that_cannot_be_opened_is_not_an_empty_one() {
    let none = OpOutput::exited(1, "", "crontab: can't open your crontab file.\n");
    let OpOutput::File { meta, .. } = OpOutput::file("") else { panic!("a file") };
    let seen: &[(&str, OpOutput)] =
        &[("crontab -l", none), ("stat /var/spool/cron/crontabs/root", OpOutput::Stat(meta))];
    let report = plan(&BLANKS[0], "cron", "schedule: '0 1 * * *', command: x", seen);
    assert!(report.outcome == Outcome::Failed && report.operations.is_empty(), "{report:?}");
}

#[test]
fn a_crontab_that_cannot_be_read_is_not_an_empty_one() {
    let denied = OpOutput::exited(1, "", "crontab: you are not authorized to use cron.  Sorry.\n");
    let report = plan(&BLANKS[0], "cron", "schedule: '0 1 * * *', command: x", &[("crontab -l", denied)]);
    assert!(report.outcome == Outcome::Failed && report.operations.is_empty(), "{report:?}");
}

#[test]
fn steps_and_macros_are_expanded_and_reboot_is_refused() {
    let there = said("# vigo: r\n0,30 * * * * /bin/x\n");
    let seen: &[(&str, OpOutput)] = &[("crontab -l", there)];
    assert_eq!(plan(&BLANKS[0], "cron", "schedule: '*/30 * * * *', command: /bin/x", seen).outcome, Outcome::Ok);
    let there = said("# vigo: r\n0 * * * * /bin/x\n");
    let seen: &[(&str, OpOutput)] = &[("crontab -l", there)];
    assert_eq!(plan(&BLANKS[0], "cron", "schedule: '@hourly', command: /bin/x", seen).outcome, Outcome::Ok);
    assert!(is_refused(&BLANKS[0], "cron", "schedule: '@reboot', command: /bin/x"));
    assert!(!is_refused(&BLANKS[0], "cron", "state: absent"));
}

#[test]
fn answers_that_make_no_sense_are_unknown_and_nothing_is_done() {
    let broken: Vec<(&str, OpOutput)> = vec![
        ("empty", said("")),
        ("cut", said("pkg://omnios/web/ng")),
        ("localised", said("Es ist ein Fehler aufgetreten.\n")),
        ("not UTF-8", OpOutput::Ran(Ran { stdout: b"\xff\xfe\n".to_vec(), ..Ran::exited(0, "", "") })),
        ("failed", OpOutput::exited(1, "", "boom\n")),
        ("too long", OpOutput::Ran(Ran { truncated: true, ..Ran::exited(0, "PUBLISHER\t\n", "") })),
    ];
    let resources: &[(&str, &str, &str)] = &[
        ("package", "package: food", "/usr/bin/pkg list -Hv"),
        ("package", "package: food, state: absent", "/usr/bin/pkg list -Hv"),
        ("repository", "repository: a, state: absent", "/usr/bin/pkg publisher*"),
        ("repository", "repository: a, repo: 'https://a'", "/usr/bin/pkg publisher*"),
        ("process", "process: food, state: stopped", "ps*"),
    ];
    for (kind, attributes, key) in resources {
        for (name, output) in &broken {
            let seen = plan(&BLANKS[0], kind, attributes, &[(key, output.clone())]);
            assert_eq!(seen.outcome, Outcome::Failed, "{kind} {attributes} {name}: {seen:?}");
            assert!(seen.operations.is_empty(), "{kind} {attributes} {name}: {seen:?}");
        }
    }
    for (path, kind, attributes) in [
        ("read /etc/mnttab", "mount", "path: /a, state: unmounted"),
        ("read /etc/mnttab", "mount", "path: /a, device: swap, fstype: tmpfs"),
    ] {
        for text in ["", "half a line", "\u{fffd}\t/\n"] {
            let seen = plan(&BLANKS[0], kind, attributes, &[(path, OpOutput::file(text))]);
            assert_eq!(seen.outcome, Outcome::Failed, "{text}: {seen:?}");
        }
    }
    let denied = |path| {
        let kind = vigo_core::action::FailureKind::Denied;
        [(path, OpOutput::Failed(vigo_core::action::OpFailure { kind, message: "permission denied".into() }))]
    };
    for (path, kind, attributes) in [
        ("read /etc/shadow", "user", "username: root, password: x"),
        ("read /etc/passwd", "user", "username: alice, state: absent"),
        ("read /etc/group", "group", "group: sys, state: absent"),
        ("read /etc/nodename", "hostname", "hostname: a"),
        ("/usr/bin/hostname", "hostname", "hostname: a"),
        ("read /etc/default/init", "timezone", "timezone: Europe/Berlin"),
        ("read /etc/vfstab", "mount", "path: /a, state: absent"),
    ] {
        let seen = plan(&BLANKS[0], kind, attributes, &denied(path));
        assert!(seen.outcome == Outcome::Failed && seen.operations.is_empty(), "{path}: {seen:?}");
    }
}

#[test]
fn what_the_table_excepts_is_refused_when_the_plan_is_made() {
    let cases = [
        ("package", "package: food, version: '1.*'", true),
        ("package", "package: food, version: '1'", false),
        ("package", "package: food, allow_downgrade: true", true),
        ("package", "package: food, state: absent, purge: true", true),
        ("package", "package: food, post_cleanup: true", true),
        ("repository", "repository: a, repo: 'https://a', key_url: /k", true),
        ("repository", "repository: a, repo: 'https://a', gpgcheck: false", true),
        ("repository", "repository: a, repo: 'https://a', priority: 1", true),
        ("repository", "repository: a, repo: 'https://a', enabled: false", false),
        ("user", "username: bob, password_inactive_days: 1", true),
        ("user", "username: bob, login_class: a", true),
        ("user", "username: bob, password_max_age: 1", false),
        ("process", "process: a, restart_method: systemctl, restart_unit: a.service", true),
        ("mount", "path: /a, device: swap, fstype: tmpfs, dump: 1", true),
        ("sysctl", "key: a.b, value: '1'", true),
        ("swap", "path: /s, size: 64", true),
        ("systemd_unit", "unit: a.service, content: \"[Service]\\n\"", true),
    ];
    for (kind, attributes, refused) in cases {
        assert_eq!(is_refused(&BLANKS[0], kind, attributes), refused, "{kind} {attributes}");
    }
}
