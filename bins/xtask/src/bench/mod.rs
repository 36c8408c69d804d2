//! `cargo xtask bench`: whole programs, measured against others in one run.

mod agent;
mod case;
mod config;
mod measure;
mod tool;
mod verb;

pub use verb::run;
