//! The executor on a real file system and with real programs.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use sha2::{Digest, Sha256};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use vigo_agent::executor::{Executor, ExecutorOptions};
use vigo_core::action::{
    AbsPath, Command, Content, Effect, Exit, Expect, FailureKind, FileKind, Op, OpFailure, OpOutput, Owner, Ran,
    Replace, Validate,
};
use vigo_core::converge::OpId;
use vigo_core::time;
use vigo_core::value::Text;

/// A folder of its own for one test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("vigo-test-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        Self(dir.canonicalize().unwrap())
    }

    fn path(&self, name: &str) -> AbsPath {
        AbsPath::parse(self.0.join(name).to_str().unwrap()).unwrap()
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.0.join(name), content).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(&self.0).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn executor(&self) -> Executor {
        Executor::new(self.options(None)).unwrap()
    }

    fn options(&self, root: Option<PathBuf>) -> ExecutorOptions {
        let work = std::env::temp_dir().join(format!("vigo-test-{}-work", std::process::id()));
        ExecutorOptions { root, staging: work.join("staged"), secrets: work.join("secrets") }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn replace(path: AbsPath, content: &str) -> Replace {
    Replace {
        path,
        content: Content::Bytes(content.as_bytes().into()),
        mode: None,
        owner: Owner::default(),
        context: None,
        expect: Expect::Anything,
        validate: None,
        backup: None,
        follow: false,
        parents: false,
    }
}

fn sha256(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

fn kind(output: &OpOutput) -> Option<FailureKind> {
    match output {
        OpOutput::Failed(OpFailure { kind, .. }) => Some(*kind),
        _ => None,
    }
}

fn message(output: OpOutput) -> String {
    match output {
        OpOutput::Failed(failure) => failure.message,
        other => panic!("expected a failure, found {other:?}"),
    }
}

fn ran(output: OpOutput) -> Ran {
    match output {
        OpOutput::Ran(ran) => ran,
        other => panic!("expected a program that ran, found {other:?}"),
    }
}

fn mode_of(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

// ---- reads ----

#[test]
fn reads_say_what_is_there() {
    let t = Scratch::new("reads");
    t.write("file", "hello");
    t.write("empty", "");
    t.write("large", &"x".repeat(200_000));
    fs::create_dir(t.0.join("dir")).unwrap();
    symlink("file", t.0.join("link")).unwrap();
    symlink("nowhere", t.0.join("dangling")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, t.0.join("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let mut x = t.executor();
    let cases: &[(&str, &str, bool, &str)] = &[
        ("a file", "file", false, "hash hello"),
        ("an empty file", "empty", false, "hash "),
        ("a directory", "dir", false, "Dir"),
        ("a link", "link", false, "Symlink to file"),
        ("a link, followed", "link", true, "hash hello"),
        ("a link to nothing", "dangling", false, "Symlink to nowhere"),
        ("a link to nothing, followed", "dangling", true, "missing"),
        ("nothing", "absent", false, "missing"),
        ("below a file", "file/x", false, "missing"),
        ("a pipe nobody writes to", "pipe", false, "Other"),
        ("a device", "/dev/null", false, "Other"),
    ];
    for (name, path, follow, expected) in cases {
        let path = if path.starts_with('/') { AbsPath::parse(path).unwrap() } else { t.path(path) };
        let told = |output: OpOutput| match output {
            OpOutput::Missing => "missing".to_owned(),
            OpOutput::Stat(m) => match m.target {
                Some(target) => format!("{:?} to {target}", m.kind),
                None => format!("{:?}", m.kind),
            },
            OpOutput::Hash { meta, sha256: seen } => {
                let content = expected.strip_prefix("hash ").unwrap_or("?");
                assert_eq!((meta.size, seen), (content.len() as u64, sha256(content)), "{name}");
                format!("hash {content}")
            }
            OpOutput::File { meta, content } => {
                assert_eq!(meta.size, content.len() as u64, "{name}");
                format!("hash {}", String::from_utf8_lossy(&content))
            }
            other => format!("{other:?}"),
        };
        let follow = *follow;
        assert_eq!(told(x.perform(&Op::HashFile { path: path.clone(), follow })), *expected, "hash: {name}");
        let read = Op::ReadFile { path: path.clone(), follow, bytes_max: 100 };
        assert_eq!(told(x.perform(&read)), *expected, "read: {name}");
        let stat = match x.perform(&Op::Stat { path, follow }) {
            OpOutput::Missing => "missing".to_owned(),
            OpOutput::Stat(m) if m.kind == FileKind::File => (*expected).to_owned(),
            other => told(other),
        };
        assert_eq!(stat, *expected, "stat: {name}");
    }
    let large = t.path("large");
    let OpOutput::Hash { sha256: seen, .. } = x.perform(&Op::HashFile { path: large.clone(), follow: false }) else {
        panic!("expected a digest")
    };
    assert_eq!(seen, sha256(&"x".repeat(200_000)));
    let whole = x.perform(&Op::ReadFile { path: large.clone(), follow: false, bytes_max: 200_000 });
    assert!(matches!(whole, OpOutput::File { content, .. } if content.len() == 200_000));
    let cut = x.perform(&Op::ReadFile { path: large, follow: false, bytes_max: 199_999 });
    assert_eq!(kind(&cut), Some(FailureKind::TooLarge));
}

#[test]
fn a_file_of_the_kernel_is_read_to_its_end() {
    let t = Scratch::new("kernel");
    let status = Op::read_file(&AbsPath::known("/proc/self/status"));
    let OpOutput::File { meta, content } = t.executor().perform(&status) else { panic!("expected a file") };
    assert!(content.starts_with(b"Name:") && content.ends_with(b"\n"));
    assert_eq!(meta.size, content.len() as u64);
}

#[test]
fn a_file_system_says_how_much_it_holds() {
    let mut x = Scratch::new("space").executor();
    let OpOutput::Space(space) = x.perform(&Op::Space { path: AbsPath::known("/") }) else { panic!("expected space") };
    assert!(space.size_bytes > 0 && space.available_bytes <= space.free_bytes && space.free_bytes <= space.size_bytes);
    assert_eq!(x.perform(&Op::Space { path: AbsPath::known("/no/such/folder") }), OpOutput::Missing);
}

#[test]
fn a_listing_is_sorted_bounded_and_follows_nothing() {
    let t = Scratch::new("list");
    fs::create_dir_all(t.0.join("b/c")).unwrap();
    t.write("b/c/file", "x");
    t.write("a", "y");
    symlink("/etc", t.0.join("d")).unwrap();
    let mut x = t.executor();
    let mut list = |deep, entries_max| x.perform(&Op::ListDir { path: t.path(""), deep, entries_max });
    let names = |output: OpOutput| match output {
        OpOutput::Dir(entries) => entries.iter().map(|e| e.path.to_string()).collect::<Vec<_>>(),
        other => panic!("expected a listing, found {other:?}"),
    };
    assert_eq!(names(list(false, 3)), ["a", "b", "d"]);
    assert_eq!(names(list(true, 100)), ["a", "b", "b/c", "b/c/file", "d"]);
    assert_eq!(kind(&list(true, 4)), Some(FailureKind::TooLarge));
    assert_eq!(kind(&list(false, 2)), Some(FailureKind::TooLarge));
    let list = |path| Op::ListDir { path, deep: true, entries_max: 10 };
    assert_eq!(t.executor().perform(&list(t.path("absent"))), OpOutput::Missing);
    let of_file = t.executor().perform(&list(t.path("a")));
    assert!(matches!(of_file, OpOutput::Stat(m) if m.kind == FileKind::File));
    let of_link = t.executor().perform(&list(t.path("d")));
    assert!(matches!(of_link, OpOutput::Stat(m) if m.kind == FileKind::Symlink));
}

// ---- writes ----

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
            .args(["writes_until_it_is_killed", "--exact", "--ignored"])
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

// ---- other changes ----

#[test]
fn directories_are_made_and_brought_to_mode() {
    let t = Scratch::new("mkdir");
    let make = |name: &str, mode, parents| Op::MakeDir { path: t.path(name), mode, owner: Owner::default(), parents };
    let mut x = t.executor();
    assert_eq!(x.perform(&make("d", 0o2750, false)), OpOutput::Done);
    assert_eq!(mode_of(&t.0.join("d")), 0o2750);
    assert_eq!(x.perform(&make("d", 0o700, false)), OpOutput::Done);
    assert_eq!(mode_of(&t.0.join("d")), 0o700);
    assert_eq!(kind(&x.perform(&make("a/b/c", 0o755, false))), Some(FailureKind::NoParent));
    assert_eq!(x.perform(&make("a/b/c", 0o711, true)), OpOutput::Done);
    assert_eq!((mode_of(&t.0.join("a/b")), mode_of(&t.0.join("a/b/c"))), (0o755, 0o711));
    t.write("f", "");
    assert_eq!(kind(&x.perform(&make("f", 0o755, false))), Some(FailureKind::WrongKind));
    symlink("d", t.0.join("l")).unwrap();
    assert_eq!(kind(&x.perform(&make("l", 0o755, false))), Some(FailureKind::WrongKind));
}

#[test]
fn links_take_the_place_of_links_and_with_force_of_files() {
    let t = Scratch::new("symlink");
    let link =
        |name: &str, to: &str, force| Op::Symlink { path: t.path(name), to: to.into(), owner: Owner::default(), force };
    let target = |name: &str| fs::read_link(t.0.join(name)).unwrap().into_os_string().into_string().unwrap();
    let mut x = t.executor();
    assert_eq!(x.perform(&link("l", "one", false)), OpOutput::Done);
    assert_eq!(x.perform(&link("l", "../two", false)), OpOutput::Done);
    assert_eq!(target("l"), "../two");
    t.write("f", "");
    fs::create_dir(t.0.join("empty")).unwrap();
    fs::create_dir_all(t.0.join("full/x")).unwrap();
    for name in ["f", "empty", "full"] {
        assert_eq!(kind(&x.perform(&link(name, "x", false))), Some(FailureKind::WrongKind), "{name}");
    }
    assert_eq!(x.perform(&link("f", "x", true)), OpOutput::Done);
    assert_eq!(x.perform(&link("empty", "x", true)), OpOutput::Done);
    assert_eq!(kind(&x.perform(&link("full", "x", true))), Some(FailureKind::WrongKind));
    assert_eq!(t.names(), ["empty", "f", "full", "l"], "nothing else is left");

    let hard = |force| Op::HardLink { path: t.path("h"), to: t.path("g"), force };
    t.write("g", "content");
    t.write("h", "other");
    assert_eq!(kind(&x.perform(&hard(false))), Some(FailureKind::WrongKind));
    assert_eq!(x.perform(&hard(true)), OpOutput::Done);
    assert_eq!(x.perform(&hard(true)), OpOutput::Done, "twice");
    assert_eq!((t.read("h"), fs::metadata(t.0.join("g")).unwrap().nlink()), ("content".into(), 2));
    assert_eq!(t.names(), ["empty", "f", "full", "g", "h", "l"]);
    fs::create_dir(t.0.join("d")).unwrap();
    let over = |name| Op::HardLink { path: t.path(name), to: t.path("g"), force: true };
    assert_eq!((x.perform(&over("d")), t.read("d")), (OpOutput::Done, "content".into()));
    assert_eq!(kind(&x.perform(&over("full"))), Some(FailureKind::WrongKind));
    assert_eq!(t.names(), ["d", "empty", "f", "full", "g", "h", "l"]);
}

#[test]
fn what_the_system_consists_of_is_not_removed_by_way_of_a_link_either() {
    let t = Scratch::new("system");
    fs::create_dir_all(t.0.join("usr/bin")).unwrap();
    fs::create_dir_all(t.0.join("usr/bin2")).unwrap();
    symlink("usr", t.0.join("l")).unwrap();
    let mut x = Executor::new(t.options(Some(t.0.clone()))).unwrap();
    let mut remove = |path| x.perform(&Op::Remove { path: AbsPath::parse(path).unwrap(), recursive: true });
    for path in ["/usr/bin", "/l/bin"] {
        assert_eq!(kind(&remove(path)), Some(FailureKind::Denied), "{path}");
    }
    assert_eq!(remove("/l/bin2"), OpOutput::Done);
    assert!(t.0.join("usr/bin").is_dir() && !t.0.join("usr/bin2").exists());
}

#[test]
fn removal_stays_within_its_tree() {
    let t = Scratch::new("remove");
    fs::create_dir_all(t.0.join("outside")).unwrap();
    t.write("outside/keep", "1");
    fs::create_dir_all(t.0.join("tree/a/b")).unwrap();
    t.write("tree/a/b/f", "1");
    symlink(t.0.join("outside"), t.0.join("tree/a/link")).unwrap();
    let remove = |name: &str, recursive| Op::Remove { path: t.path(name), recursive };
    let mut x = t.executor();
    assert_eq!(kind(&x.perform(&remove("tree", false))), Some(FailureKind::WrongKind));
    assert_eq!(x.perform(&remove("tree", true)), OpOutput::Done);
    assert_eq!((t.names(), t.read("outside/keep")), (vec!["outside".to_owned()], "1".into()));
    assert_eq!(x.perform(&remove("tree", true)), OpOutput::Done, "nothing there");
    assert_eq!(x.perform(&remove("no/such/folder", false)), OpOutput::Done, "no folder there");
    symlink("outside", t.0.join("l")).unwrap();
    assert_eq!(x.perform(&remove("l", true)), OpOutput::Done);
    assert_eq!(t.names(), ["outside"]);
}

#[test]
fn a_deep_tree_does_not_exhaust_the_stack_or_descriptors() {
    let t = Scratch::new("deep");
    let mut dir = t.0.join("top");
    fs::create_dir(&dir).unwrap();
    for _ in 0..200 {
        dir.push("d");
        fs::create_dir(&dir).unwrap();
    }
    let mut x = t.executor();
    assert_eq!(x.perform(&Op::Remove { path: t.path("top"), recursive: true }), OpOutput::Done);
    let mut dir = t.0.join("deeper");
    fs::create_dir(&dir).unwrap();
    for _ in 0..300 {
        dir.push("d");
        fs::create_dir(&dir).unwrap();
    }
    let list = Op::ListDir { path: t.path("deeper"), deep: true, entries_max: 1000 };
    assert_eq!(kind(&x.perform(&list)), Some(FailureKind::TooLarge));
    let remove = Op::Remove { path: t.path("deeper"), recursive: true };
    assert_eq!(kind(&x.perform(&remove)), Some(FailureKind::TooLarge));
}

#[test]
fn modes_and_owners_are_set_on_the_thing_itself() {
    let t = Scratch::new("mode");
    t.write("f", "");
    symlink("f", t.0.join("l")).unwrap();
    let mut x = t.executor();
    assert_eq!(x.perform(&Op::SetMode { path: t.path("f"), mode: 0o6711 }), OpOutput::Done);
    assert_eq!(mode_of(&t.0.join("f")), 0o6711);
    assert_eq!(kind(&x.perform(&Op::SetMode { path: t.path("l"), mode: 0o777 })), Some(FailureKind::WrongKind));
    assert_eq!(mode_of(&t.0.join("f")), 0o6711);
    let absent = x.perform(&Op::SetMode { path: t.path("absent"), mode: 0o777 });
    assert!(message(absent).contains("no such file"), "absent");
    if is_root() {
        let owner = Owner { uid: Some(7), gid: None };
        let chown = |name: &str, follow| Op::SetOwner { path: t.path(name), owner, follow };
        assert_eq!(x.perform(&chown("l", false)), OpOutput::Done);
        let uid = |name: &str| fs::symlink_metadata(t.0.join(name)).unwrap().uid();
        assert_eq!((uid("l"), uid("f")), (7, 0));
        assert_eq!(x.perform(&chown("l", true)), OpOutput::Done);
        assert_eq!(uid("f"), 7);
    }
}

#[test]
fn a_rename_replaces_its_target() {
    let t = Scratch::new("rename");
    t.write("a", "1");
    t.write("b", "2");
    let op = Op::Rename { from: t.path("a"), to: t.path("b") };
    assert_eq!(t.executor().perform(&op), OpOutput::Done);
    assert_eq!((t.names(), t.read("b")), (vec!["b".to_owned()], "1".into()));
    assert!(kind(&t.executor().perform(&op)).is_some(), "gone");
}

// ---- protection ----

#[test]
fn a_link_to_a_guarded_path_is_no_way_around() {
    let t = Scratch::new("guard");
    fs::create_dir_all(t.0.join("image/etc")).unwrap();
    fs::create_dir_all(t.0.join("image/var/lib/vigo")).unwrap();
    symlink("/var/lib/vigo", t.0.join("image/etc/here")).unwrap();
    symlink("../var/lib/vigo/state", t.0.join("image/etc/file")).unwrap();
    let mut x = Executor::new(t.options(Some(t.0.join("image")))).unwrap();
    let p = |s: &str| AbsPath::parse(s).unwrap();
    let cases = [
        ("straight", Op::ReplaceFile(replace(p("/var/lib/vigo/x"), ""))),
        ("through a folder", Op::ReplaceFile(replace(p("/etc/here/x"), ""))),
        ("through the last link", Op::ReplaceFile(Replace { follow: true, ..replace(p("/etc/file"), "") })),
        ("a mode", Op::SetMode { path: p("/etc/here/x"), mode: 0o777 }),
        ("a removal", Op::Remove { path: p("/etc/here/x"), recursive: true }),
        ("a move out", Op::Rename { from: p("/etc/here/x"), to: p("/etc/y") }),
        ("a move in", Op::Rename { from: p("/etc/y"), to: p("/etc/here/x") }),
        ("a folder", Op::MakeDir { path: p("/etc/here/x"), mode: 0o755, owner: Owner::default(), parents: false }),
        ("folders", Op::MakeDir { path: p("/etc/here/x/y"), mode: 0o755, owner: Owner::default(), parents: true }),
    ];
    for (name, op) in cases {
        assert_eq!(kind(&x.perform(&op)), Some(FailureKind::Denied), "{name}");
    }
    assert_eq!(fs::read_dir(t.0.join("image/var/lib/vigo")).unwrap().count(), 0);
    let replaced = x.perform(&Op::ReplaceFile(replace(p("/etc/file"), "the link itself")));
    assert_eq!(replaced, OpOutput::Done);
}

#[test]
fn no_path_leads_out_of_an_image() {
    let t = Scratch::new("image");
    fs::create_dir_all(t.0.join("image/etc")).unwrap();
    t.write("outside", "secret");
    symlink(t.0.join("outside"), t.0.join("image/etc/absolute")).unwrap();
    symlink("../../../outside", t.0.join("image/etc/dots")).unwrap();
    symlink(&t.0, t.0.join("image/etc/folder")).unwrap();
    symlink("/etc", t.0.join("image/conf")).unwrap();
    let mut x = Executor::new(t.options(Some(t.0.join("image")))).unwrap();
    let p = |s: &str| AbsPath::parse(s).unwrap();
    for path in ["/etc/absolute", "/etc/dots", "/etc/folder/outside"] {
        let read = x.perform(&Op::read_file(&p(path)));
        assert_eq!(read, OpOutput::Missing, "{path}");
        let written = Op::ReplaceFile(Replace { follow: true, ..replace(p(path), "x") });
        let _ = x.perform(&written);
        let _ = x.perform(&Op::Remove { path: p(path), recursive: true });
        assert_eq!(t.read("outside"), "secret", "{path}");
    }
    assert_eq!(x.perform(&Op::ReplaceFile(replace(p("/conf/hosts"), "inside"))), OpOutput::Done);
    assert_eq!(t.read("image/etc/hosts"), "inside");
    let OpOutput::File { content, .. } = x.perform(&Op::read_file(&p("/conf/hosts"))) else { panic!("no file") };
    assert_eq!(&*content, b"inside");
    assert!(matches!(x.perform(&Op::stat(&p("/conf"))), OpOutput::Stat(m) if m.kind == FileKind::Symlink));
}

#[test]
fn a_link_that_a_user_laid_is_not_followed() {
    if !is_root() {
        return;
    }
    let t = Scratch::new("user");
    let chown = |name: &str, uid| std::os::unix::fs::lchown(t.0.join(name), Some(uid), Some(uid)).unwrap();
    fs::create_dir_all(t.0.join("home/alice")).unwrap();
    fs::create_dir_all(t.0.join("system")).unwrap();
    chown("home/alice", 1000);
    symlink(t.0.join("system"), t.0.join("home/alice/conf")).unwrap();
    chown("home/alice/conf", 1000);
    let mut x = t.executor();
    let output = x.perform(&Op::ReplaceFile(replace(t.path("home/alice/conf/cron"), "x")));
    assert_eq!(kind(&output), Some(FailureKind::Denied));
    assert_eq!(fs::read_dir(t.0.join("system")).unwrap().count(), 0);
    let made = x.perform(&Op::ReplaceFile(replace(t.path("home/alice/note"), "x")));
    assert_eq!(made, OpOutput::Done);
    let note = fs::metadata(t.0.join("home/alice/note")).unwrap();
    assert_eq!((note.uid(), note.gid()), (1000, 1000), "written with the rights of the folder's owner");
    let owner = Owner { uid: Some(0), gid: Some(0) };
    let ours = Op::ReplaceFile(Replace { owner, ..replace(t.path("home/alice/note"), "y") });
    assert_eq!(x.perform(&ours), OpOutput::Done);
    assert_eq!(fs::metadata(t.0.join("home/alice/note")).unwrap().uid(), 0);
}

// ---- programs ----

#[test]
fn programs_run_with_arguments_and_an_environment_of_ours() {
    let t = Scratch::new("run");
    let mut x = t.executor();
    let mut run = |command: Command| ran(x.perform(&Op::Run(command)));
    assert_eq!(run(Command::read("printf", ["%s|", "a b", "$HOME", ""])).out(), "a b|$HOME||");
    let env = run(Command::read("env", [""; 0]).env("EXTRA", "1"));
    let mut names: Vec<_> = env.out().lines().map(|l| l.split('=').next().unwrap().to_owned()).collect();
    names.sort();
    assert_eq!(names, ["EXTRA", "HOME", "LC_ALL", "PATH", "TERM", "USER"]);
    assert_eq!(run(Command::read("sh", ["-c", "exit 3"])).exit, Exit::Code(3));
    assert_eq!(run(Command::read("sh", ["-c", "kill -9 $$"])).exit, Exit::Signal(9));
    assert_eq!(run(Command::read("cat", [""; 0]).stdin(Text::plain("in"))).out(), "in");
    assert_eq!(run(Command::read("cat", [""; 0])).out(), "", "nothing to read");
    let large = "x".repeat(3 << 20);
    let echoed = run(Command::read("cat", [""; 0]).stdin(Text::plain(large.as_str())).output_bytes_max(4 << 20));
    assert_eq!(echoed.stdout.len(), 3 << 20, "more than a pipe holds, both ways");
    let unread = run(Command::read("true", [""; 0]).stdin(Text::plain(large.as_str())));
    assert!(unread.success(), "input that nobody reads");
    let cut = run(Command::read("sh", ["-c", "head -c 100000 /dev/zero; echo done >&2"]).output_bytes_max(10));
    assert_eq!((cut.stdout.len(), cut.truncated, &*cut.err()), (10, true, "done\n"));
    let here = run(Command { cwd: Some(t.path("")), ..Command::read("pwd", [""; 0]) });
    assert_eq!(here.out().trim(), t.0.to_str().unwrap());
    assert_eq!(run(Command { umask: Some(0o077), ..Command::read("sh", ["-c", "umask"]) }).out(), "0077\n");
    assert_eq!(run(Command::read("sh", ["-c", "umask"])).out(), "0022\n");
    let nice = run(Command { nice: 15, ..Command::read("nice", [""; 0]) });
    assert_eq!(nice.out(), "15\n");
    let changes = run(Command { effect: Effect::Changes, ..Command::change("sh", ["-c", "exit 4"]) });
    assert_eq!(changes.exit, Exit::Code(4), "what an exit means is not the executor's to say");
}

#[test]
fn a_program_that_is_not_there_says_so() {
    let t = Scratch::new("noprogram");
    t.write("script", "#!/no/such/interpreter\n");
    fs::set_permissions(t.0.join("script"), fs::Permissions::from_mode(0o755)).unwrap();
    let script = t.path("script");
    let absent = t.path("absent");
    let mut x = t.executor();
    let cases: &[(&str, Command, FailureKind)] = &[
        ("by name", Command::read("vigo-no-such-program", [""; 0]), FailureKind::NoProgram),
        ("by path", Command::read("/no/such/program", [""; 0]), FailureKind::NoProgram),
        ("relative", Command::read("bin/true", [""; 0]), FailureKind::NoProgram),
        ("empty", Command::read("", [""; 0]), FailureKind::NoProgram),
        ("its interpreter", Command::read(script.as_str(), [""; 0]), FailureKind::Other),
        ("its folder", Command { cwd: Some(absent), ..Command::read("true", [""; 0]) }, FailureKind::NoParent),
        ("not executable", Command::read("/etc/passwd", [""; 0]), FailureKind::Denied),
        ("account", Command { user: Some("vigo-nobody".into()), ..Command::read("id", [""; 0]) }, FailureKind::NoUser),
    ];
    for (name, command, expected) in cases {
        let output = x.perform(&Op::Run(command.clone()));
        assert_eq!(kind(&output), Some(*expected), "{name}: {output:?}");
    }
}

#[test]
fn a_program_runs_as_another_with_all_its_groups() {
    if !is_root() {
        return;
    }
    let t = Scratch::new("asuser");
    let mut x = t.executor();
    let command = Command { user: Some("nobody".into()), ..Command::read("sh", ["-c", "id -un; id -G; echo $USER"]) };
    let seen = ran(x.perform(&Op::Run(command)));
    let groups = ran(x.perform(&Op::Run(Command::read("id", ["-G", "nobody"]))));
    assert_eq!(seen.out(), format!("nobody\n{}nobody\n", groups.out()));
}

#[test]
fn a_program_that_takes_too_long_is_ended_with_its_children() {
    let t = Scratch::new("timeout");
    let mut x = t.executor();
    let start = Instant::now();
    let text = format!("sleep 100 & echo $! > {}/pid; wait", t.0.display());
    let command = Command::read("sh", ["-c", &text]).timeout(time::Duration::from_ms(300));
    let output = x.perform(&Op::Run(command));
    assert_eq!(kind(&output), Some(FailureKind::TimedOut));
    assert!(start.elapsed() < Duration::from_secs(8), "took {:?}", start.elapsed());
    let pid = t.read("pid");
    std::thread::sleep(Duration::from_millis(100));
    let state = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "still there: {state}");
}

#[test]
fn a_daemon_that_holds_the_pipe_is_not_waited_for() {
    let t = Scratch::new("daemon");
    let start = Instant::now();
    let seen = ran(t.executor().perform(&Op::Run(Command::read("sh", ["-c", "sleep 5 & echo started"]))));
    assert_eq!(seen.out(), "started\n");
    assert!(start.elapsed() < Duration::from_secs(4), "took {:?}", start.elapsed());
}

#[test]
fn a_background_program_is_left_running() {
    let t = Scratch::new("background");
    let start = Instant::now();
    let text = format!("cat > {0}/in; sleep 0.3; ps -o sid= -p $$ > {0}/sid; mv {0}/in {0}/done", t.0.display());
    let command = Command { background: true, ..Command::change("sh", ["-c", &text]) }.stdin(Text::plain("hello"));
    assert!(ran(t.executor().perform(&Op::Run(command))).success());
    assert!(start.elapsed() < Duration::from_millis(250), "took {:?}", start.elapsed());
    while !t.0.join("done").exists() && start.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(t.read("done"), "hello");
}

#[test]
fn a_secret_reaches_a_program_by_a_file_that_then_goes() {
    let t = Scratch::new("secret");
    let mut command = Command::read("sh", ["-c", "cat $0; stat -c ' %a' $0; echo $0", "{{secret_file}}"]);
    command.secret_file = Some(Text::secret("hunter2", "a/b"));
    let seen = ran(t.executor().perform(&Op::Run(command)));
    let out = seen.out();
    let (content, path) = out.trim().split_once('\n').unwrap();
    assert_eq!(content, "hunter2 600");
    assert!(!Path::new(path).exists(), "{path}");
}

#[test]
fn reads_by_programs_run_side_by_side() {
    let t = Scratch::new("parallel");
    t.write("f", "1");
    let run = |id, text: &str| (OpId(id), Arc::new(Op::Run(Command::read("sh", ["-c", text]))));
    let mut ops: Vec<_> = (0..4).map(|id| run(id, "sleep 0.4; echo ok")).collect();
    ops.push((OpId(4), Arc::new(Op::stat(&t.path("f")))));
    let start = Instant::now();
    let mut seen = Vec::new();
    t.executor().perform_all(ops, |id, output| seen.push((id, matches!(output, OpOutput::Ran(_)))));
    assert!(start.elapsed() < Duration::from_millis(1200), "took {:?}", start.elapsed());
    seen.sort_unstable();
    let expected: Vec<_> = (0..5).map(|id| (OpId(id), id < 4)).collect();
    assert_eq!(seen, expected);
}

#[test]
fn a_signal_reaches_only_the_process_that_was_observed() {
    let t = Scratch::new("signal");
    let mut child = std::process::Command::new("sleep").arg("100").spawn().unwrap();
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    let start_time: u64 = stat.rsplit_once(") ").unwrap().1.split(' ').nth(19).unwrap().parse().unwrap();
    let signal = |start_time, name: &str| Op::Signal { pid: child.id(), start_time, signal: name.into() };
    let mut x = t.executor();
    assert_eq!(x.perform(&signal(start_time + 1, "KILL")), OpOutput::Done, "another process");
    assert_eq!(kind(&x.perform(&signal(start_time, "NONSENSE"))), Some(FailureKind::Other));
    let ours = Op::Signal { pid: std::process::id(), start_time: 0, signal: "TERM".into() };
    assert_eq!(kind(&x.perform(&ours)), Some(FailureKind::Denied));
    assert_eq!(
        kind(&x.perform(&Op::Signal { pid: 0, start_time: 0, signal: "TERM".into() })),
        Some(FailureKind::Other)
    );
    let term = signal(start_time, "TERM");
    assert!(child.try_wait().unwrap().is_none(), "still there");
    assert_eq!(x.perform(&term), OpOutput::Done);
    use std::os::unix::process::ExitStatusExt;
    assert_eq!(child.wait().unwrap().signal(), Some(15));
    assert_eq!(x.perform(&term), OpOutput::Done, "gone");
}

#[test]
fn a_download_is_over_https_only() {
    let t = Scratch::new("fetch");
    let fetch = |url: &str| Op::Fetch { url: url.into(), sha256: [0; 32], staged: vigo_core::action::StagedId(1) };
    for url in ["http://localhost/x", "file:///etc/passwd", "ftp://x", ""] {
        let told = message(t.executor().perform(&fetch(url)));
        assert!(told.contains("https://"), "{url}: {told}");
        let told = message(t.executor().perform(&Op::ReadUrl { url: url.into(), bytes_max: 10 }));
        assert!(told.contains("https://"), "{url}: {told}");
    }
    let nobody = t.executor().perform(&Op::ReadUrl { url: "https://127.0.0.1:1/x".into(), bytes_max: 10 });
    assert_eq!(kind(&nobody), Some(FailureKind::Unreachable), "{nobody:?}");
    let nobody = t.executor().perform(&fetch("https://127.0.0.1:1/x"));
    assert_eq!(kind(&nobody), Some(FailureKind::Unreachable), "{nobody:?}");
}
