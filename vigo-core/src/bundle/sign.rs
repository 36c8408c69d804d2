//! Who stands for a bundle.

use super::{BundleError, PolicyBundle};
use alloc::sync::Arc;
use core::fmt;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

/// A bundle's bytes with the signature of the server that published it.
///
/// Nothing in it may be used before [`verify`] said yes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedBundle {
    /// Which key signed.
    pub key_id: KeyId,
    /// What [`PolicyBundle::encode`] returned.
    pub bytes: Arc<[u8]>,
    /// Ed25519 over `vigo bundle v1`, a zero byte, and [`SignedBundle::digest`].
    pub signature: [u8; 64],
}

/// The name of a key: SHA-256 of its public half.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 32]);

/// Keeps a signature over a bundle from being one over anything else.
const CONTEXT: &[u8; 15] = b"vigo bundle v1\0";

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

impl SignedBundle {
    /// Returns SHA-256 of the bytes, by which an assignment names the bundle.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.bytes).into()
    }

    /// Returns what is signed.
    fn message(&self) -> [u8; CONTEXT.len() + 32] {
        let mut message = [0; CONTEXT.len() + 32];
        let (context, digest) = message.split_at_mut(CONTEXT.len());
        context.copy_from_slice(CONTEXT);
        digest.copy_from_slice(&self.digest());
        message
    }
}

/// Encodes and signs a policy.
///
/// # Errors
/// Those of [`PolicyBundle::encode`]; and, since nothing is signed that no agent would read, those of
/// [`PolicyBundle::decode`].
pub fn sign(bundle: &PolicyBundle, key: &SigningKey) -> Result<SignedBundle, BundleError> {
    let bytes = bundle.encode()?;
    PolicyBundle::decode(&bytes)?;
    let key_id = KeyId::of(&key.verifying_key());
    let mut signed = SignedBundle { key_id, bytes: bytes.into(), signature: [0; 64] };
    signed.signature = key.sign(&signed.message()).to_bytes();
    Ok(signed)
}

/// Returns the policy of `signed`, if one of `keys` signed it.
///
/// # Errors
/// [`BundleError::UnknownKey`], [`BundleError::BadSignature`]; those of [`PolicyBundle::decode`] when the server is of
/// another version.
pub fn verify(signed: &SignedBundle, keys: &[VerifyingKey]) -> Result<PolicyBundle, BundleError> {
    let key_id = signed.key_id;
    let key = keys.iter().find(|key| KeyId::of(key) == key_id).ok_or(BundleError::UnknownKey { key_id })?;
    key.verify_strict(&signed.message(), &Signature::from_bytes(&signed.signature))
        .map_err(|_| BundleError::BadSignature { key_id })?;
    PolicyBundle::decode(&signed.bytes)
}
