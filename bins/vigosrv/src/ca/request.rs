//! What is taken from a certificate signing request.

use super::CaError;
use rcgen::{PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SubjectPublicKeyInfo};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer as _;

/// Returns the public key of a request, RFC 2986, DER, that is signed by its private half. Nothing else of it is looked
/// at.
///
/// # Errors
/// [`CaError::Request`].
pub(super) fn public_key(request: &[u8]) -> Result<SubjectPublicKeyInfo, CaError> {
    let refused = |why: String| CaError::Request { why };
    let (rest, parsed) = X509CertificationRequest::from_der(request).map_err(|e| refused(e.to_string()))?;
    if !rest.is_empty() {
        return Err(refused(format!("expected the end, found {} more bytes", rest.len())));
    }
    let key = SubjectPublicKeyInfo::from_der(parsed.certification_request_info.subject_pki.raw)
        .map_err(|e| refused(e.to_string()))?;
    if key.algorithm() != &PKCS_ECDSA_P256_SHA256 {
        return Err(refused("the key is of another kind".into()));
    }
    parsed.verify_signature().map_err(|e| refused(e.to_string()))?;
    Ok(key)
}
