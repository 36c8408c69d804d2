//! What an expression names that is checked elsewhere.

use super::expr::{Call, Expr};
use alloc::borrow::Cow;
use alloc::vec::Vec;

/// A name in an expression, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference<'a> {
    /// What it names.
    pub kind: ReferenceKind,
    /// The name.
    pub name: Cow<'a, str>,
    /// The first byte of the argument in the text of the expression.
    pub at: usize,
    /// The argument's length in bytes, with its quotes.
    pub len: usize,
}

/// What a name in an expression names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReferenceKind {
    /// `environment(name)`: must be known.
    Environment,
    /// `has_role(name)`: must be in the tree.
    Role,
    /// `has_configcrate(name)`: must be in the tree.
    Configcrate,
    /// `var(name)`: may be missing.
    Variable,
    /// `var_is(name, …)`: may be missing, may not hold a secret.
    PlainVariable,
    /// `has_trait(path)`, `trait_is(path, …)`.
    Trait,
    /// `command_succeeds(cmd)`: the guardrails look at it.
    Command,
}

impl Expr {
    /// Returns the names that only the tree or the guardrails can check, in the order of the text. What still holds a
    /// template is left out: ask again after [`Expr::render`].
    pub fn references(&self) -> Vec<Reference<'_>> {
        let mut found = Vec::new();
        self.each_call(&mut |call| found.extend(reference(call)));
        found
    }
}

fn reference(call: &Call) -> Option<Reference<'_>> {
    let kind = match call.builtin.name {
        "environment" => ReferenceKind::Environment,
        "has_role" => ReferenceKind::Role,
        "has_configcrate" => ReferenceKind::Configcrate,
        "var" => ReferenceKind::Variable,
        "var_is" => ReferenceKind::PlainVariable,
        "has_trait" | "trait_is" => ReferenceKind::Trait,
        "command_succeeds" => ReferenceKind::Command,
        _ => return None,
    };
    let first = call.args.first().filter(|arg| !arg.has_template())?;
    Some(Reference { kind, name: first.text(), at: first.place.at as usize, len: first.place.len as usize })
}
