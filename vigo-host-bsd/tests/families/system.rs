//! `hostname`, `timezone`, `sysctl`, `mount` and `swap`.

use crate::rig::{Answers, bytes, denied, file, hostile, link, plan, said, see, stat, table};
use vigo_core::action::{AbsPath, FileKind, OpOutput};
use vigo_core::host::{Host, HostFacts, Interpreted};
use vigo_core::resource::{hostname, mount, swap, sysctl, timezone};
use vigo_host_bsd::{NetBsd, OpenBsd};

fn facts() -> HostFacts {
    HostFacts::default()
}

fn named(name: &str) -> hostname::Want {
    hostname::Want { hostname: name.into() }
}

#[test]
fn the_name_is_myname_on_openbsd() {
    let observed: Vec<(&str, Answers<'_>)> = vec![
        (
            "set",
            vec![
                ("read /etc/myname", file("web-01.example.org\n")),
                ("/bin/hostname", said(0, "web-01.example.org\n", "")),
            ],
        ),
        (
            "set another way",
            vec![("read /etc/myname", file("# by hand\nold\n")), ("/bin/hostname", said(0, "old\n", ""))],
        ),
        ("not set at boot", vec![("/bin/hostname", said(0, "web-01.example.org\n", ""))]),
        ("unreadable", vec![("read /etc/myname", denied()), ("/bin/hostname", said(0, "old\n", ""))]),
        ("hostname fails", vec![("read /etc/myname", file("old\n")), ("/bin/hostname", said(1, "", "hostname: no\n"))]),
    ];
    let long = named(&"a".repeat(256));
    let wanted = [("web-01.example.org", named("web-01.example.org")), ("256 bytes", long)];
    insta::assert_snapshot!(table(|| OpenBsd.hostname(&facts()), &observed, &wanted));
}

#[test]
fn the_name_is_edited_where_netbsd_has_it() {
    let live = ("/bin/hostname", said(0, "old\n", ""));
    let observed: Vec<(&str, Answers<'_>)> = vec![
        ("in rc.conf", vec![("read /etc/rc.conf", file("sshd=YES\nhostname=\"old\" # ours\n")), live.clone()]),
        (
            "in rc.conf, which wins over myname",
            vec![("read /etc/rc.conf", file("hostname=old\n")), ("read /etc/myname", file("new\n")), live.clone()],
        ),
        (
            "in myname",
            vec![("read /etc/rc.conf", file("hostname=\n")), ("read /etc/myname", file("old\n")), live.clone()],
        ),
        ("nowhere", vec![("read /etc/rc.conf", file("sshd=YES")), live.clone()]),
        ("no rc.conf", vec![live.clone()]),
        ("rc.conf of other bytes", vec![("read /etc/rc.conf", bytes(b"hostname=\xff\n")), live]),
    ];
    insta::assert_snapshot!(table(|| NetBsd.hostname(&facts()), &observed, &[("new", named("new"))]));
}

#[test]
fn the_time_zone_is_a_link() {
    let zone = || ("stat /usr/share/zoneinfo/Europe/Berlin", stat(FileKind::File, 0o444));
    let copy = |path: &'static str, byte: u8| {
        let OpOutput::File { meta, .. } = file("") else { panic!("a file") };
        (path, OpOutput::Hash { meta, sha256: [byte; 32] })
    };
    let observed: Vec<(&str, Answers<'_>)> = vec![
        ("set", vec![zone(), ("stat /etc/localtime", link("/usr/share/zoneinfo/Europe/Berlin"))]),
        ("another", vec![zone(), ("stat /etc/localtime", link("../usr/share/zoneinfo/UTC"))]),
        ("none", vec![zone()]),
        ("a link elsewhere", vec![zone(), ("stat /etc/localtime", link("/x"))]),
        (
            "a copy of it",
            vec![
                zone(),
                ("stat /etc/localtime", stat(FileKind::File, 0o444)),
                copy("hash /etc/localtime", 1),
                copy("hash /usr/share/zoneinfo/Europe/Berlin", 1),
            ],
        ),
        (
            "a copy of another",
            vec![
                zone(),
                ("stat /etc/localtime", stat(FileKind::File, 0o444)),
                copy("hash /etc/localtime", 1),
                copy("hash /usr/share/zoneinfo/Europe/Berlin", 2),
            ],
        ),
        ("no such zone", vec![("stat /etc/localtime", link("/usr/share/zoneinfo/UTC"))]),
        ("unreadable", vec![zone(), ("stat /etc/localtime", denied())]),
    ];
    let wanted = [("Europe/Berlin", timezone::Want { timezone: "Europe/Berlin".into() })];
    let openbsd = table(|| OpenBsd.timezone(&facts()), &observed, &wanted);
    assert_eq!(openbsd, table(|| NetBsd.timezone(&facts()), &observed, &wanted), "both systems have the same link");
    insta::assert_snapshot!(openbsd);
}

