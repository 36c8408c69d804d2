//! Runs programs: with the terminal, quietly, or line by line.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::{Failure, Result};

/// A program with its arguments; nothing runs before one of the last four functions is called.
pub struct Program {
    command: Command,
    stdin: Option<Vec<u8>>,
    timeout: Option<Duration>,
}

/// What a program left behind.
#[derive(Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

impl Output {
    /// Returns whether it exited with 0.
    pub fn ok(&self) -> bool {
        self.status.success()
    }

    /// Returns its exit code, or 128 and the number of the signal that ended it, as a shell does.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| 128 + self.status.signal().unwrap_or_default())
    }
}

impl Program {
    /// Returns `program` without arguments.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self { command: Command::new(program), stdin: None, timeout: None }
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Takes an environment variable away.
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Runs it in `dir`.
    pub fn dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Gives it `bytes` to read; otherwise it has nothing to read.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Ends it, with all that it started in its process group, after `limit`. For [`Program::output`] only.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Returns `outer` with this program, its arguments and its environment behind it.
    pub fn under(self, outer: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        let mut words = outer.into_iter();
        let first = words.next().map(|w| w.as_ref().to_owned()).unwrap_or_default();
        let mut command = Command::new(first);
        command.args(words).arg(self.command.get_program()).args(self.command.get_args());
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(dir) = self.command.get_current_dir() {
            command.current_dir(dir);
        }
        Self { command, ..self }
    }

    /// Returns the command line, for people: the program by its name alone.
    pub fn shown(&self) -> String {
        let program = Path::new(self.command.get_program());
        let words = std::iter::once(program.file_name().unwrap_or_default()).chain(self.command.get_args());
        let words: Vec<_> = words.map(OsStr::to_string_lossy).collect();
        words.join(" ")
    }

    /// Runs it on this terminal; anything but exit 0 is a failure.
    pub fn run(mut self) -> Result<()> {
        let shown = self.shown();
        let status = self.command.stdin(Stdio::null()).status().map_err(|e| start_failed(&shown, &e))?;
        if status.success() { Ok(()) } else { Err(Failure::new(format!("`{shown}` ended with {status}"))) }
    }

    /// Runs it unseen and returns what it left behind, whatever its exit code.
    pub fn output(mut self) -> Result<Output> {
        let shown = self.shown();
        self.command.stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        if self.timeout.is_some() {
            self.command.process_group(0);
        }
        let mut child = self.command.spawn().map_err(|e| start_failed(&shown, &e))?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let text = self.stdin.take().unwrap_or_default();
        thread::scope(|scope| {
            scope.spawn(move || {
                // A program that does not read its input to the end has its reasons; its exit code tells.
                let _ = stdin.map(|mut pipe| pipe.write_all(&text));
            });
            let out = scope.spawn(move || read_all(stdout));
            let err = scope.spawn(move || read_all(stderr));
            let ended = wait(&mut child, self.timeout);
            let stdout = out.join().unwrap_or_default();
            let stderr = err.join().unwrap_or_default();
            match ended {
                Ok(Some(status)) => Ok(Output { status, stdout, stderr }),
                Ok(None) => Err(Failure::new(format!("`{shown}` had not ended in time; it said: {stdout}{stderr}"))),
                Err(e) => Err(Failure::new(format!("`{shown}` could not be waited for: {e}"))),
            }
        })
    }

    /// Runs it unseen and returns what it printed; anything but exit 0 is a failure that quotes it.
    pub fn text(self) -> Result<String> {
        let shown = self.shown();
        let output = self.output()?;
        if output.ok() {
            return Ok(output.stdout);
        }
        Err(Failure::new(format!("`{shown}` exited {}: {}{}", output.code(), output.stdout, output.stderr)))
    }

