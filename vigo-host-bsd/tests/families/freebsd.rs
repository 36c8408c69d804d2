//! FreeBSD: `user`, `group`, `hostname`, `timezone`, `sysctl`, `mount`, `swap`, `cron` and `process`.

use crate::rig::{Answers, denied, file, hostile, link, plan, said, see, stat, table};
use std::collections::BTreeSet;
use std::sync::Arc;
use vigo_core::action::{AbsPath, Command, FileKind, Op, OpOutput};
use vigo_core::entropy::Entropy;
use vigo_core::host::{Family, Host, HostFacts, Interpreted, Phase};
use vigo_core::resource::user::{Ageing, Expiry, Lock, Password, Salt, Sudo, Update, Users, Want};
use vigo_core::resource::{cron, group, hostname, mount, swap, sysctl, timezone};
use vigo_core::value::Text;
use vigo_host_bsd::FreeBsd;

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

fn hash(hash: &str) -> Option<Password> {
    Some(Password::Hash(Text::secret(hash, "app/alice")))
}

/// Everything that may be wanted of an account here.
fn whole() -> Want {
    Want {
        uid: Some(1500),
        group: Some("staff".into()),
        groups: Some(names(&["wheel", "www"])),
        groups_exact: true,
        shell: Some(AbsPath::known("/bin/sh")),
        home: Some(AbsPath::known("/srv/alice")),
        move_home: true,
        comment: Some("Alice A.".into()),
        password: hash("$6$abc/d.e"),
        ageing: Ageing { expires: Expiry::parse("2030-01-05"), ..Ageing::default() },
        authorized_keys: Some(Text::plain("ssh-ed25519 AAAA alice\n")),
        sudo: Some(Sudo::WithoutPassword),
        login_class: Some("staff".into()),
        ..alice()
    }
}

const PASSWD: &str = "root:*:0:0:Charlie &:/root:/bin/sh\nbob:*:1001:1001::/home/bob:/bin/sh\n";
const MASTER: &str = "root:*:0:0::0:0:Charlie &:/root:/bin/sh\nbob:$6$x:1001:1001::0:0::/home/bob:/bin/sh\n";
const GROUP: &str = "wheel:*:0:root\nstaff:*:20:root,alice\nwww:*:80:\nbob:*:1001:\noperator:*:5:root,alice\n";

fn accounts(passwd: &str, master: &str) -> Answers<'static> {
    let add = |text: &str, more: &str| file(&format!("{text}{more}"));
    vec![
        ("read /etc/passwd", add(PASSWD, passwd)),
        ("read /etc/master.passwd", add(MASTER, master)),
        ("read /etc/group", file(GROUP)),
        ("stat /bin/sh", stat(FileKind::File, 0o555)),
        ("/usr/bin/getent passwd alice", said(2, "", "")),
        ("stat /home/alice", stat(FileKind::Dir, 0o755)),
    ]
}

fn there(password: &str) -> Answers<'static> {
    let master = format!("alice:{password}:1000:20::0:0:Alice:/home/alice:/bin/csh\n");
    accounts("alice:*:1000:20:Alice:/home/alice:/bin/csh\n", &master)
}

fn without(mut answers: Answers<'static>, line: &str) -> Answers<'static> {
    answers.retain(|(op, _)| *op != line);
    answers
}

fn with(mut answers: Answers<'static>, more: Answers<'static>) -> Answers<'static> {
    answers.splice(0..0, more);
    answers
}

