//! OpenBSD.

mod host;
mod installer;
mod hostname;
mod service;

pub use host::OpenBsd;
