use super::DECL;
use crate::action::{AccountKind, OpOutput};
use crate::resource::rig::{Attributes, Disk, checked, list, plain};
use crate::value::Text;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

#[test]
fn attributes_are_checked() {
    let cases: &[(&str, &str, Attributes<'_>, &str)] = &[
        ("plain", "/d/x", &[("mode", "0750")], ""),
        ("absent", "/d/x", &[("state", "absent")], ""),
        (
            "file_mode alone",
            "/d/x",
            &[("file_mode", "0644")],
            "attribute `file_mode`: has a meaning with `recurse` or `source` only",
        ),
        ("purge alone", "/d/x", &[("purge", "true")], "attribute `purge`: has a meaning with `source` only"),
        ("local source", "/d/x", &[("source", "/etc")], "attribute `source`: expected `templates/…`, found `/etc`"),
        (
            "the root",
            "/",
            &[("state", "absent")],
            "attribute `target_path`: expected a directory that may be removed or purged, found `/`, which the system consists of",
        ),
        (
            "purged system",
            "/etc/",
            &[("source", "templates/e"), ("purge", "true")],
            "attribute `target_path`: expected a directory that may be removed or purged, found `/etc`, which the system consists of",
        ),
        (
            "windows in any case",
            "c:/WINDOWS/System32",
            &[("state", "absent")],
            "attribute `target_path`: expected a directory that may be removed or purged, found `c:\\WINDOWS\\System32`, which the \
             system consists of",
        ),
    ];
    for (name, path, attributes, expected) in cases {
        let attributes: Vec<_> = [("target_path", *path)].iter().chain(*attributes).copied().collect();
        assert_eq!(checked(&DECL, &attributes).join("; "), *expected, "{name}");
    }
}

#[test]
fn a_directory_is_made_set_and_removed() {
    let mut disk = Disk::new();
    let run = disk.run(&DECL, &[("target_path", "/d/a/b"), ("owner", "alice")]);
    assert_eq!(run.ops, ["mkdir /d/a/b mode 0755 uid 1000"]);
    let run = disk.run(&DECL, &[("target_path", "/d/a/b"), ("mode", "2770"), ("group", "adm")]);
    assert_eq!(run.changed(), ["group: root → adm", "mode: 0755 → 2770"]);
    assert_eq!(run.ops, ["chown /d/a/b gid 4", "chmod 2770 /d/a/b"]);
    let reads = disk.run(&DECL, &[("target_path", "/d/a/b")]).reads;
    assert_eq!(reads, ["stat /d/a/b"]);
    let run = disk.run(&DECL, &[("target_path", "/d/a/b"), ("state", "absent")]);
    assert_eq!(run.ops, ["remove tree /d/a/b"]);
}

#[test]
fn what_is_no_directory_is_left_alone() {
    let mut disk = Disk::new();
    disk.file("/d/f", "");
    disk.link("/d/l", "/etc");
    for (path, found) in [("/d/f", "a file"), ("/d/l", "link to /etc")] {
        for state in ["present", "absent"] {
            let run = disk.run(&DECL, &[("target_path", path), ("state", state)]);
            assert_eq!(run.failure, Some(format!("expected a directory at `{path}`, found {found}")));
        }
    }
}

#[test]
fn a_tree_gets_owner_and_mode_with_x_where_it_was() {
    let mut disk = Disk::new();
    for (path, mode) in [("/d/t/a", 0o600), ("/d/t/b", 0o700), ("/d/t/ok", 0o640)] {
        disk.file(path, "");
        disk.meta(path, |m| (m.mode, m.uid) = (mode, 1000));
    }
    for path in ["/d/t", "/d/t/s"] {
        disk.dir(path);
        disk.meta(path, |m| (m.mode, m.uid) = (0o2750, 1000));
    }
    disk.link("/d/t/l", "/etc/passwd");
    disk.dir("/d/t/mounted");
    disk.meta("/d/t/mounted", |m| m.dev = 2);
    let run = disk.run(&DECL, &[("target_path", "/d/t"), ("recurse", "true"), ("mode", "2750"), ("owner", "alice")]);
    assert_eq!(run.changed(), ["tree: 3: a, b, l → 3 of 3 entries set"]);
    assert_eq!(run.ops, ["chmod 0640 /d/t/a", "chmod 0750 /d/t/b", "chown /d/t/l uid 1000"]);
    assert_eq!(disk.node("/etc/passwd").map(|n| n.meta.uid), Some(0));
}

#[test]
fn a_shipped_tree_is_put_down_and_the_rest_purged() {
    let mut disk = Disk::new();
    disk.ship("templates/t/a", b"a\n", false);
    disk.ship("templates/t/s/run", b"#!/bin/sh\n", true);
    disk.ship("templates/tother", b"", false);
    let attributes = [
        ("target_path", plain("/d/t")),
        ("source", plain("templates/t")),
        ("purge", plain("true")),
        ("ignore", list(&["*.local"])),
    ];
    let run = disk.run_data(&DECL, &attributes);
    let made = ["mkdir /d/t mode 0755", "mkdir /d/t/s mode 0755", "write /d/t/a (2 bytes) mode 0644"];
    assert_eq!(run.ops[..3], made);
    assert_eq!(run.ops[3..], ["write /d/t/s/run (10 bytes) mode 0755"]);
    assert!(run.diff.contains("+++ /d/t/a\n") && run.diff.contains("+++ /d/t/s/run\n"), "{}", run.diff);

    disk.file("/d/t/a", "b\n");
    for path in ["/d/t/extra", "/d/t/k/x.local", "/d/t/k/y", "/d/t/gone/below"] {
        disk.file(path, "");
    }
    disk.dir("/d/t/k");
    disk.dir("/d/t/gone");
    let run = disk.run_data(&DECL, &attributes);
    let changes = ["a content: sha256 0263829989b6 → sha256 87428fc52280", "not shipped: 3: extra, gone, k/y → absent"];
    assert_eq!(run.changed(), changes);
    let ops = ["write /d/t/a (2 bytes)", "remove /d/t/extra", "remove tree /d/t/gone", "remove /d/t/k/y"];
    assert_eq!(run.ops, ops);
    assert!(disk.node("/d/t/k/x.local").is_some());
}

#[test]
fn shipped_files_follow_mode_and_owner() {
    let mut disk = Disk::new();
    disk.ship("templates/t/a", b"", false);
    disk.ship("templates/t/x", b"", true);
    let mut modes = |attributes: &[(&str, &str)]| {
        let attributes: Vec<_> =
            [("target_path", "/d/t"), ("source", "templates/t")].iter().chain(attributes).copied().collect();
        assert_eq!(disk.run(&DECL, &attributes).failure, None);
        ["/d/t", "/d/t/a", "/d/t/x"].map(|p| disk.node(p).map(|n| format!("{:o} {}", n.meta.mode, n.meta.uid)).unwrap())
    };
    assert_eq!(modes(&[("mode", "2750"), ("owner", "alice")]), ["2750 1000", "640 1000", "750 1000"]);
    assert_eq!(modes(&[("file_mode", "0444")]), ["2750 1000", "444 1000", "444 1000"]);
}

#[test]
fn shipped_files_may_be_of_an_account_that_only_the_system_knows() {
    let mut disk = Disk::new();
    disk.ship("templates/t/a", b"", false);
    disk.directory = alloc::vec![(AccountKind::User, "bob", OpOutput::Bytes(b"bob:*:501:20:::\n"[..].into()))];
    let run = disk.run(&DECL, &[("target_path", "/d/t"), ("source", "templates/t"), ("owner", "bob")]);
    assert_eq!((run.failure, disk.node("/d/t/a").map(|n| n.meta.uid)), (None, Some(501)));
}

#[test]
fn shipped_directories_keep_mode_and_owner() {
    let mut disk = Disk::new();
    disk.ship("templates/t/s/a", b"", false);
    let attributes = [("target_path", "/d/t"), ("source", "templates/t"), ("mode", "0750"), ("owner", "alice")];
    disk.run(&DECL, &attributes);
    disk.meta("/d/t/s", |m| (m.mode, m.uid) = (0o777, 0));
    let run = disk.run(&DECL, &attributes);
    assert_eq!(run.changed(), ["/d/t/s owner: root → alice", "/d/t/s mode: 0777 → 0750"]);
    assert_eq!(run.ops, ["chown /d/t/s uid 1000", "chmod 0750 /d/t/s"]);
    let run = disk.run(&DECL, &[&attributes[..], &[("recurse", "true")]].concat());
    assert_eq!(run.changed(), [""; 0], "a directory of the shipped tree is told once");
}

#[test]
fn names_that_no_operation_can_say_fail_before_anything_is_done() {
    for name in ["/d/t/a\nb", "/d/t/\u{fffd}"] {
        let mut disk = Disk::new();
        disk.dir("/d/t");
        disk.file(name, "");
        let run = disk.run(&DECL, &[("target_path", "/d/t"), ("recurse", "true"), ("mode", "0700")]);
        let failure = run.failure.unwrap_or_default();
        assert!(failure.starts_with("expected names in UTF-8 without control characters below `/d/t`"), "{failure}");
        assert_eq!(run.ops, [""; 0]);
        let run = disk.run(&DECL, &[("target_path", "/d/t"), ("state", "absent")]);
        assert_eq!((run.failure, disk.node(name).is_none()), (None, true), "the whole goes with all names");
    }
}

#[test]
fn a_secret_below_stays_secret() {
    let mut disk = Disk::new();
    disk.ship("templates/t/a", b"secret:db/dsn", false);
    disk.render = |_| Text::secret("hunter2", "db/dsn");
    let run = disk.run(&DECL, &[("target_path", "/d/t"), ("source", "templates/t")]);
    assert_eq!(disk.node("/d/t/a").map(|n| n.meta.mode), Some(0o600));
    assert!(!format!("{run:?}").contains("hunter2"), "{run:?}");
    let run = disk.run(&DECL, &[("target_path", "/d/t"), ("source", "templates/none")]);
    let none = "attribute `source`: expected shipped files below `templates/none`, found none";
    assert_eq!(run.failure, Some(none.to_string()));
}
