//! OpenBSD.

mod host;
mod hostname;
mod installer;
mod package;
mod repository;
mod service;
mod spec;
mod traits;

pub use host::OpenBsd;
#[cfg(test)]
pub(crate) use traits::Tools;
