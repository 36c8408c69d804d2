//! A disk in memory, on which tests drive resources as Converge does.

use super::{Change, Datum, Field, FieldValue, Fields, Instance, Prepare, TypeDecl, check, digest};
use crate::action::{
    AbsPath, AccountKind, Command, Content, Entry, Exit, Expect, FailureKind, FileKind, Metadata, Op, OpFailure,
    OpOutput, Outputs, Ran, Replace,
};
use crate::bundle::{Blob, Place};
use crate::host::{Capability, Host, HostFacts, Interpreted, Phase, Problem};
use crate::value::Text;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A disk with the account database of a small machine.
pub(crate) struct Disk {
    nodes: BTreeMap<String, Node>,
    inode: u64,
    /// What programs answer.
    pub programs: fn(&Command) -> (i32, String),
    /// Shipped files.
    pub blobs: Vec<Blob>,
    /// What `secret:…` in shipped templates renders to; else they render to themselves.
    pub render: fn(&str) -> Text,
    pub facts: HostFacts,
    /// Whether files are mount points.
    pub in_place: bool,
    /// What the system says of names that the files lack.
    pub directory: Vec<(AccountKind, &'static str, OpOutput)>,
}

#[derive(Clone)]
pub(crate) struct Node {
    pub meta: Metadata,
    pub content: Arc<[u8]>,
}

/// Attributes as a test writes them.
pub(crate) type Attributes<'a> = &'a [(&'a str, &'a str)];

/// Cases of a check: name, attributes, problems.
pub(crate) type Checks<'a> = &'a [(&'a str, Attributes<'a>, &'a str)];

/// Cases of an edit: name, text before, attributes, text after or failure.
pub(crate) type Edits<'a> = &'a [(&'a str, &'a str, Attributes<'a>, Result<&'a str, &'a str>)];

/// How a run went.
#[derive(Debug, Default)]
pub(crate) struct Run {
    pub changes: Vec<Change>,
    pub actions: Vec<String>,
    pub ops: Vec<String>,
    pub reads: Vec<String>,
    pub diff: String,
    pub failure: Option<String>,
    pub notes: Vec<String>,
}

impl Run {
    /// Returns the changes as `field: before → after`.
    pub fn changed(&self) -> Vec<String> {
        self.changes.iter().map(|c| format!("{}: {} → {}", c.field, c.before, c.after)).collect()
    }
}

struct NoHost;

impl Host for NoHost {
    fn name(&self) -> &'static str {
        "test"
    }

    fn capabilities(&self) -> &'static [Capability] {
        &[]
    }
}

/// Returns the fields of a resource of type `decl`.
pub(crate) fn fields(decl: &'static TypeDecl, attributes: &[(&str, Datum)]) -> Fields {
    let place = Place::default();
    let field = |(name, datum): &(&str, Datum)| Field {
        name: Arc::from(*name),
        value: FieldValue::Known(datum.clone()),
        place,
    };
    let items = attributes.iter().map(field).collect();
    Fields { decl, id: "c/r".into(), name: "r".into(), place, handler: false, items }
}

/// Returns a bare scalar.
pub(crate) fn plain(text: &str) -> Datum {
    Datum::Scalar { text: Text::plain(text), plain: true }
}

/// Returns text with a secret in it.
pub(crate) fn secret(text: &str) -> Datum {
    Datum::Scalar { text: Text::secret(text, "db/dsn"), plain: false }
}

/// Returns a list of scalars.
pub(crate) fn list(items: &[&str]) -> Datum {
    Datum::List(items.iter().map(|i| plain(i)).collect())
}

/// Returns what the checks say of a resource with plain attributes.
pub(crate) fn checked(decl: &'static TypeDecl, attributes: &[(&str, &str)]) -> Vec<String> {
    let data: Vec<(&str, Datum)> = attributes.iter().map(|(n, v)| (*n, plain(v))).collect();
    check(&fields(decl, &data)).iter().map(ToString::to_string).collect()
}

impl Disk {
    pub fn new() -> Self {
        let mut disk = Self {
            nodes: BTreeMap::new(),
            inode: 1,
            programs: |_| (127, String::new()),
            blobs: Vec::new(),
            render: |_| Text::default(),
            facts: HostFacts::default(),
            in_place: false,
            directory: Vec::new(),
        };
        for dir in ["/", "/etc", "/d", "/tmp"] {
            disk.put(dir, FileKind::Dir, b"");
        }
        disk.file("/etc/passwd", "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n");
        disk.file("/etc/group", "root:x:0:\nadm:x:4:\n");
        disk
    }

    fn put(&mut self, path: &str, kind: FileKind, content: &[u8]) {
        self.inode += 1;
        let mode = if kind == FileKind::Dir { 0o755 } else { 0o644 };
        let size = content.len() as u64;
        let (uid, gid, mtime_ms, dev, ino, nlink) = (0, 0, 0, 1, self.inode, 1);
        let meta = Metadata { kind, mode, uid, gid, size, mtime_ms, dev, ino, nlink, target: None, context: None };
        self.nodes.insert(path.into(), Node { meta, content: content.into() });
    }

    pub fn file(&mut self, path: &str, content: &str) {
        self.put(path, FileKind::File, content.as_bytes());
    }

    pub fn bytes(&mut self, path: &str, content: &[u8]) {
        self.put(path, FileKind::File, content);
    }

    pub fn dir(&mut self, path: &str) {
        self.put(path, FileKind::Dir, b"");
    }

    pub fn link(&mut self, path: &str, to: &str) {
        self.put(path, FileKind::Symlink, b"");
        self.meta(path, |m| (m.mode, m.target) = (0o777, Some(to.into())));
    }

    pub fn ship(&mut self, path: &str, content: &[u8], executable: bool) {
        self.blobs.push(Blob { path: path.into(), content: content.into(), executable });
    }

    pub fn meta(&mut self, path: &str, set: impl FnOnce(&mut Metadata)) {
        if let Some(node) = self.nodes.get_mut(path) {
            set(&mut node.meta);
        }
    }

    pub fn node(&self, path: &str) -> Option<&Node> {
        self.nodes.get(path)
    }

    pub fn read(&self, path: &str) -> Option<String> {
        self.nodes.get(path).map(|n| String::from_utf8_lossy(&n.content).into_owned())
    }

    /// Runs a resource with plain attributes, then once more: the second run must find nothing to do.
    pub fn run(&mut self, decl: &'static TypeDecl, attributes: &[(&str, &str)]) -> Run {
        let data: Vec<(&str, Datum)> = attributes.iter().map(|(n, v)| (*n, plain(v))).collect();
        self.run_data(decl, &data)
    }

    pub fn run_data(&mut self, decl: &'static TypeDecl, attributes: &[(&str, Datum)]) -> Run {
        let run = self.run_once(decl, attributes);
        if run.failure.is_none() {
            let again = self.run_once(decl, attributes);
            assert!(again.ops.is_empty() && again.failure.is_none(), "not settled: {run:?}\n{again:?}");
            assert!(again.changes.is_empty() && again.diff.is_empty(), "not settled: {again:?}");
        }
        run
    }

    pub fn run_once(&mut self, decl: &'static TypeDecl, attributes: &[(&str, Datum)]) -> Run {
        let mut run = Run::default();
        let fields = fields(decl, attributes);
        if let Some(problem) = check(&fields).first() {
            return Run { failure: Some(problem.to_string()), ..run };
        }
        let (blobs, facts, render) = (self.blobs.clone(), self.facts.clone(), self.render);
        let rendered = |path: &str| -> Result<Text, Problem> {
            let blob = blobs.iter().find(|b| &*b.path == path);
            let blob = blob.ok_or_else(|| Problem::bad_value("source", format!("no `{path}`")))?;
            let text = render(path);
            if text != Text::default() {
                return Ok(text);
            }
            core::str::from_utf8(&blob.content).map(Text::plain).map_err(|_| Problem::failed("not UTF-8"))
        };
        let ctx = Prepare { host: &NoHost, facts: &facts, blobs: &blobs, render: &rendered, entropy: &|| None };
        let mut instance = match (decl.prepare)(&fields, &ctx) {
            Ok(instance) => instance,
            Err(problem) => return Run { failure: Some(problem.to_string()), ..run },
        };
        if let Err(problem) = instance.check(&facts) {
            return Run { failure: Some(problem.to_string()), ..run };
        }
        for round in 0..=3 {
            if let Err(why) = self.observe(&mut instance, &facts, &mut run) {
                run.failure = Some(format!("unknown: {why}"));
                return run;
            }
            let verdict = instance.compare(if round == 0 { Phase::Before } else { Phase::After });
            assert_eq!(
                verdict.changes.is_empty(),
                instance.actions().is_empty() || verdict.failure.is_some(),
                "{verdict:?} {:?}",
                instance.actions()
            );
            if round == 0 {
                run.actions = instance.actions();
                run.changes = verdict.changes.clone();
                run.notes = verdict.notes;
                run.diff = verdict.diff.map(|d| d.unified()).unwrap_or_default();
            }
            if let Some(problem) = verdict.failure {
                run.failure = Some(problem.to_string());
                return run;
            }
            if verdict.changes.is_empty() {
                return run;
            }
            let ops = match instance.lower(&facts) {
                Ok(ops) => ops,
                Err(problem) => return Run { failure: Some(problem.to_string()), ..run },
            };
            for op in ops {
                run.ops.push(op.to_string());
                if let OpOutput::Failed(failure) = self.perform(&op) {
                    run.failure = Some(failure.message);
                    return run;
                }
            }
        }
        run.failure = Some("did not settle".into());
        run
    }

    fn observe(&mut self, instance: &mut Box<dyn Instance>, facts: &HostFacts, run: &mut Run) -> Result<(), String> {
        let mut outputs = Outputs::default();
        let mut ops = instance.probe(facts);
        for _ in 0..=3 {
            for op in ops {
                assert_eq!(op.effect(), crate::action::Effect::Reads, "{op}");
                run.reads.push(op.to_string());
                let output = self.perform(&op);
                outputs.push(op, Arc::new(output));
            }
            match instance.interpret(&outputs, facts) {
                Interpreted::Known(()) => return Ok(()),
                Interpreted::Unknown(why) => return Err(why),
                Interpreted::Ask(more) => ops = more,
            }
        }
        Err("asks without end".into())
    }

    fn resolve(&self, path: &AbsPath, follow: bool) -> String {
        let mut at = path.to_string();
        for _ in 0..8 {
            let target = self.nodes.get(&at).and_then(|n| n.meta.target.clone()).filter(|_| follow);
            let Some(target) = target else { break };
            let dir = at.rsplit_once('/').map(|(dir, _)| dir).unwrap_or_default();
            at = if target.starts_with('/') { target.to_string() } else { format!("{dir}/{target}") };
        }
        at
    }

    pub fn perform(&mut self, op: &Op) -> OpOutput {
        let failed = |kind, message: String| OpOutput::Failed(OpFailure { kind, message });
        match op {
            Op::ReadFile { path, follow, bytes_max } => match self.nodes.get(&self.resolve(path, *follow)) {
                None => OpOutput::Missing,
                Some(node) if node.meta.kind != FileKind::File => OpOutput::Stat(node.meta.clone()),
                Some(node) if node.meta.size > *bytes_max => {
                    failed(FailureKind::TooLarge, format!("expected at most {bytes_max} bytes at `{path}`"))
                }
                Some(node) => OpOutput::File { meta: node.meta.clone(), content: node.content.clone() },
            },
            Op::HashFile { path, follow } => match self.nodes.get(&self.resolve(path, *follow)) {
                None => OpOutput::Missing,
                Some(node) if node.meta.kind != FileKind::File => OpOutput::Stat(node.meta.clone()),
                Some(node) => OpOutput::Hash { meta: node.meta.clone(), sha256: digest::sha256(&node.content) },
            },
            Op::Stat { path, follow } => match self.nodes.get(&self.resolve(path, *follow)) {
                None => OpOutput::Missing,
                Some(node) => OpOutput::Stat(node.meta.clone()),
            },
            Op::ListDir { path, deep: true, .. } => {
                let prefix = format!("{path}/");
                let below = self.nodes.iter().filter_map(|(p, n)| Some((p.strip_prefix(&prefix)?, n)));
                OpOutput::Dir(below.map(|(p, n)| Entry { path: p.into(), meta: n.meta.clone() }).collect())
            }
            Op::Run(command) => {
                let (code, stdout) = (self.programs)(command);
                let exit = Exit::Code(code);
                OpOutput::Ran(Ran { exit, stdout: stdout.into_bytes(), stderr: b"oops".to_vec(), truncated: false })
            }
            Op::Account { kind, name } => {
                let is_meant = |(k, n, _): &&(AccountKind, &str, OpOutput)| k == kind && *n == &**name;
                self.directory.iter().find(is_meant).map_or(OpOutput::Missing, |(_, _, said)| said.clone())
            }
            Op::ReadUrl { url, .. } => failed(FailureKind::Unreachable, format!("no `{url}`")),
            Op::Space { path } => failed(FailureKind::Other, format!("no file system at `{path}`")),
            Op::Fetch { .. } => OpOutput::Done,
            Op::ReplaceFile(replace) => self.replace(replace),
            Op::MakeDir { path, mode, owner, parents } => {
                let parent = path.parent().map(|p| p.to_string()).unwrap_or_default();
                if !parents && !self.nodes.contains_key(&parent) {
                    return failed(FailureKind::NoParent, format!("no `{parent}`"));
                }
                self.dir(path.as_str());
                self.meta(path.as_str(), |m| {
                    (m.mode, m.uid, m.gid) = (*mode, owner.uid.unwrap_or(0), owner.gid.unwrap_or(0));
                });
                OpOutput::Done
            }
            Op::Symlink { path, to, owner, .. } => {
                self.link(path.as_str(), to);
                self.meta(path.as_str(), |m| (m.uid, m.gid) = (owner.uid.unwrap_or(0), owner.gid.unwrap_or(0)));
                OpOutput::Done
            }
            Op::HardLink { path, to, .. } => match self.nodes.get(to.as_str()).cloned() {
                None => failed(FailureKind::Other, format!("no `{to}`")),
                Some(node) => {
                    self.nodes.insert(path.to_string(), node);
                    OpOutput::Done
                }
            },
            Op::Remove { path, recursive } => {
                let prefix = format!("{path}/");
                if !recursive && self.nodes.keys().any(|p| p.starts_with(&prefix)) {
                    return failed(FailureKind::Other, format!("`{path}` is not empty"));
                }
                self.nodes.retain(|p, _| p != path.as_str() && !p.starts_with(&prefix));
                OpOutput::Done
            }
            Op::SetOwner { path, owner, follow } => {
                let at = self.resolve(path, *follow);
                self.meta(&at, |m| {
                    (m.uid, m.gid) = (owner.uid.unwrap_or(m.uid), owner.gid.unwrap_or(m.gid));
                    m.mode &= if m.kind == FileKind::File { 0o1777 } else { 0o7777 };
                });
                OpOutput::Done
            }
            Op::SetMode { path, mode } => match self.nodes.get_mut(path.as_str()) {
                Some(node) if node.meta.kind != FileKind::Symlink => {
                    node.meta.mode = *mode;
                    OpOutput::Done
                }
                _ => failed(FailureKind::WrongKind, format!("expected a file at `{path}`")),
            },
            Op::SetContext { path, context } => {
                self.meta(path.as_str(), |m| m.context = Some(context.clone()));
                OpOutput::Done
            }
            Op::ListDir { path, deep: false, entries_max } => {
                let prefix = format!("{}/", path.as_str().trim_end_matches('/'));
                let below = self.nodes.iter().filter_map(|(p, n)| Some((p.strip_prefix(&prefix)?, n)));
                let entries: Vec<Entry> = below
                    .filter(|(p, _)| !p.is_empty() && !p.contains('/'))
                    .map(|(p, n)| Entry { path: p.into(), meta: n.meta.clone() })
                    .collect();
                match self.nodes.get(path.as_str()) {
                    None => OpOutput::Missing,
                    Some(node) if node.meta.kind != FileKind::Dir => OpOutput::Stat(node.meta.clone()),
                    Some(_) if entries.len() > *entries_max => failed(FailureKind::TooLarge, "too many".into()),
                    Some(_) => OpOutput::Dir(entries),
                }
            }
            Op::Rename { .. } | Op::Signal { .. } => failed(FailureKind::Other, format!("no {op} here")),
        }
    }

    fn replace(&mut self, replace: &Replace) -> OpOutput {
        let failed = |kind, message: String| OpOutput::Failed(OpFailure { kind, message });
        let at = self.resolve(&replace.path, replace.follow);
        let old = self.nodes.get(&at).cloned();
        let as_seen = match (replace.expect, &old) {
            (Expect::Anything, _) | (Expect::Missing, None) => true,
            (Expect::Digest(sha256), Some(old)) => digest::sha256(&old.content) == sha256,
            _ => false,
        };
        if !as_seen {
            return failed(FailureKind::Changed, format!("`{}` changed", replace.path));
        }
        let parent = at.rsplit_once('/').map(|(dir, _)| dir).unwrap_or_default();
        if !replace.parents && !parent.is_empty() && !self.nodes.contains_key(parent) {
            return failed(FailureKind::NoParent, format!("no `{parent}`"));
        }
        if let Some(validate) = &replace.validate
            && (self.programs)(&validate.command).0 != 0
        {
            return failed(FailureKind::Invalid, "the check said no".into());
        }
        let content: Arc<[u8]> = match &replace.content {
            Content::Staged(_) => b"downloaded\n"[..].into(),
            Content::Copy { from, .. } => match self.nodes.get(from.as_str()) {
                Some(node) => node.content.clone(),
                None => return failed(FailureKind::Other, format!("no `{from}`")),
            },
            known => known.bytes().unwrap_or_default().into(),
        };
        if let (Some(suffix), Some(old)) = (&replace.backup, &old) {
            self.nodes.insert(format!("{at}{suffix}"), old.clone());
        }
        let file = old.map(|o| o.meta).filter(|m| m.kind == FileKind::File);
        self.put(&at, FileKind::File, &content);
        let secret = replace.content.secret_path().is_some();
        self.meta(&at, |m| {
            let mode = file.as_ref().map(|o| o.mode);
            m.mode = replace.mode.or(mode).unwrap_or(if secret { 0o600 } else { 0o644 });
            m.uid = replace.owner.uid.or(file.as_ref().map(|o| o.uid)).unwrap_or(0);
            m.gid = replace.owner.gid.or(file.as_ref().map(|o| o.gid)).unwrap_or(0);
            m.context = replace.context.clone().or(file.and_then(|o| o.context));
        });
        if self.in_place {
            return OpOutput::DoneInPlace;
        }
        OpOutput::Done
    }
}
