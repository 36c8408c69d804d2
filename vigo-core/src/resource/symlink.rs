//! `symlink`: a soft or hard link.

use super::{Attr, Change, Fields, Footprint, Instance, Kind, Managed, Need, Prepare, Refresh, TypeDecl};
use crate::action::{AbsPath, FileKind, Metadata, Op, OpOutput, Outputs, Owner};
use crate::host::{Adapter, Comparison, Family, HostFacts, Interpreted, Phase, Problem};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
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
    identity: |fields| fields.path("target_path").map(|p| p.to_string()),
    footprint,
    check: |fields| match (fields.choice("link_type"), fields.str("to")) {
        (Some("hard"), Some(to)) if AbsPath::parse(&to).is_err() => {
            alloc::vec![Problem::bad_value("to", format!("expected an absolute path for a hard link, found `{to}`"))]
        }
        _ => Vec::new(),
    },
    prepare,
};

fn footprint(fields: &Fields) -> Footprint {
    let mut f = Footprint { paths: fields.path("target_path").into_iter().collect(), ..Footprint::default() };
    f.needs.extend(fields.str("owner").map(Need::User));
    f.needs.extend(fields.str("group").map(Need::Group));
    f
}

fn prepare(fields: &Fields, _: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let path = fields.path("target_path").ok_or_else(|| Problem::bad_value("target_path", "expected a path"))?;
    let want = Want {
        path,
        present: fields.state() == "present",
        to: fields.str("to"),
        hard: fields.choice("link_type") == Some("hard"),
        force: fields.flag("force"),
        owner: fields.str("owner"),
        group: fields.str("group"),
    };
    Ok(Managed::<Symlink>::boxed(want, &Native))
}

/// The family.
pub struct Symlink;

/// What is wanted of a link.
#[derive(Clone, Debug)]
pub struct Want {
    /// Where the link is.
    pub path: AbsPath,
    /// Whether it is there.
    pub present: bool,
    /// What it points to.
    pub to: Option<Arc<str>>,
    /// Whether it is a hard link.
    pub hard: bool,
    /// Whether something else at the path is replaced.
    pub force: bool,
    /// Owner by name or number.
    pub owner: Option<Arc<str>>,
    /// Group by name or number.
    pub group: Option<Arc<str>>,
}

/// What is there.
#[derive(Clone, Debug)]
pub struct State {
    /// What is at the path; `None` is nothing.
    pub at_path: Option<Metadata>,
    /// What a hard link is to point to.
    pub at_target: Option<Metadata>,
    /// The wanted owner, as numbers.
    pub owner: Result<Owner, String>,
}

/// What is done.
#[derive(Clone, Debug)]
pub enum Action {
    /// Makes the link.
    MakeLink,
    /// Removes it.
    RemoveLink,
    /// Sets its owner.
    SetOwner(Owner),
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MakeLink => "make link",
            Self::RemoveLink => "remove link",
            Self::SetOwner(_) => "set owner",
        })
    }
}

impl Family for Symlink {
    const TYPE: &'static str = "symlink";
    type Want = Want;
    type State = State;
    type Action = Action;

