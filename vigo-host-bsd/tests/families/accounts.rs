//! `user` and `group`.

use crate::rig::{Answers, bytes, denied, file, hostile, plan, said, see, stat, table};
use std::collections::BTreeSet;
use std::sync::Arc;
use vigo_core::action::{AbsPath, Command, FileKind, Op};
use vigo_core::entropy::Entropy;
use vigo_core::host::{Family, Host, HostFacts, Interpreted, Phase};
use vigo_core::resource::group;
use vigo_core::resource::user::{Ageing, Expiry, Lock, Password, Salt, Sudo, Update, Users, Want};
use vigo_core::value::Text;
use vigo_host_bsd::{FreeBsd, NetBsd, OpenBsd};

fn facts() -> HostFacts {
    HostFacts::default()
}

fn alice() -> Want {
    Want {
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
        manage_home: true,
        move_home: false,
        password: None,
        update_password: Update::Always,
        lock: None,
        ageing: Ageing::default(),
        authorized_keys: None,
        key_remarks: Vec::new(),
        sudo: None,
        login_class: None,
    }
}

fn names(names: &[&str]) -> BTreeSet<Arc<str>> {
    names.iter().map(|n| Arc::from(*n)).collect()
}

fn plain(password: &str) -> Option<Password> {
    let salt = Salt::new(Entropy::new([7; 32]));
    Some(Password::Plain { password: Text::secret(password, "app/alice"), salt })
}

/// Everything that may be wanted of an account here.
fn whole() -> Want {
    Want {
        uid: Some(1500),
        group: Some("staff".into()),
        groups: Some(names(&["wheel", "www"])),
        groups_exact: true,
        shell: Some(AbsPath::known("/bin/ksh")),
        home: Some(AbsPath::known("/srv/alice")),
        comment: Some("Alice A.".into()),
        password: Some(Password::Hash(Text::secret("$2b$10$abc/d.e", "app/alice"))),
        ageing: Ageing { expires: Expiry::parse("2030-01-05"), ..Ageing::default() },
        authorized_keys: Some(Text::plain("ssh-ed25519 AAAA alice\n")),
        sudo: Some(Sudo::WithoutPassword),
        login_class: Some("staff".into()),
        ..alice()
    }
}

const PASSWD: &str = "root:*:0:0:Charlie &:/root:/bin/ksh\nbob:*:1001:1001::/home/bob:/bin/ksh\n";
const MASTER: &str =
    "root:*:0:0:daemon:0:0:Charlie &:/root:/bin/ksh\nbob:$2b$10$x:1001:1001::0:0::/home/bob:/bin/ksh\n";
const GROUP: &str = "wheel:*:0:root\nstaff:*:20:root,alice\nwww:*:67:\nbob:*:1001:\noperator:*:5:root,alice\n";

fn accounts(passwd: &str, master: &str) -> Answers<'static> {
    let add = |text: &str, more: &str| file(&format!("{text}{more}"));
    vec![
        ("read /etc/passwd", add(PASSWD, passwd)),
        ("read /etc/master.passwd", add(MASTER, master)),
        ("read /etc/group", file(GROUP)),
        ("stat /bin/ksh", stat(FileKind::File, 0o555)),
        ("/usr/bin/getent passwd alice", said(2, "", "")),
        ("stat /home/alice", stat(FileKind::Dir, 0o755)),
    ]
}

fn there(password: &str, shell: &str) -> Answers<'static> {
    let passwd = format!("alice:*:1000:20:Alice:/home/alice:{shell}\n");
    accounts(&passwd, &format!("alice:{password}:1000:20:default:0:0:Alice:/home/alice:{shell}\n"))
}

fn without(mut answers: Answers<'static>, line: &str) -> Answers<'static> {
    answers.retain(|(op, _)| *op != line);
    answers
}

fn with(mut answers: Answers<'static>, more: Answers<'static>) -> Answers<'static> {
    answers.splice(0..0, more);
    answers
}

/// What may be found, with the fields in which this system locks an account.
fn observed(locked: (&str, &str)) -> Vec<(&'static str, Answers<'static>)> {
    let none = || without(accounts("", ""), "stat /home/alice");
    vec![
        ("none", none()),
        ("none, but a home", accounts("", "")),
        ("there", there("$2b$10$abc/d.e", "/bin/ksh")),
        ("there, locked", there(locked.0, locked.1)),
        ("there, without a password", there("*************", "/bin/ksh")),
        (
            "in a directory",
            with(none(), vec![("/usr/bin/getent passwd alice", said(0, "alice:*:9:9::/:/bin/sh\n", ""))]),
        ),
        ("getent fails", with(none(), vec![("/usr/bin/getent passwd alice", said(1, "", "no\n"))])),
        ("master.passwd is unreadable", with(there("*", "/bin/ksh"), vec![("read /etc/master.passwd", denied())])),
    ]
}

