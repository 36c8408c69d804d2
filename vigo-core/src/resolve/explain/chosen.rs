//! What one word stands for, of all that a host has.

use super::host::Explained;
use crate::bundle::BundleResource;
use crate::resolve::{CrateTrace, ExcludedTrace, VarTrace};
use alloc::vec::Vec;

/// What a word names for a host: a name may be that of a crate and of a variable.
#[derive(Debug)]
pub struct Chosen<'e> {
    /// Crates of that name.
    pub crates: Vec<&'e CrateTrace>,
    /// Crates of that name that are out.
    pub excluded: Vec<&'e ExcludedTrace>,
    /// Variables of that name.
    pub variables: Vec<&'e VarTrace>,
    /// Resources called so, with their crate or without; a name without label means all stamps.
    pub resources: Vec<&'e BundleResource>,
}

impl Explained {
    /// Returns what `word` names: resources by `crate/name` or their name alone, crates, variables.
    pub fn choose(&self, word: &str) -> Chosen<'_> {
        let trace = &self.resolved.trace;
        let is_own = |r: &BundleResource| name_of(r).is_some_and(|name| name == word || bare(name) == word);
        let is_named = |r: &&BundleResource| if word.contains('/') { r.is_named(word) } else { is_own(r) };
        Chosen {
            crates: trace.crates.iter().filter(|c| *c.name == *word).collect(),
            excluded: trace.excluded.iter().filter(|c| *c.name == *word).collect(),
            variables: trace.variables.iter().filter(|v| *v.name == *word).collect(),
            resources: self.resolved.bundle.resources.iter().filter(is_named).collect(),
        }
    }

    /// Returns every name that [`Explained::choose`] finds something for.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let trace = &self.resolved.trace;
        let named = trace.crates.iter().map(|c| &*c.name).chain(trace.variables.iter().map(|v| &*v.name));
        named.chain(self.resolved.bundle.resources.iter().flat_map(|r| [Some(&*r.id), name_of(r)]).flatten())
    }
}

impl Chosen<'_> {
    /// Returns whether the word names nothing.
    pub fn is_empty(&self) -> bool {
        self.crates.is_empty() && self.excluded.is_empty() && self.variables.is_empty() && self.resources.is_empty()
    }
}

/// Returns a resource's name in its crate.
fn name_of(resource: &BundleResource) -> Option<&str> {
    resource.id.split_once('/').map(|(_, name)| name)
}

/// Returns a name without the label of a stamp.
fn bare(name: &str) -> &str {
    name.split('[').next().unwrap_or(name)
}
