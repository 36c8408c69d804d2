//! Printing what a run came to.

use super::json;
use super::print::{complain, print};
use crate::apply::{Applied, RunOptions};
use crate::cli::Format;
use std::process::ExitCode;
use vigo_core::converge::RunOutcome;
use vigo_driver::{diagnostics_json, has_colour, render, report_json, write_report};

/// Prints a report and returns the exit status: 0 converged or nothing to do, 1 otherwise.
pub fn report(applied: &Applied, options: &RunOptions) -> ExitCode {
    if !applied.warnings.is_empty() {
        let warnings = diagnostics_json(&applied.warnings, applied.sources.map());
        complain(&render(&warnings, has_colour(&std::io::stderr(), options.no_color)));
    }
    let colour = has_colour(&std::io::stdout(), options.no_color);
    let printed = print(|out| match options.format {
        Format::Text => write_report(out, &applied.report, colour),
        Format::Json => json::line(out, &report_json(&applied.report)),
    });
    match applied.report.outcome {
        RunOutcome::Converged => printed,
        RunOutcome::Drift | RunOutcome::NotConverged => ExitCode::from(1),
    }
}
