//! Printing why nothing was done.

use super::print::{complain, has_colour, print, shown};
use super::{diagnostics, json};
use crate::apply::ApplyError;
use crate::cli::Format;
use std::process::ExitCode;

/// Prints why nothing was done and returns exit status 2: for people on standard error, for programs on standard output.
pub fn invalid(error: &ApplyError, format: Format) -> ExitCode {
    match (error, format) {
        (ApplyError::Invalid { sources, diagnostics }, Format::Text) => {
            let colour = has_colour(&std::io::stderr());
            for d in diagnostics {
                complain(&format!("{}\n", diagnostics::render(d, sources.map(), colour)));
            }
            complain(&diagnostics::summary(diagnostics));
        }
        (ApplyError::Invalid { sources, diagnostics }, Format::Json) => {
            print(|out| json::line(out, &diagnostics::json(diagnostics, sources.map())));
        }
        (other, Format::Text) => {
            complain(&format!("error: {}", shown(&other.to_string())));
            if let Some(help) = other.help() {
                complain(&format!("  = help: {}", shown(&help)));
            }
        }
        (other, Format::Json) => {
            print(|out| json::line(out, &diagnostics::json_without_place(&other.to_string(), other.help())));
        }
    }
    ExitCode::from(2)
}
