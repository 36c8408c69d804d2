//! The machine's own certificate.

use super::NetError;
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, UnixTime};
use std::time::Duration;
use vigo_core::time::Timestamp;
use webpki::{EndEntityCert, KeyUsage};

/// From when to when a certificate is good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Validity {
    /// The first moment.
    pub not_before: Timestamp,
    /// The last.
    pub not_after: Timestamp,
}

/// Makes a key for a certificate: P-256, PKCS #8, DER.
///
/// # Errors
/// [`NetError::Identity`] when the system has no randomness.
pub fn new_key() -> Result<Vec<u8>, NetError> {
    Ok(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(of_no_use)?.serialize_der())
}

/// Returns a certificate signing request, RFC 2986, DER, for a key that [`new_key`] made. It asks for nothing: the server
/// decides what the certificate says.
///
/// # Errors
/// [`NetError::Identity`] when it is no such key.
pub fn signing_request(key: &[u8]) -> Result<Vec<u8>, NetError> {
    let key = KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(key), &PKCS_ECDSA_P256_SHA256)
        .map_err(of_no_use)?;
    let mut template = CertificateParams::default();
    template.distinguished_name = DistinguishedName::new();
    Ok(template.serialize_request(&key).map_err(of_no_use)?.der().to_vec())
}

fn of_no_use(e: rcgen::Error) -> NetError {
    NetError::Identity { why: e.to_string() }
}

/// Returns from when to when a certificate, DER, is good; none when it is no certificate.
pub fn validity(certificate: &[u8]) -> Option<Validity> {
    let certificate = CertificateDer::from(certificate);
    let parsed = EndEntityCert::try_from(&certificate).ok()?;
    // The bounds are what verification names when the time is outside: it looks at the time before anything else.
    let at = |seconds| {
        let when = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        parsed.verify_for_usage(&[], &[], &[], when, KeyUsage::client_auth(), None, None).err()
    };
    let time = |t: UnixTime| Some(Timestamp::from_epoch_secs(i64::try_from(t.as_secs()).ok()?));
    match (at(0)?, at(u64::MAX)?) {
        (webpki::Error::CertNotValidYet { not_before, .. }, webpki::Error::CertExpired { not_after, .. }) => {
            Some(Validity { not_before: time(not_before)?, not_after: time(not_after)? })
        }
        _ => None,
    }
}
