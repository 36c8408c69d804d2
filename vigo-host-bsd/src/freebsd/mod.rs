//! FreeBSD and DragonFly.

mod host;
mod installer;
mod package;
mod repository;
mod service;

pub use host::FreeBsd;