#[test]
fn users() {
    let none = || without(accounts("", ""), "stat /home/alice");
    let observed = vec![
        ("none", none()),
        ("none, but a home", accounts("", "")),
        ("there", there("$6$abc/d.e")),
        ("there, locked", there("*LOCKED*$6$abc/d.e")),
        ("there, without a password", there("*")),
        (
            "in a directory",
            with(none(), vec![("/usr/bin/getent passwd alice", said(0, "alice:*:9:9::/:/bin/sh\n", ""))]),
        ),
        ("getent fails", with(none(), vec![("/usr/bin/getent passwd alice", said(1, "", "no\n"))])),
        ("master.passwd is unreadable", with(there("*"), vec![("read /etc/master.passwd", denied())])),
    ];
    let wanted = vec![
        ("alice", alice()),
        ("alice with everything", whole()),
        ("of the system", Want { system: true, ..alice() }),
        ("locked", Want { lock: Some(Lock::Locked), ..alice() }),
        ("open", Want { lock: Some(Lock::Open), ..alice() }),
        ("another password, locked", Want { lock: Some(Lock::Locked), password: hash("$6$z&z"), ..alice() }),
        ("no home", Want { manage_home: false, ..alice() }),
        ("no rule", Want { sudo: Some(Sudo::NoRule), ..alice() }),
        ("absent", Want { present: false, ..alice() }),
    ];
    insta::assert_snapshot!(table(|| FreeBsd.user(&facts()), &observed, &wanted));
}

#[test]
fn a_hash_goes_to_standard_input_and_is_found_again() {
    let salt = Salt::new(Entropy::new([7; 32]));
    let password = Some(Password::Plain { password: Text::secret("s:e&c/ret\\", "app/alice"), salt });
    let want = Want { password, ..alice() };
    let tool = FreeBsd.user(&facts()).expect("an adapter");
    let set = |answers: &Answers<'_>| {
        let Interpreted::Known(state) = see(FreeBsd.user(&facts()), &want, answers) else { panic!() };
        let actions = Users::compare(&want, &state, Phase::Before).actions;
        let ops = tool.lower(&want, &state, &actions, &facts()).expect("operations");
        ops.into_iter().find_map(|op| match op {
            Op::Run(Command { stdin: Some(text), args, .. }) => {
                let args: Vec<&str> = args.iter().map(|a| a.as_str()).collect();
                assert_eq!(args, ["usermod", "-n", "alice", "-H", "0"], "a hash is no argument");
                assert!(text.secret_path().is_some());
                Some(text.as_str().to_string())
            }
            _ => None,
        })
    };
    let field = set(&there("$6$other")).expect("a call of pw");
    let field = field.strip_suffix('\n').expect("one line");
    assert!(field.starts_with("$6$"), "{field}");
    assert_eq!(set(&there(field)), None, "it is found again");
    assert_eq!(set(&there(&format!("*LOCKED*{field}"))), None, "behind a lock, too");
    let locked = set(&there("*LOCKED*$6$other")).expect("a call of pw");
    assert_eq!(locked, format!("*LOCKED*{field}\n"), "a lock stays");
}

#[test]
fn groups() {
    let files = |group: &str| -> Answers<'static> {
        vec![
            ("read /etc/passwd", file(&format!("{PASSWD}alice:*:1000:1001::/home/alice:/bin/sh\n"))),
            ("read /etc/group", file(group)),
        ]
    };
    let observed = vec![
        ("none", files("wheel:*:0:root\n")),
        ("there", files("wheel:*:0:root\nops:*:3000:bob\n")),
        ("another number and members", files("ops:*:7:root,bob\n")),
        ("somebody's primary group", files("ops:*:1001:\n")),
        ("unreadable", with(files(""), vec![("read /etc/group", denied())])),
    ];
    let ops = group::Want {
        group: "ops".into(),
        present: true,
        gid: Some(3000),
        system: false,
        members: Some(names(&["alice", "bob"])),
        members_exact: true,
    };
    let wanted = vec![
        ("exact", ops.clone()),
        ("only added", group::Want { members_exact: false, gid: None, ..ops.clone() }),
        ("of the system", group::Want { system: true, gid: None, members: None, ..ops.clone() }),
        ("a member that is nobody", group::Want { members: Some(names(&["eve"])), ..ops.clone() }),
        ("absent", group::Want { present: false, members: None, gid: None, ..ops }),
    ];
    insta::assert_snapshot!(table(|| FreeBsd.group(&facts()), &observed, &wanted));
}

