//! Policy tests: what `*.test.vgo` files say of hosts, held against what the tree makes of them.
//!
//! [`read`] makes cases of the files of [`Sources::with_tests`]; [`Tests`] runs them, any number on one tree that was read
//! and checked once. No machine is asked: traits are what a case says.
//!
//! [`Sources::with_tests`]: crate::source::Sources::with_tests

mod case;
mod judge;
pub mod keys;
mod matcher;
mod read;
mod run;
mod show;
mod snapshot;
mod tree;
mod world;

#[cfg(test)]
mod tests;

pub use case::{Case, CodeExpectation, Configcrates, Expect, ResourceExpectation, VariableExpectation};
pub use matcher::Matcher;
pub use read::read;
pub use run::{Failure, Tests, Verdict};
pub use snapshot::Snapshots;
