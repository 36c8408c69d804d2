//! Files and answers that make no sense: a failure or a state, never a panic, and never a change that does not settle
//! into what was asked for.

use crate::machine::{Machine, list, text};
use proptest::prelude::*;
use vigo_core::resource::Datum;

fn resources() -> Vec<(&'static str, Vec<(&'static str, Datum)>)> {
    let bob = |more: &[(&'static str, &str)]| -> Vec<(&'static str, Datum)> {
        let more = more.iter().map(|(name, value)| (*name, text(value)));
        [("username", text("bob"))].into_iter().chain(more).collect()
    };
    vec![
        (
            "user",
            bob(&[("groups", "adm"), ("password_hash", "$6$a$b"), ("authorized_keys", "x"), ("sudo_nopasswd", "true")]),
        ),
        ("user", bob(&[("home", "/srv/bob"), ("locked", "true"), ("expires", "2030-01-01"), ("uid", "7")])),
        ("user", bob(&[("state", "absent")])),
        ("group", vec![("group", text("adm")), ("members", list(&["bob"])), ("gid", text("9"))]),
        ("group", vec![("group", text("adm")), ("state", text("absent"))]),
        (
            "authorized_key",
            vec![
                ("user", text("bob")),
                ("key", text("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDk3VvZTO6vQ5tIcYG8DcNnZdqbYzTgYAVtk8zHbVUwA")),
            ],
        ),
        (
            "cron",
            vec![("cron", text("job")), ("schedule", text("@daily")), ("command", text("x")), ("user", text("bob"))],
        ),
        ("cron", vec![("cron", text("job")), ("state", text("absent"))]),
        ("host", vec![("hostname", text("bob")), ("ip", text("::1")), ("aliases", text("adm"))]),
        ("hostname", vec![("hostname", text("bob"))]),
        ("timezone", vec![("timezone", text("UTC"))]),
        ("sysctl", vec![("key", text("vm.x")), ("value", text("1"))]),
        (
            "mount",
            vec![
                ("path", text("/srv")),
                ("device", text("UUID=a")),
                ("fstype", text("ext4")),
                ("options", text("ro,size=1m")),
            ],
        ),
        (
            "mount",
            vec![
                ("path", text("/srv")),
                ("device", text("/home")),
                ("fstype", text("none")),
                ("options", text("bind")),
            ],
        ),
        ("mount", vec![("path", text("/srv")), ("state", text("absent"))]),
        ("swap", vec![("path", text("/swap")), ("size", text("1")), ("priority", text("3"))]),
        ("swap", vec![("device", text("UUID=a")), ("state", text("absent"))]),
    ]
}

const FILES: &[&str] = &[
    "/etc/passwd",
    "/etc/group",
    "/etc/shadow",
    "/etc/gshadow",
    "/etc/login.defs",
    "/etc/default/useradd",
    "/etc/hosts",
    "/etc/hostname",
    "/etc/fstab",
    "/etc/timezone",
    "/etc/localtime",
    "/etc/sysctl.conf",
    "/etc/sysctl.d/99-z.conf",
    "/etc/sysctl.d/99-vigo-vm.x.conf",
    "/etc/cron.d/vigo-job",
    "/etc/sudoers.d/vigo-bob",
    "/home/bob/.ssh/authorized_keys",
    "/proc/self/mountinfo",
    "/proc/swaps",
    "/proc/sys/vm/x",
    "/proc/sys/kernel/hostname",
    "/swap",
    "/usr/share/zoneinfo/UTC",
];

fn nonsense() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        Just("bob"),
        Just("adm"),
        Just(":"),
        Just("x"),
        Just("0"),
        Just("4294967295"),
        Just("-1"),
        Just("\n"),
        Just(" "),
        Just("/"),
        Just("/home/bob"),
        Just("\\040"),
        Just("$6$rounds=99$a$b"),
        Just("::1"),
        Just(","),
        Just("UUID=a"),
        Just("swap"),
        Just(" - "),
        Just("/srv"),
        Just("vm.x = 2"),
        Just("UID_MIN 9\nUID_MAX 3"),
        Just("\0"),
        Just("/.."),
    ];
    let words = prop::collection::vec(word, 0..24).prop_map(|words| words.concat().into_bytes());
    let bytes = prop::collection::vec(any::<u8>(), 0..64);
    prop_oneof![4 => words, 1 => bytes]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 3))]

    #[test]
    fn nonsense_is_survived(
        contents in prop::collection::vec(prop::option::of(nonsense()), FILES.len()),
        way in 0..3,
        code in 0..3,
        answer in "[a-z:/ \n]{0,20}",
    ) {
        let answer: &'static str = Box::leak(answer.into_boxed_str());
        for (type_name, attributes) in resources() {
            let mut m = Machine::new(&[]);
            for (path, content) in FILES.iter().zip(&contents) {
                if let Some(content) = content {
                    m.bytes(path, content);
                }
            }
            m = match way {
                0 => m.image(),
                1 => m.with_programs(&["useradd", "groupadd"]),
                _ => m.with_programs(&["adduser", "addgroup"]),
            };
            m.any_answer = Some((code, answer));
            let run = m.once(type_name, &attributes);
            if run.failure.is_none() && run.changes.is_empty() {
                prop_assert!(run.ops.is_empty(), "{type_name}: operations without a change");
            }
        }
    }
}
