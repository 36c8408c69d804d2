//! The agent as a service of a Linux machine.

mod files;
mod steps;

pub use steps::Services;
