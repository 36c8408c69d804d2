//! The agent itself as a service of the machine: what is written and called so that it lives there, and so that it is gone.
//!
//! It is no resource of a policy: what a policy may do to Vigo is guarded.

mod files;
mod step;
mod steps;

pub use step::Step;
pub use steps::{Installation, PROGRAM, SERVICE};
