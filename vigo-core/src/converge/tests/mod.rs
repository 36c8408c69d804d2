//! Whole runs, from text to report.

mod cancel;
mod plan;
mod proof;
mod revert;
mod rig;
mod rivals;
mod secret;
mod trigger;
mod turn;
mod types;
