//! `repository`: a package source.

mod decl;
mod family;
mod key;
mod layout;
mod openpgp;

pub use decl::DECL;
pub use family::{Action, FileState, Format, Indexed, Repository, State, Want};
pub use key::{KeyForm, KeySource, KeyState, key_ops, observe_key};
pub use layout::{By, Layout, read, unsupported};
pub use openpgp::Keys;
