//! What the server knows when it folds a condition.

use crate::glob::Glob;
use crate::value::Value;
use crate::when::{Expr, ServerFacts};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use core::cell::RefCell;
use hashbrown::HashMap;

/// The host, as far as it matters.
#[derive(Clone, Copy)]
pub(super) enum Host<'c> {
    /// This one.
    Named(&'c str),
    /// None in particular: every `hostname_match` has this answer.
    Any(bool),
}

/// What is the same for every crate of a class.
pub(super) struct ClassFacts<'c> {
    pub host: Host<'c>,
    pub environment: Option<&'c str>,
    pub roles: BTreeSet<&'c str>,
    /// The folded conditions of the crates, by name.
    pub conditions: HashMap<Arc<str>, Expr>,
    /// The globs that were asked.
    pub asked: RefCell<BTreeMap<String, bool>>,
}

/// What one crate sees.
pub(super) struct CrateFacts<'f, 'c> {
    pub class: &'f ClassFacts<'c>,
    pub vars: &'f Value,
}

impl ServerFacts for CrateFacts<'_, '_> {
    fn environment(&self) -> Option<&str> {
        self.class.environment
    }

    fn has_role(&self, name: &str) -> bool {
        self.class.roles.contains(name)
    }

    fn configcrate(&self, name: &str) -> Expr {
        self.class.conditions.get(name).cloned().unwrap_or(Expr::False)
    }

    fn hostname_match(&self, glob: &Glob) -> bool {
        let answer = match self.class.host {
            Host::Named(name) => glob.matches(name),
            Host::Any(answer) => answer,
        };
        self.class.asked.borrow_mut().insert(glob.as_str().into(), answer);
        answer
    }

    fn var(&self, path: &str) -> Option<Value> {
        self.vars.at(path).cloned()
    }
}
