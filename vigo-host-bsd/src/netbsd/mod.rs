//! NetBSD.

mod assignment;
mod host;
mod hostname;
mod installer;
mod package;
mod repository;
mod service;

pub use host::NetBsd;
