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

/// How a manager wants a key to be installed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyForm {
    /// As it comes: it is no OpenPGP key.
    Raw,
    /// An OpenPGP key without armor.
    Binary,
    /// An OpenPGP key in armor.
    Armored,
}

impl KeyForm {
    /// Returns whether keys have fingerprints.
    pub fn is_openpgp(self) -> bool {
        self != Self::Raw
    }
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

/// Says what is to become of the key at `installed`. The fingerprint of one that has any is compared.
pub fn observe_key(want: &Want, outputs: &Outputs, installed: &AbsPath, form: KeyForm) -> KeyState {
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
            let right = |found: &Arc<[u8]>| {
                let readable = form != KeyForm::Armored || Keys::is_armored(found);
                readable && Keys::read(found).is_ok_and(|keys| keys.stranger(&want.fingerprints).is_none())
            };
            if found.is_some_and(|found| !form.is_openpgp() || right(found)) {
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
    let wanted = match form.is_openpgp().then(|| Keys::read(bytes)) {
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
            if form == KeyForm::Armored { keys.armored().into_bytes().into() } else { keys.binary }
        }
    };
    if found == Some(&wanted) { KeyState::Installed } else { KeyState::Wanted(wanted) }
}
