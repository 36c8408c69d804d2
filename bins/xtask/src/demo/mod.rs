//! `cargo xtask demo`: the story of one machine, then of a fleet, told with the real programs in a sandbox.

mod fleet;
mod machine;
mod story;

pub use fleet::{Fleet, Generated, Running, free_port};
pub use machine::tell as one_machine;
pub use story::{expect, expect_soon, run};
