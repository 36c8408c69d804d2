//! What is done, one thing after the other.

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
