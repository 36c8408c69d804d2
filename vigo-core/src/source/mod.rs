//! Text to a YAML tree in which every node knows its place.
//!
//! [`Sources::read`] takes the files of a tree and parses them; it never fails, but keeps a diagnostic for whatever is
//! wrong. A [`Node`] is a cursor into one file: cheap to copy, and it lives as long as the sources do.

mod layout;
mod node;
mod parse;
mod sources;
mod trap;

pub use node::{Entry, Map, Node, NodeKind, ScalarStyle, YamlFile};
pub use sources::{Sources, Tree, TreeFile};
