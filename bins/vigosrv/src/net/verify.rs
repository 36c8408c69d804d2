//! Whose certificate it is.

use super::PeerCertificate;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use sha2::{Digest as _, Sha256};
use std::time::Duration;
use vigo_core::time::Timestamp;
use webpki::{EndEntityCert, KeyUsage};
use x509_parser::extensions::GeneralName;

/// `id-kp-clientAuth`, RFC 5280 4.2.1.12, without tag and length.
const CLIENT_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];

/// What comes before the envoy's id in its certificate's name.
const NAME: &str = "vigo:envoy:";

/// Lets in who has an envoy's certificate, signed by an authority of the fleet. Whether it has expired is left to each
/// request: an envoy may renew it.
#[derive(Debug)]
pub(super) struct EnvoyVerifier {
    authorities: Vec<Anchor>,
    algorithms: WebPkiSupportedAlgorithms,
}

#[derive(Debug)]
struct Anchor {
    /// SHA-256 of the certificate.
    digest: [u8; 32],
    anchor: TrustAnchor<'static>,
}

impl EnvoyVerifier {
    /// Takes the authorities' certificates, DER.
    pub(super) fn new(authorities: &[Vec<u8>], algorithms: WebPkiSupportedAlgorithms) -> Result<Self, Error> {
        let anchor = |certificate: &Vec<u8>| {
            let digest = Sha256::digest(certificate).into();
            let certificate = CertificateDer::from(&**certificate);
            let anchor = webpki::anchor_from_trusted_cert(&certificate).map_err(|_| BAD)?.to_owned();
            Ok(Anchor { digest, anchor })
        };
        Ok(Self { authorities: authorities.iter().map(anchor).collect::<Result<_, Error>>()?, algorithms })
    }

    /// Returns what an envoy's certificate says.
    ///
    /// # Errors
    /// Those of a certificate that is none, that no authority signed, or that is not an envoy's.
    pub(super) fn identify(&self, certificate: &CertificateDer<'_>, now: UnixTime) -> Result<PeerCertificate, Error> {
        let parsed = EndEntityCert::try_from(certificate).map_err(|_| BAD)?;
        let (_, read) = x509_parser::parse_x509_certificate(certificate).map_err(|_| BAD)?;
        let seconds = |t: x509_parser::time::ASN1Time| u64::try_from(t.timestamp()).map_err(|_| BAD);
        let (from, to) = (seconds(read.validity().not_before)?, seconds(read.validity().not_after)?);
        // Expired is for the requests to judge, and a clock that went back is no reason to lock everybody out.
        let when = UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs().min(to).max(from)));
        let signed_by = |a: &&Anchor| {
            let anchors = std::slice::from_ref(&a.anchor);
            let usage = KeyUsage::required(CLIENT_AUTH);
            parsed.verify_for_usage(self.algorithms.all, anchors, &[], when, usage, None, None).is_ok()
        };
        let issuer = self.authorities.iter().find(signed_by).ok_or(UNKNOWN)?.digest;
        let usage = read.extended_key_usage().map_err(|_| BAD)?.ok_or(WRONG)?.value;
        if usage.any || usage.server_auth {
            return Err(WRONG);
        }
        let names = read.subject_alternative_name().map_err(|_| BAD)?.ok_or(WRONG)?.value;
        let [GeneralName::URI(name)] = &*names.general_names else { return Err(WRONG) };
        let (id, hostname) = name.strip_prefix(NAME).and_then(|n| n.split_once('/')).ok_or(WRONG)?;
        let envoy_id = id.parse().map_err(|_| WRONG)?;
        let not_after = Timestamp::from_epoch_secs(i64::try_from(to).map_err(|_| BAD)?);
        Ok(PeerCertificate { envoy_id, hostname: hostname.to_owned(), not_after, issuer })
    }
}

const BAD: Error = Error::InvalidCertificate(CertificateError::BadEncoding);
const UNKNOWN: Error = Error::InvalidCertificate(CertificateError::UnknownIssuer);
const WRONG: Error = Error::InvalidCertificate(CertificateError::InvalidPurpose);

impl ClientCertVerifier for EnvoyVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.identify(end_entity, now).map(|_| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
