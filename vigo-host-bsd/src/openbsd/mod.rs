//! OpenBSD.

mod host;
mod service;

pub use host::OpenBsd;
