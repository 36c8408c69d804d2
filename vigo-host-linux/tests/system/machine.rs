//! A machine in memory: files, and programs that leave in them what their adapter foretells.

#![expect(clippy::unwrap_used, reason = "a test's own tool: what is not as it should be ends the test")]

use std::collections::BTreeMap;
use std::sync::Arc;
use vigo_core::action::{
    AbsPath, Command, Content, Effect, Entry, Exit, Expect, FailureKind, FileKind, Metadata, Op, OpFailure, OpOutput,
    Outputs, Owner, Ran,
};
use vigo_core::bundle::Place;
use vigo_core::entropy::Entropy;
use vigo_core::host::{HostFacts, Interpreted, Phase, Problem};
use vigo_core::resource::{self, Datum, Field, FieldValue, Fields, Instance, Prepare};
use vigo_core::value::Text;
use vigo_host_linux::Linux;

#[derive(Clone, PartialEq, Debug)]
pub struct Node {
    pub kind: FileKind,
    pub content: Vec<u8>,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
}

/// A program's answer: command line as shown, exit code (-1: there is no such program), standard output.
pub type Answer = (&'static str, i32, &'static str);

pub struct Machine {
    pub nodes: BTreeMap<String, Node>,
    pub facts: HostFacts,
    pub answers: Vec<Answer>,
    /// What reading programs answer for which there is no answer.
    pub any_answer: Option<(i32, &'static str)>,
    /// Standard error of reading programs.
    pub stderr: &'static str,
    /// Paths that cannot be read.
    pub denied: Vec<&'static str>,
}

/// What a run of one resource came to.
#[derive(Default, Debug)]
pub struct Run {
    pub changes: Vec<String>,
    pub ops: Vec<String>,
    pub stdin: Vec<String>,
    pub notes: Vec<String>,
    pub failure: Option<String>,
    /// Whether everything was in order at the end.
    pub settled: bool,
}

impl Machine {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let facts = HostFacts {
            family: "debian".into(),
            distro: "debian".into(),
            version: "12".into(),
            ..HostFacts::default()
        };
        let mut m = Self {
            nodes: BTreeMap::new(),
            facts,
            answers: Vec::new(),
            any_answer: None,
            stderr: "",
            denied: Vec::new(),
        };
        m.dir("/");
        files.iter().for_each(|(path, text)| m.file(path, text));
        m
    }

    pub fn with_programs(mut self, programs: &[&str]) -> Self {
        self.facts.programs = programs.iter().map(|p| Arc::from(*p)).collect();
        self
    }

    pub fn image(mut self) -> Self {
        self.facts.image = Some(AbsPath::known("/image"));
        self
    }

    pub fn file(&mut self, path: &str, text: &str) {
        self.file_as(path, text, 0o644, 0);
    }

    pub fn file_as(&mut self, path: &str, text: &str, mode: u32, uid: u32) {
        self.parents(path);
        let node = Node { kind: FileKind::File, content: text.into(), mode, uid, gid: uid };
        self.nodes.insert(path.into(), node);
    }

    pub fn bytes(&mut self, path: &str, content: &[u8]) {
        self.file(path, "");
        self.nodes.get_mut(path).unwrap().content = content.into();
    }

    pub fn dir(&mut self, path: &str) {
        self.dir_as(path, 0o755, 0);
    }

    pub fn dir_as(&mut self, path: &str, mode: u32, uid: u32) {
        self.parents(path);
        self.nodes.insert(path.into(), Node { kind: FileKind::Dir, content: vec![], mode, uid, gid: uid });
    }

    pub fn link(&mut self, path: &str, to: &str) {
        self.parents(path);
        let node = Node { kind: FileKind::Symlink, content: to.into(), mode: 0o777, uid: 0, gid: 0 };
        self.nodes.insert(path.into(), node);
    }

    pub fn text(&self, path: &str) -> &str {
        let node = self.nodes.get(path).unwrap_or_else(|| panic!("no file {path}"));
        std::str::from_utf8(&node.content).unwrap()
    }

