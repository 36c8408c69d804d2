//! `cargo xtask dist`: the agent for every system that can be linked from here, each with checksum and signature; and
//! `cargo xtask check-targets`: its types on those that cannot.

mod archive;
mod build;
mod check;
mod linker;
mod targets;
mod verb;

pub use build::{Profile, build, missing};
pub use check::check_targets;
pub use targets::{Linker, WINDOWS};
pub use verb::run;
