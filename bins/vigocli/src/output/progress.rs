//! One line on a terminal while something takes long.

use crate::cli::Format;
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// Shorter work shows nothing.
const QUIET: Duration = Duration::from_millis(400);

/// How often the line is drawn.
const REDRAW: Duration = Duration::from_millis(200);

/// Characters of the bar.
const BAR: u64 = 40;

/// How far something is, on standard error, if that is a terminal; a reader that is a program sees nothing of it.
pub(crate) struct Progress {
    is_on: bool,
    what: &'static str,
    next: Instant,
    is_shown: bool,
}

impl Progress {
    /// Begins.
    pub(crate) fn new(format: Format, what: &'static str) -> Self {
        let is_on = format == Format::Table && std::io::stderr().is_terminal();
        Self { is_on, what, next: Instant::now() + QUIET, is_shown: false }
    }

    /// Returns whether anybody sees it.
    pub(crate) fn is_on(&self) -> bool {
        self.is_on
    }

    /// Says how much of how much is done.
    pub(crate) fn at(&mut self, done: u64, total: u64) {
        if self.is_on && Instant::now() >= self.next {
            self.next = Instant::now() + REDRAW;
            self.is_shown = true;
            let _ = write!(std::io::stderr(), "\r\x1b[2K{}", drawn(self.what, done, total));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            let _ = write!(std::io::stderr(), "\r\x1b[2K");
        }
    }
}

fn drawn(what: &str, done: u64, total: u64) -> String {
    let of = |whole: u64| done.min(total).saturating_mul(whole).checked_div(total).unwrap_or(0);
    let filled = usize::try_from(of(BAR)).unwrap_or_default();
    let empty = usize::try_from(BAR).unwrap_or_default() - filled;
    format!("{what} [{}{}] {:3} %", "#".repeat(filled), " ".repeat(empty), of(100))
}

#[cfg(test)]
mod tests {
    use super::drawn;

    #[test]
    fn a_line_says_how_much_is_done() {
        assert_eq!(drawn("x", 0, 0), format!("x [{}]   0 %", " ".repeat(40)));
        assert_eq!(drawn("x", 1, 2), format!("x [{}{}]  50 %", "#".repeat(20), " ".repeat(20)));
        assert_eq!(drawn("x", 9, 2), format!("x [{}] 100 %", "#".repeat(40)));
        assert_eq!(drawn("x", u64::MAX / 2, u64::MAX).len(), drawn("x", 1, 1).len());
    }
}
