//! Names that are made of keys.

use core::fmt;
use core::str::FromStr;
use ed25519_dalek::VerifyingKey;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// The name of an envoy, made of its identity key: nobody can claim it with another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnvoyId(pub [u8; 16]);

/// A text that is no id.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("expected an id as `00112233-4455-6677-8899-aabbccddeeff`")]
pub struct IdError;

impl EnvoyId {
    /// Returns the id of the envoy whose identity key is `key`: the first 16 bytes of SHA-256 of `vigo envoy v1`, a zero
    /// byte, and the key.
    pub fn of(key: &VerifyingKey) -> Self {
        let digest: [u8; 32] =
            Sha256::new().chain_update(b"vigo envoy v1\0").chain_update(key.as_bytes()).finalize().into();
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        Self(id)
    }
}

impl fmt::Display for EnvoyId {
    /// Prints it as a UUID is printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for EnvoyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for EnvoyId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let mut id = [0; 16];
        let mut digits = text.bytes().enumerate().filter(|(at, b)| !(*b == b'-' && matches!(at, 8 | 13 | 18 | 23)));
        let mut digit = || digits.next().and_then(|(_, b)| char::from(b).to_digit(16)).ok_or(IdError);
        for byte in &mut id {
            *byte = (digit()? << 4 | digit()?) as u8;
        }
        if text.len() == 36 && digits.next().is_none() { Ok(Self(id)) } else { Err(IdError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn an_id_is_printed_and_read_as_a_uuid() {
        let key = ed25519_dalek::SigningKey::from_bytes(&[1; 32]).verifying_key();
        let id = EnvoyId::of(&key);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(EnvoyId([0xab; 16]).to_string(), "abababab-abab-abab-abab-abababababab");
        let bad = [
            "",
            "abababab",
            "abababab-abab-abab-abab-ababababababab",
            "abababab-abab-abab-abab-ababababab-b",
            "g0ababab-abab-abab-abab-abababababab",
            "-bababab-abab-abab-abab-abababababab",
            "abababababababababababababababababab",
        ];
        for text in bad {
            assert_eq!(text.parse::<EnvoyId>(), Err(IdError), "{text}");
        }
    }
}
