//! Definitions and uses.

use super::walk;
use crate::config::Config;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What is defined and used in a tree.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// In the order of the files of each kind: crates, roles, layers, match blocks, templates.
    pub facts: Vec<Fact>,
}

/// That something is defined, or used.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Fact {
    /// What it is.
    pub kind: FactKind,
    /// Its name: `nginx`, `nginx/nginx-config`, `templates/site.conf`.
    pub name: Arc<str>,
    /// Whether it is defined here; else it is used.
    pub is_definition: bool,
    /// What defines or uses it: `crate nginx`, `role webserver`, `block web-*`, `nginx/nginx-config` …
    pub by: Arc<str>,
    /// More about it: the value of a variable, the type of a resource, the key in which it is used.
    pub detail: String,
    /// The file.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
}

/// What a [`Fact`] is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum FactKind {
    /// A configcrate or usercrate.
    Configcrate,
    /// A role.
    Role,
    /// A resource as written.
    Resource,
    /// A variable.
    Variable,
    /// An environment.
    Environment,
    /// A template file.
    Template,
}

impl FactKind {
    /// Returns the word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Configcrate => "configcrate",
            Self::Role => "role",
            Self::Resource => "resource",
            Self::Variable => "variable",
            Self::Environment => "environment",
            Self::Template => "template",
        }
    }
}

impl Survey {
    /// Walks a tree.
    pub fn of(config: &Config<'_>) -> Self {
        walk::walk(config)
    }

    /// Returns the facts about one thing.
    pub fn about<'s>(&'s self, kind: FactKind, name: &'s str) -> impl Iterator<Item = &'s Fact> {
        self.facts.iter().filter(move |fact| fact.kind == kind && *fact.name == *name)
    }

    /// Returns the names of all that is defined of a kind, in their order; one that is defined twice comes twice.
    pub fn defined(&self, kind: FactKind) -> impl Iterator<Item = &str> {
        self.facts.iter().filter(move |fact| fact.kind == kind && fact.is_definition).map(|fact| &*fact.name)
    }
}
