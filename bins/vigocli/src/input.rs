//! What is typed or piped in and shown nowhere.

use crate::error::CliError;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Stdin, Write as _};
use vigo_core::limits::SECRET_BYTES_MAX;
use vigo_core::secret::SecretValue;

/// Reads a secret: from a terminal it is asked for twice, without an echo; else all of standard input, without the line
/// feed at its end unless it is to be `exact`.
pub(crate) fn secret(what: &str, exact: bool) -> Result<SecretValue, CliError> {
    read(&format!("Value of {what}: "), Times::Twice, exact)
}

/// Reads a password as [`secret`] reads a secret.
pub(crate) fn password(name: &str, times: Times) -> Result<SecretValue, CliError> {
    read(&format!("Password of {name}: "), times, false)
}

/// How often a terminal asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Times {
    /// For what is known elsewhere.
    Once,
    /// For what is new.
    Twice,
}

fn read(prompt: &str, times: Times, exact: bool) -> Result<SecretValue, CliError> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        let first = ask(&stdin, prompt)?;
        if times == Times::Twice && ask(&stdin, "The same again: ")? != first {
            return Err(problem("the two are not the same", "type it again"));
        }
        return Ok(first);
    }
    let mut text = String::new();
    let read = stdin.lock().take(SECRET_BYTES_MAX as u64 + 2).read_to_string(&mut text);
    let mut value = SecretValue::new(text);
    read.map_err(|error| problem(format!("standard input: {error}"), "pipe text in; encode other bytes as base64"))?;
    if !exact && let Some(line) = value.reveal().strip_suffix('\n') {
        value = SecretValue::new(line.into());
    }
    if value.reveal().len() > SECRET_BYTES_MAX {
        return Err(problem(format!("the value has more than {SECRET_BYTES_MAX} bytes"), "ship large files by URL"));
    }
    Ok(value)
}

fn ask(stdin: &Stdin, prompt: &str) -> Result<SecretValue, CliError> {
    let failed = |error: io::Error| problem(format!("the terminal: {error}"), "pipe the value into standard input");
    let shown = io::stderr().write_all(prompt.as_bytes());
    shown.map_err(failed)?;
    let _quiet = Quiet::new(stdin).map_err(failed)?;
    let mut text = String::new();
    let read = stdin.lock().read_line(&mut text);
    let value = SecretValue::new(text);
    // The line feed was not echoed either.
    let _ = io::stderr().write_all(b"\n");
    read.map_err(failed)?;
    Ok(SecretValue::new(value.reveal().trim_end_matches(['\n', '\r']).into()))
}

/// A terminal that does not echo, until this is dropped.
struct Quiet<'a> {
    stdin: &'a Stdin,
    before: Termios,
}

impl<'a> Quiet<'a> {
    fn new(stdin: &'a Stdin) -> io::Result<Self> {
        let before = tcgetattr(stdin)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(stdin, OptionalActions::Flush, &quiet)?;
        Ok(Self { stdin, before })
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        // Where the terminal is gone there is nothing to set right.
        let _ = tcsetattr(self.stdin, OptionalActions::Now, &self.before);
    }
}

fn problem(why: impl Into<String>, help: &'static str) -> CliError {
    CliError::Input { why: why.into(), help }
}
