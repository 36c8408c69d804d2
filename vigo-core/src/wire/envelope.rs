//! A signed request.

use super::{Message, WireError};
use crate::id::EnvoyId;
use crate::limits;
use alloc::vec::Vec;
use ed25519_dalek::{Signature, Signer as _, SigningKey, Verifier as _, VerifyingKey};
use sha2::{Digest as _, Sha256};

/// The version of envelopes and replies.
pub const VERSION: u16 = 1;

/// The protocol that both sides name in the handshake for [`Channel::Request`].
pub const REQUEST_ALPN: &[u8] = b"vigo/1";

/// The protocol that both sides name in the handshake for [`Channel::Enrol`].
pub const ENROL_ALPN: &[u8] = b"vigo-enrol/1";

/// The label under which both sides take 32 bytes of keying material from the connection, RFC 8446 7.5, with an empty
/// context.
pub const EXPORTER_LABEL: &[u8] = b"EXPORTER-vigo-request";

/// Bytes before the body: version, kind, envoy, sequence, signature.
const HEAD: usize = 2 + 2 + 16 + 8 + 64;

/// Keying material of one TLS connection: what is signed with it is worthless on any other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Exporter(pub [u8; 32]);

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Channel {
    /// Requests of enrolled envoys, with a certificate.
    Request,
    /// Enrolment, and asking for the key set: without one.
    Enrol,
}

/// What a request asks for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u16)]
pub enum Kind {
    /// [`message::Enrol`](super::message::Enrol).
    Enrol = 1,
    /// [`message::GetKeySet`](super::message::GetKeySet).
    GetKeySet = 2,
    /// [`message::CheckIn`](super::message::CheckIn).
    CheckIn = 3,
    /// [`message::Report`](super::message::Report).
    Report = 4,
    /// [`message::TraitsDelta`](super::message::TraitsDelta).
    TraitsDelta = 5,
    /// [`message::RenewCertificate`](super::message::RenewCertificate).
    RenewCertificate = 6,
    /// [`message::ResolveSecrets`](super::message::ResolveSecrets).
    ResolveSecrets = 7,
    /// [`message::Await`](super::message::Await).
    Await = 8,
    /// [`message::OrderResult`](super::message::OrderResult).
    OrderResult = 9,
}

/// A request with what proves its sender.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    /// What is asked.
    pub kind: Kind,
    /// Who asks.
    pub envoy_id: EnvoyId,
    /// From 1 on each connection, each number once.
    pub sequence: u64,
    /// The message.
    pub body: Vec<u8>,
    /// Ed25519 by the identity key.
    pub signature: [u8; 64],
}

impl Channel {
    /// Returns what stands first in every signed message of the channel.
    const fn context(self) -> &'static [u8] {
        match self {
            Self::Request => b"vigo request v1\0",
            Self::Enrol => b"vigo enrol v1\0",
        }
    }

    /// Returns whether such a request is answered on the channel.
    pub const fn takes(self, kind: Kind) -> bool {
        matches!((self, kind), (Self::Enrol, Kind::Enrol | Kind::GetKeySet))
            || (matches!(self, Self::Request) && !matches!(kind, Kind::Enrol | Kind::GetKeySet))
    }

    /// Returns how many bytes an envelope may have: what is longer is not read.
    pub const fn envelope_bytes_max(self) -> usize {
        match self {
            Self::Request => limits::REQUEST_BYTES_MAX,
            Self::Enrol => limits::ENROL_BYTES_MAX,
        }
    }
}

impl Kind {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Enrol,
        Self::GetKeySet,
        Self::CheckIn,
        Self::Report,
        Self::TraitsDelta,
        Self::RenewCertificate,
        Self::ResolveSecrets,
        Self::Await,
        Self::OrderResult,
    ];

    /// Returns the number on the wire.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// Returns the kind of that number.
    ///
    /// # Errors
    /// [`WireError::UnknownKind`].
    pub fn of(number: u16) -> Result<Self, WireError> {
        Self::ALL.iter().copied().find(|k| k.number() == number).ok_or(WireError::UnknownKind(number))
    }
}

