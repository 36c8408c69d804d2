//! Why a verb was not done.

use crate::cli::Https;
use serde_json::Value;
use std::path::PathBuf;

/// Why a verb was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// Nobody answers at the socket.
    #[error("no vigosrv answers at `{at}`: {why}")]
    Unreachable {
        /// The socket, or the address.
        at: String,
        /// What the system said.
        why: String,
        /// What to do.
        help: &'static str,
    },
    /// The connection broke after something was asked that changes something.
    #[error("vigosrv was asked at `{at}`, and did not answer: {why}; whether it was done is not known")]
    Unknown {
        /// The socket, or the address.
        at: String,
        /// What the system said.
        why: String,
    },
    /// It is not clear what is wanted.
    #[error("{why}")]
    Usage {
        /// Why not.
        why: String,
    },
    /// What the last login left cannot be used.
    #[error("file `{}`: {why}", .path.display())]
    Account {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The server's program cannot work on its data directory.
    #[error("vigosrv does not run, and without it: {why}")]
    Offline {
        /// What it said.
        why: String,
    },
    /// The server's program cannot be run.
    #[error("run `{program}`: {why}")]
    Program {
        /// The program.
        program: String,
        /// What is wrong.
        why: String,
    },
    /// The server's answer is none.
    #[error("vigosrv gave no answer that can be read: {why}")]
    Garbled {
        /// What is wrong with it.
        why: String,
    },
    /// The server says no.
    #[error("{}", .problem.get("detail").and_then(Value::as_str).unwrap_or("the server does not say why"))]
    Problem {
        /// The HTTP status.
        status: u16,
        /// RFC 9457.
        problem: Value,
    },
    /// A file cannot be read or written.
    #[error("{what} `{}`: {why}", .path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// No value came in.
    #[error("{why}")]
    Input {
        /// What is wrong with it.
        why: String,
        /// What to do.
        help: &'static str,
    },
    /// A tree that is not valid.
    #[error("nothing was done, for what is said above")]
    Invalid {
        /// What is wrong, as `vigo_driver::diagnostics_json` has it.
        diagnostics: Vec<Value>,
    },
    /// Nothing has such a name.
    #[error("{why}")]
    NotFound {
        /// What is not there.
        why: String,
        /// What may have been meant.
        help: Option<String>,
    },
    /// A tree that cannot be read.
    #[error("{0}")]
    Unreadable(#[from] vigo_driver::Unreadable),
}

impl CliError {
    /// Returns that a server does not answer over HTTPS.
    pub(crate) fn unreachable_https(at: &Https, error: std::io::Error) -> Self {
        let help = "look whether the address is right and vigosrv runs there; where it has another key than before, find out \
                    why, and log in again with the new one as `--pin PIN`";
        Self::Unreachable { at: at.to_string(), why: vigo_driver::system_text(error), help }
    }

    /// Returns the exit status.
    pub(crate) const fn status(&self) -> u8 {
        match self {
            Self::Unreachable { .. } | Self::Unknown { .. } => 3,
            Self::Garbled { .. } => 4,
            Self::Usage { .. } => 2,
            Self::Account { .. } | Self::Offline { .. } | Self::Program { .. } => 3,
            Self::Input { .. } => 2,
            Self::Problem { status: 401 | 403, .. } => 3,
            Self::Problem { status: 400..=499, .. } | Self::Unreadable(_) | Self::File { .. } => 1,
            Self::Invalid { .. } | Self::NotFound { .. } => 1,
            Self::Problem { .. } => 4,
        }
    }

    /// Returns what to do about it.
    pub(crate) fn help(&self) -> Option<&str> {
        match self {
            Self::Unreachable { help, .. } | Self::Input { help, .. } => Some(help),
            Self::File { what: "read", .. } => Some("name a file that you can read"),
            Self::File { .. } => Some("name a file that is not there yet, in a folder that you may write to"),
            Self::Unknown { .. } => Some(
                "look with `vigocli audit list`, or `vigocli config history` for a publish, before you ask again; where \
                 it happens each time, run vigocli as root or as the user that vigosrv runs as",
            ),
            Self::Program { .. } => {
                Some("install vigosrv of the same version beside vigocli: it is what reads backups")
            }
            Self::Garbled { .. } => Some("use the vigocli of the server's own version"),
            Self::Account { .. } => Some("log in again with `vigocli login URL`"),
            Self::Usage { .. } | Self::Offline { .. } => None,
            Self::Problem { problem, .. } => problem.get("help").and_then(Value::as_str),
            Self::Invalid { .. } => None,
            Self::NotFound { help, .. } => help.as_deref(),
            Self::Unreadable(error) => Some(&error.help),
        }
    }

    /// Returns what is wrong with the policy, where that is it.
    pub(crate) fn diagnostics(&self) -> &[Value] {
        let problem = match self {
            Self::Invalid { diagnostics } => return diagnostics,
            Self::Problem { problem, .. } => problem,
            _ => return &[],
        };
        problem.get("diagnostics").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Returns it for programs.
    pub(crate) fn json(&self) -> Value {
        match self {
            Self::Problem { problem, .. } => problem.clone(),
            Self::Invalid { diagnostics } => vigo_driver::document(diagnostics),
            other => serde_json::json!({ "code": "client", "detail": other.to_string(), "help": other.help() }),
        }
    }
}
