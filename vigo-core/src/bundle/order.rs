//! What one envoy is to do once.

use super::{BundleError, Purpose, Signed};
use crate::id::EnvoyId;
use crate::limits;
use crate::time::Timestamp;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use ed25519_dalek::{SigningKey, VerifyingKey};
use prost::Message;

/// The name of an order: random.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId(pub [u8; 16]);

/// What one envoy is to do once, before a time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Order {
    /// Its name: an order that comes again is known by it.
    pub id: OrderId,
    /// The envoy; no other obeys.
    pub envoy_id: EnvoyId,
    /// What to do: one of [`Order`]'s constants, or what a later version knows.
    pub kind: String,
    /// More about it, by the kind.
    pub body: Vec<u8>,
    /// When it was given, by the server's clock.
    pub issued_at: Timestamp,
    /// It is not begun after this.
    pub not_after: Timestamp,
}

#[derive(Clone, PartialEq, Message)]
struct Proto {
    #[prost(bytes = "vec", tag = "1")]
    id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    envoy_id: Vec<u8>,
    #[prost(string, tag = "3")]
    kind: String,
    #[prost(bytes = "vec", tag = "4")]
    body: Vec<u8>,
    #[prost(sint64, tag = "5")]
    issued_at_ms: i64,
    #[prost(sint64, tag = "6")]
    not_after_ms: i64,
}

impl Order {
    /// The kind of an order to converge now. It has no body.
    pub const CONVERGE: &'static str = "converge";

    /// Encodes and signs it.
    pub fn sign(&self, key: &SigningKey) -> Signed {
        let proto = Proto {
            id: self.id.0.to_vec(),
            envoy_id: self.envoy_id.0.to_vec(),
            kind: self.kind.clone(),
            body: self.body.clone(),
            issued_at_ms: self.issued_at.epoch_ms(),
            not_after_ms: self.not_after.epoch_ms(),
        };
        Signed::new(Purpose::Order, proto.encode_to_vec().into(), key)
    }

    /// Returns the order, if one of `keys` signed it. Whether it is for this envoy, is known already or is too late is the
    /// caller's to ask.
    ///
    /// # Errors
    /// As [`Signed::verify`]; [`BundleError::TooLarge`]; [`BundleError::Malformed`] when it is of another version.
    pub fn verify(signed: &Signed, keys: &[VerifyingKey]) -> Result<Self, BundleError> {
        let (bytes, max) = (signed.bytes.len(), limits::ORDER_BYTES_MAX);
        if bytes > max {
            return Err(BundleError::TooLarge { bytes, max });
        }
        let malformed = |why: String| BundleError::Malformed { what: "the order", at: 0, why };
        let p = Proto::decode(signed.verify(Purpose::Order, keys)?).map_err(|e| malformed(alloc::format!("{e}")))?;
        let id = |bytes: &[u8]| <[u8; 16]>::try_from(bytes).map_err(|_| malformed("expected 16 bytes of id".into()));
        Ok(Self {
            id: OrderId(id(&p.id)?),
            envoy_id: EnvoyId(id(&p.envoy_id)?),
            kind: p.kind,
            body: p.body,
            issued_at: Timestamp::from_epoch_ms(p.issued_at_ms),
            not_after: Timestamp::from_epoch_ms(p.not_after_ms),
        })
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
