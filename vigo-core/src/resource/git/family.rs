//! What is wanted of a work tree, what there is, and what follows.

use crate::action::{AbsPath, Owner};
use crate::host::{Comparison, Family, Phase, Problem};
use crate::resource::Change;
use crate::time::Duration;
use crate::value::Text;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// The family.
pub struct Git;

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Want {
    /// Where the tree is.
    pub path: AbsPath,
    /// Whether it is there.
    pub present: bool,
    /// What it is cloned from.
    pub repo: Arc<str>,
    /// What it is at.
    pub revision: Revision,
    /// How much history is fetched.
    pub depth: Option<u32>,
    /// Whether submodules are checked out.
    pub submodules: bool,
    /// Whether local changes are discarded.
    pub force: bool,
    /// Who runs git; `None` is the agent's own account.
    pub user: Option<Arc<str>>,
    /// A private key for ssh.
    pub ssh_key: Option<Text>,
    /// Host keys for ssh.
    pub known_hosts: Option<Text>,
}

/// What a tree is at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Revision {
    /// What the remote has as its HEAD.
    Default,
    /// The newest commit of a branch.
    Branch(Arc<str>),
    /// The commit of a tag.
    Tag(Arc<str>),
    /// A commit, by the beginning of its id.
    Commit(Arc<str>),
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("HEAD of the remote"),
            Self::Branch(name) => write!(f, "branch {name}"),
            Self::Tag(name) => write!(f, "tag {name}"),
            Self::Commit(id) => write!(f, "commit {id}"),
        }
    }
}

/// What is there.
#[derive(Clone, Debug)]
pub struct State {
    /// What is at the path.
    pub at_path: AtPath,
    /// The owner of a new tree, as numbers.
    pub owner: Result<Owner, String>,
}

/// What is at the path.
#[derive(Clone, Debug)]
pub enum AtPath {
    /// Nothing, or an empty directory; and why the remote would not give a tree, as far as it was asked.
    Free(Option<Problem>),
    /// A work tree.
    Tree(Box<Tree>),
    /// Something else, in words.
    Other(&'static str),
}

/// A work tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tree {
    /// The URL of `origin`.
    pub origin: Option<String>,
    /// The commit that is checked out; `None` is none yet.
    pub head: Option<String>,
    /// The branch that is checked out; `None` is none.
    pub branch: Option<String>,
    /// Tracked files that differ from HEAD.
    pub dirty: Vec<String>,
    /// Submodules that are not what HEAD says.
    pub submodules: Vec<String>,
    /// Whether a wanted commit is in the local repository.
    pub has_commit: bool,
    /// What the remote says.
    pub remote: Remote,
}

/// What the remote says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Remote {
    /// It was not asked: what is wanted is known without it.
    Unasked,
    /// The wanted revision is this commit.
    At {
        /// Its id.
        commit: String,
        /// The branch that it is the newest of.
        branch: Option<String>,
    },
    /// It cannot be reached, or does not have the revision.
    Refused(Problem),
}

impl Tree {
    /// Returns the commit that is wanted, as far as it is known.
    pub(super) fn goal<'a>(&'a self, want: &'a Want) -> Option<&'a str> {
        match (&want.revision, &self.remote) {
            (Revision::Commit(id), _) => Some(id),
            (_, Remote::At { commit, .. }) => Some(commit),
            _ => None,
        }
    }

    /// Returns whether HEAD is what is wanted.
    pub(super) fn is_there(&self, want: &Want) -> bool {
        let head = self.head.as_deref();
        match &want.revision {
            Revision::Commit(id) => head.is_some_and(|h| h.starts_with(&**id)),
            _ => head.is_some() && head == self.goal(want),
        }
    }
}

/// What is done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Makes the tree.
    Clone,
    /// Points `origin` elsewhere.
    SetOrigin,
    /// Discards local changes.
    Discard,
    /// Fetches what is missing.
    Fetch,
    /// Checks out what is wanted.
    CheckOut,
    /// Checks out submodules.
    Submodules,
    /// Removes the tree.
    RemoveTree,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clone => "clone",
            Self::SetOrigin => "set origin",
            Self::Discard => "discard local changes",
            Self::Fetch => "fetch",
            Self::CheckOut => "check out",
            Self::Submodules => "check out submodules",
            Self::RemoveTree => "remove tree",
        })
    }
}

