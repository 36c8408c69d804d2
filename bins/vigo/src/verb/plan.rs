//! `vigo plan`.

use crate::apply::{self, RunMode, RunOptions};
use crate::output;
use clap::Args;
use std::process::ExitCode;

/// Show what apply would do: changes, diffs and operations; changes nothing
///
/// Exit status: 0 nothing to do, 1 drift or problems found, 2 usage or invalid configuration.
#[derive(Args, Debug)]
pub struct Plan {
    #[command(flatten)]
    options: RunOptions,
}

impl Plan {
    /// Plans, and returns the exit status.
    pub fn run(&self) -> ExitCode {
        run(&self.options, RunMode::Plan)
    }
}

/// Runs or plans, prints what came of it, and returns the exit status.
pub(super) fn run(options: &RunOptions, mode: RunMode) -> ExitCode {
    options.log_level.begin();
    match apply::run(options, mode) {
        Ok(applied) => {
            let code = output::report(&applied, options);
            // The process ends here: what thousands of resources are made of is not given back piece by piece before.
            std::mem::forget(applied);
            code
        }
        Err(error) => output::invalid(&error, options),
    }
}
