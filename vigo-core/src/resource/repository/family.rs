//! What is wanted of a source, what there is, and what follows: a handful of files, and an index to be fetched.

use super::KeySource;
use crate::action::{AbsPath, Content, Expect, Op, Owner, Replace};
use crate::host::{Comparison, Family, Phase, Problem, RunsAs};
use crate::resource::digest::{sha256, short};
use crate::resource::{Change, Diff, FileDiff, Side};
use crate::time::Duration;
use crate::value::Text;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// The family.
pub struct Repository;

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Want {
    /// The source's id, which names its files.
    pub id: Arc<str>,
    /// Whether it is there.
    pub present: bool,
    /// Its address or whole text, as written.
    pub repo: Text,
    /// Its key.
    pub key: Option<KeySource>,
    /// The fingerprints that the key may have; none is any.
    pub fingerprints: Vec<Arc<str>>,
    /// Whether it is in use.
    pub enabled: bool,
    /// How its file is written, where there is a choice.
    pub format: Format,
    /// Whether signatures are checked.
    pub gpgcheck: bool,
    /// Its priority.
    pub priority: Option<i64>,
}

/// How a source is written for apt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// As the distribution's own.
    Auto,
    /// One line a source.
    List,
    /// Stanzas.
    Deb822,
}

/// What is there.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The files that make up the source, what it needs first.
    pub files: Vec<FileState>,
    /// Whether the source's index is there.
    pub indexed: Indexed,
    /// Why it cannot be brought about.
    pub problem: Option<Problem>,
    /// Remarks.
    pub notes: Vec<String>,
    /// The manager itself, where its place and account depend on the machine.
    pub by: Option<Arc<RunsAs>>,
}

/// One file, or what a manager keeps about a source itself: its text stands for it then.
#[derive(Clone, Debug)]
pub struct FileState {
    /// What it is: `source`, `key`; `tap`, `publisher` for what is no file.
    pub field: &'static str,
    /// Where it is.
    pub path: AbsPath,
    /// What it holds.
    pub found: Option<Arc<[u8]>>,
    /// What it should hold; `None` is no file.
    pub wanted: Option<Content>,
}

/// Whether a source's index has been fetched.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Indexed {
    /// Nobody knows.
    #[default]
    Unknown,
    /// It has.
    Yes,
    /// It has not.
    No,
}

/// What is done.
#[derive(Clone, Debug)]
pub enum Action {
    /// Writes a file.
    Write {
        /// What it is.
        field: &'static str,
        /// Where.
        path: AbsPath,
        /// What goes into it.
        content: Content,
        /// What was there.
        expect: Expect,
    },
    /// Removes a file.
    Remove {
        /// What it is.
        field: &'static str,
        /// Where.
        path: AbsPath,
    },
    /// Fetches the index of this source.
    RefreshIndex,
}

impl Action {
    /// Returns the file operation that it is; `None` for what the manager does.
    pub fn file_op(&self) -> Option<Op> {
        match self {
            Self::Write { path, content, expect, .. } => Some(Op::ReplaceFile(Replace {
                path: path.clone(),
                content: content.clone(),
                mode: Some(if content.secret_path().is_some() { 0o600 } else { 0o644 }),
                owner: Owner { uid: Some(0), gid: Some(0) },
                context: None,
                expect: *expect,
                validate: None,
                backup: None,
                follow: true,
                parents: true,
            })),
            Self::Remove { path, .. } => Some(Op::Remove { path: path.clone(), recursive: false }),
            Self::RefreshIndex => None,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write { field: "key", .. } => f.write_str("install key"),
            Self::Remove { field: "key", .. } => f.write_str("remove key"),
            Self::Write { field: field @ ("tap" | "publisher"), .. } => write!(f, "set {field}"),
            Self::Remove { field: field @ ("tap" | "publisher"), .. } => write!(f, "remove {field}"),
            Self::Write { path, .. } => write!(f, "write {path}"),
            Self::Remove { path, .. } => write!(f, "remove {path}"),
            Self::RefreshIndex => f.write_str("refresh index"),
        }
    }
}

impl Family for Repository {
    const TYPE: &'static str = "repository";
    // Packages that were nowhere may be found once it is there.
    const UNPREDICTABLE: bool = true;
    const SPOILS: &'static [&'static str] = &["package"];
    const TIMEOUT: Duration = Duration::from_secs(600);
    type Want = Want;
    type State = State;
    type Action = Action;

    fn compare(want: &Want, state: &State, phase: Phase) -> Comparison<Action> {
        let mut c = Comparison::in_sync();
        if let Some(problem) = &state.problem {
            return Comparison::fail(problem.clone());
        }
        c.notes.clone_from(&state.notes);
        let mut diffs = Vec::new();
        let mut removals = Vec::new();
        for file in &state.files {
            let wanted = file.wanted.as_ref().and_then(Content::bytes);
            if wanted == file.found.as_deref() {
                continue;
            }
            let secret = file.wanted.as_ref().and_then(Content::secret_path);
            let shown = |bytes: Option<&[u8]>| bytes.map_or("absent".into(), |b| short(&sha256(b)));
            c.change(match secret {
                Some(path) => Change::new(file.field, "(differs)", format!("«secret {path}»")),
                None => Change::new(file.field, shown(file.found.as_deref()), shown(wanted)),
            });
            if secret.is_none() && file.field != "key" {
                let after = wanted.map(|bytes| Side::Bytes(bytes.into()));
                let before = file.found.clone().into();
                diffs.push(FileDiff { path: file.path.shared(), before, after: after.unwrap_or(Side::Absent) });
            }
            let (field, path) = (file.field, file.path.clone());
            match &file.wanted {
                Some(content) => {
                    let expect = file.found.as_deref().map_or(Expect::Missing, |b| Expect::Digest(sha256(b)));
                    c.act(Action::Write { field, path, content: content.clone(), expect });
                }
                None => removals.push(Action::Remove { field, path }),
            }
        }
        // The key goes after what names it.
        c.actions.extend(removals.into_iter().rev());
        if !diffs.is_empty() {
            c.diff = Some(Diff { files: diffs });
        }
        let key_comes = c.actions.iter().any(|a| matches!(a, Action::Write { field: "key", .. }));
        if key_comes && want.fingerprints.is_empty() && !matches!(want.key, Some(KeySource::Shipped(_))) {
            c.notes.push(format!("the key of `{}` is taken as it is: write `key_fingerprint`", want.id));
        }
        let source_changes = !c.changes.is_empty();
        let unfetched = state.indexed == Indexed::No && phase == Phase::Before;
        if want.present && want.enabled && (source_changes || unfetched) {
            if !source_changes {
                c.change(Change::new("index", "never fetched", "fetched"));
            }
            c.act(Action::RefreshIndex);
        }
        c
    }

    fn predict(_: &Want, state: &State) -> Option<State> {
        let after = |file: &FileState| FileState {
            found: file.wanted.as_ref().and_then(Content::bytes).map(Arc::from),
            ..file.clone()
        };
        Some(State {
            files: state.files.iter().map(after).collect(),
            indexed: Indexed::Yes,
            problem: None,
            notes: state.notes.clone(),
            by: state.by.clone(),
        })
    }
}