    fn parents(&mut self, path: &str) {
        let mut at = AbsPath::parse(path).unwrap().parent();
        while let Some(dir) = at {
            let node = Node { kind: FileKind::Dir, content: vec![], mode: 0o755, uid: 0, gid: 0 };
            self.nodes.entry(dir.as_str().into()).or_insert(node);
            at = dir.parent();
        }
    }

    /// Converges a resource. The next run must find nothing to do.
    pub fn apply(&mut self, type_name: &str, attributes: &[(&str, Datum)]) -> Run {
        let mut run = self.once(type_name, attributes);
        if run.failure.is_none() {
            let again = self.once(type_name, attributes);
            run.settled = again.changes.is_empty() && again.ops.is_empty() && again.failure.is_none();
            assert!(run.settled, "a second run found something to do: {again:?}\nafter {run:?}");
        }
        run
    }

    /// What `plan` would leave in the overlay: the file operations, and the shadows of the programs.
    pub fn foretell(&mut self, type_name: &str, attributes: &[(&str, Datum)]) {
        let mut instance = self.prepare(type_name, attributes).unwrap();
        let outputs = self.observe(&mut *instance).unwrap();
        instance.compare(Phase::Before);
        let ops = instance.lower(&self.facts).unwrap();
        let shadow = instance.predict(&outputs).shadow;
        for op in ops.iter().chain(&shadow).filter(|op| !matches!(op, Op::Run(_))) {
            self.perform(op);
        }
    }

    pub fn prepare(&self, type_name: &str, attributes: &[(&str, Datum)]) -> Result<Box<dyn Instance>, Problem> {
        let decl = resource::find(type_name).unwrap();
        let place = Place::default();
        let item = |(name, datum): &(&str, Datum)| Field {
            name: (*name).into(),
            value: FieldValue::Known(datum.clone()),
            place,
        };
        let items = attributes.iter().map(item).collect();
        let fields = Fields { decl, id: "crate/sample".into(), name: "sample".into(), place, handler: false, items };
        if let Some(problem) = resource::check(&fields).into_iter().next() {
            return Err(problem);
        }
        let prepare = Prepare {
            host: &Linux,
            facts: &self.facts,
            blobs: &[],
            entropy: &|| Some(Entropy::new([7; 32])),
            render: &|_| Ok(Text::plain("")),
        };
        let instance = (decl.prepare)(&fields, &prepare)?;
        instance.check(&self.facts)?;
        Ok(instance)
    }

    /// Converges a resource once.
    pub fn once(&mut self, type_name: &str, attributes: &[(&str, Datum)]) -> Run {
        let mut run = Run::default();
        let failed = |mut run: Run, why: String| {
            run.failure = Some(why);
            run
        };
        let mut instance = match self.prepare(type_name, attributes) {
            Ok(instance) => instance,
            Err(problem) => return failed(run, problem.to_string()),
        };
        for round in 0..4 {
            let outputs = match self.observe(&mut *instance) {
                Ok(outputs) => outputs,
                Err(why) => return failed(run, format!("unknown: {why}")),
            };
            let verdict = instance.compare(if round == 0 { Phase::Before } else { Phase::After });
            if round == 0 {
                run.changes =
                    verdict.changes.iter().map(|c| format!("{}: {} → {}", c.field, c.before, c.after)).collect();
                run.notes = verdict.notes.clone();
            }
            if let Some(problem) = verdict.failure {
                return failed(run, problem.to_string());
            }
            assert_eq!(verdict.changes.is_empty(), instance.actions().is_empty(), "{:?}", verdict.changes);
            if verdict.changes.is_empty() {
                return run;
            }
            let ops = match instance.lower(&self.facts) {
                Ok(ops) => ops,
                Err(problem) => return failed(run, problem.to_string()),
            };
            let mut programs = false;
            for op in &ops {
                run.ops.push(op.to_string());
                if let Op::Run(Command { stdin: Some(text), .. } | Command { secret_file: Some(text), .. }) = op {
                    run.stdin.push(text.as_str().into());
                }
                programs |= matches!(op, Op::Run(_));
                if let OpOutput::Failed(failure) = self.perform(op) {
                    return failed(run, failure.message);
                }
            }
            if programs {
                let shadow = instance.predict(&outputs).shadow;
                // What the adapter does by files it does itself, in its own time.
                let own = ["authorized_keys", "vigo-"];
                let done =
                    |op: &Op| matches!(op, Op::ReplaceFile(r) if own.iter().any(|o| r.path.name().starts_with(o)));
                let ssh = |op: &Op| matches!(op, Op::MakeDir { path, .. } if path.name() == ".ssh");
                for op in shadow.iter().filter(|op| !done(op) && !ssh(op)) {
                    self.perform(op);
                }
            }
        }
        failed(run, "did not settle".into())
    }