fn parameter(present: bool, value: &str) -> sysctl::Want {
    sysctl::Want {
        key: sysctl::Key::parse("kern.maxfiles").expect("a key"),
        present,
        value: value.into(),
        persist: true,
        ignore_missing: false,
    }
}

/// Parameters as they may be found, and what may be wanted of one.
#[expect(clippy::type_complexity, reason = "the two axes of a table")]
fn parameters() -> (Vec<(&'static str, Answers<'static>)>, Vec<(&'static str, sysctl::Want)>) {
    let now = |value: &str| ("/sbin/sysctl -n kern.maxfiles", said(0, &format!("{value}\n"), ""));
    let conf = |text: &str| ("read /etc/sysctl.conf", file(text));
    let observed = vec![
        ("set", vec![now("7030"), conf("net.inet.ip.forwarding=1\nkern.maxfiles=7030\t# web\n")]),
        ("set now only", vec![now("7030"), conf("net.inet.ip.forwarding=1")]),
        ("set at boot only", vec![now("1024"), conf("kern.maxfiles=7030\n")]),
        ("another value", vec![now("1024"), conf("#kern.maxfiles=7030\nkern.maxfiles=5 # low\n")]),
        ("no file", vec![now("1024")]),
        (
            "no such parameter",
            vec![
                (
                    "/sbin/sysctl -n kern.maxfiles",
                    said(0, "", "sysctl: second level name maxfiles in kern.maxfiles is invalid\n"),
                ),
                conf(""),
            ],
        ),
        ("unreadable file", vec![now("7030"), ("read /etc/sysctl.conf", denied())]),
        ("file of other bytes", vec![now("7030"), ("read /etc/sysctl.conf", bytes(b"a=\xff\n"))]),
    ];
    let absent = parameter(false, "");
    let now_only = sysctl::Want { persist: false, ..parameter(true, "7030") };
    let lenient = sysctl::Want { ignore_missing: true, ..parameter(true, "7030") };
    let wanted = vec![
        ("7030", parameter(true, "7030")),
        ("7030, now only", now_only),
        ("7030, where there is one", lenient),
        ("absent", absent),
        ("a comment", parameter(true, "7 # x")),
    ];
    (observed, wanted)
}

#[test]
fn parameters_on_openbsd() {
    let (observed, wanted) = parameters();
    insta::assert_snapshot!(table(|| OpenBsd.sysctl(&facts()), &observed, &wanted));
}

#[test]
fn parameters_on_netbsd_are_set_by_w() {
    let (observed, wanted) = parameters();
    let openbsd = table(|| OpenBsd.sysctl(&facts()), &observed, &wanted);
    let netbsd = table(|| NetBsd.sysctl(&facts()), &observed, &wanted);
    assert_eq!(netbsd, openbsd.replace("$ /sbin/sysctl kern", "$ /sbin/sysctl -w kern"));
    assert_ne!(netbsd, openbsd);
}

#[test]
fn sysctl_of_openbsd_exits_0_and_what_it_says_counts() {
    let adapter = OpenBsd.sysctl(&facts()).expect("an adapter");
    let want = parameter(true, "7030");
    let said = |err: &str| match said(0, "", err) {
        OpOutput::Ran(ran) => ran,
        other => panic!("{other:?}"),
    };
    let set = vigo_core::action::Op::Run(vigo_core::action::Command::change("/sbin/sysctl", ["kern.maxfiles=7030"]));
    let refused = said("sysctl: kern.maxfiles: Operation not permitted\n");
    let problem = adapter.objection(&want, &set, &refused).expect("an objection");
    assert_eq!(problem.message, "sysctl: kern.maxfiles: Operation not permitted");
    assert!(adapter.objection(&want, &set, &said("")).is_none());
}

fn data(state: mount::Wanted) -> mount::Want {
    mount::Want {
        path: AbsPath::known("/data"),
        state,
        device: "/dev/sd1a".into(),
        fstype: "ffs".into(),
        options: vec!["nodev".into(), "nosuid".into()],
        dump: 1,
        pass: 2,
    }
}

const ROOT: &str = "/dev/sd0a on / type ffs (local)\n";
const FSTAB: &str = "3eb7f9da875cb9ee.a / ffs rw 1 1\n";
const OURS: &str = "3eb7f9da875cb9ee.a / ffs rw 1 1\n/dev/sd1a /data ffs rw,nodev,nosuid 1 2\n";

#[test]
fn mounts_on_openbsd_and_netbsd() {
    let mounted = |more: &str| ("/sbin/mount", said(0, &format!("{ROOT}{more}"), ""));
    let table_of = |text: &str| ("read /etc/fstab", file(text));
    let point = || ("stat /data", stat(FileKind::Dir, 0o755));
    let live = "/dev/sd1a on /data type ffs (local, nodev, nosuid)\n";
    let observed: Vec<(&str, Answers<'_>)> = vec![
        ("nothing", vec![table_of(FSTAB), mounted("")]),
        ("in the table", vec![table_of(OURS), mounted(""), point()]),
        ("mounted", vec![table_of(OURS), mounted(live), point()]),
        (
            "mounted otherwise",
            vec![table_of(OURS), mounted("/dev/sd1a on /data type ffs (local, read-only)\n"), point()],
        ),
        (
            "another device",
            vec![table_of(OURS), mounted("/dev/sd2a on /data type ffs (local, nodev, nosuid)\n"), point()],
        ),
        (
            "a line that getfsent leaves out",
            vec![table_of("/dev/sd1a /data ffs nodev,nosuid 1 2\n"), mounted(live), point()],
        ),
        ("a file in the way", vec![table_of(OURS), mounted(""), ("stat /data", stat(FileKind::File, 0o644))]),
        ("mount fails", vec![table_of(OURS), ("/sbin/mount", said(1, "", "mount: no\n")), point()]),
        ("the table is unreadable", vec![("read /etc/fstab", denied()), mounted(live), point()]),
    ];
    let wanted = [
        ("mounted", data(mount::Wanted::Mounted)),
        ("present", data(mount::Wanted::Present)),
        ("unmounted", data(mount::Wanted::Unmounted)),
        ("absent", data(mount::Wanted::Absent)),
    ];
    let openbsd = table(|| OpenBsd.mount(&facts()), &observed, &wanted);
    let with_names = "/sbin/sysctl -n hw.disknames";
    assert!(!openbsd.contains(with_names), "the names of disks are asked for where one is used only");
    assert_eq!(openbsd, table(|| NetBsd.mount(&facts()), &observed, &wanted));
    insta::assert_snapshot!(openbsd);
}

#[test]
fn a_disk_is_known_by_the_id_of_its_label_on_openbsd() {
    let want = mount::Want { device: "0123456789abcdef.a".into(), ..data(mount::Wanted::Mounted) };
    let answers = |disks: OpOutput| -> Answers<'static> {
        vec![
            ("read /etc/fstab", file("0123456789abcdef.a /data ffs rw,nodev,nosuid 1 2\n")),
            ("/sbin/mount", said(0, &format!("{ROOT}/dev/sd1a on /data type ffs (local, nodev, nosuid)\n"), "")),
            ("stat /data", stat(FileKind::Dir, 0o755)),
            ("/sbin/sysctl -n hw.disknames", disks),
        ]
    };
    let disks = |text: &str| answers(said(0, text, ""));
    assert_eq!(
        plan(OpenBsd.mount(&facts()), &want, &disks("sd0:3eb7f9da875cb9ee,sd1:0123456789abcdef\n")),
        "  in sync\n"
    );
    let moved = plan(OpenBsd.mount(&facts()), &want, &disks("sd0:3eb7f9da875cb9ee,sd2:0123456789abcdef\n"));
    assert_eq!(moved, "  source: /dev/sd1a -> 0123456789abcdef.a\n  $ /sbin/umount /data\n  $ /sbin/mount /data\n");
    let unknown = plan(OpenBsd.mount(&facts()), &want, &answers(said(1, "", "sysctl: no\n")));
    assert_eq!(unknown, "  unknown: sysctl -n hw.disknames: exit 1, sysctl: no\n");
}

