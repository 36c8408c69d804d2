//! `directory`: one directory, a tree's owner and mode, or a shipped tree.

mod decl;
mod family;
mod glob;
mod native;
#[cfg(test)]
mod tests;
mod tree;

pub use decl::DECL;
pub use family::{Action, Directory, State, Stray, Want};
pub use native::Native;
