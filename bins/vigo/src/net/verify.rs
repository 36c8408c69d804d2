//! Whether the other side is a server of the fleet.

use super::{Anchor, TrustAnchors};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use sha2::{Digest as _, Sha256};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use vigo_core::time::Timestamp;
use webpki::{EndEntityCert, KeyUsage};

/// `id-kp-serverAuth`, RFC 5280 4.2.1.12, without tag and length.
const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];

/// Believes servers of the fleet, by whatever address they were reached.
#[derive(Debug)]
pub(super) struct ServerVerifier {
    authorities: Vec<Anchor>,
    name: ServerName<'static>,
    algorithms: WebPkiSupportedAlgorithms,
    /// Seconds since 1970: a clock behind it is not believed.
    newest: AtomicU64,
    is_clock_behind: AtomicBool,
}

impl ServerVerifier {
    pub(super) fn new(trust: &TrustAnchors, name: ServerName<'static>, algorithms: WebPkiSupportedAlgorithms) -> Self {
        let newest = AtomicU64::new(seconds(trust.newest));
        let is_clock_behind = AtomicBool::new(false);
        Self { authorities: trust.authorities.clone(), name, algorithms, newest, is_clock_behind }
    }

    /// Takes the newest time that a server told.
    pub(super) fn set_newest(&self, newest: Timestamp) {
        self.newest.store(seconds(newest), Ordering::Relaxed);
    }

    /// Returns whether the last server's certificate was from the future.
    pub(super) fn is_clock_behind(&self) -> bool {
        self.is_clock_behind.load(Ordering::Relaxed)
    }

    fn verify(
        &self,
        certificate: &CertificateDer<'_>,
        sent_along: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        if self.authorities.contains(&Anchor::Anybody) {
            return Ok(());
        }
        let certificate = EndEntityCert::try_from(certificate).map_err(|_| CertificateError::BadEncoding)?;
        let pinned = |pin: &[u8; 32]| sent_along.iter().find(|c| <[u8; 32]>::from(Sha256::digest(c)) == *pin).cloned();
        let authorities = self.authorities.iter().filter_map(|anchor| match anchor {
            Anchor::Certificate(certificate) => Some(CertificateDer::from(&**certificate)),
            Anchor::Sha256(pin) => pinned(pin),
            Anchor::Anybody => None,
        });
        let authorities: Vec<_> = authorities.collect();
        let anchors = authorities.iter().filter_map(|c| webpki::anchor_from_trusted_cert(c).ok());
        let anchors: Vec<_> = anchors.collect();
        let chain = |when| {
            let usage = KeyUsage::required(SERVER_AUTH);
            certificate.verify_for_usage(self.algorithms.all, &anchors, &[], when, usage, None, None).map(drop)
        };
        let newest = Duration::from_secs(self.newest.load(Ordering::Relaxed).max(now.as_secs()));
        let (chain, is_clock_behind) = match chain(UnixTime::since_unix_epoch(newest)) {
            Err(webpki::Error::CertNotValidYet { not_before, .. }) => (chain(not_before), true),
            other => (other, false),
        };
        chain.map_err(told)?;
        certificate.verify_is_valid_for_subject_name(&self.name).map_err(told)?;
        self.is_clock_behind.store(is_clock_behind, Ordering::Relaxed);
        Ok(())
    }
}

fn seconds(time: Timestamp) -> u64 {
    u64::try_from(time.epoch_secs()).unwrap_or(0)
}

/// Returns what the server is told, and the caller.
fn told(error: webpki::Error) -> Error {
    use webpki::Error as E;
    Error::InvalidCertificate(match error {
        E::CertExpired { .. } => CertificateError::Expired,
        E::CertNotValidForName(_) => CertificateError::NotValidForName,
        E::RequiredEkuNotFoundContext(_) => CertificateError::InvalidPurpose,
        E::BadDer | E::BadDerTime => CertificateError::BadEncoding,
        E::InvalidSignatureForPublicKey => CertificateError::BadSignature,
        _ => CertificateError::UnknownIssuer,
    })
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verify(end_entity, intermediates, now).map(|()| ServerCertVerified::assertion())
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