impl Envelope {
    /// Encodes `message` and signs it for one connection.
    pub fn sign<M: Message>(
        channel: Channel,
        key: &SigningKey,
        sequence: u64,
        exporter: &Exporter,
        message: &M,
    ) -> Self {
        let envoy_id = EnvoyId::of(&key.verifying_key());
        let mut envelope = Self { kind: M::KIND, envoy_id, sequence, body: message.encode(), signature: [0; 64] };
        envelope.signature = key.sign(&envelope.signed(channel, exporter)).to_bytes();
        envelope
    }

    /// Returns whether `key` signed it on this connection. The key was screened at enrolment: it is not weak.
    ///
    /// # Errors
    /// [`WireError::BadSignature`]; also when the envoy it names is not that of `key`.
    pub fn verify(&self, channel: Channel, key: &VerifyingKey, exporter: &Exporter) -> Result<(), WireError> {
        if EnvoyId::of(key) != self.envoy_id {
            return Err(WireError::BadSignature);
        }
        key.verify(&self.signed(channel, exporter), &Signature::from_bytes(&self.signature))
            .map_err(|_| WireError::BadSignature)
    }

    /// Returns its bytes, without their length.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD + self.body.len());
        bytes.extend(VERSION.to_be_bytes());
        bytes.extend(self.kind.number().to_be_bytes());
        bytes.extend(self.envoy_id.0);
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.signature);
        bytes.extend(&self.body);
        bytes
    }

    /// Reads what [`Envelope::encode`] returned. Nothing is verified.
    ///
    /// # Errors
    /// [`WireError`] for bytes that are none, or more than [`Channel::envelope_bytes_max`] allows.
    pub fn decode(channel: Channel, bytes: &[u8]) -> Result<Self, WireError> {
        let max = channel.envelope_bytes_max();
        if bytes.len() > max {
            return Err(WireError::TooLarge { max, found: bytes.len() });
        }
        let mut rest = bytes;
        let short = WireError::Short { expected: HEAD, found: bytes.len() };
        let version = u16::from_be_bytes(take(&mut rest).ok_or_else(|| short.clone())?);
        if version != VERSION {
            return Err(WireError::Version { expected: VERSION, found: version });
        }
        let kind = Kind::of(u16::from_be_bytes(take(&mut rest).ok_or_else(|| short.clone())?))?;
        let envoy_id = EnvoyId(take(&mut rest).ok_or_else(|| short.clone())?);
        let sequence = u64::from_be_bytes(take(&mut rest).ok_or_else(|| short.clone())?);
        let signature = take(&mut rest).ok_or(short)?;
        Ok(Self { kind, envoy_id, sequence, body: rest.to_vec(), signature })
    }

    /// Reads the body.
    ///
    /// # Errors
    /// [`WireError::OtherKind`], [`WireError::Body`].
    pub fn message<M: Message>(&self) -> Result<M, WireError> {
        if self.kind != M::KIND {
            return Err(WireError::OtherKind { expected: M::KIND.number(), found: self.kind.number() });
        }
        M::decode(&self.body)
    }

    /// Returns what is signed: fixed widths, big endian, the body by its digest as received.
    fn signed(&self, channel: Channel, exporter: &Exporter) -> Vec<u8> {
        let mut message = channel.context().to_vec();
        message.extend(VERSION.to_be_bytes());
        message.extend(self.kind.number().to_be_bytes());
        message.extend(self.envoy_id.0);
        message.extend(self.sequence.to_be_bytes());
        message.extend(exporter.0);
        message.extend(Sha256::digest(&self.body));
        message
    }
}

/// Takes the first bytes away.
pub(super) fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, left) = rest.split_first_chunk::<N>()?;
    *rest = left;
    Some(*first)
}
