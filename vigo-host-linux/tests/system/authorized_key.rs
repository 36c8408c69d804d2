//! Single SSH keys on machines in memory.

use crate::machine::{Machine, text};
use vigo_core::resource::Datum;

const BLOB: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIDk3VvZTO6vQ5tIcYG8DcNnZdqbYzTgYAVtk8zHbVUwA";

fn machine() -> Machine {
    let mut m = Machine::new(&[("/etc/passwd", "bob:x:1005:1006::/home/bob:/bin/sh\neve:x:7:7::/nowhere:/bin/sh\n")]);
    m.dir_as("/home/bob", 0o755, 1005);
    m
}

fn key(more: &[(&'static str, &str)]) -> Vec<(&'static str, Datum)> {
    let mut attributes = vec![("user", text("bob")), ("key", text(&format!("ssh-ed25519 {BLOB}")))];
    for (name, value) in more {
        attributes.retain(|(n, _)| n != name);
        attributes.push((name, text(value)));
    }
    attributes
}

#[test]
fn a_key_is_added_to_what_is_there() {
    let mut m = machine();
    let run = m.apply("authorized_key", &key(&[("comment", "bob at home")]));
    assert_eq!(run.changes, [format!("key: absent → ssh-ed25519 {BLOB} bob at home")]);
    assert_eq!(
        run.ops,
        [
            "mkdir /home/bob/.ssh mode 0700 uid 1005 gid 1006",
            "write /home/bob/.ssh/authorized_keys (93 bytes) mode 0600 uid 1005 gid 1006"
        ]
    );
    m.file("/home/bob/.ssh/authorized_keys", &format!("# mine\nssh-ed25519 {BLOB} old name\n"));
    assert!(m.apply("authorized_key", &key(&[])).changes.is_empty(), "the comment is not managed unless written");
    m.apply("authorized_key", &key(&[("options", "no-pty,from=\"10.0.0.*,!10.0.0.1\"")]));
    assert_eq!(
        m.text("/home/bob/.ssh/authorized_keys"),
        format!("# mine\nno-pty,from=\"10.0.0.*,!10.0.0.1\" ssh-ed25519 {BLOB} old name\n")
    );
    m.apply("authorized_key", &key(&[("key", BLOB), ("key_type", "ssh-ed25519"), ("state", "absent")]));
    assert_eq!(m.text("/home/bob/.ssh/authorized_keys"), "# mine\n");
}

#[test]
fn a_file_elsewhere_is_taken_as_it_is_named() {
    let mut m = machine();
    m.dir("/etc/ssh/keys");
    let run = m.apply("authorized_key", &key(&[("file", "/etc/ssh/keys/bob")]));
    assert_eq!(run.ops, ["write /etc/ssh/keys/bob (81 bytes) mode 0600 uid 1005 gid 1006"]);
}

#[test]
fn what_cannot_be_is_said() {
    let cases = [
        (key(&[("user", "nosuch")]), "user `nosuch` does not exist"),
        (key(&[("user", "eve")]), "the home directory `/nowhere` does not exist"),
        (key(&[("file", "/no/such/file")]), "the directory `/no/such` does not exist"),
        (key(&[("file", "~root/x")]), "attribute `file`: expected an absolute path or `~/…`, found `~root/x`"),
        (key(&[("file", "~/../x")]), "attribute `file`: expected an absolute path or `~/…`, found `~/../x`"),
        (key(&[("key", BLOB)]), "attribute `key`: expected `[options] type key [comment]`, found no key type"),
        (
            key(&[("key", "ssh-rsa AAAA")]),
            "attribute `key`: expected a key of type `ssh-rsa`, found bytes that are no key",
        ),
        (key(&[("key_type", "ssh-rsa")]), "attribute `key_type`: expected `ssh-ed25519` as in `key`, found `ssh-rsa`"),
        (
            key(&[("options", "no-pty ssh-rsa AAAA")]),
            "attribute `options`: expected options separated by commas, blanks in quotes only, found `no-pty ssh-rsa AAAA`",
        ),
    ];
    for (attributes, message) in cases {
        assert_eq!(machine().apply("authorized_key", &attributes).failure.as_deref(), Some(message));
    }
    let gone = machine().apply("authorized_key", &key(&[("user", "nosuch"), ("state", "absent")]));
    assert_eq!((gone.failure, gone.changes.len()), (None, 0), "a user that is not there has no key");
    let mut m = machine();
    m.denied = vec!["/home/bob/.ssh/authorized_keys"];
    let run = m.apply("authorized_key", &key(&[]));
    assert_eq!(
        run.failure.as_deref(),
        Some("unknown: cannot read `/home/bob/.ssh/authorized_keys`: permission denied")
    );
}
