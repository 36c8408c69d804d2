//! Printing, without falling over what is at the other end.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::process::ExitCode;

/// Writes to standard output and returns the exit status: 0, or 1 when what was to be printed is lost. A reader that
/// has seen enough (`vigo traits | head -1`) loses nothing.
pub fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> ExitCode {
    let mut out = BufWriter::new(io::stdout().lock());
    let written = write(&mut out).and_then(|()| out.flush());
    // What is left in it is not tried again when it is dropped.
    drop(out.into_parts());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            complain(&format!("error: cannot write to standard output: {error}"));
            ExitCode::from(1)
        }
        Ok(()) | Err(_) => ExitCode::SUCCESS,
    }
}

/// Writes a line to standard error. When nobody reads that either, there is nobody left to tell.
pub fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
