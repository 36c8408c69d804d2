//! The machine's own certificate.

use super::NetError;
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::pki_types::PrivatePkcs8KeyDer;

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
