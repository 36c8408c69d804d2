//! What is read.

use super::support::{Scratch, kind, sha256};
use std::fs;
use std::os::unix::fs::symlink;
use vigo_core::action::{AbsPath, FailureKind, FileKind, Op, OpOutput};

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
