//! The resolved policy of one class: resources in plan order, their edges, and the data that templates need.

use crate::time::Duration;
use crate::value::Value;
use crate::when::Expr;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Where something was written: an index into [`PolicyBundle::files`], a line and a column, both from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Place {
    /// Index into [`PolicyBundle::files`].
    pub file: u32,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// The policy of one class of envoys.
///
/// # Invariants
/// Indices (`krate`, `scope`, edges, places) are in range; the order of `resources` is the tie-break of the plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PolicyBundle {
    /// Paths of the files that places name, relative to the tree.
    pub files: Vec<Arc<str>>,
    /// The crates of the class, in order.
    pub crates: Vec<BundleCrate>,
    /// What `.Vars` is: one map a scope. Crates that see the same variables share one.
    pub scopes: Vec<Value>,
    /// The resources, in the order that breaks ties.
    pub resources: Vec<BundleResource>,
    /// Explicit edges and trigger edges.
    pub edges: Vec<Edge>,
    /// Shipped template files, by path (`templates/…`).
    pub blobs: Vec<Blob>,
    /// Paths of the secrets that this policy refers to, sorted.
    pub secret_refs: Vec<Arc<str>>,
}

/// A configcrate as the host includes it (a stamp of it, where it has a `foreach`).
#[derive(Clone, Debug, PartialEq)]
pub struct BundleCrate {
    /// `nginx`, `nginx[label]`, `user:dan`.
    pub name: Arc<str>,
    /// What is left of the crate's gate and of the arm it came by; `None` is true.
    pub gate: Option<Expr>,
    /// Index into [`PolicyBundle::scopes`].
    pub scope: u32,
    /// `.User`, for a usercrate.
    pub user: Option<Arc<str>>,
}

/// A resource as the agent gets it: attributes unrendered, `when:` folded by what the server knows.
#[derive(Clone, Debug, PartialEq)]
pub struct BundleResource {
    /// `crate/name`, unique.
    pub id: Arc<str>,
    /// Index into [`PolicyBundle::crates`].
    pub krate: u32,
    /// The type's plain name (aliases resolved, but for one that is a name on another system alone: `user_windows`).
    pub type_name: Arc<str>,
    /// The attributes as written, defaults merged in; `state` among them.
    pub attributes: Vec<Attribute>,
    /// `case:` arms, the first true one is laid over.
    pub arms: Vec<Arm>,
    /// `case:` with `match:`.
    pub selector: Option<Box<Selector>>,
    /// What is left of `when:`, without `changed`; `None` is true.
    pub when: Option<Expr>,
    /// Runs only when triggered.
    pub handler: bool,
    /// `.Item`, `.Index`, `.Outer`.
    pub stamp: Option<Box<Stamp>>,
    /// How often a failed or blocked attempt is repeated.
    pub retries: u32,
    /// Time between attempts.
    pub retry_delay: Duration,
    /// Bound on one attempt's operations; `None` is the type's own.
    pub timeout: Option<Duration>,
    /// `revert: true`.
    pub revert: bool,
    /// `on_revert: <command>`.
    pub on_revert: Option<Box<Attribute>>,
    /// Where the resource begins.
    pub place: Place,
}

impl BundleResource {
    /// Returns whether `word` names it: `crate/name` or a crate, each also without the `[label]` of a stamp.
    pub fn is_named(&self, word: &str) -> bool {
        let bare = |text: &str| text.split('[').next().unwrap_or("").len();
        let (krate, name) = self.id.split_once('/').unwrap_or((&self.id, ""));
        match word.split_once('/') {
            None => word == krate || word == &krate[..bare(krate)],
            Some((k, n)) => (k == krate || k == &krate[..bare(krate)]) && (n == name || n == &name[..bare(name)]),
        }
    }

