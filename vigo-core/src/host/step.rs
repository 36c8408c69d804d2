//! What is done to take the agent in as a service, one thing after the other.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// A thing to do. Done twice, it is done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// The running program is copied there, 0755, unless it is there.
    Program {
        /// Where.
        path: String,
    },
    /// A file holds this text, and nothing else.
    Write {
        /// Where.
        path: String,
        /// Its mode.
        mode: u32,
        /// The text.
        text: String,
    },
    /// A symbolic link leads there.
    Link {
        /// Where it is.
        path: String,
        /// Where it leads.
        to: String,
    },
    /// A file or link is not there.
    Remove {
        /// Where.
        path: String,
    },
    /// A program of the machine is run.
    Run {
        /// The program's name.
        program: &'static str,
        /// Its arguments.
        args: Vec<String>,
        /// Whether it may fail: it undoes what may never have been done.
        may_fail: bool,
    },
}

impl Step {
    /// Returns the step that runs a program.
    pub fn run(program: &'static str, args: &[&str]) -> Self {
        Self::Run { program, args: args.iter().map(|arg| String::from(*arg)).collect(), may_fail: false }
    }

    /// Returns the step that writes a file.
    pub fn write(path: &str, mode: u32, text: String) -> Self {
        Self::Write { path: path.into(), mode, text }
    }

    /// Returns the step that removes a file or link.
    pub fn remove(path: &str) -> Self {
        Self::Remove { path: path.into() }
    }

    /// Returns the same step, which may fail when it is a program's run.
    pub fn may_fail(self) -> Self {
        match self {
            Self::Run { program, args, .. } => Self::Run { program, args, may_fail: true },
            other => other,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program { path } => write!(f, "install {path} mode 0755"),
            Self::Write { path, mode, text } => write!(f, "write {path} ({} bytes) mode {mode:04o}", text.len()),
            Self::Link { path, to } => write!(f, "link {path} -> {to}"),
            Self::Remove { path } => write!(f, "remove {path}"),
            Self::Run { program, args, .. } => {
                f.write_str(program)?;
                args.iter().try_for_each(|arg| write!(f, " {arg}"))
            }
        }
    }
}
