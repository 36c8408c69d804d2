//! The one declaration of a resource type.

use super::{Fields, Instance, Kind};
use crate::action::AbsPath;
use crate::bundle::Blob;
use crate::entropy::Entropy;
use crate::host::{Host, HostFacts, Problem};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A resource type: what it is called, what it takes, how it is made.
#[derive(Debug)]
pub struct TypeDecl {
    /// The plain name.
    pub name: &'static str,
    /// Other accepted spellings.
    pub aliases: &'static [&'static str],
    /// One sentence for the reference.
    pub summary: &'static str,
    /// The states, the default first; empty for a type without `state`.
    pub states: &'static [&'static str],
    /// The attributes, in the order of the reference.
    pub attributes: &'static [Attr],
    /// What a trigger does to it.
    pub refresh: Refresh,
    /// Whether instances can be observed together: they are made at the start of the run, not at their turn, and their
    /// long texts are rendered then.
    pub batch: bool,
    /// Returns what the resource is about, unique within the type; `None` while the attribute is not rendered. A
    /// resource about several things has an identity for each, one a line.
    pub identity: fn(&Fields) -> Option<Arc<str>>,
    /// Returns what the resource manages and needs, for implied edges and guards.
    pub footprint: fn(&Fields) -> Footprint,
    /// Checks what no single attribute shows: exclusions, requirements of a state. Fields may be pending.
    pub check: fn(&Fields) -> Vec<Problem>,
    /// Makes the instance. All fields are known and checked.
    pub prepare: PrepareFn,
}

/// Makes an instance of known and checked fields.
pub type PrepareFn = fn(&Fields, &Prepare<'_>) -> Result<Box<dyn Instance>, Problem>;

/// An attribute of a type.
#[derive(Debug)]
pub struct Attr {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// States in which it must be written; `*` is every state.
    pub required: &'static [&'static str],
    /// States in which it has a meaning; empty is every state.
    pub states: &'static [&'static str],
    /// What an absent one means, as it would be written.
    pub default: Option<&'static str>,
    /// Other spellings, also those of other tools.
    pub aliases: &'static [&'static str],
    /// Whether its text is part of a name, path or identity, in which no secret may stand.
    pub no_secret: bool,
    /// One sentence for the reference.
    pub doc: &'static str,
}

impl Attr {
    /// Returns an optional attribute without a default.
    pub const fn new(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        let no_secret = matches!(kind, Kind::Path | Kind::Name);
        Self { name, kind, required: &[], states: &[], default: None, aliases: &[], no_secret, doc }
    }

    /// Makes it required in all states.
    #[must_use]
    pub const fn required(self) -> Self {
        Self { required: &["*"], ..self }
    }

    /// Makes it required in `states`.
    #[must_use]
    pub const fn required_in(self, states: &'static [&'static str]) -> Self {
        Self { required: states, ..self }
    }

    /// Gives it a meaning in `states` only.
    #[must_use]
    pub const fn only_in(self, states: &'static [&'static str]) -> Self {
        Self { states, ..self }
    }

    /// Says what an absent one means.
    #[must_use]
    pub const fn default(self, text: &'static str) -> Self {
        Self { default: Some(text), ..self }
    }

    /// Accepts other spellings.
    #[must_use]
    pub const fn aliases(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    /// Refuses secrets in it.
    #[must_use]
    pub const fn no_secret(self) -> Self {
        Self { no_secret: true, ..self }
    }

    /// Returns whether it has a meaning in this state.
    pub fn takes_in(&self, state: &str) -> bool {
        self.states.is_empty() || self.states.contains(&state)
    }
}

/// What a trigger does to a resource.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refresh {
    /// Nothing: a `notify` to it is a warning, unless it is a handler.
    Nothing,
    /// The type's own action, after its normal turn.
    Acts,
}

/// What a resource manages and needs.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Footprint {
    /// Paths that it makes or changes.
    pub paths: Vec<AbsPath>,
    /// Paths that it removes, moves, mounts over, or changes with all below: the guard looks at parents of Vigo's, too.
    pub trees: Vec<AbsPath>,
    /// Shell text or command lines that it runs.
    pub commands: Vec<Arc<str>>,
    /// What it brings about.
    pub makes: Vec<Need>,
    /// What must come first when the same policy makes it.
    pub needs: Vec<Need>,
}

/// Something that one resource makes and another needs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Need {
    /// A directory: whatever manages a path below it comes after.
    Dir(AbsPath),
    /// A mount: whatever manages a path below it comes after.
    Mount(AbsPath),
    /// A user.
    User(Arc<str>),
    /// A group.
    Group(Arc<str>),
    /// Some package source: all packages come after all repositories.
    Repositories,
}

/// What a type needs to make an instance.
pub struct Prepare<'a> {
    /// The host whose adapters are asked.
    pub host: &'a dyn Host,
    /// The machine.
    pub facts: &'a HostFacts,
    /// The shipped files of the policy.
    pub blobs: &'a [Blob],
    /// Renders the shipped file of this path for this resource; secrets in its text are filled in.
    pub render: &'a dyn Fn(&str) -> Result<crate::value::Text, Problem>,
    /// Hands out fresh randomness, a piece a call, for a salt; `None` when there is no more.
    pub entropy: &'a dyn Fn() -> Option<Entropy>,
}

impl TypeDecl {
    /// Returns the attribute of this name, by its own name only.
    pub fn attribute(&self, name: &str) -> Option<&'static Attr> {
        self.attributes.iter().find(|a| a.name == name)
    }

    /// Returns the one system for which `alias` is a name of the type: `user_windows` is `user` on Windows, and nothing
    /// anywhere else.
    pub fn system_of(&self, alias: &str) -> Option<&'static str> {
        (alias.strip_suffix("_windows") == Some(self.name)).then_some("windows")
    }

    /// Returns whether the attribute has a meaning in this state.
    pub fn takes_in(&self, name: &str, state: &str) -> bool {
        self.attribute(name).is_none_or(|a| a.takes_in(state))
    }

    /// Returns whether the attribute is rendered only at the resource's turn.
    pub fn is_long(&self, name: &str) -> bool {
        self.attribute(name).is_some_and(|a| a.kind == Kind::LongText)
    }
}
