//! SHA-256 digests, and how they are shown.

use crate::hex;
use alloc::format;
use alloc::string::String;
use sha2::{Digest as _, Sha256};

/// Returns the SHA-256 of `bytes`.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Returns the digest as a change shows it: its first 12 digits.
pub(crate) fn short(digest: &[u8; 32]) -> String {
    format!("sha256 {}", hex::encode(&digest[..6]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_shows_the_beginning_of_a_digest() {
        assert_eq!(short(&sha256(b"")), "sha256 e3b0c44298fc");
    }
}
