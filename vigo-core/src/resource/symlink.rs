//! `symlink`: a soft or hard link.

use super::edit::{self, Edit, FileAction, Looking, Seen};
use super::{Attr, Change, Fields, Instance, Keep, Kind, Managed, Prepare, Refresh, TypeDecl};
use crate::action::{AbsPath, FailureKind, FileKind, Metadata, Op, OpOutput, Outputs, Owner};
use crate::host::{Adapter, Comparison, Family, HostFacts, Interpreted, Phase, Problem, ProblemKind};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// The declaration.
pub static DECL: TypeDecl = TypeDecl {
    name: "symlink",
    aliases: &["link"],
    summary: "Manages a soft or hard link.",
    states: &["present", "absent"],
    attributes: &[
        Attr::new("target_path", Kind::Path, "Where the link is.").required(),
        Attr::new("to", Kind::Line, "What it points to; relative is accepted for soft links, and it need not exist.")
            .required_in(&["present"])
            .no_secret(),
        Attr::new("link_type", Kind::Choice(&["soft", "hard"]), "`soft` compares text, `hard` device and inode.")
            .default("soft"),
        Attr::new("force", Kind::Bool, "Replace a file or another kind at the path, never a directory with content.")
            .default("false")
            .only_in(&["present"]),
        Attr::new("owner", Kind::Name, "Owner of the link itself.").only_in(&["present"]),
        Attr::new("group", Kind::Name, "Group of the link itself.").only_in(&["present"]),
    ],
    refresh: Refresh::Nothing,
    batch: false,
    identity: |fields| fields.path("target_path").map(|p| p.shared()),
    footprint: edit::footprint,
    check,
    prepare,
};

fn check(fields: &Fields) -> Vec<Problem> {
    let hard = fields.choice("link_type") == Some("hard");
    if hard && !fields.is_written("to") {
        let message = "a hard link needs `to`, by which it is told from other files";
        return alloc::vec![Problem::new(ProblemKind::MissingAttribute, message)];
    }
    let Some(to) = fields.str("to") else { return Vec::new() };
    let bad = |message: String| alloc::vec![Problem::bad_value("to", message)];
    match (AbsPath::parse(&to), fields.path("target_path")) {
        _ if to.is_empty() => bad("expected what the link points to, found nothing".into()),
        (Err(_), _) if hard => bad(format!("expected an absolute path for a hard link, found `{to}`")),
        (Ok(to), Some(path)) if to == path => bad(format!("expected another path than that of the link, found `{to}`")),
        _ => Vec::new(),
    }
}

fn prepare(fields: &Fields, _: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let want = Want {
        edit: Edit::read(fields)?,
        present: fields.state() == "present",
        to: fields.str("to").unwrap_or_default(),
        hard: fields.choice("link_type") == Some("hard"),
        force: fields.flag("force"),
    };
    Ok(Managed::<Symlink>::boxed(want, &Native))
}

/// Returns an instance that wants a soft link, whatever is at the path.
pub(super) fn with_target(edit: Edit, to: Arc<str>) -> Box<dyn Instance> {
    Managed::<Symlink>::boxed(Want { edit, present: true, to, hard: false, force: true }, &Native)
}

/// The family.
pub struct Symlink;

/// What is wanted of a link.
#[derive(Clone, Debug)]
pub struct Want {
    /// Path and owner of the link itself.
    pub edit: Edit,
    /// Whether it is there.
    pub present: bool,
    /// What it points to.
    pub to: Arc<str>,
    /// Whether it is a hard link.
    pub hard: bool,
    /// Whether something else at the path is replaced.
    pub force: bool,
}

/// What is there.
#[derive(Clone, Debug)]
pub struct State {
    /// What is at the path.
    pub seen: Seen,
    /// What a hard link is to point to.
    pub target: Option<Metadata>,
    /// Whether a directory with content is at the path.
    pub full: bool,
}

