//! NetBSD.

mod assignment;
mod host;
mod hostname;
mod installer;
mod service;

pub use host::NetBsd;
