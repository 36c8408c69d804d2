//! Whole trees, checked beside everything else.

use super::session::Event;
use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender};
use vigo_core::diagnostic::{Diagnostic, SourceMap};
use vigo_core::policy_test;
use vigo_core::resolve::Checker;
use vigo_core::source::{Sources, Tree};

/// A tree to check.
pub(super) struct Job {
    /// Which tree.
    pub(super) number: usize,
    pub(super) tree: Tree,
}

/// What is wrong with a tree.
pub(super) struct Checked {
    /// Which tree.
    pub(super) number: usize,
    /// Of its policy, and of its policy tests.
    pub(super) parts: [Part; 2],
}

/// Some diagnostics, and the texts that their places are in.
pub(super) struct Part {
    pub(super) map: SourceMap,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// Checks one tree after the other, until nobody asks any more. Of a tree that was checked before, what depends on nothing
/// that changed is not looked at again.
pub(super) fn work(jobs: &Receiver<Job>, events: &Sender<Event>) {
    let mut checkers: HashMap<usize, Checker> = HashMap::new();
    for Job { number, tree } in jobs {
        let checker = checkers.entry(number).or_default();
        checker.update(&tree);
        let diagnostics = checker.check();
        let parts = [Part { map: checker.map().clone(), diagnostics }, tests(tree)];
        if events.send(Event::Checked(Box::new(Checked { number, parts }))).is_err() {
            return;
        }
    }
}

/// Returns what is wrong with the policy tests as they are written. They are not run.
fn tests(mut tree: Tree) -> Part {
    tree.files.retain(|file| !file.path.ends_with(".vgo") || file.path.ends_with(".test.vgo"));
    let sources = Sources::default().with_tests(&tree);
    let diagnostics = policy_test::read(&sources).1;
    Part { map: sources.map().clone(), diagnostics }
}