/// What is done.
#[derive(Clone, Debug)]
pub enum Action {
    /// Makes the link.
    MakeLink,
    /// Removes it.
    RemoveLink,
    /// Sets its owner.
    Set(FileAction),
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MakeLink => f.write_str("make link"),
            Self::RemoveLink => f.write_str("remove link"),
            Self::Set(action) => write!(f, "{action}"),
        }
    }
}

impl State {
    /// Returns whether what is at the path is the file that a hard link should be.
    fn is_same_file(&self) -> bool {
        let inode = |m: &Metadata| (m.dev, m.ino);
        self.target.is_some() && self.seen.meta.as_ref().map(inode) == self.target.as_ref().map(inode)
    }
}

impl Family for Symlink {
    const TYPE: &'static str = "symlink";
    type Want = Want;
    type State = State;
    type Action = Action;

    fn compare(want: &Want, state: &State, _: Phase) -> Comparison<Action> {
        let path = &want.edit.path;
        let meta = state.seen.meta.as_ref();
        let unexpected = |meta: &Metadata, wanted: &str| {
            Problem::failed(format!("expected {wanted} at `{path}`, found {}", edit::kind_shown(meta)))
        };
        let mut c = Comparison::in_sync();
        if !want.present {
            match meta {
                None => {}
                Some(meta) if want.hard && !state.is_same_file() => {
                    c.failure = Some(unexpected(meta, &format!("a hard link to `{}`", want.to)));
                }
                Some(meta) if !want.hard && meta.kind != FileKind::Symlink => {
                    c.failure = Some(unexpected(meta, "a link"));
                }
                Some(meta) => {
                    c.change(Change::new(
                        "state",
                        if want.hard { "hard link".into() } else { edit::kind_shown(meta) },
                        "absent",
                    ));
                    c.act(Action::RemoveLink);
                }
            }
            return c;
        }
        let right = match meta {
            Some(_) if want.hard => state.is_same_file(),
            Some(meta) => meta.kind == FileKind::Symlink && meta.target.as_deref() == Some(&*want.to),
            None => false,
        };
        if let (true, Some(meta)) = (right, meta) {
            match want.edit.compare_metadata(&state.seen, meta) {
                Err(problem) => return Comparison::fail(problem),
                Ok(drift) => {
                    c.actions = drift.actions(None).into_iter().map(Action::Set).collect();
                    c.changes = drift.changes;
                    c.changes.extend(state.seen.awaited());
                    return c;
                }
            }
        }
        if let Err(why) = &state.seen.owner {
            return Comparison::fail(Problem::failed(why.clone()));
        }
        if want.hard && state.target.as_ref().is_none_or(|m| m.kind == FileKind::Dir) {
            let found = state.target.as_ref().map_or_else(|| "nothing".into(), edit::kind_shown);
            return Comparison::fail(Problem::failed(format!(
                "expected a file at `{}` to link to, found {found}",
                want.to
            )));
        }
        if let Some(meta) = meta.filter(|meta| !want.force && (want.hard || meta.kind != FileKind::Symlink)) {
            return Comparison::fail(unexpected(meta, "a link").help("write `force: true` to replace it"));
        }
        if state.full {
            return Comparison::fail(Problem::failed(format!(
                "expected a link at `{path}`, found a directory with content"
            )));
        }
        let word = if want.hard { "hard link to" } else { "link to" };
        c.change(Change::new(
            "target",
            meta.map_or_else(|| "absent".into(), edit::kind_shown),
            format!("{word} {}", want.to),
        ));
        c.changes.extend(state.seen.awaited());
        c.act(Action::MakeLink);
        c
    }

    fn predict(_: &Want, _: &State) -> Option<State> {
        None
    }

    fn keep(want: &Want, state: &State) -> Option<Keep> {
        Some(state.seen.keep(&want.edit.path, false))
    }
}

/// Links by file operations, the same everywhere.
pub struct Native;

