//! Keyed digests, by which a machine proves without a secret that what was made of it is unchanged.

use crate::entropy::Entropy;
use core::fmt;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroize as _;

/// The key of a machine's digests, overwritten when it is dropped. Who has the digests and not the key learns nothing of
/// what they are of, however easy that would be to guess.
#[derive(Clone)]
pub struct ProofKey([u8; 32]);

/// A digest under way.
pub(crate) struct Digesting(Hmac<Sha256>);

impl ProofKey {
    /// Makes a key.
    pub fn new(entropy: Entropy) -> Self {
        Self(entropy.into_bytes())
    }

    /// Takes a key that was kept.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns its bytes, to be kept.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the digest of these parts. Of one purpose it never is that of another.
    pub fn digest_of(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut digest = self.digest(purpose);
        parts.iter().for_each(|part| digest.part(part));
        digest.end()
    }

    /// Begins a digest; of one purpose it never is that of another.
    pub(crate) fn digest(&self, purpose: &str) -> Digesting {
        // A shorter key than a block counts as one with zeros behind it: RFC 2104.
        let mut block = [0; 64];
        block.iter_mut().zip(self.0).for_each(|(to, from)| *to = from);
        let mut digest = Digesting(Hmac::new(&block.into()));
        block.zeroize();
        digest.part(purpose.as_bytes());
        digest
    }
}

impl Digesting {
    /// Adds a part: its length tells where it ends.
    pub(crate) fn part(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    /// Returns the digest.
    pub(crate) fn end(self) -> [u8; 32] {
        self.0.finalize().into_bytes().into()
    }
}

impl Drop for ProofKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProofKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn digest(key: u8, purpose: &str, parts: &[&str]) -> [u8; 32] {
        let mut digest = ProofKey::new(Entropy::new([key; 32])).digest(purpose);
        parts.iter().for_each(|part| digest.part(part.as_bytes()));
        digest.end()
    }

    #[test]
    fn each_key_purpose_and_cut_has_a_digest_of_its_own() {
        let one = digest(1, "p", &["ab", "c"]);
        assert_eq!(digest(1, "p", &["ab", "c"]), one);
        for (name, other) in [
            ("another key", digest(2, "p", &["ab", "c"])),
            ("another purpose", digest(1, "q", &["ab", "c"])),
            ("another cut", digest(1, "p", &["a", "bc"])),
            ("less", digest(1, "p", &["ab"])),
            ("more", digest(1, "p", &["ab", "c", ""])),
        ] {
            assert_ne!(other, one, "{name}");
        }
        assert_eq!(format!("{:?}", ProofKey::from_bytes([1; 32])), "ProofKey");
    }
}
