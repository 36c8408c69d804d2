//! Files that are replaced.

use super::support::{Scratch, is_root, kind, message, mode_of, replace, sha256};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};
use vigo_core::action::{AbsPath, Command, Content, Expect, FailureKind, Op, OpOutput, Owner, Replace, Validate};
use vigo_core::value::Text;

#[test]
fn a_replacement_keeps_what_nobody_asked_to_change() {
    let t = Scratch::new("keep");
    let mut x = t.executor();
    assert_eq!(x.perform(&Op::ReplaceFile(replace(t.path("new"), "1"))), OpOutput::Done);
    assert_eq!((t.read("new"), mode_of(&t.0.join("new"))), ("1".into(), 0o644));

    t.write("old", "1");
    fs::set_permissions(t.0.join("old"), fs::Permissions::from_mode(0o4751)).unwrap();
    if is_root() {
        std::os::unix::fs::chown(t.0.join("old"), Some(12), Some(34)).unwrap();
        fs::set_permissions(t.0.join("old"), fs::Permissions::from_mode(0o4751)).unwrap();
    }
    let before = fs::metadata(t.0.join("old")).unwrap();
    assert_eq!(x.perform(&Op::ReplaceFile(replace(t.path("old"), "2"))), OpOutput::Done);
    let after = fs::metadata(t.0.join("old")).unwrap();
    assert_eq!((t.read("old"), after.mode()), ("2".into(), before.mode()));
    assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));

    let secret = Text::secret("hunter2", "db/password");
    let op = Op::ReplaceFile(Replace { content: Content::Text(secret), ..replace(t.path("secret"), "") });
    assert_eq!(x.perform(&op), OpOutput::Done);
    assert_eq!((t.read("secret"), mode_of(&t.0.join("secret"))), ("hunter2".into(), 0o600));

    let op = Op::ReplaceFile(Replace { mode: Some(0o640), ..replace(t.path("old"), "3") });
    assert_eq!(x.perform(&op), OpOutput::Done);
    assert_eq!(mode_of(&t.0.join("old")), 0o640);
    assert_eq!(t.names(), ["new", "old", "secret"], "nothing else is left");
}

#[test]
fn a_new_file_has_the_mode_and_the_owner_that_are_asked_for() {
    let t = Scratch::new("modes");
    let mut x = t.executor();
    let own = Owner { uid: Some(rustix::process::geteuid().as_raw()), gid: None };
    let other = Owner { uid: Some(12), gid: Some(34) };
    for owner in [Owner::default(), own, other].into_iter().take(if is_root() { 3 } else { 2 }) {
        // Beyond what the umask lets through, too.
        for mode in [0o400, 0o600, 0o644, 0o666, 0o4755, 0o2710, 0o000] {
            let _ = fs::remove_file(t.0.join("f"));
            let new = Replace { expect: Expect::Missing, mode: Some(mode), owner, ..replace(t.path("f"), "new") };
            assert_eq!(x.perform(&Op::ReplaceFile(new)), OpOutput::Done, "{mode:o}");
            let meta = fs::metadata(t.0.join("f")).unwrap();
            assert_eq!((meta.mode() & 0o7777, meta.len()), (mode, 3), "{mode:o}");
            assert!(owner.uid.is_none_or(|uid| uid == meta.uid()) && owner.gid.is_none_or(|gid| gid == meta.gid()));
        }
    }
}

#[test]
fn where_nothing_was_nothing_is_replaced() {
    let t = Scratch::new("missing");
    t.write("file", "theirs");
    fs::create_dir(t.0.join("dir")).unwrap();
    symlink("file", t.0.join("link")).unwrap();
    for (name, expected, words) in [
        ("file", FailureKind::Changed, "come into being"),
        ("link", FailureKind::Changed, "is a link now"),
        ("dir", FailureKind::WrongKind, "no regular file"),
    ] {
        let new = Replace { expect: Expect::Missing, ..replace(t.path(name), "ours") };
        let output = t.executor().perform(&Op::ReplaceFile(new));
        assert_eq!(kind(&output), Some(expected), "{name}");
        assert!(message(output).contains(words), "{name}");
    }
    assert_eq!((t.read("file"), t.names()), ("theirs".into(), vec!["dir".into(), "file".into(), "link".into()]));
}

