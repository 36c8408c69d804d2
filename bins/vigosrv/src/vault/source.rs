//! Where secrets come from that this server does not keep itself.

use super::command;
use super::kv::KeyValue;
use vigo_core::secret::SecretValue;

/// Where secrets come from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A program: it with its arguments.
    Command(Vec<String>),
    /// A Vault or OpenBao.
    KeyValue(KeyValue),
}

/// Why a secret is not had. Never with a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum NotHad {
    /// There is none.
    Unknown,
    /// This one is not given out.
    Refused(String),
    /// Nobody answers: neither for the others.
    Down(String),
}

impl Source {
    /// Returns the word of `server.yaml`.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Command(_) => "command",
            Self::KeyValue(_) => "http",
        }
    }

    /// Asks for the secret at `path`, which takes some seconds at most.
    pub(super) fn fetch(&self, path: &str) -> Result<SecretValue, NotHad> {
        match self {
            Self::Command(argv) => command::fetch(argv, path, command::DEADLINE),
            Self::KeyValue(engine) => engine.fetch(path),
        }
    }
}
