//! Users and groups on machines in memory, by each of the three ways.

use crate::machine::{Machine, list, secret, text};
use vigo_core::resource::Datum;

const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nbob:x:1005:1005::/home/bob:/bin/sh\n";
const GROUP: &str = "root:x:0:\nadm:x:4:\nsudo:x:27:\nbob:x:1005:\nops:x:1006:bob\n";
const SHADOW: &str = "root:*:19000:0:99999:7:::\nbob:!:19000:0:99999:7:::\n";
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDk3VvZTO6vQ5tIcYG8DcNnZdqbYzTgYAVtk8zHbVUwA alice";

fn machine() -> Machine {
    let mut m = Machine::new(&[
        ("/etc/passwd", PASSWD),
        ("/etc/group", GROUP),
        ("/etc/shadow", SHADOW),
        ("/etc/gshadow", "root:*::\nsudo:*::\n"),
        ("/etc/login.defs", "UID_MIN 1000\nHOME_MODE 0700\n"),
        ("/etc/default/useradd", "SHELL=/bin/sh\n"),
        ("/etc/skel/.profile", "# hello\n"),
    ]);
    m.file_as("/bin/bash", "", 0o755, 0);
    m.file("/etc/motd", "");
    m.dir("/home");
    m.dir_as("/home/bob", 0o755, 1005);
    m.dir("/etc/sudoers.d");
    m.answers = vec![("getent passwd alice", 2, ""), ("getent passwd ldap", 0, "ldap:*:5000:5000::/h:/bin/sh\n")];
    m
}

fn debian() -> Machine {
    machine().with_programs(&["useradd", "groupadd"])
}

fn alice() -> Vec<(&'static str, Datum)> {
    vec![
        ("username", text("alice")),
        ("shell", text("/bin/bash")),
        ("groups", text("sudo, adm")),
        ("password", secret("hunter2", "users/alice")),
        ("sudo_nopasswd", text("true")),
        ("authorized_keys", text(KEY)),
    ]
}

#[test]
fn alice_is_one_resource() {
    let mut m = debian();
    let run = m.apply("user", &alice());
    assert_eq!(run.failure, None);
    assert_eq!(
        run.changes,
        [
            "state: absent → present",
            "groups:  → adm, sudo",
            "password: (differs) → «secret users/alice»",
            "authorized_keys: absent → 1 key",
            "sudo_nopasswd: false → true",
        ]
    );
    assert_eq!(
        run.ops,
        [
            "useradd -G adm,sudo -s /bin/bash -m -- alice",
            "chpasswd -e",
            "mkdir /home/alice/.ssh mode 0700 uid 1006 gid 1007",
            "write /home/alice/.ssh/authorized_keys (87 bytes) mode 0600 uid 1006 gid 1007",
            "write /etc/sudoers.d/vigo-alice (30 bytes) mode 0440 uid 0 gid 0",
        ]
    );
    assert!(run.stdin[0].starts_with("alice:$6$"), "{:?}", run.stdin);
    assert!(m.text("/etc/passwd").ends_with("\nalice:x:1006:1007::/home/alice:/bin/bash\n"));
    assert!(m.text("/etc/group").contains("sudo:x:27:alice\n"));
    assert_eq!(m.text("/etc/sudoers.d/vigo-alice"), "alice ALL=(ALL) NOPASSWD: ALL\n");
    assert_eq!(m.nodes["/home/alice/.profile"].uid, 1006);
    assert!(!format!("{run:?}").replace(&run.stdin[0], "").contains("hunter2"));
}

#[test]
fn a_plan_foretells_the_whole_of_alice() {
    for mut m in [debian(), machine().with_programs(&["adduser", "addgroup"]), machine().image()] {
        m.foretell("user", &alice());
        let run = m.apply("user", &alice());
        assert_eq!((run.changes, run.failure), (vec![], None), "{:?}", m.facts.programs);
    }
}

#[test]
fn an_image_gets_the_same_without_programs() {
    let mut m = machine().image();
    let run = m.apply("user", &alice());
    assert_eq!(run.failure, None);
    assert!(run.ops.iter().all(|op| op.starts_with("write ") || op.starts_with("mkdir ")), "{:?}", run.ops);
    assert!(m.text("/etc/passwd").ends_with("\nalice:x:1006:1007::/home/alice:/bin/bash\n"));
    assert!(m.text("/etc/gshadow").contains("sudo:*::alice\n"));
    assert!(m.text("/etc/gshadow").contains("\nalice:!::\n"));
    assert!(m.text("/etc/shadow").contains("\nalice:$6$"));
    assert_eq!((m.nodes["/home/alice"].mode, m.nodes["/home/alice"].uid), (0o700, 1006));
    assert_eq!(m.text("/home/alice/.profile"), "# hello\n");
    let empty = Machine::new(&[]).image().apply("user", &[("username", text("alice"))]);
    assert_eq!(empty.failure, None, "an image without any account file");
}

