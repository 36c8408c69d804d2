use super::DECL;
use crate::action::{FailureKind, OpFailure, OpOutput};
use crate::resource::digest;
use crate::resource::rig::{Checks, Disk, checked, list, plain, secret};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

#[test]
fn attributes_are_checked() {
    let digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let cases: Checks<'_> = &[
        ("plain", &[("content", "x")], ""),
        ("existence", &[], ""),
        ("shipped", &[("source", "templates/a"), ("render", "false"), ("baseindent", "2")], ""),
        ("https", &[("source", "https://h/x"), ("sha256", digest)], ""),
        ("both", &[("content", "x"), ("source", "/a")], "attribute `source`: excludes `content`"),
        ("https alone", &[("source", "https://h/x")], "attribute `source`: a source `https://…` needs `sha256`"),
        (
            "http",
            &[("source", "http://h/x")],
            "attribute `source`: expected `templates/…`, an absolute path or `https://…`, found `http://h/x`",
        ),
        (
            "file:",
            &[("source", "file:///x")],
            "attribute `source`: expected `templates/…`, an absolute path or `https://…`, found `file:///x`",
        ),
        (
            "relative",
            &[("source", "x")],
            "attribute `source`: expected `templates/…`, an absolute path or `https://…`, found `x`",
        ),
        (
            "out of the tree",
            &[("source", "templates/../x")],
            "attribute `source`: expected `templates/…`, an absolute path or `https://…`, found `templates/../x`",
        ),
        (
            "bad digest",
            &[("source", "/a"), ("sha256", "12")],
            "attribute `sha256`: expected 64 hexadecimal digits, found `12`",
        ),
        (
            "digest of nothing",
            &[("sha256", digest)],
            "attribute `sha256`: has a meaning with a source outside the policy only",
        ),
        (
            "render of content",
            &[("content", ""), ("render", "false")],
            "attribute `render`: has a meaning with a source `templates/…` only",
        ),
        (
            "indent of a copy",
            &[("source", "/a"), ("baseindent", "2")],
            "attribute `baseindent`: has a meaning with `content` or a source `templates/…` only",
        ),
        (
            "validate without file",
            &[("validate", "date +%%s")],
            "attribute `validate`: expected `%`, which stands for the new file's path",
        ),
        (
            "absent with content",
            &[("state", "absent"), ("content", "x")],
            "attribute `content`: has no meaning with `state: absent`",
        ),
        (
            "symbolic mode",
            &[("mode", "u=rw")],
            "attribute `mode`: expected 3 or 4 octal digits such as `0644`, found `u=rw`",
        ),
        (
            "stream_edit",
            &[("stream_edit", "sort")],
            "attribute `stream_edit`: expected an absolute path or `templates/…`, found `sort`",
        ),
        ("backup", &[("backup", "/x")], "attribute `backup`: expected `true`, `false` or a suffix, found `/x`"),
    ];
    for (name, attributes, expected) in cases {
        let attributes: Vec<_> = [("target_path", "/etc/x")].iter().chain(*attributes).copied().collect();
        assert_eq!(checked(&DECL, &attributes).join("; "), *expected, "{name}");
    }
}

#[test]
fn a_file_is_made_and_then_left_alone_at_the_price_of_one_hash() {
    let mut disk = Disk::new();
    let attributes = [("target_path", "/d/x"), ("content", "a\n"), ("owner", "root"), ("group", "0"), ("mode", "0640")];
    let run = disk.run(&DECL, &attributes);
    assert_eq!(run.changed(), ["state: absent → present"]);
    assert_eq!(run.ops, ["write /d/x (2 bytes) mode 0640 uid 0 gid 0"]);
    assert_eq!(run.diff, "--- /dev/null\n+++ /d/x\n@@ -0,0 +1 @@\n+a\n");
    assert_eq!(disk.run(&DECL, &attributes).reads, ["hash /d/x"]);
}

/// Something done by hand.
type Break = fn(&mut Disk);