fn swap_file(present: bool) -> swap::Want {
    swap::Want { swap: swap::Swap::File(AbsPath::known("/swap")), present, size_mb: Some(64), priority: Some(5) }
}

#[test]
fn swap_on_openbsd_and_netbsd() {
    const HEAD: &str =
        "Device      512-blocks     Used    Avail Capacity  Priority\n/dev/sd0b 1048320 0 1048320 0% 0\n";
    let active = |more: &str| ("/sbin/swapctl -l", said(0, &format!("{HEAD}{more}"), ""));
    let table_of = |text: &str| ("read /etc/fstab", file(text));
    let node = |mode| ("stat /swap", stat(FileKind::File, mode));
    let line = "/swap none swap sw,priority=5 0 0\n";
    let observed: Vec<(&str, Answers<'_>)> = vec![
        ("nothing", vec![table_of(FSTAB), active("")]),
        ("no swap at all", vec![table_of(FSTAB), ("/sbin/swapctl -l", said(0, "no swap devices configured\n", ""))]),
        ("in use", vec![table_of(line), active("/swap 131072 0 131072 0% 5\n"), node(0o600)]),
        (
            "another priority",
            vec![table_of("/swap none swap sw,priority=1 0 0\n"), active("/swap 131072 0 131072 0% 1\n"), node(0o644)],
        ),
        ("a folder", vec![table_of(FSTAB), active(""), ("stat /swap", stat(FileKind::Dir, 0o755))]),
        ("swapctl fails", vec![table_of(FSTAB), ("/sbin/swapctl -l", said(1, "", "swapctl: no\n"))]),
    ];
    let negative = swap::Want { priority: Some(-1), ..swap_file(true) };
    let wanted = [("present", swap_file(true)), ("absent", swap_file(false)), ("priority -1", negative)];
    let openbsd = table(|| OpenBsd.swap(&facts()), &observed, &wanted);
    assert_eq!(openbsd, table(|| NetBsd.swap(&facts()), &observed, &wanted));
    insta::assert_snapshot!(openbsd);
}

