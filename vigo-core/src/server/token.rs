//! The text of an enrolment token.

use crate::entropy::Entropy;
use crate::hex;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;
use thiserror::Error;

/// A token as it is printed, once: `vgt_<id>_<secret>`. The id finds its record; the secret is nowhere else in the clear.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenText {
    id: String,
    secret: String,
}

/// A text that is no token.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("expected a token as `vgt_<id>_<secret>`")]
pub struct TokenError;

const PREFIX: &str = "vgt_";
const ID_DIGITS: usize = 16;
const SECRET_DIGITS: usize = 64;

impl TokenText {
    /// Makes a token: `id` of the first bytes of one, the secret of the other.
    pub fn new(id: Entropy, secret: Entropy) -> Self {
        Self { id: hex::encode(&id.into_bytes()[..ID_DIGITS / 2]), secret: hex::encode(secret.into_bytes()) }
    }

    /// Reads a token.
    ///
    /// # Errors
    /// [`TokenError`], which does not repeat the text.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let (id, secret) = text.trim().strip_prefix(PREFIX).and_then(|t| t.split_once('_')).ok_or(TokenError)?;
        let is_hex = |t: &str, len| t.len() == len && t.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !is_hex(id, ID_DIGITS) || !is_hex(secret, SECRET_DIGITS) {
            return Err(TokenError);
        }
        Ok(Self { id: id.to_string(), secret: secret.to_string() })
    }

    /// Returns what finds its record: no secret.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns what proves it: hashed at rest, never printed again.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Returns the whole text, for whoever asked for the token.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}_{}", self.id, self.secret)
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}_…", self.id)
    }
}