    /// Runs it on this terminal and also gives every line, without colours, to `each`. Returns whether it exited 0.
    pub fn watch(mut self, mut each: impl FnMut(&str)) -> Result<bool> {
        let shown = self.shown();
        if std::io::stdout().is_terminal() {
            self.command.env("CARGO_TERM_COLOR", "always");
        }
        let mut child = self
            .command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| start_failed(&shown, &e))?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        thread::scope(|scope| {
            let (lines, received) = mpsc::channel::<(bool, Vec<u8>)>();
            let other = lines.clone();
            scope.spawn(move || send_lines(stdout, |line| lines.send((true, line)).is_ok()));
            scope.spawn(move || send_lines(stderr, |line| other.send((false, line)).is_ok()));
            for (is_stdout, line) in received {
                // Nobody reads any more: the run goes on and its exit code still counts.
                let _ = if is_stdout { std::io::stdout().write_all(&line) } else { std::io::stderr().write_all(&line) };
                each(&plain(&String::from_utf8_lossy(&line)));
            }
        });
        let status = child.wait().map_err(|e| start_failed(&shown, &e))?;
        Ok(status.success())
    }

    /// Starts it in a process group of its own, its output thrown away or sent to `log`.
    pub fn spawn(mut self, log: Option<std::fs::File>) -> Result<Child> {
        let shown = self.shown();
        let (out, err) = match log {
            Some(file) => {
                let copy = file.try_clone().map_err(|e| start_failed(&shown, &e))?;
                (Stdio::from(file), Stdio::from(copy))
            }
            None => (Stdio::null(), Stdio::null()),
        };
        let command = self.command.stdin(Stdio::null()).stdout(out).stderr(err).process_group(0);
        command.spawn().map_err(|e| start_failed(&shown, &e))
    }
}

/// Sends a signal to a process, or to a whole group when `id` is negative. One that is gone is fine.
pub fn signal(name: &str, id: i64) {
    let _ = Command::new("kill")
        .args([OsString::from(format!("-{name}")), "--".into(), id.to_string().into()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

/// Returns `line` without terminal colours and without its end.
pub fn plain(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.trim_end().chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            // A colour is ESC, `[`, numbers, `m`.
            while chars.next().is_some_and(|c| !c.is_ascii_alphabetic()) {}
        } else {
            out.push(c);
        }
    }
    out
}

/// Waits for the end, or kills the process group after `limit`: then there is no status.
fn wait(child: &mut Child, limit: Option<Duration>) -> std::io::Result<Option<ExitStatus>> {
    let Some(limit) = limit else { return child.wait().map(Some) };
    let deadline = Instant::now() + limit;
    let mut nap = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            signal("KILL", -i64::from(child.id()));
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(nap);
        nap = (nap * 2).min(Duration::from_millis(20));
    }
}

fn read_all(pipe: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    // What was read before an error is still worth showing.
    let _ = pipe.map(|mut p| p.read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

fn send_lines(pipe: Option<impl Read>, mut send: impl FnMut(Vec<u8>) -> bool) {
    let Some(pipe) = pipe else { return };
    let mut reader = BufReader::new(pipe);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) && send(std::mem::take(&mut line)) {}
}

fn start_failed(shown: &str, error: &std::io::Error) -> Failure {
    Failure::new(format!("`{shown}` could not be run: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_line_ends_are_taken_off() {
        assert_eq!(plain("\u{1b}[32;1m  ok\u{1b}[0m fine\r\n"), "  ok fine");
    }

    #[test]
    fn output_has_both_streams_and_the_code() {
        let output = Program::new("sh").args(["-c", "cat; echo no >&2; exit 3"]).stdin("yes").output().unwrap();
        assert_eq!((output.stdout.as_str(), output.stderr.as_str(), output.code()), ("yes", "no\n", 3));
    }

    #[test]
    fn a_program_that_does_not_end_is_ended_with_its_children() {
        let slow = Program::new("sh").args(["-c", "sleep 60 & sleep 60"]).timeout(Duration::from_millis(50));
        let start = Instant::now();
        assert!(slow.output().is_err());
        assert!(start.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn watched_lines_arrive() {
        let mut seen = Vec::new();
        let ok = Program::new("sh").args(["-c", "echo one; echo two"]).watch(|l| seen.push(l.to_owned())).unwrap();
        assert!(ok);
        assert_eq!(seen, ["one", "two"]);
    }
}
