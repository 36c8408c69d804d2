//! What people and programs get to see.

mod diagnostics;
mod json;
mod progress;
mod text;

pub use progress::Progress;

use crate::apply::{Applied, ApplyError};
use crate::cli::Format;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use vigo_core::converge::RunOutcome;

/// Prints a report and returns the exit status: 0 converged or nothing to do, 1 otherwise.
pub fn report(applied: &Applied, format: Format) -> ExitCode {
    let mut stderr = std::io::stderr().lock();
    let colour = stderr.is_terminal();
    for warning in &applied.warnings {
        let _ = writeln!(stderr, "{}\n", diagnostics::render(warning, applied.sources.map(), colour));
    }
    drop(stderr);
    let stdout = std::io::stdout().lock();
    let colour = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let mut out = std::io::BufWriter::new(stdout);
    let written = match format {
        Format::Text => text::write(&mut out, &applied.report, colour),
        Format::Json => json::write(&mut out, &applied.report),
    };
    if written.and_then(|()| out.flush()).is_err() {
        return ExitCode::from(1);
    }
    match applied.report.outcome {
        RunOutcome::Converged => ExitCode::SUCCESS,
        RunOutcome::Drift | RunOutcome::NotConverged => ExitCode::from(1),
    }
}

/// Prints why nothing was done and returns exit status 2.
pub fn invalid(error: &ApplyError, format: Format) -> ExitCode {
    let stderr = std::io::stderr().lock();
    let colour = stderr.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let mut err = std::io::BufWriter::new(stderr);
    match (error, format) {
        (ApplyError::Invalid { sources, diagnostics }, Format::Text) => {
            for d in diagnostics {
                let _ = writeln!(err, "{}\n", diagnostics::render(d, sources.map(), colour));
            }
            let _ = writeln!(err, "{}", diagnostics::summary(diagnostics));
        }
        (ApplyError::Invalid { sources, diagnostics }, Format::Json) => {
            println!("{}", diagnostics::json(diagnostics, sources.map()));
        }
        (other, _) => {
            let _ = writeln!(err, "error: {other}");
            if let Some(help) = other.help() {
                let _ = writeln!(err, "  = help: {help}");
            }
        }
    }
    let _ = err.flush();
    ExitCode::from(2)
}