#[test]
fn drift_is_found_and_repaired() {
    let cases: &[(&str, Break, &[&str], &[&str])] = &[
        ("nothing", |_| {}, &[], &[]),
        (
            "content",
            |d| d.file("/d/x", "b\n"),
            &["content: sha256 0263829989b6 → sha256 87428fc52280"],
            &["write /d/x (2 bytes) mode 2750 uid 1000 gid 4"],
        ),
        ("mode", |d| d.meta("/d/x", |m| m.mode = 0o777), &["mode: 0777 → 2750"], &["chmod 2750 /d/x"]),
        (
            "owner, which clears bits of the mode",
            |d| d.meta("/d/x", |m| (m.uid, m.gid) = (0, 77)),
            &["owner: root → alice", "group: 77 → adm"],
            &["chown /d/x uid 1000 gid 4", "chmod 2750 /d/x"],
        ),
        (
            "a link",
            |d| d.link("/d/x", "/etc/passwd"),
            &["kind: link to /etc/passwd → a file"],
            &["write /d/x (2 bytes) mode 2750 uid 1000 gid 4"],
        ),
    ];
    for (name, break_it, changes, ops) in cases {
        let mut disk = Disk::new();
        let attributes =
            [("target_path", "/d/x"), ("content", "a\n"), ("owner", "alice"), ("group", "adm"), ("mode", "2750")];
        disk.run(&DECL, &attributes);
        if *name == "content" {
            disk.file("/d/x", "b\n");
            disk.meta("/d/x", |m| (m.uid, m.gid, m.mode) = (1000, 4, 0o2750));
        } else {
            break_it(&mut disk);
        }
        let run = disk.run(&DECL, &attributes);
        assert_eq!(run.changed(), *changes, "{name}");
        assert_eq!(run.ops, *ops, "{name}");
        assert_eq!(disk.read("/d/x").as_deref(), Some("a\n"), "{name}");
        assert_ne!(disk.read("/etc/passwd").as_deref(), Some("a\n"), "{name}");
    }
}

#[test]
fn absent_removes_files_and_links_only() {
    let mut disk = Disk::new();
    disk.file("/d/f", "old\n");
    disk.link("/d/l", "/d");
    disk.file("/d/private", "hunter2\n");
    disk.meta("/d/private", |m| m.mode = 0o600);
    let mut run = |path| disk.run(&DECL, &[("target_path", path), ("state", "absent")]);
    assert_eq!(run("/d/f").diff, "--- /d/f\n+++ /dev/null\n@@ -1 +0,0 @@\n-old\n");
    assert_eq!(run("/d/l").ops, ["remove /d/l"]);
    let private = run("/d/private");
    assert_eq!((private.changed(), private.diff), (["state: present → absent".to_string()].into(), String::new()));
    assert_eq!(run("/d/missing").ops, [""; 0]);
    assert_eq!(run("/d").failure.as_deref(), Some("expected a file at `/d`, found a directory"));
}

#[test]
fn secrets_are_kept_from_others() {
    let mut disk = Disk::new();
    let attributes = [("target_path", plain("/d/x")), ("content", secret("hunter2\n"))];
    let run = disk.run_data(&DECL, &attributes);
    assert_eq!(disk.node("/d/x").map(|n| n.meta.mode), Some(0o600));
    assert!(!format!("{run:?}").contains("hunter2"), "{run:?}");
    disk.file("/d/x", "hunter1\n");
    let run = disk.run_once(&DECL, &attributes);
    assert_eq!(run.changed(), ["content: (differs) → «secret db/dsn»"]);
    assert_eq!(run.notes, ["mode 0644 lets others read «secret db/dsn»"]);
    assert!(!format!("{run:?}").contains("hunter"), "{run:?}");
}

#[test]
fn links_are_followed_when_asked() {
    let mut disk = Disk::new();
    disk.file("/d/real", "a");
    disk.link("/etc/l2", "l1");
    disk.link("/etc/l1", "/d/real");
    let attributes = [("target_path", "/etc/l2"), ("content", "a"), ("follow", "true"), ("mode", "0600")];
    assert_eq!(disk.run(&DECL, &attributes).ops, ["chmod 0600 /d/real"]);
    let attributes = [("target_path", "/etc/l2"), ("content", "b"), ("follow", "true")];
    disk.run(&DECL, &attributes);
    assert_eq!(disk.read("/d/real").as_deref(), Some("b"));
}

