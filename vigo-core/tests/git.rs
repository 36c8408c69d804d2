//! Type `git` against the real git, in a scratch folder.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::sync::Arc;
use vigo_core::action::{Command, Entry, Exit, FileKind, Metadata, Op, OpOutput, Outputs, Ran};
use vigo_core::bundle::Place;
use vigo_core::host::{Capability, Host, HostFacts, Interpreted, Phase};
use vigo_core::resource::{Datum, Field, FieldValue, Fields, Prepare, find};
use vigo_core::value::Text;

struct Bare;

impl Host for Bare {
    fn name(&self) -> &'static str {
        "test"
    }

    fn capabilities(&self) -> &'static [Capability] {
        &[]
    }
}

/// A folder with a remote repository and the place of a work tree; gone when dropped.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Scratch {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("vigo-git-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join("remote")).unwrap();
        let scratch = Self(dir);
        scratch.git("remote", &["init", "-q", "-b", "main"]);
        scratch.commit("remote", "a", "one");
        scratch
    }

    fn git(&self, tree: &str, args: &[&str]) -> String {
        let mut git = Process::new("git");
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null").current_dir(self.0.join(tree));
        let output = git.args(["-c", "user.name=x", "-c", "user.email=x@y"]).args(args).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_string()
    }

    fn commit(&self, tree: &str, file: &str, content: &str) -> String {
        fs::write(self.0.join(tree).join(file), content).unwrap();
        self.git(tree, &["add", file]);
        self.git(tree, &["commit", "-q", "-m", content]);
        self.git(tree, &["rev-parse", "HEAD"])
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_string()
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.0.join(path)).unwrap_or_default()
    }

    /// Converges once, as Converge does; returns what changed, or why nothing could.
    fn run(&self, more: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let (path, repo) = (self.path("tree"), self.path("remote"));
        let mut items: BTreeMap<&str, &str> = BTreeMap::from([("path", &*path), ("repo", &*repo)]);
        items.extend(more.iter().copied());
        if items.get("state") == Some(&"absent") {
            items.remove("repo");
        }
        let place = Place::default();
        let field = |(name, value): (&&str, &&str)| Field {
            name: (*name).into(),
            value: FieldValue::Known(Datum::Scalar { text: Text::plain(*value), plain: true }),
            place,
        };
        let decl = find("git").unwrap();
        let items = items.iter().map(field).collect();
        let fields = Fields { decl, id: "c/n".into(), name: "n".into(), place, handler: false, items };
        assert_eq!(vigo_core::resource::check(&fields), []);
        let facts = HostFacts::default();
        let render = |_: &str| unreachable!("nothing is shipped");
        let entropy = || None;
        let prepare = Prepare { host: &Bare, facts: &facts, blobs: &[], render: &render, entropy: &entropy };
        let mut instance = (decl.prepare)(&fields, &prepare).map_err(|p| p.message)?;
        let mut changes = Vec::new();
        for phase in [Phase::Before, Phase::After] {
            let mut outputs = Outputs::default();
            let mut ops = instance.probe(&facts);
            for round in 0.. {
                assert!(round < 4, "more than three rounds of questions");
                for op in ops.drain(..) {
                    let output = perform(&op);
                    outputs.push(op, Arc::new(output));
                }
                match instance.interpret(&outputs, &facts) {
                    Interpreted::Known(()) => break,
                    Interpreted::Ask(more) => ops = more,
                    Interpreted::Unknown(why) => return Err(why),
                }
            }
            let verdict = instance.compare(phase);
            if let Some(problem) = verdict.failure {
                return Err(problem.message);
            }
            if phase == Phase::After {
                assert!(verdict.changes.is_empty(), "it did not settle: {:?}", verdict.changes);
                break;
            }
            changes = verdict.changes.iter().map(|c| c.field.to_string()).collect();
            if changes.is_empty() {
                break;
            }
            for op in instance.lower(&facts).map_err(|p| p.message)? {
                if let OpOutput::Ran(ran) = perform(&op)
                    && !ran.success()
                {
                    return Err(instance.classify(&op, &ran).unwrap().message);
                }
            }
        }
        Ok(changes)
    }
}

