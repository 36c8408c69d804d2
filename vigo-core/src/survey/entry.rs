//! A file of a tree, and what it holds.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A file, and what it holds.
#[derive(Clone, Debug)]
pub struct FileEntry {
    /// Its path.
    pub path: Arc<str>,
    /// What it is.
    pub kind: FileKind,
    /// What it holds, in its order.
    pub items: Vec<Item>,
}

/// What a file is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum FileKind {
    /// Match blocks.
    Match,
    /// `common.vgo`.
    Common,
    /// `environments.vgo`.
    Environments,
    /// Roles.
    Roles,
    /// Configcrates and usercrates.
    Configcrates,
    /// `compliance.vgo`, of the library or of hosts.
    Compliance,
    /// A template file.
    Template,
}

impl FileKind {
    /// Returns the word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Match => "match blocks",
            Self::Common => "common",
            Self::Environments => "environments",
            Self::Roles => "roles",
            Self::Configcrates => "configcrates",
            Self::Compliance => "compliance",
            Self::Template => "template",
        }
    }
}

/// Something that a file holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item {
    /// What it is: `configcrate nginx`, `block 1, web-*`.
    pub name: String,
    /// Its line, from 1.
    pub line: u32,
    /// What is to be said of it: a key, and values.
    pub says: Vec<(&'static str, Vec<String>)>,
}

impl Item {
    /// Returns an item with nothing said of it.
    pub(super) fn new(name: String, line: u32) -> Self {
        Self { name, line, says: Vec::new() }
    }

    /// Says something, unless there is nothing to say.
    pub(super) fn say(&mut self, key: &'static str, values: impl IntoIterator<Item = String>) {
        let values: Vec<String> = values.into_iter().collect();
        if !values.is_empty() {
            self.says.push((key, values));
        }
    }
}
