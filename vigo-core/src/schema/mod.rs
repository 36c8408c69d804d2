//! JSON Schema (2020-12) of policy files, for editors: made of the declarations that the readers follow.
//!
//! A schema sees one file and no variables: what only the tree knows (whether a name exists, whether a default supplies what
//! is missing) is for `config validate`. Whatever validates there is valid by the schema.

mod document;
mod kind;
mod places;
mod resource;
mod shape;

pub use document::{FileKind, schema};
