//! A secret as it is kept: one record, which only the master key opens, and only at its own path.

use super::SecretValue;
use super::seal::text;
use crate::entropy::Entropy;
use crate::limits;
use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use alloc::vec::Vec;
use core::fmt;
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use zeroize::Zeroize as _;

/// The version of the format.
const VERSION: u8 = 1;

/// Bytes before the ciphertext: version, key, revision, nonce.
const HEAD: usize = 1 + 8 + 8 + 12;

/// Bytes that the ciphertext has more than the text.
const TAG: usize = 16;

/// The key of a vault, overwritten when it is dropped.
#[derive(Clone)]
pub struct MasterKey([u8; 32]);

/// Which key it is: the first bytes of a digest of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MasterKeyId(pub [u8; 8]);

/// A sealed secret: `version ‖ key ‖ revision ‖ nonce ‖ AES-256-GCM(value)`, big endian, with all that stands before the
/// ciphertext and the path as associated data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VaultRecord {
    /// The key that opens it.
    pub key: MasterKeyId,
    /// Rises with each value of any secret: milliseconds since 1970, or one more than the highest before.
    pub revision: u64,
    nonce: [u8; 12],
    sealed: Vec<u8>,
}

/// Why a record cannot be made or opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum VaultError {
    /// It is cut off.
    #[error("the record has {found} bytes, expected {} at least", HEAD + TAG)]
    Short {
        /// How many it has.
        found: usize,
    },
    /// It is of a later version.
    #[error("the record is of version {found}, expected {VERSION}")]
    Version {
        /// Its version.
        found: u8,
    },
    /// The value is longer than a secret.
    #[error("the value has more than {} bytes", limits::SECRET_BYTES_MAX)]
    TooLong,
    /// Another key sealed it.
    #[error("the record is sealed by the master key `{expected}`, not by `{found}`")]
    OtherKey {
        /// The key that opens it.
        expected: MasterKeyId,
        /// The key at hand.
        found: MasterKeyId,
    },
    /// It was changed, or it is the record of another path.
    #[error("the record is damaged, or it belongs to another secret")]
    Damaged,
    /// It holds no text.
    #[error("the value is not UTF-8")]
    NotText,
}

impl MasterKey {
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

    /// Returns which key it is.
    pub fn id(&self) -> MasterKeyId {
        let digest = Sha256::new().chain_update(b"vigo master key v1\0").chain_update(self.0).finalize();
        let mut id = [0; 8];
        id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        MasterKeyId(id)
    }
}

impl Drop for MasterKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id())
    }
}

impl fmt::Display for MasterKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for MasterKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl VaultRecord {
    /// Seals the value of the secret at `path`. The entropy is its nonce.
    ///
    /// # Errors
    /// [`VaultError::TooLong`].
    pub fn seal(
        key: &MasterKey,
        path: &str,
        revision: u64,
        value: &SecretValue,
        entropy: Entropy,
    ) -> Result<Self, VaultError> {
        if value.reveal().len() > limits::SECRET_BYTES_MAX {
            return Err(VaultError::TooLong);
        }
        let mut nonce = [0; 12];
        nonce.iter_mut().zip(entropy.into_bytes()).for_each(|(to, from)| *to = from);
        let mut record = Self { key: key.id(), revision, nonce, sealed: Vec::new() };
        let associated = record.associated(path);
        let payload = Payload { msg: value.reveal().as_bytes(), aad: &associated };
        record.sealed = cipher(key).encrypt(&nonce.into(), payload).map_err(|_| VaultError::TooLong)?;
        Ok(record)
    }

    /// Opens it as the secret at `path`.
    ///
    /// # Errors
    /// [`VaultError::OtherKey`], [`VaultError::Damaged`], [`VaultError::NotText`].
    pub fn open(&self, key: &MasterKey, path: &str) -> Result<SecretValue, VaultError> {
        if key.id() != self.key {
            return Err(VaultError::OtherKey { expected: self.key, found: key.id() });
        }
        let associated = self.associated(path);
        let payload = Payload { msg: &self.sealed, aad: &associated };
        let value = cipher(key).decrypt(&self.nonce.into(), payload).map_err(|_| VaultError::Damaged)?;
        text(value).ok_or(VaultError::NotText)
    }

