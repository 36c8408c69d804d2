//! OpenBSD.

mod host;
mod installer;
mod service;

pub use host::OpenBsd;
