//! A tree that changes under one's hands.

use super::check::through;
use super::memory::{Memory, Work};
use crate::config::Config;
use crate::diagnostic::{Diagnostic, SourceMap};
use crate::source::{Sources, Tree};
use alloc::vec::Vec;
use core::fmt;

/// A tree that is checked again and again: after one file has changed, only that file is parsed, and only what depends on
/// it is looked at.
///
/// Call [`Checker::update`] whenever the tree is another, then [`Checker::check`]. The spans of what it returns are
/// those of [`Checker::map`], until the next update.
#[derive(Default)]
pub struct Checker {
    sources: Sources,
    memory: Memory,
}

impl Checker {
    /// Takes the tree as it is now.
    pub fn update(&mut self, tree: &Tree) {
        let sources = Sources::read_after(tree, &self.sources);
        // Which files there are may make a difference to anything.
        if !sources.map().files().iter().map(|f| &f.path).eq(self.sources.map().files().iter().map(|f| &f.path)) {
            self.memory = Memory::default();
        }
        self.sources = sources;
    }

    /// Returns everything that is wrong or doubtful in the tree, as [`check`](super::check()) does.
    pub fn check(&mut self) -> Vec<Diagnostic> {
        through(&Config::read(&self.sources), &mut self.memory, None)
    }

    /// Returns what the last check looked at: after a change, only what depends on it.
    pub fn work(&self) -> Work {
        self.memory.work()
    }

    /// Returns the tree, parsed.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Returns the texts that spans point into.
    pub fn map(&self) -> &SourceMap {
        self.sources.map()
    }
}

impl fmt::Debug for Checker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checker").field("files", &self.map().files().len()).finish_non_exhaustive()
    }
}