impl Family for Git {
    const TYPE: &'static str = "git";
    const UNPREDICTABLE: bool = true;
    const TIMEOUT: Duration = Duration::from_secs(600);
    type Want = Want;
    type State = State;
    type Action = Action;

    fn compare(want: &Want, state: &State, phase: Phase) -> Comparison<Action> {
        let mut c = Comparison::in_sync();
        let tree = match &state.at_path {
            AtPath::Other(what) => {
                let message = format!("expected a git work tree at `{}`, found {what}", want.path);
                return Comparison::fail(Problem::failed(message));
            }
            AtPath::Free(refused) if want.present => {
                if let Err(why) = &state.owner {
                    return Comparison::fail(Problem::failed(why.clone()));
                }
                if let Some(problem) = refused {
                    return Comparison::fail(problem.clone());
                }
                c.change(Change::new("tree", "absent", want.revision.to_string()));
                c.act(Action::Clone);
                return c;
            }
            AtPath::Free(_) => return c,
            AtPath::Tree(_) if !want.present => {
                c.change(Change::new("tree", "present", "absent"));
                c.act(Action::RemoveTree);
                return c;
            }
            AtPath::Tree(tree) => tree,
        };
        if let Remote::Refused(problem) = &tree.remote {
            return Comparison::fail(problem.clone());
        }
        if !tree.dirty.is_empty() {
            let files = some_of(&tree.dirty);
            if !want.force {
                let message = format!("`{}` has local changes: {files}", want.path);
                return Comparison::fail(
                    Problem::failed(message).help("commit or revert them, or write `force: true` to discard them"),
                );
            }
            c.change(Change::new("local changes", files, "none"));
            c.act(Action::Discard);
        }
        if tree.origin.as_deref() != Some(&*want.repo) {
            c.change(Change::new("origin", tree.origin.as_deref().unwrap_or("absent"), &*want.repo));
            c.act(Action::SetOrigin);
        }
        if !tree.is_there(want) {
            let goal = tree.goal(want).unwrap_or("");
            let head = tree.head.as_deref().unwrap_or("absent");
            if phase == Phase::After {
                let mut problem = Problem::failed(format!(
                    "expected `{}` at commit {goal}, found {head} after the checkout",
                    want.path
                ));
                if !want.force {
                    problem =
                        problem.help("the local branch has commits of its own: write `force: true` to discard them");
                }
                return Comparison::fail(problem);
            }
            c.change(Change::new("head", head, goal));
            if !tree.has_commit {
                c.act(Action::Fetch);
            }
            c.act(Action::CheckOut);
        }
        if want.submodules && (!tree.submodules.is_empty() || c.actions.contains(&Action::CheckOut)) {
            if !tree.submodules.is_empty() {
                c.change(Change::new("submodules", some_of(&tree.submodules), "checked out"));
            }
            c.act(Action::Submodules);
        }
        c
    }

    fn predict(want: &Want, state: &State) -> Option<State> {
        let at_path = match &state.at_path {
            _ if !want.present => AtPath::Free(None),
            AtPath::Tree(tree) => AtPath::Tree(Box::new(Tree {
                origin: Some(want.repo.to_string()),
                head: tree.goal(want).map(Into::into),
                dirty: Vec::new(),
                submodules: Vec::new(),
                ..(**tree).clone()
            })),
            _ => return None,
        };
        Some(State { at_path, owner: state.owner.clone() })
    }
}

fn some_of(items: &[String]) -> String {
    const SHOWN: usize = 10;
    let mut text = items.iter().take(SHOWN).map(|i| format!("`{i}`")).collect::<Vec<_>>().join(", ");
    if items.len() > SHOWN {
        text.push_str(&format!(" and {} more", items.len() - SHOWN));
    }
    text
}