fn wanted() -> Vec<(&'static str, Want)> {
    let absent = Want { present: false, ..alice() };
    let hash = |hash: &str| Some(Password::Hash(Text::secret(hash, "app/alice")));
    vec![
        ("alice", alice()),
        ("alice with everything", whole()),
        ("locked", Want { lock: Some(Lock::Locked), ..alice() }),
        ("open", Want { lock: Some(Lock::Open), ..alice() }),
        ("another password, locked", Want { lock: Some(Lock::Locked), password: hash("$2b$10$z&z"), ..alice() }),
        ("another shell", Want { shell: Some(AbsPath::known("/bin/ksh")), ..alice() }),
        ("no home", Want { manage_home: false, ..alice() }),
        ("no rule", Want { sudo: Some(Sudo::NoRule), ..alice() }),
        ("absent", absent),
    ]
}

#[test]
fn users_on_openbsd() {
    let rows = observed(("*$2b$10$abc/d.e", "/bin/ksh-"));
    insta::assert_snapshot!(table(|| OpenBsd.user(&facts()), &rows, &wanted()));
}

#[test]
fn users_on_netbsd() {
    let rows = observed(("*LOCKED*$2b$10$abc/d.e", "/bin/sh"));
    insta::assert_snapshot!(table(|| NetBsd.user(&facts()), &rows, &wanted()));
}

#[test]
fn local_existence_is_read_from_the_passwd_file() {
    let answers = with(
        without(accounts("", ""), "stat /home/alice"),
        vec![("/usr/bin/getent passwd alice", said(0, "alice:*:1000:20::/home/alice:/bin/ksh\n", ""))],
    );
    for host in [&OpenBsd as &dyn Host, &NetBsd, &FreeBsd] {
        let seen = plan(host.user(&facts()), &alice(), &answers);
        assert_eq!(seen, "  failed: expected `alice` to be a local account, found it in a directory service\n");
    }
}

#[test]
fn a_first_password_that_an_interruption_left_out_is_set_and_that_of_an_account_made_by_hand_is_not() {
    let want = Want {
        password: Some(Password::Hash(Text::secret("$2b$10$abc", "app/alice"))),
        update_password: Update::OnCreate,
        ..alice()
    };
    for host in [&OpenBsd as &dyn Host, &NetBsd] {
        let new = plan(host.user(&facts()), &want, &without(accounts("", ""), "stat /home/alice"));
        let made = new.lines().find(|line| line.contains("useradd")).expect("a call of useradd");
        let words: Vec<&str> = made.split_whitespace().collect();
        let mark = words[words.iter().position(|word| *word == "-p").expect("a mark") + 1].trim_matches('\'');
        assert!(new.contains("vipw"), "in the same round: {new}");
        for (stored, set) in [(mark, true), ("*************", false), ("*", false), ("$2b$10$other", false)] {
            let seen = plan(host.user(&facts()), &want, &there(stored, "/bin/ksh"));
            assert_eq!(seen.contains("vipw"), set, "{stored} on {}: {seen}", host.name());
        }
    }
}

#[test]
fn groups_are_set_by_s_locks_by_z_and_u_and_the_class_by_l_on_openbsd() {
    let open = there("$2b$10$x", "/bin/ksh");
    let cases = [
        (Want { groups: Some(names(&["www"])), groups_exact: true, ..alice() }, &open, "usermod -S www -- alice"),
        (Want { login_class: Some("staff".into()), ..alice() }, &open, "usermod -L staff -- alice"),
        (Want { lock: Some(Lock::Locked), ..alice() }, &open, "usermod -Z -- alice"),
        (Want { lock: Some(Lock::Open), ..alice() }, &there("*$2b$10$x", "/bin/ksh-"), "usermod -U -- alice"),
    ];
    for (want, answers, call) in cases {
        let seen = plan(OpenBsd.user(&facts()), &want, answers);
        assert!(seen.ends_with(&format!("$ /usr/sbin/{call}\n")), "{call}: {seen}");
    }
}

