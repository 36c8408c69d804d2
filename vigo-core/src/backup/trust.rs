//! Whether a backup is of the fleet that is meant.

use super::{BackupError, Manifest};
use crate::bundle::{SigningKey, VerifyingKey};
use crate::hex;

/// What is known of the fleet that a backup should be of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expect {
    /// It is the one with this root.
    Root(VerifyingKey),
    /// Nothing is known: it has to be asked.
    Unknown,
}

impl Manifest {
    /// Looks whether it is a backup of the fleet that is meant.
    ///
    /// # Errors
    /// [`BackupError::OtherRoot`], [`BackupError::UnknownRoot`].
    pub fn trust(&self, expect: &Expect) -> Result<(), BackupError> {
        match expect {
            Expect::Root(root) if *root == self.root => Ok(()),
            Expect::Root(root) => Err(BackupError::OtherRoot {
                expected: hex::encode(root.as_bytes()),
                found: hex::encode(self.root.as_bytes()),
            }),
            Expect::Unknown => Err(BackupError::UnknownRoot { found: hex::encode(self.root.as_bytes()) }),
        }
    }
}

/// What the file of the root's secret half begins with: the recovery kit.
const KIT_HEAD: &str = "vigo-ed25519-key-1 ";

/// What the file of the root's public half begins with.
const ROOT_HEAD: &str = "vigo-fleet-root-1 ";

/// Returns the root of a text: 64 hexadecimal digits, the file of the recovery kit, or that of the public half.
///
/// # Errors
/// [`BackupError::NoRoot`].
pub fn root_of(text: &str) -> Result<VerifyingKey, BackupError> {
    let line = text.lines().next().unwrap_or_default().trim();
    let found = match (line.strip_prefix(KIT_HEAD), line.strip_prefix(ROOT_HEAD)) {
        (Some(secret), _) => hex::decode_array(secret).map(|seed| SigningKey::from_bytes(&seed).verifying_key()),
        (_, Some(public)) => hex::decode_array(public).and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok()),
        _ => hex::decode_array(line).and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok()),
    };
    // Nothing of a file that may hold a secret is shown.
    let is_kit = line.starts_with(KIT_HEAD);
    let shown = || if is_kit { "a damaged recovery kit".into() } else { line.chars().take(80).collect() };
    found.ok_or_else(|| BackupError::NoRoot { found: shown() })
}
