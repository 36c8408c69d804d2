//! `when:` expressions.

/// A `when:` expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {}
