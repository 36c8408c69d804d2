//! `host`: one entry of the hosts file.

mod edit;
mod family;

pub use edit::{Entry, edited};
pub use family::{Action, DECL, HostEntry, Native, State, Want};