const NAME: &str = "/usr/sbin/sysrc -qn hostname";

#[test]
fn the_name_is_set_by_sysrc() {
    let live = |name: &str| ("/bin/hostname", said(0, &format!("{name}\n"), ""));
    let observed: Vec<(&str, Answers<'_>)> = vec![
        ("set", vec![(NAME, said(0, "web-1\n", "")), live("web-1")]),
        ("another", vec![(NAME, said(0, "old\n", "")), live("old")]),
        ("set at boot only", vec![(NAME, said(0, "web-1\n", "")), live("old")]),
        ("not set", vec![(NAME, said(1, "", "")), live("")]),
        (
            "a broken line in rc.conf",
            vec![(NAME, said(0, "web-1\n", "/etc/rc.conf: fooo: not found\n")), live("web-1")],
        ),
        (
            "a file that wins",
            vec![("read /etc/rc.conf.d/hostname", file("hostname=\"x\"\n")), (NAME, said(0, "web-1\n", "")), live("x")],
        ),
        ("no permission", vec![(NAME, said(1, "", "sysrc: /etc/rc.conf: Permission denied\n")), live("old")]),
        ("hostname fails", vec![(NAME, said(0, "old\n", "")), ("/bin/hostname", said(1, "", "hostname: no\n"))]),
    ];
    let wanted = [("web-1", hostname::Want { hostname: "web-1".into() })];
    insta::assert_snapshot!(table(|| FreeBsd.hostname(&facts()), &observed, &wanted));
}

#[test]
fn the_time_zone_has_a_name_beside_the_link() {
    let zone = || ("stat /usr/share/zoneinfo/Europe/Berlin", stat(FileKind::File, 0o444));
    let linked = || ("stat /etc/localtime", link("/usr/share/zoneinfo/Europe/Berlin"));
    let named = |name: &str| ("read /var/db/zoneinfo", file(&format!("{name}\n")));
    let observed: Vec<(&str, Answers<'_>)> = vec![
        ("set", vec![zone(), linked(), named("Europe/Berlin")]),
        ("set, without a name", vec![zone(), linked()]),
        ("another", vec![zone(), ("stat /etc/localtime", link("/usr/share/zoneinfo/UTC")), named("UTC")]),
        ("none", vec![zone()]),
        ("no such zone", vec![named("UTC")]),
        ("unreadable", vec![zone(), linked(), ("read /var/db/zoneinfo", denied())]),
    ];
    let wanted = [("Europe/Berlin", timezone::Want { timezone: "Europe/Berlin".into() })];
    insta::assert_snapshot!(table(|| FreeBsd.timezone(&facts()), &observed, &wanted));
    let dragonfly = HostFacts { distro: "dragonfly".into(), ..facts() };
    let seen = plan(FreeBsd.timezone(&dragonfly), &wanted[0].1, &vec![zone(), linked()]);
    assert_eq!(seen, "  in sync\n", "tzsetup of DragonFly keeps no name");
}

#[test]
fn a_parameter_is_one_line_of_sysctl_conf() {
    let now = |value: &str| ("/sbin/sysctl -n kern.maxfiles", said(0, &format!("{value}\n"), ""));
    let conf = |text: &str| ("read /etc/sysctl.conf", file(text));
    let observed: Vec<(&str, Answers<'_>)> = vec![
        ("set", vec![now("7030"), conf("kern.maxfiles=7030\n")]),
        ("another value", vec![now("1024"), conf("# ours\nkern.maxfiles=5 # low\nx.y=1\n")]),
        ("no file", vec![now("1024")]),
        (
            "no such parameter",
            vec![("/sbin/sysctl -n kern.maxfiles", said(1, "", "sysctl: unknown oid 'kern.maxfiles'\n"))],
        ),
        ("unreadable", vec![now("1024"), ("read /etc/sysctl.conf", denied())]),
    ];
    let want = |present| sysctl::Want {
        key: sysctl::Key::parse("kern.maxfiles").expect("a key"),
        present,
        value: "7030".into(),
        persist: true,
        ignore_missing: false,
    };
    let wanted = [("7030", want(true)), ("absent", want(false))];
    insta::assert_snapshot!(table(|| FreeBsd.sysctl(&facts()), &observed, &wanted));
}

