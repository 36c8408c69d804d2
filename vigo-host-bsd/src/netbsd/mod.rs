//! NetBSD.

mod assignment;
mod host;
mod installer;
mod hostname;
mod service;

pub use host::NetBsd;
