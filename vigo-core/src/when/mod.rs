//! `when:` expressions: text → checked tree → folded by the server → folded by name, traits and clock → decided by looks.
//!
//! 1. [`Expr::parse`] reads and checks a text, with its `{{ }}` cut out; [`Expr::render`] puts their values in, as data.
//! 2. [`Expr::references`] lists the names that only the tree can check; [`split_changed`] takes `changed` away.
//! 3. [`fold()`] replaces what the server knows; what is left prints ([`Expr::bundle_text`]) and parses back
//!    ([`Context::Bundle`]) on the agent, where [`fold_traits`] replaces what name, traits and clock say.
//! 4. [`decide`] names the next look that matters, or the outcome. Folding early or late never changes an outcome.

pub mod builtin;
mod check;
mod error;
mod eval;
mod exclusive;
mod expr;
mod fold;
mod lexer;
mod parser;
mod reference;
mod render;
#[cfg(test)]
mod tests;
mod tri;
mod version;
pub mod words;

pub use builtin::{Builtin, Side, builtins};
pub use error::{WhenError, WhenErrorKind};
pub use eval::{Decision, Look, decide, eval, looks};
pub use exclusive::exclusive;
pub use expr::{Arg, ArgValue, Call, Expr, Part, Template};
pub use fold::{ServerFacts, fold, fold_name, fold_traits, split_changed};
pub use parser::Context;
pub use reference::{Reference, ReferenceKind};
pub use tri::Tri;
pub use version::compare_versions;
