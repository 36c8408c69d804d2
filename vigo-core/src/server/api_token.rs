//! The text of a token of the API.

use crate::entropy::Entropy;
use crate::hex;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;
use sha2::{Digest as _, Sha256};

/// A token as it is printed, once: `vgot_<id>_<secret>`. The id finds its record, which has a hash of the whole.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiTokenText(String);

const PREFIX: &str = "vgot_";
const ID_DIGITS: usize = 16;
const SECRET_DIGITS: usize = 64;

impl ApiTokenText {
    /// Makes a token: `id` of the first bytes of one, the secret of the other.
    pub fn new(id: Entropy, secret: Entropy) -> Self {
        let (id, secret) = (id.into_bytes(), secret.into_bytes());
        Self(format!("{PREFIX}{}_{}", hex::encode(&id[..ID_DIGITS / 2]), hex::encode(secret)))
    }

    /// Reads a token; none for what is no token.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let is_hex = |t: &str, len| t.len() == len && t.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (is_hex(id, ID_DIGITS) && is_hex(secret, SECRET_DIGITS)).then(|| Self(text.to_string()))
    }

    /// Returns what finds its record: no secret.
    pub fn id(&self) -> &str {
        self.0.get(PREFIX.len()..PREFIX.len() + ID_DIGITS).unwrap_or_default()
    }

    /// Returns what its record has of it. The secret has 256 random bits: no work makes it harder to guess.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::new().chain_update(b"vigo api token v1\0").chain_update(&self.0).finalize().into()
    }

    /// Returns the whole text, for whoever asked for the token.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiTokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}_…", self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_printed_and_shows_no_secret() {
        let token = ApiTokenText::new(Entropy::new([0xab; 32]), Entropy::new([0xcd; 32]));
        assert_eq!(ApiTokenText::parse(token.reveal()), Some(token.clone()));
        assert_eq!((token.id(), format!("{token:?}").contains("cd")), ("abababababababab", false));
        let text = token.reveal();
        for wrong in
            ["", "vgot_", "vgot_ab_cd", &text[1..], &text[..text.len() - 1], &text.to_uppercase(), &format!("{text}0")]
        {
            assert_eq!(ApiTokenText::parse(wrong), None, "{wrong}");
        }
        assert_ne!(token.hash(), ApiTokenText::new(Entropy::new([0xab; 32]), Entropy::new([0xce; 32])).hash());
    }
}
