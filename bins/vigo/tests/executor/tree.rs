//! Directories, links, removal, and where paths lead.

use super::support::{Scratch, is_root, kind, message, mode_of, replace};
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use vigo_agent::executor::Executor;
use vigo_core::action::{AbsPath, FailureKind, FileKind, Op, OpOutput, Owner, Replace};

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
