//! The fleet's authority.

use super::CaError;
use super::request::public_key;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType, SerialNumber,
};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use std::net::IpAddr;
use vigo_core::id::EnvoyId;
use vigo_core::time::Timestamp;

const DAY: u64 = 24 * 60 * 60;

/// Days that an authority is good for: twenty years. Whoever changes it sooner does so with a new key set.
const CA_DAYS: u64 = 7305;

/// Days that a server's or an envoy's certificate is good for.
const LEAF_DAYS: u64 = 365;

/// The latest clock for which certificates are made: the year 3000.
const CLOCK_MAX: i64 = 32_503_680_000;

/// An authority with its key.
pub struct Authority {
    certificate: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

/// A server's certificate and its key.
#[derive(Clone)]
pub struct ServerCertificate {
    /// DER.
    pub certificate: Vec<u8>,
    /// The certificate of the authority that signed it, DER.
    pub authority: Vec<u8>,
    /// PKCS #8, DER.
    pub key: Vec<u8>,
}

impl Authority {
    /// Makes an authority with a new key: P-256, path length 0, twenty years from a day before `now`.
    ///
    /// `fleet` is [`KeySet::fleet`](vigo_core::bundle::KeySet::fleet).
    ///
    /// # Errors
    /// [`CaError::Clock`], [`CaError::Make`].
    pub fn generate(fleet: &str, now: Timestamp) -> Result<Self, CaError> {
        let key = new_key()?;
        let mut template = template(&format!("vigo {fleet}"), CA_DAYS, now)?;
        template.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        template.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = template.self_signed(&key).map_err(make)?;
        Ok(Self { certificate: certificate.der().to_vec(), issuer: Issuer::new(template, key) })
    }

    /// Takes up one that was kept: its certificate, DER, and [`Authority::key_pem`].
    ///
    /// # Errors
    /// [`CaError::Malformed`], [`CaError::OtherKey`].
    pub fn load(certificate: &[u8], key_pem: &str) -> Result<Self, CaError> {
        let key = KeyPair::from_pem_and_sign_algo(key_pem, &PKCS_ECDSA_P256_SHA256)
            .map_err(|e| CaError::Malformed { expected: "a P-256 key in PKCS #8", why: e.to_string() })?;
        let malformed = |why: String| CaError::Malformed { expected: "a certificate of an authority", why };
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate).map_err(|e| malformed(e.to_string()))?;
        if !parsed.is_ca() {
            return Err(malformed("it may not sign others".into()));
        }
        if *parsed.public_key().subject_public_key.data != *key.public_key_raw() {
            return Err(CaError::OtherKey);
        }
        let issuer =
            Issuer::from_ca_cert_der(&CertificateDer::from(certificate), key).map_err(|e| malformed(e.to_string()))?;
        Ok(Self { certificate: certificate.to_vec(), issuer })
    }

    /// Returns its certificate, DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// Returns its key, PKCS #8 in PEM: for a file that nobody else reads.
    pub fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// Makes a certificate for the server: for being one and nothing else, under `server_name` (that of the
    /// [key set](vigo_core::bundle::KeySet::server_name)) and `hosts`, names and addresses for people's browsers.
    ///
    /// With `key_pem`, that key is kept: whoever pinned it still believes it.
    ///
    /// # Errors
    /// [`CaError`].
    pub fn server(
        &self,
        server_name: &str,
        hosts: &[String],
        key_pem: Option<&str>,
        now: Timestamp,
    ) -> Result<ServerCertificate, CaError> {
        let key = match key_pem {
            None => new_key()?,
            Some(pem) => KeyPair::from_pem_and_sign_algo(pem, &PKCS_ECDSA_P256_SHA256)
                .map_err(|e| CaError::Malformed { expected: "a P-256 key in PKCS #8", why: e.to_string() })?,
        };
        let mut template = leaf(server_name, ExtendedKeyUsagePurpose::ServerAuth, now)?;
        for host in std::iter::once(server_name).chain(hosts.iter().map(String::as_str)) {
            let name = || CaError::Name { found: host.to_owned() };
            let name = match host.parse::<IpAddr>() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) if !is_name(host) => return Err(name()),
                Err(_) => SanType::DnsName(host.try_into().map_err(|_| name())?),
            };
            if !template.subject_alt_names.contains(&name) {
                template.subject_alt_names.push(name);
            }
        }
        let certificate = template.signed_by(&key, &self.issuer).map_err(make)?;
        let (authority, key) = (self.certificate.clone(), key.serialize_der());
        Ok(ServerCertificate { certificate: certificate.der().to_vec(), authority, key })
    }

    /// Makes the certificate of the envoy `id`, whose name the server decided, for the key in `request` (RFC 2986, DER):
    /// for being that envoy and nothing else, whatever the request asks for. Returns it, DER.
    ///
    /// # Errors
    /// [`CaError::Request`], [`CaError::Name`].
    pub fn envoy(&self, request: &[u8], id: EnvoyId, hostname: &str, now: Timestamp) -> Result<Vec<u8>, CaError> {
        if !is_name(hostname) {
            return Err(CaError::Name { found: hostname.to_owned() });
        }
        let key = public_key(request)?;
        let mut template = leaf(hostname, ExtendedKeyUsagePurpose::ClientAuth, now)?;
        let name = format!("vigo:envoy:{id}/{hostname}");
        template.subject_alt_names = vec![SanType::URI(name.try_into().map_err(make)?)];
        Ok(template.signed_by(&key, &self.issuer).map_err(make)?.der().to_vec())
    }
}

