//! One line on a terminal while a run takes long.

use crate::cli::Format;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Shorter runs show nothing.
const QUIET: Duration = Duration::from_millis(400);
/// How often the line is drawn.
const REDRAW: Duration = Duration::from_millis(200);
/// Characters of the line: it must not wrap.
const WIDTH: usize = 78;

/// The progress of a run on standard error, if that is a terminal.
///
/// A thread of its own draws it: an operation may take minutes, and the run waits for it.
pub struct Progress {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// Whether each resource is logged, too.
    is_logged: bool,
    last: String,
}

struct Shared {
    line: Mutex<Line>,
    /// Told when the line has ended.
    end: Condvar,
    interrupted: Arc<AtomicBool>,
}

struct Line {
    text: String,
    since: Instant,
    ended: bool,
}

impl Progress {
    /// Begins; a report for programs has none. `interrupted` tells when the run was asked to end.
    pub fn new(format: Format, interrupted: Arc<AtomicBool>) -> Self {
        let is_on = format == Format::Text && std::io::stderr().is_terminal();
        Self { is_logged: true, ..Self::begin(is_on, interrupted) }
    }

    /// Returns that of a run that nobody watches: one of many.
    pub fn none() -> Self {
        Self::begin(false, Arc::default())
    }

    fn begin(is_on: bool, interrupted: Arc<AtomicBool>) -> Self {
        let line = Mutex::new(Line { text: String::new(), since: Instant::now(), ended: false });
        let shared = Arc::new(Shared { line, end: Condvar::new(), interrupted });
        let draw = || {
            let shared = shared.clone();
            std::thread::Builder::new().name("progress".into()).spawn(move || shared.draw()).ok()
        };
        Self { thread: is_on.then(draw).flatten(), shared, is_logged: false, last: String::new() }
    }

    /// Says which resource has its turn, and how many are done of how many.
    pub fn at(&mut self, id: &str, (done, all): (usize, usize)) {
        if self.last != id {
            self.last = id.into();
            match self.is_logged {
                true => tracing::info!("{id}"),
                false => tracing::debug!("{id}"),
            }
        }
        if self.thread.is_some() {
            self.say(format!("[{done}/{all}] {id}"));
        }
    }

    /// Says what is waited for.
    pub fn waiting(&mut self, why: &str) {
        if self.thread.is_some() {
            let line = self.shared.line();
            let text = line.text.split(": waiting").next().unwrap_or_default();
            let text = format!("{text}: waiting, {why}");
            drop(line);
            self.say(text);
        }
    }

    fn say(&self, text: String) {
        let mut line = self.shared.line();
        if line.text != text {
            *line = Line { text, since: Instant::now(), ended: false };
        }
    }

    /// Takes the line away.
    pub fn end(&mut self) {
        self.shared.line().ended = true;
        self.shared.end.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Draws the line until it ends.
    fn draw(&self) {
        let mut shown = String::new();
        let mut pause = QUIET;
        let mut line = self.line();
        loop {
            let waited = self.end.wait_timeout_while(line, pause, |line| !line.ended);
            line = waited.unwrap_or_else(PoisonError::into_inner).0;
            if line.ended {
                break;
            }
            let text = drawn(&line.text, line.since.elapsed(), self.interrupted.load(Ordering::Relaxed));
            if text != shown {
                let _ = write!(std::io::stderr(), "\r\x1b[2K{text}");
            }
            (shown, pause) = (text, REDRAW);
        }
        if !shown.is_empty() {
            let _ = write!(std::io::stderr(), "\r\x1b[2K");
        }
    }
}

/// Returns the line: what is done, for how long if that is worth saying, and what was asked meanwhile.
fn drawn(text: &str, took: Duration, is_interrupted: bool) -> String {
    let took = match took.as_secs() {
        0 | 1 => String::new(),
        seconds => format!(", {seconds} s"),
    };
    let asked = if is_interrupted { "; ends after this, at once if asked again" } else { "" };
    let room = WIDTH.saturating_sub(took.len() + asked.len());
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(room).collect();
    format!("{text}{took}{asked}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_fits_and_says_what_is_asked() {
        let short = Duration::from_millis(900);
        assert_eq!(drawn("[1/3] a/b", short, false), "[1/3] a/b");
        assert_eq!(drawn("[1/3] a/b", Duration::from_secs(65), false), "[1/3] a/b, 65 s");
        assert_eq!(drawn("[1/3] a/b", short, true), "[1/3] a/b; ends after this, at once if asked again");
        assert_eq!(drawn("a\nb\x1b[2J", short, false), "a b [2J");
        let long = drawn(&"ä".repeat(500), Duration::from_secs(65), true);
        assert!(long.chars().count() == WIDTH && long.ends_with("asked again"), "{long}");
    }
}
