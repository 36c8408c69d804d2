//! The key of a server that is known: nothing else proves that it is the one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

/// What is known of a server's key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Pin {
    /// SHA-256 of it, as RFC 7469 counts.
    Known([u8; 32]),
    /// Nothing yet: whoever answers is looked at, and nothing is said.
    Look,
}

/// The key that the server had.
pub(crate) type Seen = Arc<OnceLock<[u8; 32]>>;

/// Holds a certificate against a pin.
#[derive(Debug)]
pub(crate) struct Verifier {
    pin: Pin,
    seen: Seen,
    provider: Arc<CryptoProvider>,
}

impl Pin {
    /// Returns what verifies by it.
    pub(crate) fn verifier(&self, seen: &Seen) -> Verifier {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Verifier { pin: self.clone(), seen: Arc::clone(seen), provider }
    }
}

impl FromStr for Pin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix("sha256//").or_else(|| text.strip_prefix("sha256:"));
        let bytes = digits.and_then(|digits| STANDARD.decode(digits).ok()?.try_into().ok());
        let expected = "expected a pin as `vigocli server status` shows it on the server, `sha256//…`";
        bytes.map(Self::Known).ok_or_else(|| expected.into())
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(digest) => write!(f, "sha256//{}", STANDARD.encode(digest)),
            Self::Look => f.write_str("none"),
        }
    }
}

impl ServerCertVerifier for Verifier {
    /// Neither name nor date nor authority is asked: the key is what is known.
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let parsed = webpki::EndEntityCert::try_from(certificate);
        let parsed = parsed.map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
        let digest: [u8; 32] = Sha256::digest(parsed.subject_public_key_info()).into();
        let _ = self.seen.set(digest);
        match self.pin {
            Pin::Known(known) if known != digest => {
                let found = Pin::Known(digest);
                Err(Error::General(format!(
                    "the server has another key, `{found}`, than the one that is known, `{}`",
                    self.pin
                )))
            }
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_read_as_the_server_shows_it() {
        let pin = Pin::Known([7; 32]);
        let text = pin.to_string();
        assert_eq!(text.parse(), Ok(pin.clone()));
        assert_eq!(text.replace("//", ":").parse(), Ok(pin));
        for wrong in ["", "sha256//", "sha256//AAAA", "sha1//AAAA", &text[..text.len() - 4]] {
            assert!(wrong.parse::<Pin>().is_err(), "{wrong}");
        }
    }
}
