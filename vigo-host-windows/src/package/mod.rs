//! Packages: choco, winget, scoop.

mod choco;
mod scoop;
mod select;
mod tool;
mod version;
mod winget;

pub(crate) use select::{PROGRAMS, select};
