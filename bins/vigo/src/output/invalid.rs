//! Printing why nothing was done.

use super::json;
use super::print::{complain, print};
use crate::apply::{ApplyError, RunOptions};
use crate::cli::Format;
use serde_json::json;
use std::process::ExitCode;
use vigo_driver::{diagnostics_json, document, has_colour, render, shown, summary};

/// Prints why nothing was done and returns exit status 2: for people on standard error, for programs on standard output.
pub fn invalid(error: &ApplyError, options: &RunOptions) -> ExitCode {
    match (error, options.format) {
        (ApplyError::Invalid { sources, diagnostics }, Format::Text) => {
            let diagnostics = diagnostics_json(diagnostics, sources.map());
            let colour = has_colour(&std::io::stderr(), options.no_color);
            complain(&format!("{}{}", render(&diagnostics, colour), summary(&diagnostics)));
        }
        (ApplyError::Invalid { sources, diagnostics }, Format::Json) => {
            print(|out| json::line(out, &document(&diagnostics_json(diagnostics, sources.map()))));
        }
        (other, Format::Text) => {
            complain(&format!("error: {}", shown(&other.to_string())));
            if let Some(help) = other.help() {
                complain(&format!("  = help: {}", shown(&help)));
            }
        }
        (other, Format::Json) => {
            let (message, help) = (other.to_string(), Vec::from_iter(other.help()));
            let one = json!({"code": null, "severity": "error", "message": message, "labels": [], "help": help});
            print(|out| json::line(out, &document(&[one])));
        }
    }
    ExitCode::from(2)
}
