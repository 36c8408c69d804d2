//! OpenBSD.

mod host;
mod hostname;
mod installer;
mod package;
mod repository;
mod service;
mod spec;

pub use host::OpenBsd;