fn perform(op: &Op) -> OpOutput {
    let meta = |path: &Path| match fs::symlink_metadata(path) {
        Err(_) => OpOutput::Missing,
        Ok(m) => OpOutput::Stat(metadata(&m)),
    };
    match op {
        Op::Stat { path, .. } => meta(Path::new(path.as_str())),
        Op::ListDir { path, .. } => match fs::read_dir(path.as_str()) {
            Err(_) => OpOutput::Missing,
            Ok(dir) => OpOutput::Dir(
                dir.map(|e| e.unwrap())
                    .map(|e| Entry {
                        path: e.file_name().to_str().unwrap().into(),
                        meta: metadata(&e.metadata().unwrap()),
                    })
                    .collect(),
            ),
        },
        Op::MakeDir { path, .. } => done(fs::create_dir_all(path.as_str())),
        Op::Remove { path, .. } => {
            let _ = fs::remove_dir_all(path.as_str());
            OpOutput::Done
        }
        Op::Rename { from, to } => done(fs::rename(from.as_str(), to.as_str())),
        Op::Run(command) => run(command),
        other => panic!("not expected: {other}"),
    }
}

fn done(result: std::io::Result<()>) -> OpOutput {
    result.unwrap();
    OpOutput::Done
}

fn metadata(m: &fs::Metadata) -> Metadata {
    Metadata {
        kind: if m.is_dir() { FileKind::Dir } else { FileKind::File },
        mode: m.mode() & 0o7777,
        uid: m.uid(),
        gid: m.gid(),
        size: m.size(),
        mtime_ms: 0,
        dev: m.dev(),
        ino: m.ino(),
        nlink: m.nlink(),
        target: None,
        context: None,
    }
}

fn run(command: &Command) -> OpOutput {
    let mut process = Process::new(&*command.program);
    process.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("LC_ALL", "C").env("HOME", "/nonexistent");
    process.envs(command.env.iter().map(|(k, v)| (&**k, v.as_str()))).args(command.args.iter().map(Text::as_str));
    let output = process.stdin(Stdio::null()).output().unwrap();
    let exit = Exit::Code(output.status.code().unwrap_or(255));
    OpOutput::Ran(Ran { exit, stdout: output.stdout, stderr: output.stderr, truncated: false })
}

fn nothing() -> Result<Vec<String>, String> {
    Ok(Vec::new())
}

fn changes(fields: &[&str]) -> Result<Vec<String>, String> {
    Ok(fields.iter().map(|f| (*f).to_string()).collect())
}

#[test]
fn a_tree_is_cloned_followed_and_removed() {
    let s = Scratch::new("follow");
    assert_eq!(s.run(&[]), changes(&["tree"]));
    assert_eq!(s.read("tree/a"), "one");
    assert_eq!(s.run(&[]), nothing());
    s.commit("remote", "a", "two");
    assert_eq!(s.run(&[]), changes(&["head"]));
    assert_eq!(s.read("tree/a"), "two");
    assert_eq!(s.run(&[("branch", "main")]), nothing());
    assert_eq!(s.run(&[("state", "absent")]), changes(&["tree"]));
    assert!(!s.0.join("tree").exists() && !s.0.join(".vigo-clone-tree").exists());
    assert_eq!(s.run(&[("state", "absent")]), nothing());
}

#[test]
fn branches_tags_and_commits_are_checked_out() {
    let s = Scratch::new("revisions");
    let one = s.git("remote", &["rev-parse", "HEAD"]);
    s.git("remote", &["tag", "-a", "v1", "-m", "v1"]);
    s.commit("remote", "a", "two");
    s.git("remote", &["checkout", "-q", "-b", "next/x"]);
    s.commit("remote", "a", "three");
    s.git("remote", &["checkout", "-q", "main"]);
    assert_eq!(s.run(&[("tag", "v1")]), changes(&["tree"]));
    assert_eq!(s.read("tree/a"), "one");
    assert_eq!(s.run(&[("tag", "v1")]), nothing());
    assert_eq!(s.run(&[("branch", "next/x")]), changes(&["head"]));
    assert_eq!(s.read("tree/a"), "three");
    assert_eq!(s.run(&[("branch", "next/x")]), nothing());
    assert_eq!(s.run(&[]), changes(&["head"]));
    assert_eq!(s.read("tree/a"), "two");
    assert_eq!(s.run(&[("revision", &one)]), changes(&["head"]));
    assert_eq!(s.run(&[("branch", "nosuch")]), Err(format!("`{}` has no branch nosuch", s.path("remote"))));
    fs::rename(s.0.join("remote"), s.0.join("gone")).unwrap();
    assert_eq!(s.run(&[("revision", &one)]), nothing(), "a commit that is there needs no remote");
    assert_eq!(s.run(&[("revision", &one[..8])]), nothing());
    assert!(s.run(&[]).unwrap_err().contains("does not appear to be a git repository"));
}

