//! The agent as a service of this machine: installed, taken away.

mod error;
mod files;
mod perform;
mod service;

pub use error::InstallError;
pub use service::{Service, as_root};
