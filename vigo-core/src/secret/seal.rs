//! Secrets on their way to one envoy: HPKE, RFC 9180, base mode.

use super::SecretValue;
use crate::entropy::Entropy;
use crate::id::EnvoyId;
use crate::limits;
use crate::wire::Exporter;
use alloc::string::String;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{
    Deserializable as _, Kem, OpModeR, OpModeS, Serializable as _, single_shot_open, single_shot_seal_with_rng,
};
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use zeroize::Zeroize as _;

type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;
type PublicKey = <X25519HkdfSha256 as Kem>::PublicKey;
type Encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey;

/// What a sealed value is bound to: the envoy, the connection and the request that asked for it.
pub struct SealContext {
    info: Vec<u8>,
    request: [u8; 32],
}

/// A sealed value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sealed {
    /// The encapsulated key.
    pub encapsulated: Vec<u8>,
    /// The ciphertext.
    pub sealed: Vec<u8>,
}

/// Why a value cannot be sealed or opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum SealError {
    /// The key to seal for is none.
    #[error("the key to seal for is no X25519 key")]
    Key,
    /// It was sealed for another key, envoy, connection, request or path; or it was changed.
    #[error("the sealed value is not one for this request")]
    NotOurs,
    /// It is no text.
    #[error("the value is not UTF-8")]
    NotText,
    /// It is longer than a secret.
    #[error("the sealed value has more than {} bytes", limits::SECRET_BYTES_MAX)]
    TooLong,
}

/// The key of one request, by which its answer is opened. It is made fresh for each.
pub struct OpeningKey {
    private: PrivateKey,
    public: PublicKey,
}

impl SealContext {
    /// Returns the context of the answer to the request with this `body`, of `envoy` over the connection of `exporter`.
    pub fn new(envoy: EnvoyId, exporter: &Exporter, body: &[u8]) -> Self {
        let info = [&b"vigo secrets v1\0"[..], &envoy.0, &exporter.0].concat();
        Self { info, request: Sha256::digest(body).into() }
    }

    fn associated(&self, path: &str) -> Vec<u8> {
        [&self.request[..], path.as_bytes()].concat()
    }
}

/// Seals the secret at `path` for the public half `key` of an [`OpeningKey`].
///
/// # Errors
/// [`SealError::Key`], [`SealError::TooLong`].
pub fn seal(
    context: &SealContext,
    path: &str,
    value: &SecretValue,
    key: &[u8],
    entropy: Entropy,
) -> Result<Sealed, SealError> {
    if value.reveal().len() > limits::SECRET_BYTES_MAX {
        return Err(SealError::TooLong);
    }
    let key = PublicKey::from_bytes(key).map_err(|_| SealError::Key)?;
    let (encapsulated, sealed) = single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &key,
        &context.info,
        value.reveal().as_bytes(),
        &context.associated(path),
        &mut Once::new(entropy),
    )
    .map_err(|_| SealError::Key)?;
    Ok(Sealed { encapsulated: encapsulated.to_bytes().to_vec(), sealed })
}

impl OpeningKey {
    /// Makes one.
    pub fn new(entropy: Entropy) -> Self {
        let mut seed = entropy.into_bytes();
        let (private, public) = X25519HkdfSha256::derive_keypair(&seed);
        seed.zeroize();
        Self { private, public }
    }

    /// Returns the public half, as it is sent.
    pub fn public(&self) -> Vec<u8> {
        self.public.to_bytes().to_vec()
    }

    /// Opens the secret at `path`.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn open(
        &self,
        context: &SealContext,
        path: &str,
        encapsulated: &[u8],
        sealed: &[u8],
    ) -> Result<SecretValue, SealError> {
        // The ciphertext is longer than the text by its tag.
        if sealed.len() > limits::SECRET_BYTES_MAX + 16 {
            return Err(SealError::TooLong);
        }
        let encapsulated = Encapsulated::from_bytes(encapsulated).map_err(|_| SealError::NotOurs)?;
        let value = single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.private,
            &encapsulated,
            &context.info,
            sealed,
            &context.associated(path),
        )
        .map_err(|_| SealError::NotOurs)?;
        text(value).ok_or(SealError::NotText)
    }
}

