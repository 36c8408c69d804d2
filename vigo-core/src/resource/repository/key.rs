//! The signing key of a source: where it comes from, whether it is the right one.

use super::{Keys, Want};
use crate::action::{AbsPath, FailureKind, Op, OpOutput, Outputs};
use crate::host::{Problem, ProblemKind};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Where a key comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KeySource {
    /// It is shipped with the policy.
    Shipped(Arc<[u8]>),
    /// It is a file of the machine.
    File(AbsPath),
    /// It is downloaded, when the installed one is missing or not the right one.
    Url(Arc<str>),
    /// The manager fetches it by its fingerprint.
    Id(Arc<str>),
}

/// What is known of a key.
#[derive(Clone, PartialEq, Debug)]
pub enum KeyState {
    /// None is wanted.
    Unwanted,
    /// The installed one is right.
    Installed,
    /// This is to be installed.
    Wanted(Arc<[u8]>),
    /// More must be read.
    Ask(Vec<Op>),
    /// It cannot be had, or is not the right one.
    Refused(Problem),
    /// It could not be looked at.
    Unknown(String),
}

/// A file of keys is a tenth of this.
const KEY_BYTES_MAX: u64 = 1 << 20;

/// Returns what to read to observe the key at `installed`.
pub fn key_ops(want: &Want, installed: &AbsPath) -> Vec<Op> {
    let read = |path: &AbsPath| Op::ReadFile { path: path.clone(), follow: true, bytes_max: KEY_BYTES_MAX };
    let source = match &want.key {
        Some(KeySource::File(path)) if want.present => Some(read(path)),
        _ => None,
    };
    [read(installed)].into_iter().chain(source).collect()
}

/// Says what is to become of the key at `installed`. With `openpgp` it is unarmored and its fingerprint compared.
pub fn observe_key(want: &Want, outputs: &Outputs, installed: &AbsPath, openpgp: bool) -> KeyState {
    let Some(source) = want.key.as_ref().filter(|_| want.present) else { return KeyState::Unwanted };
    let found = match outputs.path(installed) {
        Some(OpOutput::File { content, .. }) => Some(content),
        Some(OpOutput::Missing) => None,
        Some(OpOutput::Failed(failure)) => return KeyState::Unknown(failure.message.clone()),
        other => return KeyState::Unknown(format!("expected a key at `{installed}`, found {other:?}")),
    };
    let bytes = match source {
        KeySource::Id(_) => return KeyState::Unwanted,
        KeySource::Shipped(bytes) => bytes,
        KeySource::File(path) => match outputs.path(path) {
            Some(OpOutput::File { content, .. }) => content,
            Some(OpOutput::Missing) => {
                return KeyState::Refused(Problem::failed(format!("expected a key at `{path}`, found nothing")));
            }
            Some(OpOutput::Failed(failure)) => return KeyState::Unknown(failure.message.clone()),
            other => return KeyState::Unknown(format!("expected a key at `{path}`, found {other:?}")),
        },
        KeySource::Url(url) => {
            if let Some(found) = found
                && (!openpgp || Keys::read(found).is_ok_and(|keys| keys.stranger(&want.fingerprints).is_none()))
            {
                return KeyState::Installed;
            }
            let op = Op::ReadUrl { url: url.clone(), bytes_max: KEY_BYTES_MAX };
            match outputs.get(&op) {
                None => return KeyState::Ask(alloc::vec![op]),
                Some(OpOutput::Bytes(bytes)) => bytes,
                Some(OpOutput::Failed(failure)) => {
                    let blocked = failure.kind.is_blocked() || failure.kind == FailureKind::TimedOut;
                    let kind = if blocked { ProblemKind::Blocked } else { ProblemKind::Failed };
                    return KeyState::Refused(Problem::new(kind, format!("`{url}`: {}", failure.message)));
                }
                Some(other) => return KeyState::Unknown(format!("expected a key from `{url}`, found {other:?}")),
            }
        }
    };
    let wanted = match openpgp.then(|| Keys::read(bytes)) {
        None => bytes.clone(),
        Some(Err(why)) => return KeyState::Refused(Problem::failed(format!("the key of `{}`: {why}", want.id))),
        Some(Ok(keys)) => {
            if let Some(stranger) = keys.stranger(&want.fingerprints) {
                let expected = want.fingerprints.join(", ");
                let message = format!("expected a key with fingerprint {expected}, found {stranger}");
                return KeyState::Refused(
                    Problem::failed(message).help("compare the fingerprint with the one that its owner publishes"),
                );
            }
            keys.binary
        }
    };
    if found == Some(&wanted) { KeyState::Installed } else { KeyState::Wanted(wanted) }
}
