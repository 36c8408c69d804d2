//! Types that a machine brings: the scripts of its executors' folders.

use super::Config;
use crate::resource::{self, TypeDecl, custom};
use alloc::sync::Arc;

impl Config<'_> {
    /// Takes the names of scripts that a machine has, as its trait `custom_types` says them: each is a type of its own.
    #[must_use]
    pub fn with_custom_types(mut self, names: impl IntoIterator<Item = Arc<str>>) -> Self {
        self.custom_types.extend(names.into_iter().map(|name| custom::stem(&name).into()));
        self
    }

    /// Returns whether a resource has a type that only a machine's scripts could be, or that is not known yet.
    pub fn has_foreign_types(&self) -> bool {
        let written = self.crates.iter().flat_map(|c| &c.resources).filter_map(|r| r.type_name.text());
        written.into_iter().any(|name| resource::find(name).is_none())
    }

    /// Returns the type of this name: one of ours, or `custom` for a script.
    pub(crate) fn type_of(&self, name: &str) -> Option<&'static TypeDecl> {
        resource::find(name).or_else(|| self.custom_types.contains(name).then_some(&custom::DECL))
    }
}
