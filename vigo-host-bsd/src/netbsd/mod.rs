//! NetBSD.

mod assignment;
mod host;
mod hostname;
mod installer;
mod package;
mod repository;
mod service;
mod traits;

pub use host::NetBsd;
#[cfg(test)]
pub(crate) use traits::Tools;