    fn observe(&mut self, instance: &mut dyn Instance) -> Result<Outputs, String> {
        let mut outputs = Outputs::default();
        let mut ops = instance.probe(&self.facts);
        for _ in 0..4 {
            for op in ops {
                assert_eq!(op.effect(), Effect::Reads, "{op}");
                let answer = Arc::new(self.perform(&op));
                outputs.push(op, answer);
            }
            match instance.interpret(&outputs, &self.facts) {
                Interpreted::Known(()) => return Ok(outputs),
                Interpreted::Unknown(why) => return Err(why),
                Interpreted::Ask(more) => ops = more,
            }
        }
        panic!("more than 3 further rounds were asked for");
    }

    fn meta(&self, path: &str) -> Option<Metadata> {
        let n = self.nodes.get(path)?;
        let target = (n.kind == FileKind::Symlink).then(|| String::from_utf8_lossy(&n.content).into());
        Some(Metadata {
            kind: n.kind,
            mode: n.mode,
            uid: n.uid,
            gid: n.gid,
            size: n.content.len() as u64,
            mtime_ms: 0,
            dev: 1,
            ino: 1,
            nlink: 1,
            target,
            context: None,
        })
    }

    fn resolved(&self, path: &AbsPath, follow: bool) -> String {
        match self.nodes.get(path.as_str()) {
            Some(n) if follow && n.kind == FileKind::Symlink => String::from_utf8_lossy(&n.content).into(),
            _ => path.as_str().into(),
        }
    }