#[test]
fn mounts() {
    let live = |text: &str| ("/sbin/mount", said(0, &format!("/dev/ada0p2 on / (ufs, local)\n{text}"), ""));
    let tab = |text: &str| ("read /etc/fstab", file(text));
    let point = || ("stat /data", stat(FileKind::Dir, 0o755));
    let line = "/dev/ada1p1\t/data\tufs\trw,noatime\t2\t2\n";
    let observed: Vec<(&str, Answers<'_>)> = vec![
        ("none", vec![live(""), tab("# table\n")]),
        ("in the table", vec![live(""), tab(line), point()]),
        ("mounted", vec![live("/dev/ada1p1 on /data (ufs, local, noatime)\n"), tab(line), point()]),
        (
            "mounted read-only",
            vec![live("/dev/ada1p1 on /data (ufs, local, noatime, read-only)\n"), tab(line), point()],
        ),
        ("another device", vec![live("/dev/ada9p1 on /data (ufs, local, noatime)\n"), tab(line), point()]),
        ("mount fails", vec![("/sbin/mount", said(1, "", "mount: no\n")), tab(line), point()]),
        ("mount says nothing", vec![("/sbin/mount", said(0, "", "")), tab(line), point()]),
    ];
    let want = |state| mount::Want {
        path: AbsPath::known("/data"),
        state,
        device: "/dev/ada1p1".into(),
        fstype: "ufs".into(),
        options: vec!["rw".into(), "noatime".into()],
        dump: 2,
        pass: 2,
    };
    let wanted = [
        ("mounted", want(mount::Wanted::Mounted)),
        ("present", want(mount::Wanted::Present)),
        ("unmounted", want(mount::Wanted::Unmounted)),
        ("absent", want(mount::Wanted::Absent)),
    ];
    insta::assert_snapshot!(table(|| FreeBsd.mount(&facts()), &observed, &wanted));
}

const SWAPS: &str =
    "Device          1K-blocks     Used    Avail Capacity\n/dev/ada0p3       2097152        0  2097152     0%\n";
const OF_FILE: &str = "/sbin/mdconfig -l -f /swap0";

#[test]
fn swap_is_a_device_or_a_file_behind_a_memory_disk() {
    let used = |more: &str| ("/usr/sbin/swapinfo -k", said(0, &format!("{SWAPS}{more}"), ""));
    let tab = |text: &str| ("read /etc/fstab", file(text));
    let node = || ("stat /swap0", stat(FileKind::File, 0o600));
    let disk = |text: &str| (OF_FILE, said(0, text, ""));
    let others = "/dev/ada0p3 none swap sw 0 0\nmd none swap sw,file=/other,late 0 0\n";
    let line = "md99\tnone\tswap\tsw,file=/swap0,late\t0\t0\n";
    let observed: Vec<(&str, Answers<'_>)> = vec![
        ("none", vec![used(""), tab(others), disk("")]),
        ("in use", vec![used("/dev/md7 65536 0 65536 0%\n"), tab(&format!("{others}{line}")), disk("md7\n"), node()]),
        ("not in use", vec![used(""), tab(&format!("{line}{others}")), disk(""), node()]),
        ("another's disk is in use", vec![used("/dev/md7 65536 0 65536 0%\n"), tab(others), disk(""), node()]),
        (
            "mdconfig fails",
            vec![used("/dev/md7 65536 0 65536 0%\n"), tab(others), (OF_FILE, said(1, "", "no\n")), node()],
        ),
        ("swapinfo fails", vec![("/usr/sbin/swapinfo -k", said(1, "", "swapinfo: no\n")), tab(others), disk("")]),
    ];
    let want = |present| swap::Want {
        swap: swap::Swap::File(AbsPath::known("/swap0")),
        present,
        size_mb: Some(64),
        priority: None,
    };
    let wanted = [("a file", want(true)), ("absent", want(false))];
    insta::assert_snapshot!(table(|| FreeBsd.swap(&facts()), &observed, &wanted));
    let device = |present| swap::Want { swap: swap::Swap::Device("/dev/ada0p3".into()), ..want(present) };
    let answers = vec![used(""), tab(others), ("stat /dev/ada0p3", stat(FileKind::Other, 0o640))];
    assert_eq!(plan(FreeBsd.swap(&facts()), &swap::Want { size_mb: None, ..device(true) }, &answers), "  in sync\n");
    let gone = plan(FreeBsd.swap(&facts()), &device(false), &answers);
    assert!(gone.contains("$ /sbin/swapoff /dev/ada0p3\n") && !gone.contains("mdconfig"), "{gone}");
}