impl Adapter<Symlink> for Native {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        let owner = want.edit.owner.is_some();
        edit::supported("symlink", &[("owner", owner), ("group", want.edit.group.is_some())], facts)
    }

    fn probe(&self, want: &Want, facts: &HostFacts) -> Vec<Op> {
        let mut ops = alloc::vec![Op::stat(&want.edit.path)];
        ops.extend(want.target().as_ref().map(Op::stat));
        ops.extend(want.edit.probe(facts));
        ops
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        let target = match want.target().map(|path| Seen::at(&path, outputs)).transpose() {
            Ok(seen) => seen.and_then(|seen| seen.meta),
            Err(why) => return Interpreted::Unknown(why),
        };
        let seen = want.edit.look(outputs, facts);
        match seen.and_then(|seen| Ok((want.is_full(&seen, outputs)?, seen))) {
            Ok((full, seen)) => Interpreted::Known(State { seen, target, full }),
            Err(Looking::Ask(ops)) => Interpreted::Ask(ops),
            Err(Looking::Unknown(why)) => Interpreted::Unknown(why),
        }
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let path = want.edit.path.clone();
        let owner = state.seen.owner.clone().map_err(Problem::failed)?;
        let mut ops = Vec::new();
        for action in actions {
            match (action, want.target()) {
                (Action::RemoveLink, _) => ops.push(Op::Remove { path: path.clone(), recursive: false }),
                (Action::Set(action), _) => ops.extend(action.metadata_op(&path)),
                (Action::MakeLink, None) => {
                    ops.push(Op::Symlink { path: path.clone(), to: want.to.clone(), owner, force: want.force });
                }
                (Action::MakeLink, Some(to)) => {
                    ops.push(Op::HardLink { path: path.clone(), to, force: want.force });
                    // Its owner is that of the file.
                    let set = (owner != Owner::default()).then_some(FileAction::SetOwner(owner));
                    ops.extend(set.and_then(|action| action.metadata_op(&path)));
                }
            }
        }
        Ok(ops)
    }
}

impl Want {
    /// Returns the file that a hard link is to be.
    fn target(&self) -> Option<AbsPath> {
        self.hard.then(|| AbsPath::parse(&self.to).ok()).flatten()
    }