#[test]
fn busybox_makes_alice_too() {
    let mut m = machine().with_programs(&["adduser", "addgroup"]);
    let run = m.apply("user", &alice());
    assert_eq!(run.failure, None);
    assert_eq!(
        run.ops[..4],
        ["adduser -D -s /bin/bash -g '' alice", "addgroup alice adm", "addgroup alice sudo", "chpasswd -e"]
    );
    let run = m.apply("user", &[("username", text("alice")), ("password_max_age", text("30"))]);
    assert_eq!(
        run.failure.as_deref(),
        Some("attribute `password_max_age` of type `user` is not supported on debian 12 without the shadow suite")
    );
}

/// One changed thing at a time: attributes, what is shown, what is run.
#[test]
fn each_difference_has_its_call() {
    type Case<'a> = (&'a str, Vec<(&'a str, Datum)>, &'a [&'a str], &'a [&'a str]);
    let cases: Vec<Case<'_>> = vec![
        ("uid", vec![("uid", text("2000"))], &["uid: 1005 → 2000"], &["usermod -u 2000 -- bob"]),
        ("group", vec![("group", text("ops"))], &["group: bob → ops"], &["usermod -g 1006 -- bob"]),
        ("gid", vec![("gid", text("27"))], &["group: bob → 27"], &["usermod -g 27 -- bob"]),
        (
            "shell",
            vec![("shell", text("/bin/bash"))],
            &["shell: /bin/sh → /bin/bash"],
            &["usermod -s /bin/bash -- bob"],
        ),
        ("comment", vec![("comment", text("Bob B"))], &["comment:  → Bob B"], &["usermod -c 'Bob B' -- bob"]),
        ("joins", vec![("groups", text("adm"))], &["groups: ops → adm, ops"], &["usermod -a -G adm -- bob"]),
        (
            "exact",
            vec![("groups", text("adm")), ("groups_exact", text("true"))],
            &["groups: ops → adm"],
            &["usermod -G adm -- bob"],
        ),
        (
            "no groups",
            vec![("groups", list(&[])), ("groups_exact", text("true"))],
            &["groups: ops → "],
            &["usermod -G '' -- bob"],
        ),
        ("its own group", vec![("groups", text("bob"))], &[], &[]),
        (
            "home",
            vec![("home", text("/srv/bob")), ("move_home", text("true"))],
            &["home: /home/bob → /srv/bob"],
            &["usermod -d /srv/bob -m -- bob"],
        ),
        (
            "home not moved",
            vec![("home", text("/srv/bob"))],
            &["home: /home/bob → /srv/bob", "home directory: absent → present"],
            &[
                "usermod -d /srv/bob -- bob",
                "mkdir /srv/bob mode 0700 uid 1005 gid 1005",
                "write /srv/bob/.profile mode 0644 uid 1005 gid 1005",
            ],
        ),
        (
            "ages",
            vec![
                ("password_max_age", text("90")),
                ("password_inactive_days", text("-1")),
                ("expires", text("2031-02-28")),
            ],
            &["password_max_age: 99999 → 90", "expires: never → 2031-02-28"],
            &["chage -M 90 -E 2031-02-28 -- bob"],
        ),
        ("never", vec![("expires", text("never"))], &[], &[]),
        ("locked without a password", vec![("locked", text("true"))], &[], &[]),
        (
            "keys",
            vec![("authorized_keys", list(&[KEY]))],
            &["authorized_keys: absent → 1 key"],
            &[
                "mkdir /home/bob/.ssh mode 0700 uid 1005 gid 1005",
                "write /home/bob/.ssh/authorized_keys (87 bytes) mode 0600 uid 1005 gid 1005",
            ],
        ),
        ("no sudo", vec![("sudo_nopasswd", text("false"))], &[], &[]),
        ("gone", vec![("state", text("absent"))], &["state: present → absent"], &["userdel -r -- bob"]),
        (
            "gone, home kept",
            vec![("state", text("absent")), ("manage_home", text("false"))],
            &["state: present → absent"],
            &["userdel -- bob"],
        ),
    ];
    for (name, mut attributes, changes, ops) in cases {
        attributes.push(("username", text("bob")));
        let run = debian().apply("user", &attributes);
        assert_eq!(run.failure, None, "{name}");
        assert_eq!(run.changes, changes, "{name}");
        assert_eq!(run.ops, ops, "{name}");
        let mut m = machine().image();
        let run = m.apply("user", &attributes);
        assert_eq!(
            (run.failure, &run.changes[..]),
            (None, &changes.iter().map(ToString::to_string).collect::<Vec<_>>()[..]),
            "image: {name}"
        );
    }
}

#[test]
fn what_cannot_be_is_said_and_nothing_is_run() {
    let cases = [
        ("group", vec![("username", text("bob")), ("group", text("nosuch"))], "group `nosuch` does not exist"),
        ("gid", vec![("username", text("bob")), ("gid", text("77"))], "group `77` does not exist"),
        ("groups", vec![("username", text("alice")), ("groups", text("adm,nosuch"))], "group `nosuch` does not exist"),
        ("uid", vec![("username", text("bob")), ("uid", text("0"))], "uid `0` is taken by user `root`"),
        ("shell", vec![("username", text("bob")), ("shell", text("/bin/zsh"))], "shell `/bin/zsh` does not exist"),
        (
            "no shell",
            vec![("username", text("bob")), ("shell", text("/etc/motd"))],
            "shell `/etc/motd` is not executable",
        ),
        (
            "directory",
            vec![("username", text("ldap"))],
            "expected `ldap` to be a local account, found it in a directory service",
        ),
        (
            "uid 0",
            vec![("username", text("toor")), ("state", text("absent"))],
            "attribute `username`: `toor` is the account with uid 0",
        ),
    ];
    for (name, attributes, message) in cases {
        let mut m = debian();
        m.file("/etc/passwd", &format!("{PASSWD}toor:x:0:0::/root:/bin/sh\n"));
        let run = m.apply("user", &attributes);
        assert_eq!(run.failure.as_deref(), Some(message), "{name}");
        assert_eq!(run.ops.len(), 0, "{name}");
    }
}

#[test]
fn passwords_and_locks() {
    let hash =
        "$6$abcdefghijklmnop$J/AWykHqo2Tx5UtavGnFc3ytI33la50JpzLTarSWVhkIXK6wOjNwwZjsrIw2UgmrER2EKrSHCeQyAINEEXAk1/";
    let cases = [
        ("the same", hash.to_owned(), vec![("password", text("secret"))], None),
        ("another", hash.into(), vec![("password", text("other"))], Some("")),
        ("yescrypt", "$y$j9T$a$b".into(), vec![("password", text("secret"))], Some("")),
        ("none yet", "!".into(), vec![("password", text("secret"))], Some("")),
        ("none yet, redhat", "!!".into(), vec![("password", text("secret"))], Some("")),
        ("locked by hand", format!("!{hash}"), vec![("password", text("secret"))], None),
        ("locked by hand, another", format!("!{hash}"), vec![("password", text("other"))], Some("!")),
        (
            "on create only",
            hash.into(),
            vec![("password", text("other")), ("update_password", text("on_create"))],
            None,
        ),
        ("hash", hash.into(), vec![("password_hash", text(hash))], None),
        ("another hash", hash.into(), vec![("password_hash", text("$6$x$y"))], Some("")),
    ];
    for (name, stored, mut attributes, set) in cases {
        let mut m = debian();
        m.file("/etc/shadow", &SHADOW.replace("bob:!:", &format!("bob:{stored}:")));
        attributes.push(("username", text("bob")));
        let run = m.apply("user", &attributes);
        assert_eq!(run.failure, None, "{name}");
        match set {
            None => assert!(run.ops.is_empty(), "{name}: {run:?}"),
            Some(lock) => {
                assert_eq!(run.ops, ["chpasswd -e"], "{name}");
                assert!(run.stdin[0].starts_with(&format!("bob:{lock}$6$")), "{name}: {:?}", run.stdin);
                assert_eq!(run.changes, ["password: (differs) → «secret password of bob»"], "{name}");
            }
        }
    }
    let locks = [
        ("lock", hash.to_owned(), "true", "usermod -L -- bob"),
        ("unlock", format!("!{hash}"), "false", "usermod -U -- bob"),
    ];
    for (name, stored, locked, op) in locks {
        let mut m = debian();
        m.file("/etc/shadow", &SHADOW.replace("bob:!:", &format!("bob:{stored}:")));
        assert_eq!(m.apply("user", &[("username", text("bob")), ("locked", text(locked))]).ops, [op], "{name}");
    }
    let run = debian().apply("user", &[("username", text("bob")), ("locked", text("false"))]);
    assert_eq!(run.notes, ["there is no password to unlock"]);
}

#[test]
fn unknown_is_not_absent() {
    for (path, attribute) in [("/etc/passwd", ("shell", "/bin/bash")), ("/etc/shadow", ("password", "x"))] {
        let mut m = debian();
        m.denied = vec![path];
        let run = m.apply("user", &[("username", text("alice")), (attribute.0, text(attribute.1))]);
        assert_eq!(run.failure, Some(format!("unknown: cannot read `{path}`: permission denied")));
    }
    let mut m = debian();
    m.file("/etc/passwd", "alice:x:many:::/:/bin/sh\n");
    let run = m.apply("user", &[("username", text("alice"))]);
    assert_eq!(
        run.failure.as_deref(),
        Some("unknown: the line of `alice` in `/etc/passwd` has no user and group number")
    );
}

#[test]
fn keys_are_the_owners_alone() {
    let mut m = debian();
    m.dir_as("/home/bob/.ssh", 0o755, 0);
    m.file_as("/home/bob/.ssh/authorized_keys", &format!("{KEY}\n"), 0o644, 1005);
    let attributes = [("username", text("bob")), ("authorized_keys", text(&format!("{KEY}\nssh-rsa what\n")))];
    let run = m.apply("user", &attributes);
    assert_eq!(
        run.changes,
        [
            ".ssh mode: 0755 → 0700",
            ".ssh owner: 0 → 1005",
            "authorized_keys mode: 0644 → 0600",
            "authorized_keys: 1 key → 2 keys"
        ]
    );
    assert_eq!(
        run.notes,
        ["line 2 of `authorized_keys` is no key: expected a key of type `ssh-rsa`, found bytes that are no key"]
    );
    assert_eq!((m.nodes["/home/bob/.ssh"].mode, m.nodes["/home/bob/.ssh"].uid), (0o700, 1005));

    let mut m = debian();
    m.file("/home/bob/.ssh", "");
    let run = m.apply("user", &attributes);
    assert_eq!(run.failure.as_deref(), Some("expected a directory at `/home/bob/.ssh`, found something else"));
}

#[test]
fn sudo_comes_last_and_its_failure_leaves_the_account() {
    let mut m = debian();
    m.nodes.remove("/etc/sudoers.d");
    let run = m.apply("user", &alice());
    assert_eq!(run.failure.as_deref(), Some("`/etc/sudoers.d` does not exist"));
    assert!(m.nodes.contains_key("/home/alice/.ssh/authorized_keys"));

    let mut m = debian();
    m.file_as("/etc/sudoers.d/vigo-b_ob", "b.ob ALL=(ALL) NOPASSWD: ALL\n", 0o640, 0);
    m.file("/etc/passwd", "b.ob:x:7:1005::/:/bin/sh\n");
    let run = m.apply("user", &[("username", text("b.ob")), ("sudo_nopasswd", text("true"))]);
    assert_eq!(run.changes, ["sudo_nopasswd: another rule, owner or mode → true"]);
    let run = m.apply("user", &[("username", text("b.ob")), ("sudo_nopasswd", text("false"))]);
    assert_eq!(run.ops, ["remove /etc/sudoers.d/vigo-b_ob"]);
}

#[test]
fn a_shared_home_is_not_removed_with_its_user() {
    for (name, home, uid) in [("another's", "/home/bob", 0), ("too high", "/srv", 1005), ("root", "/", 1005)] {
        let mut m = debian();
        m.file("/etc/passwd", &PASSWD.replace("/home/bob", home));
        m.dir_as(home, 0o755, uid);
        let run = m.apply("user", &[("username", text("bob")), ("state", text("absent"))]);
        assert_eq!(run.ops, ["userdel -- bob"], "{name}");
        assert_eq!(run.notes.len(), 1, "{name}");
    }
    let mut m = debian();
    m.file("/etc/passwd", &format!("{PASSWD}carol:x:1007:1005::/home/bob/carol:/bin/sh\n"));
    let run = m.apply("user", &[("username", text("bob")), ("state", text("absent"))]);
    assert_eq!(run.ops, ["userdel -- bob"], "somebody lives below");
}

#[test]
fn a_group_of_the_users_name_becomes_its_own() {
    let mut m = debian();
    m.file("/etc/group", &format!("{GROUP}alice:x:3000:\n"));
    let run = m.apply("user", &[("username", text("alice"))]);
    assert_eq!(run.ops, ["useradd -g alice -m -- alice"]);
    assert!(m.text("/etc/passwd").contains("alice:x:1006:3000:"));
}

#[test]
fn bad_attributes_are_told_before_the_run() {
    let user = |name: &'static str, datum: Datum| vec![("username", text("alice")), (name, datum)];
    let cases = [
        (vec![("username", text("Alice"))], "attribute `username`: expected `[a-z_][a-z0-9_.-]{0,31}`, found `Alice`"),
        (vec![("username", text("-r"))], "attribute `username`: expected a name without leading `-`, found `-r`"),
        (
            vec![("username", text("root")), ("state", text("absent"))],
            "attribute `username`: the account `root` cannot be removed",
        ),
        (user("comment", text("a:b")), "attribute `comment`: expected text without `:`, found `a:b`"),
        (
            user("expires", text("2030-02-30")),
            "attribute `expires`: expected `YYYY-MM-DD` or `never`, found `2030-02-30`",
        ),
        (
            user("groups", text("a b")),
            "attribute `groups`: expected the name of an account, at most 32 characters, found `a b`",
        ),
        (user("groups_exact", text("true")), "attribute `groups_exact`: has no meaning without `groups`"),
        (user("password", secret("", "x")), "attribute `password`: expected a password, found nothing"),
        (
            user("password", text(&"x".repeat(512))),
            "attribute `password`: expected a password of at most 511 bytes, found 512",
        ),
        (
            user("password_hash", text("a:b")),
            "attribute `password_hash`: expected a hash as in shadow(5), without `:` and blanks",
        ),
        (user("authorized_keys", Datum::Map(vec![])), "attribute `authorized_keys`: expected text, or a list of lines"),
        (user("append", text("true")), "type `user` has no attribute `append`"),
        (user("login_class", text("staff")), "attribute `login_class` of type `user` is not supported on linux"),
        (
            vec![("username", text("alice")), ("state", text("absent")), ("shell", text("/bin/sh"))],
            "attribute `shell`: has no meaning with `state: absent`",
        ),
    ];
    for (attributes, message) in cases {
        assert_eq!(debian().apply("user", &attributes).failure.as_deref(), Some(message));
    }
}

#[test]
fn groups_by_tool_and_by_file() {
    type Case<'a> = (&'a str, Vec<(&'a str, Datum)>, &'a [&'a str], &'a [&'a str]);
    let cases: Vec<Case<'_>> = vec![
        ("new", vec![("group", text("dev"))], &["groupadd -- dev"], &["addgroup dev"]),
        (
            "new with all",
            vec![("group", text("dev")), ("gid", text("900")), ("system", text("true")), ("members", text("bob"))],
            &["groupadd -r -g 900 -- dev", "gpasswd -M bob -- dev"],
            &["addgroup -S -g 900 dev", "addgroup bob dev"],
        ),
        (
            "exact members",
            vec![("group", text("ops")), ("members", text("root"))],
            &["gpasswd -M root -- ops"],
            &["addgroup root ops", "delgroup bob ops"],
        ),
        (
            "more members",
            vec![("group", text("ops")), ("members", text("root")), ("members_exact", text("false"))],
            &["gpasswd -M bob,root -- ops"],
            &["addgroup root ops"],
        ),
        (
            "emptied",
            vec![("group", text("ops")), ("members", list(&[]))],
            &["gpasswd -M '' -- ops"],
            &["delgroup bob ops"],
        ),
        (
            "gid",
            vec![("group", text("ops")), ("gid", text("900"))],
            &["groupmod -g 900 -- ops"],
            &["write /etc/group (56 bytes)"],
        ),
        ("gone", vec![("group", text("ops")), ("state", text("absent"))], &["groupdel -- ops"], &["delgroup ops"]),
    ];
    for (name, attributes, shadow, busybox) in cases {
        let run = debian().apply("group", &attributes);
        assert_eq!((run.failure, run.ops), (None, shadow.iter().map(ToString::to_string).collect()), "{name}");
        let run = machine().with_programs(&["addgroup"]).apply("group", &attributes);
        assert_eq!((run.failure, run.ops), (None, busybox.iter().map(ToString::to_string).collect()), "{name}");
        let mut image = machine().image();
        let run = image.apply("group", &attributes);
        assert!(run.failure.is_none() && run.ops.iter().all(|op| op.starts_with("write /etc/")), "{name}: {run:?}");
    }
    let run = debian().apply("group", &[("group", text("bob")), ("state", text("absent"))]);
    assert_eq!(run.failure.as_deref(), Some("group `bob` is the primary group of user `bob`"));
    let run = Machine::new(&[]).apply("group", &[("group", text("x"))]);
    assert_eq!(run.failure.as_deref(), Some("expected `groupadd` or `addgroup` to manage groups, found neither"));
}