    /// Returns whether `other` asks for the same, wherever and in whatever order it is written; the attribute `but` is
    /// passed over.
    pub fn attributes_equal(&self, other: &Self, but: Option<&str>) -> bool {
        self.arms.is_empty()
            && other.arms.is_empty()
            && self.selector.is_none()
            && other.selector.is_none()
            && self.attributes.len() == other.attributes.len()
            && self
                .attributes
                .iter()
                .filter(|a| Some(&*a.name) != but)
                .all(|a| other.attributes.iter().any(|b| a.name == b.name && a.value.same_text(&b.value)))
    }
}

impl Raw {
    /// Returns whether `other` has the same text, wherever it stands.
    fn same_text(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Scalar(a), Self::Scalar(b)) => a.text == b.text && a.templated == b.templated,
            (Self::List(a), Self::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same_text(b)),
            (Self::Map(a), Self::Map(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|((j, a), (k, b))| j == k && a.same_text(b))
            }
            _ => false,
        }
    }
}

/// The data of a `foreach`.
#[derive(Clone, Debug, PartialEq)]
pub struct Stamp {
    /// `.Item` and `.Each`.
    pub item: Value,
    /// `.Index`, from 0.
    pub index: i64,
    /// `.Outer`: the item of the crate's own `foreach`.
    pub outer: Option<Value>,
}

/// One written attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// Its name, with aliases resolved (`dest` never gets here).
    pub name: Arc<str>,
    /// Its value, as written.
    pub value: Raw,
    /// Where the key stands.
    pub place: Place,
    /// Whether it is a default of the crate, which a state that does not take it leaves out.
    pub is_default: bool,
}

/// A value as written: not typed, not rendered.
#[derive(Clone, Debug, PartialEq)]
pub enum Raw {
    /// A scalar.
    Scalar(Scalar),
    /// A sequence.
    List(Vec<Raw>),
    /// A mapping, in written order; keys are not rendered.
    Map(Vec<(Arc<str>, Raw)>),
}

/// A scalar's text, after YAML took quotes and indent away.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar {
    /// The text. A secret reference stands in it as a marker (`crate::secret`).
    pub text: Arc<str>,
    /// How it was written.
    pub style: Style,
    /// Whether the text holds a template action.
    pub templated: bool,
    /// Where the text begins: for a block scalar the first line's first character.
    pub place: Place,
}

/// How a scalar was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// Bare: a number or boolean where a value of any type stands.
    Plain,
    /// In quotes, or folded (`>`): always text; only its first line stands in the file as it is.
    Quoted,
    /// `|`: always text, and each of its lines is one of the file's, from the same column on.
    Block,
}

/// One arm of a resource's `case:`.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// The condition; `None` is `default`.
    pub when: Option<Expr>,
    /// Attributes laid over the resource's own.
    pub set: Vec<Attribute>,
}

/// A `case:` that selects by a rendered word.
#[derive(Clone, Debug, PartialEq)]
pub struct Selector {
    /// The template that yields the word.
    pub on: Scalar,
    /// The arms.
    pub arms: Vec<SelectorArm>,
}

/// One arm of a [`Selector`].
#[derive(Clone, Debug, PartialEq)]
pub struct SelectorArm {
    /// The word; `None` is `default`.
    pub word: Option<Arc<str>>,
    /// Attributes laid over the resource's own.
    pub set: Vec<Attribute>,
}

/// A shipped file.
#[derive(Clone, Debug, PartialEq)]
pub struct Blob {
    /// Its path in the tree, `templates/…`.
    pub path: Arc<str>,
    /// Its bytes.
    pub content: Arc<[u8]>,
    /// Whether the file has an executable bit.
    pub executable: bool,
}

/// An edge from one resource to another, as indices into [`PolicyBundle::resources`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Edge {
    /// What comes first.
    pub from: u32,
    /// What comes after.
    pub to: u32,
    /// What the edge means.
    pub kind: EdgeKind,
}

/// What an edge means beside order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum EdgeKind {
    /// `to` runs only if `from` succeeded.
    Requires,
    /// `from` triggers `to` when it changed.
    Notifies,
    /// Order alone.
    Order,
}
