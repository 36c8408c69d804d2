//! Certificates as they stand in files.

use super::CaError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// Returns the text form, RFC 7468, of a certificate in DER.
pub fn certificate_to_pem(certificate: &[u8]) -> String {
    let text = STANDARD.encode(certificate);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    let mut rest = &*text;
    while !rest.is_empty() {
        let (line, left) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = left;
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}

/// Returns the first certificate of a text, DER.
///
/// # Errors
/// [`CaError::Malformed`].
pub fn certificate_from_pem(text: &str) -> Result<Vec<u8>, CaError> {
    let certificate = CertificateDer::from_pem_slice(text.as_bytes())
        .map_err(|e| CaError::Malformed { expected: "a certificate in PEM", why: e.to_string() })?;
    Ok(certificate.to_vec())
}
