//! What the server knows when it folds a condition.

use crate::value::Value;
use crate::when::{Expr, ServerFacts};
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use hashbrown::HashMap;

/// What is the same for every crate of a class.
pub(super) struct ClassFacts<'c> {
    pub environment: Option<&'c str>,
    pub roles: BTreeSet<&'c str>,
    /// The folded conditions of the crates, by name.
    pub conditions: HashMap<Arc<str>, Expr>,
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

    fn var(&self, path: &str) -> Option<Value> {
        self.vars.at(path).cloned()
    }
}
