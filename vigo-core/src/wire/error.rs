//! What is wrong with what the other side said.

use alloc::string::String;
use thiserror::Error;

/// Why bytes from the other side are not used.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum WireError {
    /// Fewer bytes than the fixed part has.
    #[error("expected at least {expected} bytes, found {found}")]
    Short {
        /// The length of the fixed part.
        expected: usize,
        /// The bytes at hand.
        found: usize,
    },
    /// More bytes than such a message may have.
    #[error("expected at most {max} bytes, found {found}")]
    TooLarge {
        /// The bound.
        max: usize,
        /// The bytes at hand, or announced.
        found: usize,
    },
    /// A version that this side does not speak.
    #[error("expected wire version {expected}, found {found}")]
    Version {
        /// Ours.
        expected: u16,
        /// Theirs.
        found: u16,
    },
    /// A kind of message that this side does not know.
    #[error("message kind {0} is not known here")]
    UnknownKind(u16),
    /// The answer is to another kind of request.
    #[error("expected the answer to message kind {expected}, found that to {found}")]
    OtherKind {
        /// What was asked.
        expected: u16,
        /// What was answered.
        found: u16,
    },
    /// The body is not such a message.
    #[error("the body is no {what}: {why}")]
    Body {
        /// The message's name.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The signature is not the sender's over this message on this connection.
    #[error("the signature does not match the message, the sender and the connection")]
    BadSignature,
    /// The sequence number was used before, or is too old to tell.
    #[error("request {sequence} was seen before, or is more than {window} behind", window = crate::limits::REPLAY_WINDOW)]
    Replayed {
        /// Its number.
        sequence: u64,
    },
}
