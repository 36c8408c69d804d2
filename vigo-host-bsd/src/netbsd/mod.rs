//! NetBSD.

mod assignment;
mod host;
mod installer;
mod service;

pub use host::NetBsd;
