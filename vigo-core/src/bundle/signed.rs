//! Bytes that a key of the fleet stands for.

use super::BundleError;
use crate::hex;
use crate::limits;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

/// What a signature is good for: one for one purpose is none for another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// A policy bundle, by the bundle key.
    Bundle,
    /// An assignment, by the bundle key.
    Assignment,
    /// An order, by the bundle key.
    Order,
    /// A key set, by the root key.
    KeySet,
    /// A manifest of a program of the agent, by the bundle key.
    Program,
    /// A manifest of a backup, by the bundle key.
    Backup,
}

/// Bytes with the signature of a key of the fleet.
///
/// Nothing in it may be used before [`Signed::verify`] said yes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signed {
    /// Which key signed.
    pub key_id: KeyId,
    /// What it signed.
    pub bytes: Arc<[u8]>,
    /// Ed25519 over the purpose's context and [`Signed::digest`].
    pub signature: [u8; 64],
}

/// The name of a key: SHA-256 of its public half.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 32]);

/// The first byte of the wire form.
const FORMAT: u8 = 1;

/// Bytes before the signed ones: format, key, signature.
const HEAD: usize = 1 + 32 + 64;

impl Purpose {
    /// Returns what stands before the digest in the signed message.
    const fn context(self) -> &'static [u8] {
        match self {
            Self::Bundle => b"vigo bundle v1\0",
            Self::Assignment => b"vigo assignment v1\0",
            Self::Order => b"vigo order v1\0",
            Self::KeySet => b"vigo keyset v1\0",
            Self::Program => b"vigo program v1\0",
            Self::Backup => b"vigo backup v1\0",
        }
    }
}

impl KeyId {
    /// Returns the name of `key`.
    pub fn of(key: &VerifyingKey) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }
}

impl fmt::Display for KeyId {
    /// Prints the first 8 bytes: enough to tell keys apart.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(8).try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Signed {
    /// Signs `bytes` for `purpose`.
    pub fn new(purpose: Purpose, bytes: Arc<[u8]>, key: &SigningKey) -> Self {
        let key_id = KeyId::of(&key.verifying_key());
        let mut signed = Self { key_id, bytes, signature: [0; 64] };
        signed.signature = key.sign(&signed.message(purpose)).to_bytes();
        signed
    }

    /// Returns the bytes, if one of `keys` signed them for `purpose`.
    ///
    /// # Errors
    /// [`BundleError::UnknownKey`], [`BundleError::BadSignature`].
    pub fn verify(&self, purpose: Purpose, keys: &[VerifyingKey]) -> Result<&[u8], BundleError> {
        let key_id = self.key_id;
        let key = keys.iter().find(|key| KeyId::of(key) == key_id).ok_or(BundleError::UnknownKey { key_id })?;
        key.verify_strict(&self.message(purpose), &Signature::from_bytes(&self.signature))
            .map_err(|_| BundleError::BadSignature { key_id })?;
        Ok(&self.bytes)
    }

    /// Returns SHA-256 of the bytes, by which an assignment names its bundle.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.bytes).into()
    }

    /// Returns the form in which it travels and is kept: format, key id, signature, bytes.
    pub fn encode(&self) -> Vec<u8> {
        [&[FORMAT][..], &self.key_id.0, &self.signature, &self.bytes].concat()
    }

    /// Reads what [`Signed::encode`] returned. Nothing is verified.
    ///
    /// # Errors
    /// [`BundleError::Malformed`], [`BundleError::TooLarge`].
    pub fn decode(bytes: &[u8]) -> Result<Self, BundleError> {
        let max = HEAD + limits::BUNDLE_BYTES_MAX;
        if bytes.len() > max {
            return Err(BundleError::TooLarge { bytes: bytes.len(), max });
        }
        let malformed = |what, at, why| BundleError::Malformed { what, at, why };
        let (format, rest) =
            bytes.split_first().ok_or_else(|| malformed("the format", 0, "expected a byte, found the end".into()))?;
        if *format != FORMAT {
            return Err(malformed("the format", 0, format!("expected {FORMAT}, found {format}")));
        }
        let short = || malformed("the signature", 1, format!("expected {HEAD} bytes, found {}", bytes.len()));
        let (key_id, rest) = rest.split_first_chunk::<32>().ok_or_else(short)?;
        let (signature, rest) = rest.split_first_chunk::<64>().ok_or_else(short)?;
        Ok(Self { key_id: KeyId(*key_id), bytes: rest.into(), signature: *signature })
    }

    /// Returns [`Signed::encode`] in hexadecimal digits, for a file or a command line.
    pub fn to_hex(&self) -> String {
        hex::encode(self.encode())
    }

    /// Reads what [`Signed::to_hex`] returned. Nothing is verified.
    ///
    /// # Errors
    /// As [`Signed::decode`].
    pub fn from_hex(text: &str) -> Result<Self, BundleError> {
        let bytes = hex::decode(text).ok_or_else(|| BundleError::Malformed {
            what: "the digits",
            at: text.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(text.len()),
            why: "expected pairs of hexadecimal digits".into(),
        })?;
        Self::decode(&bytes)
    }

    /// Returns what is signed.
    fn message(&self, purpose: Purpose) -> Vec<u8> {
        [purpose.context(), &self.digest()].concat()
    }
}
