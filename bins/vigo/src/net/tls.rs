//! How TLS is spoken to servers.

use super::verify::ServerVerifier;
use super::{Anchor, ClientCertificate, ClientIdentity, NetError, TrustAnchors};
use quinn::crypto::rustls::QuicClientConfig;
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::version::TLS13;
use std::sync::Arc;
use vigo_core::limits::{ENROL_REPLY_BYTES_MAX, REPLY_BYTES_MAX};
use vigo_core::wire::{Channel, ENROL_ALPN, REQUEST_ALPN};

/// How TLS is spoken to servers, with the tickets that they gave.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) config: Arc<ClientConfig>,
    pub(super) quic: Arc<QuicClientConfig>,
    pub(super) name: ServerName<'static>,
    pub(super) verifier: Arc<ServerVerifier>,
    made_of: MadeOf,
}

#[derive(Clone, PartialEq, Eq)]
struct MadeOf {
    authorities: Vec<Anchor>,
    server_name: String,
    certificate: Option<ClientCertificate>,
    is_enrolment: bool,
}

impl Tls {
    /// Returns how many bytes an answer may have: what is longer is not read.
    pub(super) fn reply_bytes_max(&self) -> usize {
        if self.made_of.is_enrolment { ENROL_REPLY_BYTES_MAX } else { REPLY_BYTES_MAX }
    }

    /// Makes one, or takes `before` where nothing has changed.
    pub(super) fn new(
        before: Option<&Self>,
        trust: &TrustAnchors,
        identity: &ClientIdentity,
        channel: Channel,
    ) -> Result<Self, NetError> {
        let is_enrolment = channel == Channel::Enrol;
        let made_of = MadeOf {
            authorities: trust.authorities.clone(),
            server_name: trust.server_name.clone(),
            certificate: identity.certificate.clone().filter(|_| !is_enrolment),
            is_enrolment,
        };
        if let Some(before) = before.filter(|b| b.made_of == made_of) {
            before.verifier.set_newest(trust.newest);
            return Ok(before.clone());
        }
        let of_no_use = |why: String| NetError::Identity { why };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let name = ServerName::try_from(trust.server_name.clone())
            .map_err(|_| of_no_use(format!("expected the name of a fleet, found `{}`", trust.server_name)))?;
        let verifier = ServerVerifier::new(trust, name.clone(), provider.signature_verification_algorithms);
        let verifier = Arc::new(verifier);
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .map_err(|e| of_no_use(e.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&verifier) as _);
        let mut config = match &made_of.certificate {
            None => builder.with_no_client_auth(),
            Some(own) => {
                let chain = vec![CertificateDer::from(own.certificate.clone())];
                let key = PrivatePkcs8KeyDer::from(own.key.clone()).into();
                builder.with_client_auth_cert(chain, key).map_err(|e| of_no_use(e.to_string()))?
            }
        };
        config.alpn_protocols = vec![if is_enrolment { ENROL_ALPN } else { REQUEST_ALPN }.to_vec()];
        config.enable_early_data = false;
        let config = Arc::new(config);
        let quic = QuicClientConfig::try_from(Arc::clone(&config)).map_err(|e| of_no_use(e.to_string()))?;
        Ok(Self { config, quic: Arc::new(quic), name, verifier, made_of })
    }
}
