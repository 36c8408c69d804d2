//! `cargo xtask dist`: the agent for every system that can be linked from here, each with checksum and signature.

mod archive;
mod build;
mod targets;
mod verb;

pub use build::{Profile, build, missing};
pub use targets::{Linker, WINDOWS};
pub use verb::run;
