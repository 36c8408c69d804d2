//! One run on one machine: observe, compare, lower, execute, settle, report.

mod advance;
mod cache;
mod compare;
mod end;
mod links;
mod look;
mod machine;
mod mask;
mod observe;
mod options;
mod outlook;
mod overlay;
mod parked;
mod perform;
mod predict;
mod prepare;
mod proof;
mod ready;
mod render;
mod report;
mod revert;
mod rivals;
#[cfg(test)]
mod tests;
mod trigger;
mod turn;

pub use machine::{Converge, OpId, Step};
pub use mask::Mask;
pub use options::{Envoy, Options};
pub use outlook::Foreseen;
pub use proof::{Proof, Proofs};
pub use report::{Counts, Outcome, ResourceReport, RunOutcome, RunReport, SkipCause};
pub use trigger::{Record, RevertCommand, StoredTrigger, VERSIONS_MAX};