    /// Returns whether a directory with content is in the way of what would replace it.
    fn is_full(&self, seen: &Seen, outputs: &Outputs) -> Result<bool, Looking> {
        if !(self.present && self.force) || seen.meta.as_ref().is_none_or(|m| m.kind != FileKind::Dir) {
            return Ok(false);
        }
        let list = Op::ListDir { path: self.edit.path.clone(), deep: false, entries_max: 1 };
        match outputs.get(&list) {
            None => Err(Looking::Ask(alloc::vec![list])),
            Some(OpOutput::Dir(entries)) => Ok(!entries.is_empty()),
            Some(OpOutput::Failed(failure)) if failure.kind != FailureKind::TooLarge => {
                Err(Looking::Unknown(failure.message.clone()))
            }
            Some(_) => Ok(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DECL;
    use crate::resource::rig::{Attributes, Checks, Disk, checked};
    use alloc::vec::Vec;

    #[test]
    fn attributes_are_checked() {
        let cases: Checks<'_> = &[
            ("plain", &[("to", "../x")], ""),
            ("absent", &[("state", "absent")], ""),
            ("no target", &[], "type `symlink` needs `to`"),
            ("empty target", &[("to", "")], "attribute `to`: expected what the link points to, found nothing"),
            (
                "relative hard link",
                &[("to", "x"), ("link_type", "hard")],
                "attribute `to`: expected an absolute path for a hard link, found `x`",
            ),
            (
                "hard link of nothing",
                &[("state", "absent"), ("link_type", "hard")],
                "a hard link needs `to`, by which it is told from other files",
            ),
            (
                "itself",
                &[("to", "/etc/x")],
                "attribute `to`: expected another path than that of the link, found `/etc/x`",
            ),
            (
                "force of removal",
                &[("state", "absent"), ("force", "true")],
                "attribute `force`: has no meaning with `state: absent`",
            ),
        ];
        for (name, attributes, expected) in cases {
            let attributes: Vec<_> = [("target_path", "/etc/x")].iter().chain(*attributes).copied().collect();
            assert_eq!(checked(&DECL, &attributes).join("; "), *expected, "{name}");
        }
    }

    #[test]
    fn links_are_made_moved_and_removed() {
        type Case<'a> = (&'a str, &'a str, Attributes<'a>, Result<&'a [&'a str], &'a str>);
        let cases: &[Case<'_>] = &[
            ("made", "/d/new", &[("to", "../x")], Ok(&["symlink /d/new -> ../x"])),
            ("there", "/d/link", &[("to", "file")], Ok(&[])),
            ("moved", "/d/link", &[("to", "other")], Ok(&["symlink /d/link -> other"])),
            ("a file in the way", "/d/file", &[("to", "x")], Err("expected a link at `/d/file`, found a file")),
            ("a file replaced", "/d/file", &[("to", "x"), ("force", "true")], Ok(&["symlink /d/file -> x"])),
            ("owner", "/d/link", &[("to", "file"), ("owner", "alice")], Ok(&["chown /d/link uid 1000"])),
            ("made with owner", "/d/new", &[("to", "x"), ("group", "adm")], Ok(&["symlink /d/new -> x"])),
            (
                "no such owner",
                "/d/new",
                &[("to", "x"), ("owner", "bob")],
                Err("user `bob` does not exist: neither `/etc/passwd` nor the system has it"),
            ),
            ("hard", "/d/new", &[("to", "/d/file"), ("link_type", "hard")], Ok(&["hardlink /d/new -> /d/file"])),
            (
                "hard with owner",
                "/d/new",
                &[("to", "/d/file"), ("link_type", "hard"), ("owner", "alice")],
                Ok(&["hardlink /d/new -> /d/file", "chown /d/new uid 1000"]),
            ),
            (
                "a directory with content",
                "/d",
                &[("to", "/x"), ("force", "true")],
                Err("expected a link at `/d`, found a directory with content"),
            ),
            (
                "hard over a link",
                "/d/link",
                &[("to", "/d/file"), ("link_type", "hard")],
                Err("expected a link at `/d/link`, found link to file"),
            ),
            (
                "hard, replacing",
                "/d/link",
                &[("to", "/d/file"), ("link_type", "hard"), ("force", "true")],
                Ok(&["hardlink /d/link -> /d/file"]),
            ),
            (
                "hard to nothing",
                "/d/new",
                &[("to", "/d/none"), ("link_type", "hard")],
                Err("expected a file at `/d/none` to link to, found nothing"),
            ),
            (
                "hard to a directory",
                "/d/new",
                &[("to", "/etc"), ("link_type", "hard")],
                Err("expected a file at `/etc` to link to, found a directory"),
            ),
            ("removed", "/d/link", &[("state", "absent")], Ok(&["remove /d/link"])),
            ("not there", "/d/new", &[("state", "absent")], Ok(&[])),
            ("no link", "/d/file", &[("state", "absent")], Err("expected a link at `/d/file`, found a file")),
            (
                "hard link removed",
                "/d/hard",
                &[("state", "absent"), ("to", "/d/file"), ("link_type", "hard")],
                Ok(&["remove /d/hard"]),
            ),
            (
                "another file",
                "/etc/passwd",
                &[("state", "absent"), ("to", "/d/file"), ("link_type", "hard")],
                Err("expected a hard link to `/d/file` at `/etc/passwd`, found a file"),
            ),
        ];
        for (name, path, attributes, expected) in cases {
            let mut disk = Disk::new();
            disk.file("/d/file", "");
            disk.link("/d/link", "file");
            disk.run(&DECL, &[("target_path", "/d/hard"), ("to", "/d/file"), ("link_type", "hard")]);
            let attributes: Vec<_> = [("target_path", *path)].iter().chain(*attributes).copied().collect();
            let run = disk.run(&DECL, &attributes);
            match expected {
                Ok(ops) => {
                    assert_eq!((run.failure, run.ops), (None, ops.iter().map(|o| (*o).into()).collect()), "{name}")
                }
                Err(message) => assert_eq!(run.failure.as_deref(), Some(*message), "{name}"),
            }
            assert!(disk.node("/d/file").is_some(), "{name}");
        }
    }
}
