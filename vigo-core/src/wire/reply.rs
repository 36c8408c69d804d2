//! The answer to a request.

use super::WireError;
use super::envelope::{Kind, VERSION, take};
use super::message::{Message, Refused};
use alloc::vec::Vec;

/// An answer: what was asked for, or why not.
///
/// It is not signed: it comes over the connection of a server that proved itself, and whatever changes what an agent
/// does carries a signature of its own.
#[derive(Clone, PartialEq, Debug)]
pub enum Reply<M> {
    /// What was asked for.
    Done(M),
    /// A refusal. It never stops an agent from converging.
    Refused(Refused),
}

/// Bytes before the body: version, kind, whether it is a refusal.
const HEAD: usize = 2 + 2 + 1;

impl<M: Message> Reply<M> {
    /// Returns its bytes, without their length.
    pub fn encode(&self) -> Vec<u8> {
        let (refused, body) = match self {
            Self::Done(message) => (0, message.encode()),
            Self::Refused(refused) => (1, refused.encode()),
        };
        let mut bytes = Vec::with_capacity(HEAD + body.len());
        bytes.extend(VERSION.to_be_bytes());
        bytes.extend(M::KIND.number().to_be_bytes());
        bytes.push(refused);
        bytes.extend(body);
        bytes
    }

    /// Reads the answer to a request of `asked`.
    ///
    /// # Errors
    /// [`WireError`] for bytes that are none, or the answer to something else.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut rest = bytes;
        let short = WireError::Short { expected: HEAD, found: bytes.len() };
        let version = u16::from_be_bytes(take(&mut rest).ok_or_else(|| short.clone())?);
        if version != VERSION {
            return Err(WireError::Version { expected: VERSION, found: version });
        }
        let kind = Kind::of(u16::from_be_bytes(take(&mut rest).ok_or_else(|| short.clone())?))?;
        if kind != M::KIND {
            return Err(WireError::OtherKind { expected: M::KIND.number(), found: kind.number() });
        }
        match take(&mut rest).ok_or(short)? {
            [0] => Ok(Self::Done(M::decode(rest)?)),
            [_] => Ok(Self::Refused(Refused::decode(rest)?)),
        }
    }
}