#[test]
fn a_lock_is_c_yes_and_c_no_on_netbsd() {
    let cases = [(Lock::Locked, "$2a$10$x", "-C yes"), (Lock::Open, "*LOCKED*$2a$10$x", "-C no")];
    for (lock, stored, option) in cases {
        let seen = plan(NetBsd.user(&facts()), &Want { lock: Some(lock), ..alice() }, &there(stored, "/bin/ksh"));
        assert!(seen.ends_with(&format!("$ /usr/sbin/usermod {option} -- alice\n")), "{seen}");
    }
}

#[test]
fn there_are_no_system_accounts_and_no_ages_of_passwords() {
    let days = |set: fn(&mut Ageing)| {
        let mut want = alice();
        set(&mut want.ageing);
        want
    };
    let cases = [
        ("system", Want { system: true, ..alice() }),
        ("password_max_age", days(|a| a.max = Some(90))),
        ("password_min_age", days(|a| a.min = Some(1))),
        ("password_warn_days", days(|a| a.warn = Some(7))),
        ("password_inactive_days", days(|a| a.inactive = Some(7))),
    ];
    for host in [&OpenBsd as &dyn Host, &NetBsd] {
        for (attribute, want) in &cases {
            let problem = host.user(&facts()).expect("an adapter").check(want, &facts()).expect_err("refused");
            let expected = format!("attribute `{attribute}` of type `user` is not supported on {}", host.name());
            assert_eq!(problem.message, expected);
        }
        let group = group::Want { system: true, ..staff(&[], true) };
        assert!(host.group(&facts()).expect("an adapter").check(&group, &facts()).is_err());
    }
}

#[test]
fn a_password_that_bcrypt_would_cut_is_refused() {
    for host in [&OpenBsd as &dyn Host, &NetBsd] {
        let tool = host.user(&facts()).expect("an adapter");
        let check = |len: usize| tool.check(&Want { password: plain(&"x".repeat(len)), ..alice() }, &facts());
        assert!(check(72).is_ok());
        let problem = check(73).expect_err("refused");
        assert_eq!(problem.message, "expected a password of at most 72 bytes, found 73");
    }
}

/// The field that a password comes to, and whether it is in sync once it stands there.
#[test]
fn a_password_is_hashed_as_the_system_does_and_found_again() {
    for (host, scheme) in [(&OpenBsd as &dyn Host, "$2b$10$"), (&NetBsd, "$2a$10$")] {
        let want = Want { password: plain("s:e&c/ret\\"), ..alice() };
        let tool = host.user(&facts()).expect("an adapter");
        let script = |answers: &Answers<'_>| {
            let Interpreted::Known(state) = see(host.user(&facts()), &want, answers) else { panic!() };
            let actions = Users::compare(&want, &state, Phase::Before).actions;
            let ops = tool.lower(&want, &state, &actions, &facts()).expect("operations");
            ops.into_iter().find_map(|op| match op {
                Op::Run(Command { program, stdin: Some(text), args, .. }) if program.ends_with("vipw") => {
                    assert!(args.is_empty() && text.secret_path().is_some(), "a hash is no argument, and secret");
                    Some(text.as_str().to_string())
                }
                _ => None,
            })
        };
        let set = script(&there("$2b$10$abc", "/bin/ksh")).expect("a call of vipw");
        let field =
            set.strip_prefix("/^alice:/s/:[^:]*/:").and_then(|s| s.strip_suffix("/\nw\nq\n")).expect("a script");
        let field = field.replace('\\', "");
        assert!(field.starts_with(scheme) && field.len() == 60, "{field}");
        assert_eq!(script(&there(&field, "/bin/ksh")), None, "it is found again");
        assert!(script(&there(&field.replace("$10$", "$11$"), "/bin/ksh")).is_some());
    }
}

#[test]
fn the_editor_of_vipw_replaces_one_field() {
    // What ed(1) makes of the script, in its own words: the address is a line, the first match is replaced.
    let want =
        Want { password: Some(Password::Hash(Text::secret("a&b/c\\d", "x"))), username: "a.b".into(), ..alice() };
    let answers = vec![
        ("read /etc/passwd", file("a.b:*:1000:20::/home/a.b:/bin/sh\n")),
        ("read /etc/master.passwd", file("a.b:x:1000:20::0:0::/home/a.b:/bin/sh\n")),
        ("read /etc/group", file(GROUP)),
    ];
    let seen = plan(OpenBsd.user(&facts()), &want, &answers);
    assert!(seen.contains("      /^a\\.b:/s/:[^:]*/:a\\&b\\/c\\\\d/\n      w\n      q\n"), "{seen}");
}

