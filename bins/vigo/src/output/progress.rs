//! One line on a terminal while a run takes long.

use crate::cli::Format;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Shorter runs show nothing.
const QUIET: Duration = Duration::from_millis(400);
/// The line is not drawn more often.
const REDRAW: Duration = Duration::from_millis(100);

/// The progress of a run on standard error, if that is a terminal.
pub struct Progress {
    shown: bool,
    on: bool,
    started: Instant,
    drawn: Instant,
    line: String,
}

impl Progress {
    /// Begins; a report for programs has none.
    pub fn new(format: Format) -> Self {
        let on = format == Format::Text && std::io::stderr().is_terminal();
        let now = Instant::now();
        Self { shown: false, on, started: now, drawn: now, line: String::new() }
    }

    /// Says which resource has its turn, and how many are done of how many.
    pub fn at(&mut self, id: &str, (done, all): (usize, usize)) {
        if self.on {
            self.line = format!("[{done}/{all}] {id}");
            self.draw("");
        }
    }

    /// Says what is waited for.
    pub fn waiting(&mut self, why: &str) {
        if self.on {
            self.draw(&format!(": waiting, {why}"));
        }
    }

    fn draw(&mut self, more: &str) {
        let now = Instant::now();
        if now - self.started < QUIET || (self.shown && now - self.drawn < REDRAW) {
            return;
        }
        let line: String = format!("{}{more}", self.line).chars().take(78).collect();
        let _ = write!(std::io::stderr(), "\r\x1b[2K{line}");
        self.shown = true;
        self.drawn = now;
    }

    /// Takes the line away.
    pub fn end(&mut self) {
        if self.shown {
            let _ = write!(std::io::stderr(), "\r\x1b[2K");
        }
    }
}
