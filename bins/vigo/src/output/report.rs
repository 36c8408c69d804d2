//! Printing what a run came to.

use super::print::{complain, has_colour, print};
use super::{diagnostics, json, text};
use crate::apply::Applied;
use crate::cli::Format;
use std::process::ExitCode;
use vigo_core::converge::RunOutcome;

/// Prints a report and returns the exit status: 0 converged or nothing to do, 1 otherwise.
pub fn report(applied: &Applied, format: Format) -> ExitCode {
    let colour = has_colour(&std::io::stderr());
    for warning in &applied.warnings {
        complain(&format!("{}\n", diagnostics::render(warning, applied.sources.map(), colour)));
    }
    let colour = has_colour(&std::io::stdout());
    let printed = print(|out| match format {
        Format::Text => text::write(out, &applied.report, colour),
        Format::Json => json::line(out, &json::value(&applied.report)),
    });
    match applied.report.outcome {
        RunOutcome::Converged => printed,
        RunOutcome::Drift | RunOutcome::NotConverged => ExitCode::from(1),
    }
}
