//! Who stands for a bundle.

use super::{BundleError, PolicyBundle, Purpose, Signed};
use ed25519_dalek::{SigningKey, VerifyingKey};

/// Encodes and signs a policy.
///
/// # Errors
/// Those of [`PolicyBundle::encode`]; and, since nothing is signed that no agent would read, those of
/// [`PolicyBundle::decode`].
pub fn sign(bundle: &PolicyBundle, key: &SigningKey) -> Result<Signed, BundleError> {
    let bytes = bundle.encode()?;
    PolicyBundle::decode(&bytes)?;
    Ok(Signed::new(Purpose::Bundle, bytes.into(), key))
}

/// Returns the policy of `signed`, if one of `keys` signed it.
///
/// # Errors
/// [`BundleError::UnknownKey`], [`BundleError::BadSignature`]; those of [`PolicyBundle::decode`] when the server is of
/// another version.
pub fn verify(signed: &Signed, keys: &[VerifyingKey]) -> Result<PolicyBundle, BundleError> {
    PolicyBundle::decode(signed.verify(Purpose::Bundle, keys)?)
}