impl ServerCertificate {
    /// Takes up one that was kept: the certificates, DER, and [`ServerCertificate::key_pem`].
    ///
    /// # Errors
    /// [`CaError::Malformed`], [`CaError::OtherKey`].
    pub fn load(certificate: &[u8], authority: &[u8], key_pem: &str) -> Result<Self, CaError> {
        let key = KeyPair::from_pem_and_sign_algo(key_pem, &PKCS_ECDSA_P256_SHA256)
            .map_err(|e| CaError::Malformed { expected: "a P-256 key in PKCS #8", why: e.to_string() })?;
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate)
            .map_err(|e| CaError::Malformed { expected: "a certificate of a server", why: e.to_string() })?;
        if *parsed.public_key().subject_public_key.data != *key.public_key_raw() {
            return Err(CaError::OtherKey);
        }
        Ok(Self { certificate: certificate.to_vec(), authority: authority.to_vec(), key: key.serialize_der() })
    }

    /// Returns its key, PKCS #8 in PEM: for a file that nobody else reads.
    ///
    /// # Errors
    /// [`CaError::Malformed`] when the key was put in by hand and is none.
    pub fn key_pem(&self) -> Result<String, CaError> {
        let key = PrivatePkcs8KeyDer::from(&*self.key);
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&key, &PKCS_ECDSA_P256_SHA256)
            .map_err(|e| CaError::Malformed { expected: "a P-256 key in PKCS #8", why: e.to_string() })?;
        Ok(key.serialize_pem())
    }
}

fn new_key() -> Result<KeyPair, CaError> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(make)
}

fn make(e: rcgen::Error) -> CaError {
    CaError::Make { why: e.to_string() }
}

/// Returns what both kinds of certificate share.
fn leaf(name: &str, usage: ExtendedKeyUsagePurpose, now: Timestamp) -> Result<CertificateParams, CaError> {
    let mut template = template(name, LEAF_DAYS, now)?;
    template.is_ca = IsCa::ExplicitNoCa;
    template.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    template.extended_key_usages = vec![usage];
    template.use_authority_key_identifier_extension = true;
    Ok(template)
}

/// Returns a template under `name`, with a number of its own, good from a day before `now`: the envoy's clock may be
/// behind.
fn template(name: &str, days: u64, now: Timestamp) -> Result<CertificateParams, CaError> {
    let seconds = now.epoch_secs();
    let clock = || CaError::Clock { seconds };
    if seconds > CLOCK_MAX {
        return Err(clock());
    }
    let since_1970 = u64::try_from(seconds).ok().and_then(|s| s.checked_sub(DAY)).ok_or_else(clock)?;
    let mut serial = [0; 16];
    getrandom::fill(&mut serial).map_err(|e| CaError::Make { why: e.to_string() })?;
    // A number is positive, RFC 5280 4.1.2.2.
    serial[0] &= 0x7f;
    let mut template = CertificateParams::default();
    let at = |seconds| rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(seconds);
    template.not_before = at(since_1970);
    template.not_after = at(since_1970 + (days + 1) * DAY);
    template.serial_number = Some(SerialNumber::from_slice(&serial));
    template.distinguished_name = DistinguishedName::new();
    // RFC 5280 allows 64 characters; the name that counts is the alternative one.
    template.distinguished_name.push(DnType::CommonName, name.chars().take(64).collect::<String>());
    Ok(template)
}

/// Returns whether `name` is one that the server gives: what a certificate's reader splits at stays outside.
fn is_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=vigo_core::limits::HOSTNAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(allowed)
}