    fn compare(want: &Want, state: &State, _: Phase) -> Comparison<Action> {
        let mut c = Comparison::in_sync();
        let to = want.to.as_deref().unwrap_or("");
        let same_inode = |m: &Metadata| state.at_target.as_ref().is_some_and(|t| (t.dev, t.ino) == (m.dev, m.ino));
        if !want.present {
            match &state.at_path {
                None => {}
                Some(m) if m.kind == FileKind::Symlink && !want.hard => {
                    c.change(Change::new("target", shown(m), "absent"));
                    c.act(Action::RemoveLink);
                }
                Some(m) if want.hard && same_inode(m) => {
                    c.change(Change::new("link", "hard link", "absent"));
                    c.act(Action::RemoveLink);
                }
                Some(m) => {
                    c.failure = Some(Problem::failed(format!("expected a link at `{}`, found {}", want.path, shown(m))))
                }
            }
            return c;
        }
        let owner = match &state.owner {
            Ok(owner) => *owner,
            Err(why) => return Comparison::fail(Problem::failed(why.clone())),
        };
        let right = match &state.at_path {
            Some(m) if want.hard => same_inode(m),
            Some(m) => m.kind == FileKind::Symlink && m.target.as_deref() == Some(to),
            None => false,
        };
        if right {
            if let Some(m) = &state.at_path
                && (owner.uid.is_some_and(|uid| uid != m.uid) || owner.gid.is_some_and(|gid| gid != m.gid))
            {
                let after = format!("{}:{}", owner.uid.unwrap_or(m.uid), owner.gid.unwrap_or(m.gid));
                c.change(Change::new("owner", format!("{}:{}", m.uid, m.gid), after));
                c.act(Action::SetOwner(owner));
            }
            return c;
        }
        if want.hard && state.at_target.is_none() {
            return Comparison::fail(Problem::failed(format!("expected a file at `{to}` to link to, found nothing")));
        }
        match &state.at_path {
            Some(m) if !want.force && (want.hard || m.kind != FileKind::Symlink) => {
                let problem = Problem::failed(format!("expected a link at `{}`, found {}", want.path, shown(m)));
                return Comparison::fail(problem.help("write `force: true` to replace it"));
            }
            at_path => c.change(Change::new("target", at_path.as_ref().map_or("absent".into(), shown), to)),
        }
        c.act(Action::MakeLink);
        c
    }

    fn predict(_: &Want, _: &State) -> Option<State> {
        None
    }
}

fn shown(m: &Metadata) -> String {
    match (m.kind, &m.target) {
        (FileKind::Symlink, Some(to)) => to.to_string(),
        (FileKind::Symlink, None) => "a link".into(),
        (FileKind::File, _) => "a file".into(),
        (FileKind::Dir, _) => "a directory".into(),
        (FileKind::Other, _) => "a special file".into(),
    }
}

/// Links by file operations, the same on every unix.
pub struct Native;

impl Adapter<Symlink> for Native {
    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        let mut ops = alloc::vec![Op::stat(&want.path)];
        if want.hard
            && let Some(to) = target(want)
        {
            ops.push(Op::stat(&to));
        }
        if want.owner.is_some() || want.group.is_some() {
            ops.extend(super::accounts::probe());
        }
        ops
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        let at_path = match metadata(outputs, &want.path) {
            Ok(m) => m,
            Err(why) => return Interpreted::Unknown(why),
        };
        let at_target = match target(want).filter(|_| want.hard).map(|to| metadata(outputs, &to)) {
            Some(Err(why)) => return Interpreted::Unknown(why),
            Some(Ok(m)) => m,
            None => None,
        };
        let owner = match super::accounts::owner(outputs, want.owner.as_deref(), want.group.as_deref()) {
            Ok(owner) => owner,
            Err(why) => return Interpreted::Unknown(why),
        };
        Interpreted::Known(State { at_path, at_target, owner })
    }

    fn lower(&self, want: &Want, _: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let path = want.path.clone();
        let op = |action: &Action| match action {
            Action::RemoveLink => Ok(Op::Remove { path: path.clone(), recursive: false }),
            Action::SetOwner(owner) => Ok(Op::SetOwner { path: path.clone(), owner: *owner, follow: false }),
            Action::MakeLink if want.hard => match target(want) {
                Some(to) => Ok(Op::HardLink { path: path.clone(), to, force: want.force }),
                None => Err(Problem::bad_value("to", "expected an absolute path")),
            },
            Action::MakeLink => Ok(Op::Symlink {
                path: path.clone(),
                to: want.to.clone().unwrap_or_default(),
                owner: Owner::default(),
                force: want.force,
            }),
        };
        actions.iter().map(op).collect()
    }
}

fn target(want: &Want) -> Option<AbsPath> {
    AbsPath::parse(want.to.as_deref()?).ok()
}

fn metadata(outputs: &Outputs, path: &AbsPath) -> Result<Option<Metadata>, String> {
    match outputs.path(path) {
        Some(OpOutput::Stat(m)) => Ok(Some(m.clone())),
        Some(OpOutput::Missing) => Ok(None),
        Some(OpOutput::Failed(failure)) => Err(failure.message.clone()),
        other => Err(format!("expected metadata of `{path}`, found {other:?}")),
    }
}