#[test]
fn an_account_below_1000_cannot_be_locked_on_openbsd() {
    let answers = vec![
        ("read /etc/passwd", file("alice:*:999:20::/home/alice:/bin/ksh\n")),
        ("read /etc/master.passwd", file("alice:$2b$10$x:999:20::0:0::/home/alice:/bin/ksh\n")),
        ("read /etc/group", file(GROUP)),
    ];
    let want = Want { lock: Some(Lock::Locked), ..alice() };
    let seen = plan(OpenBsd.user(&facts()), &want, &answers);
    assert!(
        seen.ends_with("failed: locking and unlocking of `alice` with uid 999 is not supported on openbsd\n"),
        "{seen}"
    );
    let seen = plan(NetBsd.user(&facts()), &want, &answers);
    assert!(seen.ends_with("$ /usr/sbin/usermod -C yes -- alice\n"), "{seen}");
}

#[test]
fn a_rule_of_doas_is_a_block_and_a_broken_one_is_unknown() {
    let want = Want { sudo: Some(Sudo::WithoutPassword), ..alice() };
    let with_conf = |text: &str| with(there("*", "/bin/ksh"), vec![("read /etc/doas.conf", file(text))]);
    let block = "# BEGIN sudo_nopasswd alice - managed by vigo\npermit nopass alice\n# END sudo_nopasswd alice - managed by vigo\n";
    assert_eq!(plan(OpenBsd.user(&facts()), &want, &with_conf(&format!("permit :wheel\n{block}"))), "  in sync\n");
    let changed = plan(OpenBsd.user(&facts()), &want, &with_conf(&block.replace("nopass alice", "persist alice")));
    assert!(changed.contains("sudo_nopasswd: another rule, owner or mode -> true"), "{changed}");
    let broken = plan(OpenBsd.user(&facts()), &want, &with_conf(&block.replace("# END", "# end")));
    assert_eq!(broken, "  unknown: expected a whole block of `alice` in `/etc/doas.conf`, found one mark of it\n");
    let other = with(there("*", "/bin/ksh"), vec![("read /etc/doas.conf", bytes(b"\xff"))]);
    assert!(plan(OpenBsd.user(&facts()), &want, &other).starts_with("  unknown: expected text"));
    let gone = Want { sudo: Some(Sudo::NoRule), ..alice() };
    let removed = plan(OpenBsd.user(&facts()), &gone, &with_conf(&format!("permit :wheel\n{block}")));
    assert!(removed.contains("      permit :wheel\n      checked by /usr/bin/doas -C %\n"), "{removed}");
}

fn staff(members: &[&str], exact: bool) -> group::Want {
    group::Want {
        group: "staff".into(),
        present: true,
        gid: None,
        system: false,
        members: Some(names(members)),
        members_exact: exact,
    }
}

fn groups_rows() -> Vec<(&'static str, Answers<'static>)> {
    let files = |group: &str| -> Answers<'static> {
        vec![
            ("read /etc/passwd", file(&format!("{PASSWD}alice:*:1000:20::/home/alice:/bin/ksh\n"))),
            ("read /etc/group", file(group)),
        ]
    };
    vec![
        ("none", files("wheel:*:0:root\n")),
        ("there, with root and alice", files(GROUP)),
        ("there, with one who is gone", files("staff:*:20:alice,gone\nwheel:*:0:root,alice\n")),
        ("there, with bob", files("staff:*:20:bob\n")),
        ("there, nobody's primary one", files("staff:*:30:root\n")),
        ("unreadable", vec![("read /etc/passwd", denied())]),
        ("without a number", files("staff:*::\n")),
    ]
}

fn groups_wanted() -> Vec<(&'static str, group::Want)> {
    vec![
        ("there", group::Want { members: None, ..staff(&[], true) }),
        ("number 500", group::Want { gid: Some(500), members: None, ..staff(&[], true) }),
        ("alice and bob", staff(&["alice", "bob"], true)),
        ("bob too", staff(&["bob"], false)),
        ("empty", staff(&[], true)),
        ("with a user who does not exist", staff(&["carol"], true)),
        ("absent", group::Want { present: false, members: None, ..staff(&[], true) }),
    ]
}

#[test]
fn groups_on_openbsd() {
    insta::assert_snapshot!(table(|| OpenBsd.group(&facts()), &groups_rows(), &groups_wanted()));
}

#[test]
fn groups_on_netbsd() {
    insta::assert_snapshot!(table(|| NetBsd.group(&facts()), &groups_rows(), &groups_wanted()));
}

