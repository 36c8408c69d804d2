//! With what the server proves itself, and whom it lets in.

use super::NetError;
use super::verify::EnvoyVerifier;
use crate::ca::ServerCertificate;
use quinn::crypto::rustls::QuicServerConfig;
use ring::hmac;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::version::TLS13;
use rustls::{ConfigBuilder, ServerConfig, WantsVerifier};
use std::sync::Arc;
use vigo_core::wire::{ENROL_ALPN, REQUEST_ALPN};

/// With what the server proves itself, and whom it lets in. Tickets are good for the `Tls` that gave them only.
#[derive(Clone)]
pub struct Tls {
    /// For envoys, over TCP.
    pub(super) requests: Arc<ServerConfig>,
    /// For envoys, over QUIC.
    pub(super) quic: Arc<QuicServerConfig>,
    /// For those without a certificate, over TCP.
    pub(super) enrolment: Arc<ServerConfig>,
    pub(super) verifier: Arc<EnvoyVerifier>,
    /// Proves to those who were connected to this server that it has forgotten them; the same after a restart.
    pub(super) reset_key: [u8; 32],
}

/// For what the reset key is made of the server's own.
const RESET_KEY: &[u8] = b"vigo reset v1\0";

impl Tls {
    /// Makes one of the server's own certificate and the certificates, DER, of all authorities of the key set, the retired
    /// ones too: their envoys get in to renew.
    ///
    /// # Errors
    /// [`NetError`] for bytes that are no certificates.
    pub fn new(server: &ServerCertificate, authorities: &[Vec<u8>]) -> Result<Self, NetError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = Arc::new(EnvoyVerifier::new(authorities, provider.signature_verification_algorithms)?);
        let builder = || -> Result<ConfigBuilder<ServerConfig, WantsVerifier>, rustls::Error> {
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(&[&TLS13])
        };
        let key = || PrivatePkcs8KeyDer::from(server.key.clone()).into();
        let certificate = CertificateDer::from(server.certificate.clone());
        let mut requests = builder()?
            .with_client_cert_verifier(Arc::clone(&verifier) as _)
            .with_single_cert(vec![certificate.clone()], key())?;
        requests.alpn_protocols = vec![REQUEST_ALPN.to_vec()];
        requests.ticketer = rustls::crypto::ring::Ticketer::new()?;
        // What comes before the handshake is over can be replayed.
        requests.max_early_data_size = 0;
        // The authority goes with it: those who enrol know nothing but its fingerprint.
        let chain = vec![certificate, CertificateDer::from(server.authority.clone())];
        let mut enrolment = builder()?.with_no_client_auth().with_single_cert(chain, key())?;
        enrolment.alpn_protocols = vec![ENROL_ALPN.to_vec()];
        enrolment.max_early_data_size = 0;
        enrolment.send_tls13_tickets = 0;
        let requests = Arc::new(requests);
        let quic =
            QuicServerConfig::try_from(Arc::clone(&requests)).map_err(|e| rustls::Error::General(e.to_string()))?;
        let mut reset_key = [0; 32];
        let made = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &server.key), RESET_KEY);
        reset_key.iter_mut().zip(made.as_ref()).for_each(|(to, from)| *to = *from);
        Ok(Self { requests, quic: Arc::new(quic), enrolment: Arc::new(enrolment), verifier, reset_key })
    }
}
