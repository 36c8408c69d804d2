//! The names of one file, and where they stand.

use crate::value::Value;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

/// The names of one file. It depends on nothing but the file: what a name means is looked up when somebody asks.
#[derive(Debug, Default)]
pub struct Index {
    /// The configcrates, as written.
    pub crates: Vec<CrateEntry>,
    /// What else stands in an outline: roles, match blocks, environments; with what it is and its whole span.
    pub others: Vec<(Arc<str>, &'static str, Range<u32>)>,
    /// The variables that it sets, as written.
    pub vars: Vec<VarEntry>,
    /// Every name, by place.
    pub marks: Vec<Mark>,
}

/// A configcrate.
#[derive(Debug)]
pub struct CrateEntry {
    /// How it is known: `nginx`, or `user:dan`.
    pub name: Arc<str>,
    /// Whether it has a name of its own, and not that of its file.
    pub is_named: bool,
    /// The whole document.
    pub whole: Range<u32>,
    /// The comment that the document begins with.
    pub comment: String,
    /// Its resources, as written.
    pub resources: Vec<ResourceEntry>,
    /// The files below `templates/` that its resources name.
    pub templates: Vec<Arc<str>>,
}

/// A resource.
#[derive(Debug)]
pub struct ResourceEntry {
    /// Its name as written, or `type:identity`.
    pub name: Arc<str>,
    /// Its type as written.
    pub type_name: Arc<str>,
    /// Where its name stands, or its type where it has none.
    pub at: Range<u32>,
    /// All of it.
    pub whole: Range<u32>,
    /// Whether the name is written, as it is.
    pub is_named: bool,
}

/// A variable where it is set.
#[derive(Debug)]
pub struct VarEntry {
    /// Its name.
    pub name: Arc<str>,
    /// Its value, secrets as markers.
    pub value: Value,
    /// What sets it.
    pub layer: Layer,
    /// What sets it, in words.
    pub by: Arc<str>,
    /// The crate that it belongs to, an index of [`Index::crates`].
    pub krate: Option<u32>,
    /// Where its name stands.
    pub at: Range<u32>,
}

/// Layers of variables, the one that wins first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Layer {
    /// `environments.vgo`.
    Environment,
    /// `vars` of a match block.
    Block,
    /// A data file, which some `vars_from` names.
    Data,
    /// `common.vgo`.
    Common,
    /// `environment_overrides` of a crate.
    Override,
    /// `vars` of a crate.
    Crate,
}

/// A name at a place.
#[derive(Debug)]
pub struct Mark {
    /// The bytes of the name alone, or of the whole text that it stands in where it is not written as it is.
    pub at: Range<u32>,
    /// Whether the text there is the name, so that another can be written in its place.
    pub exact: bool,
    /// What is named.
    pub name: Name,
    /// What the name does there.
    pub sort: Sort,
    /// The crate in which it stands, an index of [`Index::crates`].
    pub krate: Option<u32>,
}

/// What a name says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Name {
    /// A configcrate, as it is known: `nginx`, `user:dan`. The place is that of `dan`.
    Crate(Arc<str>),
    /// A role.
    Role(Arc<str>),
    /// An environment.
    Environment(Arc<str>),
    /// A variable.
    Variable(Arc<str>),
    /// A resource of the crate, by its name as written.
    Resource(Arc<str>),
    /// What an edge key of a resource says: a resource of the own crate, a crate, or `crate/name`.
    Reference(Arc<str>),
    /// What an edge key of a crate says: a crate.
    CrateReference(Arc<str>),
    /// A file of the tree.
    File(Arc<str>),
}

/// What a name does where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Sort {
    /// It is defined there.
    Definition,
    /// It is included there, by what these words say.
    Includes(Arc<str>),
    /// It is taken out there.
    Excludes(Arc<str>),
    /// It is used there.
    Use,
}

impl Index {
    /// Returns the crate of an index.
    pub fn krate(&self, index: Option<u32>) -> Option<&CrateEntry> {
        self.crates.get(index? as usize)
    }

    /// Returns the marks around the byte `at`, the narrowest first; a place right behind a name is in it.
    pub fn marks_at(&self, at: u32) -> Vec<&Mark> {
        let mut found: Vec<&Mark> = self.marks.iter().filter(|m| m.at.start <= at && at <= m.at.end).collect();
        found.sort_by_key(|m| (m.at.end - m.at.start, m.sort != Sort::Definition));
        found
    }
}
