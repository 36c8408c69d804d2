//! What an editor asks of a tree while it is written: what may stand here, what this is, where it comes from, who uses
//! it, and what changes when it gets another name.
//!
//! A [`Workspace`] holds the texts of a tree, those of unsaved buffers among them, and of each file an [`Index`] of the
//! names in it: a keystroke reads one file again, never the tree. Names are looked up when somebody asks. While a file
//! cannot be read, its names are those of its last text that could; what may stand at a place is read off the text
//! around it by its indent and brackets, so that it is known in the middle of a line that is no YAML yet.
//!
//! Places are bytes of a file's text; a driver counts them in whatever units its protocol has. What is wrong with the
//! tree is the business of [`crate::resolve::check`], over [`Workspace::tree`].

mod action;
mod collect;
mod complete;
mod embedded;
mod find;
mod grammar;
mod hover;
mod index;
mod lines;
mod names;
mod outline;
mod place;
mod rename;
mod show;
#[cfg(test)]
mod tests;
mod workspace;

pub use action::{Fix, fixes};
pub use complete::{Completion, CompletionKind};
pub use find::Location;
pub use index::{CrateEntry, Index, Layer, Mark, Name, ResourceEntry, Sort, VarEntry};
pub use names::Symbol;
pub use outline::{Outline, OutlineKind};
pub use rename::{Edit, Refusal};
pub use workspace::Workspace;
