//! Printing, without falling over what is at the other end.

use super::{Answer, shown};
use crate::cli::Format;
use crate::error::CliError;
use serde_json::Value;
use std::io::{self, ErrorKind, Write as _};
use std::process::ExitCode;

/// Prints an answer and returns its exit status; 4 when it is lost. A reader that has seen enough loses nothing.
pub(crate) fn print(answer: &Answer, format: Format, no_color: bool) -> ExitCode {
    let text = match format {
        Format::Table => answer.text.clone(),
        Format::Json | Format::Yaml | Format::Sarif => pretty(&answer.json, format),
    };
    if format == Format::Table {
        // When nobody reads that, there is nobody to tell.
        let _ = io::stderr().write_all(rendered(&answer.diagnostics, no_color).as_bytes());
    }
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let _ = writeln!(io::stderr(), "error: write to standard output: {error}");
            ExitCode::from(4)
        }
        Ok(()) | Err(_) => ExitCode::from(answer.status),
    }
}

/// Says why a verb was not done, and returns the exit status.
pub(crate) fn complain(error: &CliError, format: Format, no_color: bool) -> ExitCode {
    if format != Format::Table {
        let _ = io::stdout().write_all(pretty(&error.json(), format).as_bytes());
    } else {
        let mut text = rendered(error.diagnostics(), no_color);
        text.push_str(&format!("error: {}\n", shown(&error.to_string())));
        if let Some(help) = error.help() {
            text.push_str(&format!("  = help: {}\n", shown(help)));
        }
        let _ = io::stderr().write_all(text.as_bytes());
    }
    ExitCode::from(error.status())
}

fn rendered(diagnostics: &[Value], no_color: bool) -> String {
    vigo_driver::render(diagnostics, vigo_driver::has_colour(&io::stderr(), no_color))
}

fn pretty(value: &Value, format: Format) -> String {
    match format {
        Format::Yaml => serde_yaml::to_string(value).unwrap_or_default(),
        Format::Table | Format::Json | Format::Sarif => format!("{value:#}\n"),
    }
}