fn job() -> cron::Want {
    cron::Want {
        id: "backup".into(),
        present: true,
        command: "date +\\%F".into(),
        schedule: cron::Schedule::parse("*/5 * * * *").expect("a schedule"),
        user: "bob".into(),
        environment: vec![("PATH".into(), Text::plain("/bin"))],
    }
}

#[test]
fn a_file_in_cron_d_has_a_user_column_and_dragonfly_has_the_users_table() {
    let folder = vec![("stat /etc/cron.d", stat(FileKind::Dir, 0o755))];
    let seen = plan(FreeBsd.cron(&facts()), &job(), &folder);
    let text = "      # managed by vigo\n      PATH=/bin\n      */5 * * * * bob date +\\%F\n";
    assert!(seen.contains("$ write /etc/cron.d/vigo-backup") && seen.ends_with(text), "{seen}");
    let table = vec![("crontab -u bob -l", said(0, "TZ=UTC\n1 * * * * mine", ""))];
    let seen = plan(FreeBsd.cron(&facts()), &job(), &table);
    let text = "      TZ=UTC\n      1 * * * * mine\n      # vigo: backup\n      */5 * * * * PATH='/bin'; export PATH; date +\\%F\n";
    assert!(seen.contains("$ crontab -u bob '{{secret_file}}'\n") && seen.ends_with(text), "{seen}");
}

#[test]
fn no_answer_of_a_tool_is_taken_for_absent_or_stopped() {
    let unknown = |seen: String, name: &str| assert!(seen.starts_with("  unknown: "), "{name}: {seen}");
    for (name, answer) in hostile() {
        let answer = |op: &'static str| -> Answers<'static> { vec![(op, answer.clone())] };
        let name_answers = with(vec![("/bin/hostname", said(0, "old\n", ""))], answer(NAME));
        let named = hostname::Want { hostname: "web-1".into() };
        // A quiet exit 1 of sysrc is "not set"; said in another language it is not known.
        unknown(plan(FreeBsd.hostname(&facts()), &named, &name_answers), name);
        let file = swap::Want {
            swap: swap::Swap::File(AbsPath::known("/swap0")),
            present: true,
            size_mb: Some(64),
            priority: None,
        };
        let mut swaps = answer("/usr/sbin/swapinfo -k");
        swaps.push((OF_FILE, said(0, "", "")));
        unknown(plan(FreeBsd.swap(&facts()), &file, &swaps), name);
        let lost = matches!(&answer("x")[..], [(_, OpOutput::Failed(f))] if f.message == "no such program");
        if !lost {
            unknown(plan(FreeBsd.cron(&facts()), &job(), &answer("crontab -u bob -l")), name);
        }
    }
}