#[test]
fn attributes_of_the_old_file_are_kept_but_for_its_capabilities() {
    let t = Scratch::new("xattr");
    t.write("f", "1");
    let path = t.0.join("f");
    let flags = rustix::fs::XattrFlags::empty();
    if rustix::fs::setxattr(&path, "user.note", b"mine", flags).is_err() {
        eprintln!("this file system has no attributes: not tested");
        return;
    }
    // cap_net_raw+ep, revision 2.
    let capability = [1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let has_capability = rustix::fs::setxattr(&path, "security.capability", &capability, flags).is_ok();
    assert_eq!(t.executor().perform(&Op::ReplaceFile(replace(t.path("f"), "2"))), OpOutput::Done);
    let mut value = [0; 64];
    assert_eq!(rustix::fs::getxattr(&path, "user.note", &mut value), Ok(4));
    if has_capability {
        assert!(rustix::fs::getxattr(&path, "security.capability", &mut value).is_err());
    }
}

#[test]
fn a_long_list_of_attributes_is_kept() {
    // Memory keeps more names than a block of the usual file systems holds.
    let dir = Path::new("/dev/shm").join(format!("vigo-test-{}-many", std::process::id()));
    let _ = fs::create_dir_all(&dir);
    let path = dir.join("f");
    let name = |i: usize| format!("user.{i:03}{}", "x".repeat(200));
    let flags = rustix::fs::XattrFlags::empty();
    let set = |i| rustix::fs::setxattr(&path, name(i), b"mine", flags).is_ok();
    if fs::write(&path, "1").is_err() || !(0..40).all(set) {
        eprintln!("this file system keeps no long list of attributes: not tested");
        let _ = fs::remove_dir_all(&dir);
        return;
    }
    let target = AbsPath::parse(path.to_str().unwrap()).unwrap();
    let output = Scratch::new("many").executor().perform(&Op::ReplaceFile(replace(target, "2")));
    let mut value = [0; 64];
    let kept = (0..40).filter(|i| rustix::fs::getxattr(&path, name(*i), &mut value) == Ok(4)).count();
    let _ = fs::remove_dir_all(&dir);
    assert_eq!((output, kept), (OpOutput::Done, 40));
}

#[test]
fn a_replacement_is_refused_when_the_file_is_not_what_was_observed() {
    let t = Scratch::new("expect");
    let cases: &[(&str, Option<&str>, Expect, bool)] = &[
        ("as observed", Some("1"), Expect::Digest(sha256("1")), true),
        ("another content", Some("other"), Expect::Digest(sha256("1")), false),
        ("gone", None, Expect::Digest(sha256("1")), false),
        ("still missing", None, Expect::Missing, true),
        ("come into being", Some("1"), Expect::Missing, false),
        ("anything", Some("1"), Expect::Anything, true),
    ];
    for (name, old, expect, goes) in cases {
        let _ = fs::remove_file(t.0.join("f"));
        if let Some(old) = old {
            t.write("f", old);
        }
        let output = t.executor().perform(&Op::ReplaceFile(Replace { expect: *expect, ..replace(t.path("f"), "new") }));
        if *goes {
            assert_eq!((output, t.read("f")), (OpOutput::Done, "new".into()), "{name}");
        } else {
            assert_eq!(kind(&output), Some(FailureKind::Changed), "{name}");
            assert_eq!(fs::read_to_string(t.0.join("f")).ok().as_deref(), *old, "{name}");
        }
        assert!(t.names().iter().all(|n| n == "f"), "{name}: {:?}", t.names());
    }
}

#[test]
fn a_check_that_says_no_keeps_the_old_file() {
    let t = Scratch::new("validate");
    t.write("f", "old");
    let check = |command: Command| {
        Op::ReplaceFile(Replace { validate: Some(Validate { command }), ..replace(t.path("f"), "it's new") })
    };
    let mut x = t.executor();
    let output = x.perform(&check(Command::read("grep", ["-q", "absent", "%"])));
    assert_eq!(kind(&output), Some(FailureKind::Invalid));
    let told = message(x.perform(&check(Command::read("sh", ["-c", "cat % >&2; echo 100%%; exit 3"]))));
    assert!(told.contains("it's new") && told.contains("exit 3"), "{told}");
    assert_eq!((t.read("f"), t.names()), ("old".into(), vec!["f".to_owned()]));
    let secret = Content::Text(Text::secret("hunter2", "a/b"));
    let leaks = Validate { command: Command::read("sh", ["-c", "cat % >&2; exit 1"]) };
    let told = message(x.perform(&Op::ReplaceFile(Replace {
        content: secret,
        validate: Some(leaks),
        ..replace(t.path("f"), "")
    })));
    assert!(!told.contains("hunter2"), "{told}");
    assert_eq!(x.perform(&check(Command::read("grep", ["-q", "new", "%"]))), OpOutput::Done);
    assert_eq!(t.read("f"), "it's new");
}

#[test]
fn a_backup_is_the_old_file() {
    let t = Scratch::new("backup");
    t.write("f", "old");
    fs::set_permissions(t.0.join("f"), fs::Permissions::from_mode(0o640)).unwrap();
    let op = Op::ReplaceFile(Replace { backup: Some(".bak".into()), ..replace(t.path("f"), "new") });
    assert_eq!(t.executor().perform(&op), OpOutput::Done);
    assert_eq!((t.read("f"), t.read("f.bak"), mode_of(&t.0.join("f.bak"))), ("new".into(), "old".into(), 0o640));
    assert_eq!(t.names(), ["f", "f.bak"]);
    let op = Op::ReplaceFile(Replace { backup: Some(".{epoch}.bak".into()), ..replace(t.path("f"), "newer") });
    assert_eq!(t.executor().perform(&op), OpOutput::Done);
    let dated = t.names().into_iter().find(|n| n.ends_with(".bak") && n != "f.bak").unwrap_or_default();
    let epoch = dated.trim_start_matches("f.").trim_end_matches(".bak").parse::<u64>();
    assert!(epoch.is_ok_and(|secs| secs > 1_700_000_000), "{dated}");
    assert_eq!(t.read(&dated), "new");
}

#[test]
fn links_are_replaced_or_followed_as_asked() {
    let t = Scratch::new("follow");
    t.write("real", "old");
    symlink("real", t.0.join("one")).unwrap();
    symlink("one", t.0.join("two")).unwrap();
    let mut x = t.executor();
    let through = Op::ReplaceFile(Replace {
        follow: true,
        expect: Expect::Digest(sha256("old")),
        ..replace(t.path("two"), "new")
    });
    assert_eq!(x.perform(&through), OpOutput::Done);
    assert_eq!(t.read("real"), "new");
    assert!(fs::symlink_metadata(t.0.join("two")).unwrap().is_symlink());
    assert_eq!(x.perform(&Op::ReplaceFile(replace(t.path("two"), "own"))), OpOutput::Done);
    assert!(fs::symlink_metadata(t.0.join("two")).unwrap().is_file());
    assert_eq!((t.read("real"), t.read("two")), ("new".into(), "own".into()));
}

#[test]
fn missing_folders_are_made_only_when_asked() {
    let t = Scratch::new("parents");
    let mut x = t.executor();
    let op = replace(t.path("a/b/f"), "1");
    assert_eq!(kind(&x.perform(&Op::ReplaceFile(op.clone()))), Some(FailureKind::NoParent));
    assert_eq!(x.perform(&Op::ReplaceFile(Replace { parents: true, ..op })), OpOutput::Done);
    assert_eq!((t.read("a/b/f"), mode_of(&t.0.join("a/b"))), ("1".into(), 0o755));
    t.write("file", "");
    let below_file = Op::ReplaceFile(Replace { parents: true, ..replace(t.path("file/x"), "") });
    assert_eq!(kind(&x.perform(&below_file)), Some(FailureKind::WrongKind));
}

#[test]
fn another_file_is_copied_only_as_it_was_observed() {
    let t = Scratch::new("copy");
    t.write("from", "content");
    let op = |sha256| {
        Op::ReplaceFile(Replace {
            content: Content::Copy { from: t.path("from"), sha256 },
            ..replace(t.path("to"), "")
        })
    };
    assert_eq!(kind(&t.executor().perform(&op(sha256("other")))), Some(FailureKind::Changed));
    assert_eq!(t.names(), ["from"]);
    assert_eq!(t.executor().perform(&op(sha256("content"))), OpOutput::Done);
    assert_eq!(t.read("to"), "content");
}

#[test]
fn what_is_no_file_is_not_replaced() {
    let t = Scratch::new("kinds");
    fs::create_dir(t.0.join("dir")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, t.0.join("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    for name in ["dir", "pipe"] {
        let output = t.executor().perform(&Op::ReplaceFile(replace(t.path(name), "")));
        assert_eq!(kind(&output), Some(FailureKind::WrongKind), "{name}");
    }
    let root = t.executor().perform(&Op::ReplaceFile(replace(AbsPath::known("/"), "")));
    assert_eq!(kind(&root), Some(FailureKind::WrongKind));
}

#[test]
fn leftovers_of_dead_runs_go_and_those_of_living_ones_stay() {
    let t = Scratch::new("stale");
    t.write(".vigo-0123456789abcdef-f", "half");
    t.write(".vigo-notours", "x");
    let held = fs::File::create(t.0.join(".vigo-fedcba9876543210-g")).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    assert_eq!(t.executor().perform(&Op::ReplaceFile(replace(t.path("f"), "1"))), OpOutput::Done);
    assert_eq!(t.names(), [".vigo-fedcba9876543210-g", ".vigo-notours", "f"]);
}

const FILES: usize = 8;

/// Not a test of its own: the process that `a_killed_run_leaves_old_or_new_files` kills.
#[test]
#[ignore = "started by a_killed_run_leaves_old_or_new_files"]
fn writes_until_it_is_killed() {
    let Some(dir) = std::env::var_os("VIGO_TEST_WRITE_IN") else { return };
    let t = std::mem::ManuallyDrop::new(Scratch(dir.into()));
    let mut x = t.executor();
    for round in 0.. {
        for file in 0..FILES {
            let op = Op::ReplaceFile(replace(t.path(&format!("f{file}")), &content(round)));
            assert_eq!(x.perform(&op), OpOutput::Done);
        }
    }
}

fn content(round: usize) -> String {
    let line = format!("round {round}\n");
    line.repeat(20_000 + round % 7)
}

#[test]
fn a_killed_run_leaves_old_or_new_files() {
    let t = Scratch::new("kill");
    for attempt in 0..6 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["replace::writes_until_it_is_killed", "--exact", "--ignored"])
            .env("VIGO_TEST_WRITE_IN", &t.0)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let start = Instant::now();
        let last = t.0.join(format!("f{}", FILES - 1));
        while !last.exists() && start.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(3 + attempt * 7));
        child.kill().unwrap();
        child.wait().unwrap();
        for file in 0..FILES {
            let text = t.read(&format!("f{file}"));
            let first = text.lines().next().unwrap();
            let round: usize = first.strip_prefix("round ").unwrap().parse().unwrap();
            assert!(text == content(round), "attempt {attempt}: f{file} is no whole file");
        }
    }
    assert_eq!(t.executor().perform(&Op::ReplaceFile(replace(t.path("f0"), "end"))), OpOutput::Done);
    assert_eq!(t.names().len(), FILES, "leftovers: {:?}", t.names());
}