#[test]
fn a_commit_is_cloned_and_fetched() {
    let s = Scratch::new("commit");
    let one = s.git("remote", &["rev-parse", "HEAD"]);
    let two = s.commit("remote", "a", "two");
    assert_eq!(s.run(&[("revision", &one)]), changes(&["tree"]));
    assert_eq!(s.read("tree/a"), "one");
    let three = s.commit("remote", "a", "three");
    assert_eq!(s.run(&[("revision", &three)]), changes(&["head"]), "this one is not there yet");
    assert_eq!(s.run(&[("revision", &two)]), changes(&["head"]));
    assert_eq!(s.read("tree/a"), "two");
}

#[test]
fn local_changes_are_kept_unless_forced() {
    let s = Scratch::new("dirty");
    s.run(&[]).unwrap();
    fs::write(s.0.join("tree/a"), "mine").unwrap();
    fs::write(s.0.join("tree/new"), "untracked").unwrap();
    assert_eq!(s.run(&[]), Err(format!("`{}` has local changes: `a`", s.path("tree"))));
    assert_eq!(s.read("tree/a"), "mine");
    assert_eq!(s.run(&[("force", "true")]), changes(&["local changes"]));
    assert_eq!((s.read("tree/a"), s.read("tree/new")), ("one".into(), "untracked".into()));
}

#[test]
fn local_commits_are_kept_unless_forced() {
    let s = Scratch::new("diverged");
    s.run(&[]).unwrap();
    s.commit("tree", "b", "mine");
    s.commit("remote", "a", "two");
    let seen = s.run(&[]).unwrap_err();
    assert!(seen.contains("Not possible to fast-forward"), "{seen}");
    assert_eq!(s.read("tree/b"), "mine");
    assert_eq!(s.run(&[("force", "true")]), changes(&["head"]));
    assert_eq!((s.read("tree/a"), s.read("tree/b")), ("two".into(), String::new()));
}

#[test]
fn the_origin_is_kept() {
    let s = Scratch::new("origin");
    s.run(&[]).unwrap();
    s.git("tree", &["remote", "set-url", "origin", "/elsewhere"]);
    assert_eq!(s.run(&[]), changes(&["origin"]));
    s.git("tree", &["remote", "remove", "origin"]);
    assert_eq!(s.run(&[]), changes(&["origin"]));
    assert_eq!(s.git("tree", &["config", "remote.origin.url"]), s.path("remote"));
}

#[test]
fn what_is_no_work_tree_is_left_alone() {
    let s = Scratch::new("other");
    fs::create_dir(s.0.join("tree")).unwrap();
    assert_eq!(s.run(&[("state", "absent")]), nothing());
    fs::write(s.0.join("tree/x"), "").unwrap();
    for state in ["present", "absent"] {
        let seen = s.run(&[("state", state)]);
        assert_eq!(
            seen,
            Err(format!("expected a git work tree at `{}`, found a directory of something else", s.path("tree")))
        );
    }
    fs::remove_file(s.0.join("tree/x")).unwrap();
    assert_eq!(s.run(&[]), changes(&["tree"]), "an empty directory is no obstacle");
}

#[test]
fn history_is_as_deep_as_wanted() {
    let s = Scratch::new("depth");
    s.commit("remote", "a", "two");
    let url = format!("file://{}", s.path("remote"));
    let shallow = [("repo", &*url), ("depth", "1")];
    assert_eq!(s.run(&shallow), changes(&["tree"]));
    assert_eq!(s.git("tree", &["rev-list", "--count", "HEAD"]), "1");
    s.commit("remote", "a", "three");
    assert_eq!(s.run(&shallow), changes(&["head"]));
    assert_eq!(s.read("tree/a"), "three");
}

#[test]
fn what_the_remote_does_not_have_is_said_before_anything_is_made() {
    let s = Scratch::new("refused");
    let (remote, nowhere) = (s.path("remote"), s.path("nowhere"));
    let cases: [(&[(&str, &str)], String); 3] = [
        (&[("branch", "none")], format!("`{remote}` has no branch none")),
        (&[("tag", "v9")], format!("`{remote}` has no tag v9")),
        (&[("repo", &nowhere)], format!("git: '{nowhere}' does not appear to be a git repository")),
    ];
    for (more, expected) in cases {
        assert_eq!(s.run(more), Err(expected), "{more:?}");
        assert!(!s.0.join(".vigo-clone-tree").exists(), "{more:?}");
    }
}
