//! The certificates that a system trusts.

use std::fs;

/// Where systems keep them.
const BUNDLES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];

/// Returns the certificates that the system trusts, PEM.
///
/// # Errors
/// In words, when there are none where systems have them.
pub fn trusted_certificates() -> Result<Vec<u8>, String> {
    let pem = BUNDLES.iter().find_map(|path| fs::read(path).ok());
    pem.ok_or_else(|| format!("no certificates that are trusted: looked for {}", BUNDLES.join(", ")))
}