#[test]
fn hostile_answers_are_unknown() {
    let hosts: [&dyn Host; 2] = [&OpenBsd, &NetBsd];
    for host in hosts {
        for (name, answer) in hostile() {
            let what = format!("{name} on {}", host.name());
            let answers = vec![
                ("/bin/hostname", answer.clone()),
                ("read /etc/rc.conf", file("")),
                ("read /etc/myname", file("a\n")),
            ];
            let seen = see(host.hostname(&facts()), &named("web"), &answers);
            assert!(matches!(seen, Interpreted::Unknown(_)), "hostname, {what}: {seen:?}");
            let answers = vec![("/sbin/sysctl -n kern.maxfiles", answer.clone())];
            let seen = see(host.sysctl(&facts()), &parameter(true, "7"), &answers);
            match (seen, name) {
                // Any text is a value; that it is another one shows.
                (Interpreted::Known(state), "bytes") => assert!(matches!(state.now, sysctl::Now::Value(_))),
                (seen, _) => assert!(matches!(seen, Interpreted::Unknown(_)), "sysctl, {what}: {seen:?}"),
            }
            let answers = vec![("/sbin/mount", answer.clone())];
            let seen = see(host.mount(&facts()), &data(mount::Wanted::Mounted), &answers);
            assert!(matches!(seen, Interpreted::Unknown(_)), "mount, {what}: {seen:?}");
            let answers = vec![("/sbin/swapctl -l", answer.clone())];
            let seen = see(host.swap(&facts()), &swap_file(false), &answers);
            assert!(matches!(seen, Interpreted::Unknown(_)), "swap, {what}: {seen:?}");
        }
    }
}
