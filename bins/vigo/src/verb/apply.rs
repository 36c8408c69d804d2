//! `vigo apply`.

use super::plan;
use crate::apply::{RunMode, RunOptions};
use clap::Args;
use std::process::ExitCode;

/// Make this machine what the stacks declare
///
/// Exit status: 0 converged, 1 not converged, 2 usage or invalid configuration.
#[derive(Args, Debug)]
pub struct Apply {
    #[command(flatten)]
    options: RunOptions,
    /// Show what would be done, change nothing (the same as `vigo plan`)
    #[arg(long)]
    dry_run: bool,
}

impl Apply {
    /// Converges, and returns the exit status.
    pub fn run(&self) -> ExitCode {
        let mode = if self.dry_run { RunMode::Plan } else { RunMode::Apply };
        plan::run(&self.options, mode)
    }
}
