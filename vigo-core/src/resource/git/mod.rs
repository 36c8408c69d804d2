//! `git`: a work tree.

mod decl;
mod family;
mod native;

pub use decl::DECL;
pub use family::{Action, AtPath, Git, Remote, Revision, State, Tree, Want};
pub use native::Native;
