//! A program to run.

use super::AbsPath;
use crate::time::Duration;
use crate::value::Text;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A program with its arguments. Never a shell line: where an operator's `sh -c` text is wanted, `sh` is the program.
///
/// The executor clears the environment, sets `PATH`, `LC_ALL=C`, `TERM=dumb`, `HOME` and `USER` of the account it runs as, and
/// adds `env`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command {
    /// Absolute path; or, without a slash, a name that the executor looks up in its own fixed `PATH`.
    pub program: Arc<str>,
    /// The arguments after the program's name. Never a secret: the guard refuses one here.
    pub args: Vec<Text>,
    /// What the program reads; `None` is nothing (`/dev/null`).
    pub stdin: Option<Text>,
    /// Variables added to the environment.
    pub env: Vec<(Arc<str>, Text)>,
    /// Working directory; `None` is `/`.
    pub cwd: Option<AbsPath>,
    /// The account to run as; `None` is the agent's own.
    pub user: Option<Arc<str>>,
    /// File mode creation mask; `None` is `022`.
    pub umask: Option<u32>,
    /// Exit codes that are success; others make the operation fail (reads: all codes are answers when empty).
    pub accept: Vec<i32>,
    /// How long it may take; then TERM to its process group, KILL 10 s later.
    pub timeout: Duration,
    /// Bytes kept of each output stream; the rest is read and dropped.
    pub output_bytes_max: usize,
    /// Whether it only reads. A dry run performs reads only.
    pub effect: Effect,
    /// Content written to a 0600 file whose path replaces `{{secret_file}}` in the arguments.
    pub secret_file: Option<Text>,
    /// Spawned and not waited for.
    pub background: bool,
    /// Niceness, 0 to 19; from 15 on also the idle class of input and output, where there is one.
    pub nice: u8,
    /// Whether what it prints is shown nowhere: not in reports, errors or logs.
    pub hide_output: bool,
}

/// What running a command does to the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Looks, and leaves everything as it was.
    Reads,
    /// Changes something.
    Changes,
}

impl Command {
    /// Returns a command that only looks: every exit code is an answer, 30 s, 1 MiB of output.
    pub fn read(program: &str, args: impl IntoIterator<Item = impl Into<Arc<str>>>) -> Self {
        Self {
            program: program.into(),
            args: args.into_iter().map(Text::plain).collect(),
            stdin: None,
            env: Vec::new(),
            cwd: None,
            user: None,
            umask: None,
            accept: Vec::new(),
            timeout: Duration::from_secs(30),
            output_bytes_max: 1 << 20,
            effect: Effect::Reads,
            secret_file: None,
            background: false,
            nice: 0,
            hide_output: false,
        }
    }

    /// Returns a command that changes something: exit 0 is success, 60 s, 1 MiB of output.
    pub fn change(program: &str, args: impl IntoIterator<Item = impl Into<Arc<str>>>) -> Self {
        Self {
            accept: alloc::vec![0],
            timeout: Duration::from_secs(60),
            effect: Effect::Changes,
            ..Self::read(program, args)
        }
    }

    /// Sets how long it may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets what the program reads.
    #[must_use]
    pub fn stdin(mut self, text: Text) -> Self {
        self.stdin = Some(text);
        self
    }

    /// Adds a variable to the environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<Arc<str>>) -> Self {
        self.env.push((name.into(), Text::plain(value)));
        self
    }

    /// Sets the exit codes that are success.
    #[must_use]
    pub fn accept(mut self, codes: &[i32]) -> Self {
        self.accept = codes.to_vec();
        self
    }

    /// Sets how many bytes of each output stream are kept.
    #[must_use]
    pub fn output_bytes_max(mut self, bytes: usize) -> Self {
        self.output_bytes_max = bytes;
        self
    }
}