    fn perform(&mut self, op: &Op) -> OpOutput {
        let fail = |kind, message: String| OpOutput::Failed(OpFailure { kind, message });
        match op {
            Op::Run(c) => self.run(op, c),
            Op::ReadFile { path, .. } | Op::Stat { path, .. } if self.denied.contains(&path.as_str()) => {
                fail(FailureKind::Denied, format!("cannot read `{path}`: permission denied"))
            }
            Op::ReadFile { path, follow, .. } => {
                let path = self.resolved(path, *follow);
                match self.meta(&path) {
                    Some(meta) if meta.kind == FileKind::File => {
                        OpOutput::File { meta, content: self.nodes[&path].content.clone().into() }
                    }
                    Some(meta) => OpOutput::Stat(meta),
                    None => OpOutput::Missing,
                }
            }
            Op::Stat { path, follow } => {
                self.meta(&self.resolved(path, *follow)).map_or(OpOutput::Missing, OpOutput::Stat)
            }
            Op::HashFile { path, .. } => {
                match (self.meta(path.as_str()), Expect::content(&self.nodes[path.as_str()].content)) {
                    (Some(meta), Expect::Digest(sha256)) => OpOutput::Hash { meta, sha256 },
                    _ => OpOutput::Missing,
                }
            }
            Op::ListDir { path, .. } => {
                if self.meta(path.as_str()).is_none() {
                    return OpOutput::Missing;
                }
                let below = format!("{path}/");
                let entry = |p: &String| Some(Entry { path: p.strip_prefix(&below)?.into(), meta: self.meta(p)? });
                OpOutput::Dir(self.nodes.keys().filter_map(entry).collect())
            }
            Op::ReplaceFile(r) => {
                let path = self.resolved(&r.path, r.follow);
                let old = self.nodes.get(&path).cloned();
                let parent = AbsPath::parse(&path).unwrap().parent().unwrap();
                if r.parents {
                    self.parents(&path);
                } else if !self.nodes.contains_key(parent.as_str()) {
                    return fail(FailureKind::NoParent, format!("`{parent}` does not exist"));
                }
                let seen = old.as_ref().map_or(Expect::Missing, |old| Expect::content(&old.content));
                if r.expect != Expect::Anything && r.expect != seen {
                    return fail(FailureKind::Changed, format!("`{path}` has changed"));
                }
                let content = match &r.content {
                    Content::Copy { from, .. } => self.nodes[from.as_str()].content.clone(),
                    other => other.bytes().unwrap().to_vec(),
                };
                let kept = |f: fn(&Node) -> u32, fresh| old.as_ref().map_or(fresh, f);
                let node = Node {
                    kind: FileKind::File,
                    content,
                    mode: r.mode.unwrap_or_else(|| kept(|n| n.mode, 0o644)),
                    uid: r.owner.uid.unwrap_or_else(|| kept(|n| n.uid, 0)),
                    gid: r.owner.gid.unwrap_or_else(|| kept(|n| n.gid, 0)),
                };
                self.nodes.insert(path, node);
                OpOutput::Done
            }
            Op::MakeDir { path, mode, owner, parents } => {
                if *parents {
                    self.parents(path.as_str());
                }
                self.dir_as(path.as_str(), *mode, 0);
                self.chown(path, *owner);
                OpOutput::Done
            }
            Op::Symlink { path, to, .. } => {
                let node = Node { kind: FileKind::Symlink, content: to.as_bytes().into(), mode: 0o777, uid: 0, gid: 0 };
                self.nodes.insert(path.as_str().into(), node);
                OpOutput::Done
            }
            Op::Remove { path, .. } => {
                self.nodes.retain(|p, _| !AbsPath::parse(p).unwrap().is_at_or_below(path));
                OpOutput::Done
            }
            Op::Rename { from, to } => {
                let moved: Vec<String> =
                    self.nodes.keys().filter(|p| AbsPath::parse(p).unwrap().is_at_or_below(from)).cloned().collect();
                for path in moved {
                    let node = self.nodes.remove(&path).unwrap();
                    self.nodes.insert(format!("{to}{}", &path[from.as_str().len()..]), node);
                }
                OpOutput::Done
            }
            Op::SetOwner { path, owner, .. } => {
                self.chown(path, *owner);
                OpOutput::Done
            }
            Op::SetMode { path, mode } => {
                self.nodes.get_mut(path.as_str()).unwrap().mode = *mode;
                OpOutput::Done
            }
            other => panic!("not modelled: {other}"),
        }
    }

    fn chown(&mut self, path: &AbsPath, owner: Owner) {
        let node = self.nodes.get_mut(path.as_str()).unwrap();
        (node.uid, node.gid) = (owner.uid.unwrap_or(node.uid), owner.gid.unwrap_or(node.gid));
    }

    fn run(&self, op: &Op, command: &Command) -> OpOutput {
        let line = op.to_string();
        let ran = |code: i32, out: &str| {
            OpOutput::Ran(Ran {
                exit: Exit::Code(code),
                stdout: out.into(),
                stderr: self.stderr.into(),
                truncated: false,
            })
        };
        match self.answers.iter().find(|(l, ..)| *l == line) {
            Some((_, -1, _)) => OpOutput::Failed(OpFailure {
                kind: FailureKind::NoProgram,
                message: format!("`{line}`: no such program"),
            }),
            Some((_, code, out)) if command.effect == Effect::Reads => ran(*code, out),
            Some((_, code, out)) if !command.accept.contains(code) => OpOutput::Failed(OpFailure {
                kind: FailureKind::Exit,
                message: format!("`{line}` exited {code}: {out}"),
            }),
            Some((_, code, out)) => ran(*code, out),
            None if command.effect == Effect::Changes => ran(0, ""),
            None if self.any_answer.is_some() => {
                let (code, out) = self.any_answer.unwrap_or_default();
                ran(code, out)
            }
            None => panic!("no answer for `{line}`"),
        }
    }
}

/// A bare scalar.
pub fn text(text: &str) -> Datum {
    Datum::Scalar { text: Text::plain(text), plain: true }
}

/// A secret.
pub fn secret(text: &str, path: &str) -> Datum {
    Datum::Scalar { text: Text::secret(text, path), plain: false }
}

/// A list of scalars.
pub fn list(items: &[&str]) -> Datum {
    Datum::List(items.iter().map(|i| text(i)).collect())
}