#[test]
fn sources_are_rendered_copied_or_fetched() {
    let mut disk = Disk::new();
    disk.ship("templates/a", b"x\n\ny", false);
    disk.ship("templates/bin", b"\0\xff", false);
    disk.file("/etc/from", "local\n");
    let downloaded = crate::hex::encode(digest::sha256(b"downloaded\n"));
    let mut run = |attributes: &[(&str, &str)]| {
        let attributes: Vec<_> = [("target_path", "/d/x")].iter().chain(attributes).copied().collect();
        let run = disk.run(&DECL, &attributes);
        (run.ops, run.failure.unwrap_or_default(), disk.read("/d/x").unwrap_or_default())
    };
    assert_eq!(run(&[("source", "templates/a"), ("baseindent", "2")]).2, "  x\n\n  y");
    assert_eq!(run(&[("source", "templates/bin"), ("render", "false")]).2, "\0\u{fffd}");
    assert_eq!(run(&[("source", "templates/bin")]).1, "not UTF-8");
    assert_eq!(run(&[("source", "templates/none")]).1, "attribute `source`: no `templates/none`");
    assert_eq!(run(&[("source", "/etc/from")]).2, "local\n");
    assert_eq!(run(&[("source", "/etc/none")]).1, "expected a file at source `/etc/none`, found nothing");
    let (_, failure, _) = run(&[("source", "/etc/from"), ("sha256", &downloaded)]);
    assert!(failure.starts_with(&format!("expected SHA-256 `{downloaded}` of `/etc/from`")), "{failure}");
    let (ops, _, content) = run(&[("source", "https://h/x"), ("sha256", &downloaded)]);
    assert_eq!((&*ops[0], &*content), ("fetch https://h/x", "downloaded\n"));
}

#[test]
fn existence_alone_leaves_the_content() {
    let mut disk = Disk::new();
    disk.file("/d/x", "mine");
    let run = disk.run(&DECL, &[("target_path", "/d/x"), ("mode", "0600")]);
    assert_eq!(run.ops, ["chmod 0600 /d/x"]);
    disk.run(&DECL, &[("target_path", "/d/new")]);
    assert_eq!(disk.read("/d/new").as_deref(), Some(""));
    let run = disk.run(&DECL, &[("target_path", "/none/x")]);
    assert_eq!(run.failure.as_deref(), Some("no `/none`"));
    assert_eq!(disk.run(&DECL, &[("target_path", "/none/x"), ("make_parents", "true")]).failure, None);
}

#[test]
fn accounts_that_are_not_there_fail() {
    let run = Disk::new().run(&DECL, &[("target_path", "/d/x"), ("content", ""), ("owner", "bob")]);
    assert_eq!(run.failure.as_deref(), Some("user `bob` does not exist: neither `/etc/passwd` nor the system has it"));
    assert_eq!(run.ops, [""; 0]);
}

#[test]
fn accounts_that_only_the_system_knows_own_files() {
    use crate::action::AccountKind::{Group, User};
    let said = |line: &str| OpOutput::Bytes(line.as_bytes().into());
    let mut disk = Disk::new();
    disk.directory =
        alloc::vec![(User, "bob", said("bob:*:501:20::/Users/bob:\n")), (Group, "people", said("people:*:20:\n"))];
    let attributes = [("target_path", "/d/x"), ("content", ""), ("owner", "bob"), ("group", "people")];
    let run = disk.run(&DECL, &attributes);
    assert_eq!(run.ops, ["write /d/x (0 bytes) mode 0644 uid 501 gid 20"]);
    let attributes = [("target_path", "/d/y"), ("content", ""), ("owner", "alice")];
    let silent = OpFailure { kind: FailureKind::TimedOut, message: "nobody answers".into() };
    disk.directory = ["alice", "carol"].map(|name| (User, name, OpOutput::Failed(silent.clone()))).into();
    assert_eq!(disk.run(&DECL, &attributes).failure, None, "the file has her");
    let run = disk.run(&DECL, &[("target_path", "/d/z"), ("owner", "carol")]);
    assert_eq!(run.failure.as_deref(), Some("unknown: nobody answers"), "nobody said that she does not exist");
    disk.facts.image = Some(crate::action::AbsPath::known("/img"));
    let run = disk.run(&DECL, &[("target_path", "/d/z"), ("owner", "carol")]);
    assert_eq!(run.failure.as_deref(), Some("user `carol` does not exist: `/etc/passwd` does not have it"));
    assert_eq!(run.reads, ["stat /d/z", "read /etc/passwd"]);
}

#[test]
fn a_copy_is_kept_and_the_new_content_checked() {
    let mut disk = Disk::new();
    disk.file("/d/x", "old");
    let attributes = [("target_path", "/d/x"), ("content", "new"), ("backup", ".old"), ("validate", "check %")];
    let run = disk.run(&DECL, &attributes);
    assert_eq!(run.failure.as_deref(), Some("the check said no"));
    assert_eq!(disk.read("/d/x").as_deref(), Some("old"));
    disk.programs = |command| match &*command.args {
        [c, text] if c.as_str() == "-c" && text.as_str() == "check %" => (0, String::new()),
        _ => (1, String::new()),
    };
    disk.run(&DECL, &attributes);
    assert_eq!((disk.read("/d/x"), disk.read("/d/x.old")), (Some("new".into()), Some("old".into())));
}

