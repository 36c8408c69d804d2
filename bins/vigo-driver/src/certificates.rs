//! The certificates that a system trusts.

/// Where systems keep them.
#[cfg(unix)]
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
#[cfg(unix)]
pub fn trusted_certificates() -> Result<Vec<u8>, String> {
    let pem = BUNDLES.iter().find_map(|path| std::fs::read(path).ok());
    pem.ok_or_else(|| format!("no certificates that are trusted: looked for {}", BUNDLES.join(", ")))
}

/// Returns the certificates that the system trusts, PEM: those of the store `ROOT`.
///
/// # Errors
/// In words, when there are none.
#[cfg(windows)]
pub fn trusted_certificates() -> Result<Vec<u8>, String> {
    use base64::Engine;
    use windows_sys::Win32::Security::Cryptography::{
        CertCloseStore, CertEnumCertificatesInStore, CertOpenSystemStoreW,
    };
    let name: Vec<u16> = "ROOT\0".encode_utf16().collect();
    // SAFETY: the name ends with a zero.
    let store = unsafe { CertOpenSystemStoreW(0, name.as_ptr()) };
    if store.is_null() {
        return Err("no certificates that are trusted: the store `ROOT` cannot be opened".into());
    }
    let mut pem = String::new();
    let mut context = std::ptr::null_mut();
    loop {
        // SAFETY: the store is open; the one before is given back by the call.
        context = unsafe { CertEnumCertificatesInStore(store, context) };
        if context.is_null() {
            break;
        }
        // SAFETY: not null, and ours until the next call; it says how long its bytes are.
        let der = unsafe { std::slice::from_raw_parts((*context).pbCertEncoded, (*context).cbCertEncoded as usize) };
        pem.push_str("-----BEGIN CERTIFICATE-----\n");
        base64::engine::general_purpose::STANDARD.encode_string(der, &mut pem);
        pem.push_str("\n-----END CERTIFICATE-----\n");
    }
    // SAFETY: it was opened here, and nothing of it is used after.
    unsafe { CertCloseStore(store, 0) };
    match pem.is_empty() {
        true => Err("no certificates that are trusted: the store `ROOT` is empty".into()),
        false => Ok(pem.into_bytes()),
    }
}
