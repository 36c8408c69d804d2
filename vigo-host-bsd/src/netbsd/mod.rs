//! NetBSD.

mod assignment;
mod host;
mod service;

pub use host::NetBsd;
