//! Why a bundle is refused.

use super::KeyId;
use alloc::string::String;
use thiserror::Error;

/// Why a bundle could not be made, or is not believed.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The policy holds what no bundle may hold.
    #[error("{what} cannot be put into a bundle: {why}")]
    Unfit {
        /// Which part.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// The bytes are of another version of the format.
    #[error("expected bundle format {expected}, found {found}")]
    Format {
        /// The format of this version.
        expected: u16,
        /// The format of the bytes.
        found: u16,
    },
    /// The bytes are no bundle.
    #[error("{what} at byte {at} of the bundle: {why}")]
    Malformed {
        /// Which part was being read.
        what: &'static str,
        /// The first byte of what is wrong.
        at: usize,
        /// What was expected, and what was found.
        why: String,
    },
    /// The bundle is larger than any that is read.
    #[error("the bundle has {bytes} bytes, expected at most {max}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// None of the keys at hand has the id of the key that signed.
    #[error("the bundle is signed by key `{key_id}`, which is not trusted")]
    UnknownKey {
        /// The key's id.
        key_id: KeyId,
    },
    /// The signature is not that of these bytes.
    #[error("the signature by key `{key_id}` does not match the bundle")]
    BadSignature {
        /// The id of the key that is said to have signed.
        key_id: KeyId,
    },
}
