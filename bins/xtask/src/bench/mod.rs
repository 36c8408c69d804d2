//! `cargo xtask bench`: whole programs, measured against others in one run.

mod agent;
mod case;
mod measure;
mod tool;

pub use agent::run;
