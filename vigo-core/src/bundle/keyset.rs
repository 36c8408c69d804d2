//! The keys that a fleet believes, by the word of its root.

use super::{BundleError, KeyId, Purpose, Signed};
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use ed25519_dalek::{SigningKey, VerifyingKey};
use prost::Message;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// The keys of a fleet, signed by its root and pinned by every agent at enrolment.
///
/// # Invariants
/// One bundle key and one certificate authority at least are [`KeyState::Active`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeySet {
    /// Rises with every change: nobody goes back to a lower one.
    pub version: u64,
    /// The root, which signs key sets and nothing else.
    pub root: VerifyingKey,
    /// The keys that sign bundles and assignments.
    pub bundle_keys: Vec<TrustedKey>,
    /// The authorities that sign certificates.
    pub cas: Vec<Ca>,
}

/// A bundle key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrustedKey {
    /// The public half.
    pub key: VerifyingKey,
    /// Whether it is believed.
    pub state: KeyState,
}

/// A certificate authority.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ca {
    /// Its certificate, DER.
    pub certificate: Vec<u8>,
    /// Whether it is believed.
    pub state: KeyState,
}

/// Where a key stands in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyState {
    /// It signs.
    Active,
    /// It is going to sign: it is believed already.
    Next,
    /// It is not believed any more.
    Retired,
}

/// Why a key set is not taken over.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// It is not signed as it should be.
    #[error("the key set is not believed: {0}")]
    Unsigned(#[from] BundleError),
    /// It is older than the one at hand.
    #[error("expected a key set of version {held} or later, found {found}")]
    Older {
        /// The version at hand.
        held: u64,
        /// Its version.
        found: u64,
    },
    /// It is of another fleet.
    #[error("expected a key set of fleet `{expected}`, found one of `{found}`")]
    OtherFleet {
        /// [`KeySet::fleet`] of the one at hand.
        expected: String,
        /// Its own.
        found: String,
    },
}

#[derive(Clone, PartialEq, Message)]
struct Proto {
    #[prost(uint64, tag = "1")]
    version: u64,
    #[prost(bytes = "vec", tag = "2")]
    root: Vec<u8>,
    #[prost(message, repeated, tag = "3")]
    bundle_keys: Vec<ProtoKey>,
    #[prost(message, repeated, tag = "4")]
    cas: Vec<ProtoKey>,
}

#[derive(Clone, PartialEq, Message)]
struct ProtoKey {
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
    #[prost(uint32, tag = "2")]
    state: u32,
}

impl KeyState {
    const fn number(self) -> u32 {
        match self {
            Self::Active => 1,
            Self::Next => 2,
            Self::Retired => 3,
        }
    }

    const fn of(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Active),
            2 => Some(Self::Next),
            3 => Some(Self::Retired),
            _ => None,
        }
    }
}

impl KeySet {
    /// Encodes and signs it with the root's secret half, which must be that of [`KeySet::root`].
    pub fn sign(&self, root: &SigningKey) -> Signed {
        let key = |key: &[u8], state: KeyState| ProtoKey { key: key.to_vec(), state: state.number() };
        let proto = Proto {
            version: self.version,
            root: self.root.as_bytes().to_vec(),
            bundle_keys: self.bundle_keys.iter().map(|k| key(k.key.as_bytes(), k.state)).collect(),
            cas: self.cas.iter().map(|ca| key(&ca.certificate, ca.state)).collect(),
        };
        Signed::new(Purpose::KeySet, proto.encode_to_vec().into(), root)
    }

    /// Returns the key set, if `root` signed it.
    ///
    /// # Errors
    /// [`KeySetError::Unsigned`].
    pub fn verify(signed: &Signed, root: &VerifyingKey) -> Result<Self, KeySetError> {
        let malformed = |why: String| BundleError::Malformed { what: "the key set", at: 0, why };
        let bytes = signed.verify(Purpose::KeySet, core::slice::from_ref(root))?;
        let p = Proto::decode(bytes).map_err(|e| malformed(format!("{e}")))?;
        let state = |n| KeyState::of(n).ok_or_else(|| malformed(format!("expected a state, found {n}")));
        let public = |bytes: &[u8]| {
            let bytes = <&[u8; 32]>::try_from(bytes).map_err(|_| malformed("expected 32 bytes of key".into()))?;
            VerifyingKey::from_bytes(bytes).map_err(|_| malformed("expected a key, found other bytes".into()))
        };
        let bundle_keys = p.bundle_keys.iter().map(|k| Ok(TrustedKey { key: public(&k.key)?, state: state(k.state)? }));
        let cas = p.cas.into_iter().map(|k| Ok(Ca { certificate: k.key, state: state(k.state)? }));
        let set = Self {
            version: p.version,
            root: public(&p.root)?,
            bundle_keys: bundle_keys.collect::<Result<_, BundleError>>()?,
            cas: cas.collect::<Result<_, BundleError>>()?,
        };
        if set.root != *root {
            return Err(malformed("expected the root that signed it, found another".into()).into());
        }
        let active = |s: KeyState| s == KeyState::Active;
        if !set.bundle_keys.iter().any(|k| active(k.state)) || !set.cas.iter().any(|ca| active(ca.state)) {
            return Err(malformed("expected an active key of each kind, found none".into()).into());
        }
        Ok(set)
    }

    /// Returns what `signed` holds, if it may stand in place of this one: same root, no lower version.
    ///
    /// # Errors
    /// [`KeySetError`].
    pub fn successor(&self, signed: &Signed) -> Result<Self, KeySetError> {
        let next = match Self::verify(signed, &self.root) {
            Err(KeySetError::Unsigned(BundleError::UnknownKey { key_id })) => {
                let expected = self.fleet();
                return Err(KeySetError::OtherFleet { expected, found: format!("{key_id}") });
            }
            other => other?,
        };
        if next.version < self.version {
            return Err(KeySetError::Older { held: self.version, found: next.version });
        }
        Ok(next)
    }

    /// Returns the bundle keys whose new signatures are believed: all but the retired.
    pub fn believed(&self) -> Vec<VerifyingKey> {
        self.bundle_keys.iter().filter(|k| k.state != KeyState::Retired).map(|k| k.key).collect()
    }

    /// Returns the certificates of the authorities that are believed, DER.
    pub fn authorities(&self) -> impl Iterator<Item = &[u8]> {
        self.cas.iter().filter(|ca| ca.state != KeyState::Retired).map(|ca| &*ca.certificate)
    }

    /// Returns the fleet's name: the first 16 hexadecimal digits of SHA-256 of the root key.
    pub fn fleet(&self) -> String {
        fleet(&self.root)
    }

    /// Returns [`KeySet::fleet`] of the fleet whose root is `root`.
    pub fn fleet_of(root: &VerifyingKey) -> String {
        fleet(root)
    }

    /// Returns the name by which agents know the servers of this fleet, whatever address they dialled.
    pub fn server_name(&self) -> String {
        Self::server_name_of(&self.root)
    }

    /// Returns [`KeySet::server_name`] of the fleet whose root is `root`.
    pub fn server_name_of(root: &VerifyingKey) -> String {
        format!("{}.vigo.internal", fleet(root))
    }
}

/// Returns the name of the fleet whose root is `root`.
fn fleet(root: &VerifyingKey) -> String {
    let digest: [u8; 32] = Sha256::digest(root.as_bytes()).into();
    KeyId(digest).to_string()
}