/// What one call makes of the account files; refused as the tools refuse it.
fn called(line: &str, passwd: &mut String, group: &mut String) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let after = |option: &str| words.iter().position(|word| *word == option).map(|at| words[at + 1]);
    let (name, gid) = (after("-n").unwrap_or(words[words.len() - 1]), after("-g").unwrap_or_default());
    let has = |group: &str, gid: &str| group.lines().any(|line| line.split(':').nth(2) == Some(gid));
    let with_field = |text: &str, at: usize, value: &str| {
        let set = |line: &str| {
            let mut fields: Vec<&str> = line.split(':').collect();
            if fields[0] == name {
                fields[at] = value;
            }
            fields.join(":") + "\n"
        };
        text.lines().map(set).collect::<String>()
    };
    match words.iter().find_map(|word| word.rsplit('/').next().filter(|word| word.len() > 6)) {
        Some("groupadd") => {
            assert!(!has(group, gid), "a number that is taken: {line}");
            group.push_str(&format!("{name}:*:{}:\n", gid));
        }
        Some("groupdel") => {
            *group = group.lines().filter(|l| !l.starts_with(name)).map(|l| l.to_owned() + "\n").collect()
        }
        Some("groupmod") => {
            assert!(!has(group, gid), "a number that is taken: {line}");
            *group = with_field(group, 2, gid);
        }
        Some("usermod") => {
            assert!(has(group, gid), "a number without a group: {line}");
            *passwd = with_field(passwd, 3, gid);
        }
        other => panic!("{other:?}: {line}"),
    }
}

#[test]
fn a_new_number_that_stopped_at_any_call_is_gone_on_with_by_the_next_run() {
    let want = group::Want { gid: Some(500), members: None, ..staff(&[], true) };
    for host in [&OpenBsd as &dyn Host, &NetBsd, &FreeBsd] {
        let calls = |passwd: &str, group: &str| -> Vec<String> {
            let answers = vec![("read /etc/passwd", file(passwd)), ("read /etc/group", file(group))];
            let seen = plan(host.group(&facts()), &want, &answers);
            assert!(!seen.contains("failed") && !seen.contains("unknown"), "{seen}");
            seen.lines().filter_map(|line| line.trim().strip_prefix("$ ").map(String::from)).collect()
        };
        let before = ("a:*:1:20::/:/bin/sh\nb:*:2:20::/:/bin/sh\nc:*:3:9::/:/bin/sh\n", "staff:*:20:\nwww:*:9:\n");
        let whole = calls(before.0, before.1);
        assert_eq!(whole.len(), 5, "{whole:?}");
        for stops_after in 0..=whole.len() {
            let (mut passwd, mut group) = (before.0.to_string(), before.1.to_string());
            whole.iter().take(stops_after).for_each(|line| called(line, &mut passwd, &mut group));
            calls(&passwd, &group).iter().for_each(|line| called(line, &mut passwd, &mut group));
            assert_eq!(passwd, before.0.replace(":20:", ":500:"), "{} after {stops_after}", host.name());
            assert_eq!(group, before.1.replace(":20:", ":500:"), "{} after {stops_after}", host.name());
        }
    }
}

#[test]
fn hostile_answers_are_unknown() {
    for host in [&OpenBsd as &dyn Host, &NetBsd] {
        for (name, answer) in hostile() {
            let answers =
                with(without(accounts("", ""), "stat /home/alice"), vec![("/usr/bin/getent passwd alice", answer)]);
            let seen = see(host.user(&facts()), &alice(), &answers);
            match name {
                // Without getent(1) there is no name service to ask; bytes without a colon name nobody.
                "not there" | "cut" | "bytes" => assert!(matches!(seen, Interpreted::Known(_)), "{name}: {seen:?}"),
                _ => assert!(matches!(seen, Interpreted::Unknown(_)), "{name} on {}: {seen:?}", host.name()),
            }
        }
        for path in ["read /etc/passwd", "read /etc/group"] {
            let answers = with(there("*", "/bin/ksh"), vec![(path, denied())]);
            assert!(matches!(see(host.user(&facts()), &alice(), &answers), Interpreted::Unknown(_)), "{path}");
            let bad = with(there("*", "/bin/ksh"), vec![("read /etc/passwd", bytes(b"alice:\xff:\xfe:::\n"))]);
            assert!(matches!(see(host.user(&facts()), &alice(), &bad), Interpreted::Unknown(_)));
        }
    }
}
