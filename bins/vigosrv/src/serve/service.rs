//! From a request to its answer.

use super::server::{Server, now};
use crate::data_dir::Keys;
use crate::net::{Peer, PeerCertificate, Service};
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, PoisonError};
use vigo_core::bundle::Signed;
use vigo_core::server::{Caller, authorise};
use vigo_core::wire::message::{
    Awaited, CheckIn, Enrolled, GetKeySet, KeySetAnswer, OrderResult, OrderTaken, Refused, RenewCertificate, Renewed,
    Report, ResolveSecrets, SealedSecrets, TraitsDelta,
};
use vigo_core::wire::{Channel, Envelope, Kind, Message, Reply};

/// What a request comes to.
pub(super) type Outcome<M> = Result<M, Refused>;

impl Service for Arc<Server> {
    async fn handle(&self, peer: &Peer, request: Envelope) -> Vec<u8> {
        let caller = match self.caller(peer, &request) {
            Err(Refused { code, .. }) if code == Refused::UNKNOWN && request.kind == Kind::CheckIn => {
                self.adopt(peer, &request).await.map(Some)
            }
            known => known,
        };
        let caller = match caller {
            Ok(caller) => caller,
            Err(refused) => {
                let (who, kind) = (request.envoy_id, request.kind);
                tracing::info!("{who} at {}: {kind:?} refused: {}", peer.remote, refused.message);
                return refuse(request.kind, refused);
            }
        };
        match (request.kind, caller) {
            (Kind::Enrol, _) => reply::<Enrolled>(self.enrol(peer, &request).await),
            (Kind::GetKeySet, _) => reply::<KeySetAnswer>(self.keyset(&request)),
            (Kind::CheckIn, Some(caller)) => reply(match read::<CheckIn>(&request) {
                Ok(check_in) => self.check_in(peer, caller.id, &check_in),
                Err(refused) => Err(refused),
            }),
            (Kind::Report, Some(caller)) => reply(match read::<Report>(&request) {
                Ok(report) => self.report(caller.id, &report, request.body).await,
                Err(refused) => Err(refused),
            }),
            (Kind::TraitsDelta, Some(caller)) => reply(match read::<TraitsDelta>(&request) {
                Ok(delta) => self.traits(caller.id, delta).await,
                Err(refused) => Err(refused),
            }),
            (Kind::RenewCertificate, Some(caller)) => reply::<Renewed>(self.renew(&caller, &request)),
            (Kind::ResolveSecrets, Some(caller)) => reply(match read::<ResolveSecrets>(&request) {
                Ok(asked) => self.resolve_secrets(peer, caller.id, asked, &request.body).await,
                Err(refused) => Err(refused),
            }),
            (Kind::Await, Some(caller)) => reply::<Awaited>(self.wait(caller.id).await),
            (Kind::OrderResult, Some(caller)) => reply::<OrderTaken>(match read::<OrderResult>(&request) {
                Ok(result) => self.order_result(caller.id, result).await,
                Err(refused) => Err(refused),
            }),
            (kind, None) => refuse(kind, invalid("this request needs a certificate")),
        }
    }
}

impl Server {
    /// Returns who asks, on the channel of those who have a certificate: nobody but the envoy itself gets through.
    fn caller(&self, peer: &Peer, request: &Envelope) -> Result<Option<Caller>, Refused> {
        if !peer.channel.takes(request.kind) {
            return Err(invalid("this request belongs on another channel"));
        }
        if peer.channel == Channel::Enrol {
            return Ok(None);
        }
        let certificate = peer.certificate.as_ref().ok_or_else(|| invalid("this request needs a certificate"))?;
        let caller = self.named_by(certificate);
        let mut replays = peer.replays.lock().unwrap_or_else(PoisonError::into_inner);
        authorise(request, &caller, &peer.exporter, &mut replays, &self.fleet(), now())?;
        Ok(Some(caller))
    }

    /// Returns what a certificate says, as it is believed now.
    pub(super) fn named_by(&self, certificate: &PeerCertificate) -> Caller {
        let PeerCertificate { envoy_id, not_after, issuer, .. } = certificate;
        let keys = self.keys.load();
        let is_trusted = keys.keyset.authorities().any(|ca| <[u8; 32]>::from(Sha256::digest(ca)) == *issuer);
        Caller { id: *envoy_id, not_after: *not_after, is_trusted }
    }

    /// Answers with the key set: whoever asks may be one whose certificate is no good any more.
    fn keyset(&self, request: &Envelope) -> Outcome<KeySetAnswer> {
        let asked = read::<GetKeySet>(request)?;
        let keys = self.keys.load();
        self.shown(&keys, &asked.keyset);
        Ok(KeySetAnswer { keyset: keys.signed_keyset.encode() })
    }

    /// Hands a key set that somebody shows on, if it is newer than what is known: the server was restored from before a
    /// rotation. Only the root's word counts, whoever shows it.
    pub(super) fn shown(&self, keys: &Keys, shown: &[u8]) {
        let Ok(signed) = Signed::decode(shown) else { return };
        if keys.keyset.successor(&signed).is_ok_and(|set| set.version > keys.known_version()) {
            // One that waits already is as good; who is not heard shows it again.
            let _ = self.learned.try_send(signed);
        }
    }

    fn renew(&self, caller: &Caller, request: &Envelope) -> Outcome<Renewed> {
        let asked = read::<RenewCertificate>(request)?;
        let Some(hostname) = self.fleet().get(caller.id).map(|envoy| envoy.hostname.clone()) else {
            return Err(Refused { code: Refused::UNKNOWN.into(), message: "the envoy is not known".into() });
        };
        let certificate = self.keys.load().authority.envoy(&asked.csr, caller.id, &hostname, now());
        certificate.map(|certificate| Renewed { certificate }).map_err(|error| invalid(&error.to_string()))
    }
}

/// Returns the refusal of what is no such request.
pub(super) fn invalid(message: &str) -> Refused {
    Refused { code: Refused::INVALID.into(), message: message.into() }
}

/// Returns the refusal of what cannot be made durable now, and says so in the log.
pub(super) fn busy(error: &dyn std::fmt::Display) -> Refused {
    tracing::error!("{error}");
    Refused { code: Refused::BUSY.into(), message: "the server cannot store it now; it will be asked again".into() }
}

fn read<M: Message>(request: &Envelope) -> Outcome<M> {
    request.message().map_err(|error| invalid(&error.to_string()))
}

fn reply<M: Message>(outcome: Outcome<M>) -> Vec<u8> {
    outcome.map_or_else(Reply::<M>::Refused, Reply::Done).encode()
}

fn refuse_as<M: Message>(refused: Refused) -> Vec<u8> {
    Reply::<M>::Refused(refused).encode()
}

fn refuse(kind: Kind, refused: Refused) -> Vec<u8> {
    match kind {
        Kind::Enrol => refuse_as::<Enrolled>(refused),
        Kind::GetKeySet => refuse_as::<KeySetAnswer>(refused),
        Kind::CheckIn => refuse_as::<CheckIn>(refused),
        Kind::Report => refuse_as::<Report>(refused),
        Kind::TraitsDelta => refuse_as::<TraitsDelta>(refused),
        Kind::RenewCertificate => refuse_as::<Renewed>(refused),
        Kind::ResolveSecrets => refuse_as::<SealedSecrets>(refused),
        Kind::Await => refuse_as::<Awaited>(refused),
        Kind::OrderResult => refuse_as::<OrderTaken>(refused),
    }
}