    /// Returns its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = self.head().to_vec();
        bytes.extend(&self.sealed);
        bytes
    }

    /// Reads what [`VaultRecord::encode`] returned. Nothing is verified.
    ///
    /// # Errors
    /// [`VaultError::Short`], [`VaultError::Version`], [`VaultError::TooLong`].
    pub fn decode(bytes: &[u8]) -> Result<Self, VaultError> {
        let short = VaultError::Short { found: bytes.len() };
        let (&version, rest) = bytes.split_first().ok_or(short)?;
        if version != VERSION {
            return Err(VaultError::Version { found: version });
        }
        let (key, rest) = rest.split_first_chunk::<8>().ok_or(short)?;
        let (revision, rest) = rest.split_first_chunk::<8>().ok_or(short)?;
        let (nonce, sealed) = rest.split_first_chunk::<12>().ok_or(short)?;
        if sealed.len() < TAG {
            return Err(short);
        }
        if sealed.len() > limits::SECRET_BYTES_MAX + TAG {
            return Err(VaultError::TooLong);
        }
        let revision = u64::from_be_bytes(*revision);
        Ok(Self { key: MasterKeyId(*key), revision, nonce: *nonce, sealed: sealed.to_vec() })
    }

    fn head(&self) -> [u8; HEAD] {
        let mut head = [0; HEAD];
        let bytes = [&[VERSION][..], &self.key.0, &self.revision.to_be_bytes(), &self.nonce].concat();
        head.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        head
    }

    fn associated(&self, path: &str) -> Vec<u8> {
        [&b"vigo vault v1\0"[..], &self.head(), path.as_bytes()].concat()
    }
}

fn cipher(key: &MasterKey) -> Aes256Gcm {
    Aes256Gcm::new(&key.0.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn key(byte: u8) -> MasterKey {
        MasterKey::new(Entropy::new([byte; 32]))
    }

    fn record() -> VaultRecord {
        VaultRecord::seal(&key(1), "db/pw", 7, &SecretValue::new("hunter2".into()), Entropy::new([5; 32])).unwrap()
    }

    #[test]
    fn a_record_opens_by_its_key_at_its_path_only() {
        let bytes = record().encode();
        assert!(!bytes.windows(7).any(|w| w == b"hunter2"));
        let read = VaultRecord::decode(&bytes).unwrap();
        assert_eq!((read.revision, read.key), (7, key(1).id()));
        assert_eq!(read.open(&key(1), "db/pw").unwrap().reveal(), "hunter2");
        assert_eq!(read.open(&key(1), "db/other"), Err(VaultError::Damaged));
        let other = VaultError::OtherKey { expected: key(1).id(), found: key(2).id() };
        assert_eq!(read.open(&key(2), "db/pw"), Err(other));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let opened = VaultRecord::decode(&changed).and_then(|r| r.open(&key(1), "db/pw"));
            assert!(opened.is_err(), "byte {at} is another one");
        }
    }

    #[test]
    fn what_is_no_record_is_refused() {
        let bytes = record().encode();
        assert_eq!(VaultRecord::decode(&[]), Err(VaultError::Short { found: 0 }));
        assert_eq!(VaultRecord::decode(&bytes[..HEAD + TAG - 1]), Err(VaultError::Short { found: HEAD + TAG - 1 }));
        assert_eq!(VaultRecord::decode(&[2; 64]), Err(VaultError::Version { found: 2 }));
        let long = [&bytes[..], &alloc::vec![0; limits::SECRET_BYTES_MAX]].concat();
        assert_eq!(VaultRecord::decode(&long), Err(VaultError::TooLong));
        assert!(!format!("{:?}", key(1)).contains("01, 01"));
    }

    /// Vaults in the field are read for ever.
    #[test]
    fn a_record_of_version_1_is_read() {
        let recorded = "012ca71f1e65a0324e0000000000000007050505050505050505050505\
                        69d78f4107c001720734b4276f1630b61fe1723e15b6ba";
        let byte = |at: usize| u8::from_str_radix(&recorded[at..at + 2], 16).unwrap();
        let bytes: Vec<u8> = (0..recorded.len()).step_by(2).map(byte).collect();
        assert_eq!(VaultRecord::decode(&bytes).unwrap().open(&key(1), "db/pw").unwrap().reveal(), "hunter2");
        assert_eq!(record().encode(), bytes);
    }
}
