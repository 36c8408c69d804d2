//! Packages: choco, winget, scoop.

mod choco;
mod scoop;
mod select;
mod tool;
mod version;
mod winget;

pub(crate) use select::{CHOCO_PROGRAM, Manager, PROGRAMS, SCOOP_PROGRAM, native, select};
pub(crate) use tool::is_version;