impl fmt::Debug for OpeningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpeningKey")
    }
}

/// Returns opened bytes as a value; those that are no text are overwritten.
pub(super) fn text(bytes: Vec<u8>) -> Option<SecretValue> {
    match String::from_utf8(bytes) {
        Ok(text) => Some(SecretValue::new(text)),
        Err(error) => {
            error.into_bytes().zeroize();
            None
        }
    }
}

/// Random bytes out of one piece of entropy: SHA-256 of it and a counter. One encapsulation takes 32 bytes.
struct Once {
    seed: [u8; 32],
    counter: u64,
}

impl Once {
    fn new(entropy: Entropy) -> Self {
        Self { seed: entropy.into_bytes(), counter: 0 }
    }
}

impl Drop for Once {
    fn drop(&mut self) {
        self.seed.zeroize();
    }
}

impl TryRng for Once {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_be_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        for chunk in dst.chunks_mut(32) {
            self.counter += 1;
            let hash = Sha256::new().chain_update(b"vigo hpke v1\0").chain_update(self.seed);
            let block: [u8; 32] = hash.chain_update(self.counter.to_be_bytes()).finalize().into();
            chunk.iter_mut().zip(block).for_each(|(to, from)| *to = from);
        }
        Ok(())
    }
}

impl TryCryptoRng for Once {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn context(envoy: u8, exporter: u8, body: &[u8]) -> SealContext {
        SealContext::new(EnvoyId([envoy; 16]), &Exporter([exporter; 32]), body)
    }

    #[test]
    fn only_the_request_that_asked_opens_it() {
        let (own, other) = (OpeningKey::new(Entropy::new([1; 32])), OpeningKey::new(Entropy::new([2; 32])));
        let asked = context(1, 2, b"body");
        let value = SecretValue::new("hunter2".into());
        let Sealed { encapsulated, sealed } =
            seal(&asked, "db/pw", &value, &own.public(), Entropy::new([3; 32])).unwrap();
        assert_eq!(own.open(&asked, "db/pw", &encapsulated, &sealed), Ok(value.clone()));
        assert!(!sealed.windows(7).any(|w| w == b"hunter2") && !format!("{value:?} {own:?}").contains("hunter2"));
        let mut changed = sealed.clone();
        changed[0] ^= 1;
        let cases = [
            ("another key", other.open(&asked, "db/pw", &encapsulated, &sealed)),
            ("another path", own.open(&asked, "db/px", &encapsulated, &sealed)),
            ("another envoy", own.open(&context(9, 2, b"body"), "db/pw", &encapsulated, &sealed)),
            ("another connection", own.open(&context(1, 9, b"body"), "db/pw", &encapsulated, &sealed)),
            ("another request", own.open(&context(1, 2, b"bodx"), "db/pw", &encapsulated, &sealed)),
            ("changed", own.open(&asked, "db/pw", &encapsulated, &changed)),
            ("nothing", own.open(&asked, "db/pw", &[], &[])),
        ];
        for (name, opened) in cases {
            assert_eq!(opened, Err(SealError::NotOurs), "{name}");
        }
        let again = seal(&asked, "db/pw", &value, &own.public(), Entropy::new([4; 32])).unwrap();
        assert_ne!(again.encapsulated, encapsulated);
    }

    #[test]
    fn what_is_no_key_or_no_secret_is_refused() {
        let (own, asked) = (OpeningKey::new(Entropy::new([1; 32])), context(1, 2, b""));
        let long = SecretValue::new("x".repeat(limits::SECRET_BYTES_MAX + 1));
        assert_eq!(seal(&asked, "a", &long, &own.public(), Entropy::new([1; 32])), Err(SealError::TooLong));
        let value = SecretValue::new("x".into());
        for key in [&[][..], &[1; 31], &[1; 33], &[0; 32]] {
            let refused = seal(&asked, "a", &value, key, Entropy::new([1; 32]));
            assert_eq!(refused, Err(SealError::Key), "{key:?}: of low order, or of another length");
        }
        let sealed = alloc::vec![0; limits::SECRET_BYTES_MAX + 17];
        assert_eq!(own.open(&asked, "a", &[9; 32], &sealed), Err(SealError::TooLong));
    }
}