#[test]
fn contexts_are_compared_whole_or_by_type() {
    let set = |context: Option<&str>, wanted| {
        let mut disk = Disk::new();
        disk.file("/d/x", "");
        disk.meta("/d/x", |m| m.context = context.map(Into::into));
        disk.run(&DECL, &[("target_path", "/d/x"), ("secontext", wanted)]).ops.join("; ")
    };
    assert_eq!(set(None, "etc_t"), "");
    assert_eq!(set(Some("u:r:etc_t:s0:c1,c2"), "etc_t"), "");
    assert_eq!(set(Some("u:r:tmp_t:s0:c1,c2"), "etc_t"), "chcon u:r:etc_t:s0:c1,c2 /d/x");
    assert_eq!(set(Some("u:r:tmp_t:s0"), "u:r:etc_t:s0"), "chcon u:r:etc_t:s0 /d/x");
}

#[test]
fn scripts_edit_and_must_be_pure() {
    let mut disk = Disk::new();
    disk.file("/d/x", "b\na\n");
    disk.file("/d/sort", "");
    disk.programs = |command| {
        let input = command.stdin.as_ref().map(|t| t.as_str()).unwrap_or_default();
        let mut lines: Vec<&str> = input.lines().collect();
        lines.sort_unstable();
        match &*command.program {
            "/d/sort" => (0, lines.iter().map(|l| format!("{l}\n")).collect()),
            "/d/append" => (0, format!("{input}x\n")),
            // Of a pipeline only the text is looked at here; that it works is tested on a real shell.
            "/bin/sh" => (0, input.to_uppercase()),
            _ => (3, String::new()),
        }
    };
    for path in ["/d/append", "/d/fail", "/d/mine", "/d/open"] {
        disk.file(path, "");
    }
    disk.meta("/d/mine", |m| m.uid = 1000);
    disk.meta("/d/open", |m| m.mode = 0o757);
    let mut edit = |scripts: &[&str]| {
        let run = disk.run_data(&DECL, &[("target_path", plain("/d/x")), ("stream_edit", list(scripts))]);
        (run.failure.unwrap_or_default(), disk.read("/d/x").unwrap_or_default())
    };
    assert_eq!(edit(&["/d/sort"]), (String::new(), "a\nb\n".into()));
    let impure =
        "attribute `stream_edit`: expected the same text from a second pass through the scripts, found another";
    assert_eq!(edit(&["/d/append"]).0, impure);
    assert_eq!(edit(&["/d/fail"]).0, "expected exit 0 of `stream_edit`, found exit 3: oops");
    assert_eq!(edit(&["/d/mine"]).0, "expected a script of root's at `/d/mine`, found one owned by uid 1000");
    assert_eq!(
        edit(&["/d/open"]).0,
        "expected a script of root's at `/d/open`, found mode 0757, which others may write"
    );
    assert_eq!(edit(&["/d/none"]).0, "expected a script of root's at `/d/none`, found nothing");
    assert_eq!(edit(&["/d/sort", "/d/append"]).1, "A\nB\n");
}

#[test]
fn a_script_of_an_image_runs_in_it() {
    let mut disk = Disk::new();
    disk.file("/d/x", "a");
    disk.file("/d/up", "");
    disk.ship("templates/up", b"#!/bin/sh\ntr a-z A-Z", false);
    disk.facts.image = Some(crate::action::AbsPath::known("/image"));
    disk.programs = |command| {
        let words: Vec<&str> = command.args.iter().map(|a| a.as_str()).collect();
        let inside = (&*command.program, &*words) == ("chroot", &["/image", "/d/up"]);
        let shipped = (&*command.program, &*words) == ("/bin/sh", &["{{secret_file}}"]);
        let input = command.stdin.as_ref().map(|t| t.as_str()).unwrap_or_default();
        if inside || shipped { (0, input.to_uppercase()) } else { (1, String::new()) }
    };
    for script in ["/d/up", "templates/up"] {
        disk.file("/d/x", "a");
        let run = disk.run(&DECL, &[("target_path", "/d/x"), ("stream_edit", script)]);
        assert_eq!((run.failure, disk.read("/d/x").as_deref()), (None, Some("A")), "{script}");
    }
}

#[test]
fn windows_says_what_it_lacks() {
    let mut disk = Disk::new();
    disk.facts.family = "windows".into();
    (disk.facts.distro, disk.facts.version) = ("windows".into(), "2022".into());
    let run = disk.run(&DECL, &[("target_path", "C:\\x"), ("mode", "0644")]);
    assert_eq!(run.failure.as_deref(), Some("attribute `mode` of type `file` is not supported on windows 2022"));
}
