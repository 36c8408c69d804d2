//! Envoys that the database has lost: it was deleted, or is from before they enrolled.

use super::server::Server;
use super::service::{Outcome, busy, invalid};
use crate::net::Peer;
use crate::store::Seen;
use std::sync::PoisonError;
use vigo_core::fleet::Envoy;
use vigo_core::server::{Adoption, Caller, NotAdopted, Stranger, adopt};
use vigo_core::time::Timestamp;
use vigo_core::wire::Envelope;
use vigo_core::wire::message::Refused;

impl Server {
    /// Takes the sender of a check-in up again, who is not known and proves itself; it is on the disk when this returns.
    pub(super) async fn adopt(&self, peer: &Peer, request: &Envelope) -> Outcome<Caller> {
        let certificate = peer.certificate.as_ref().ok_or_else(|| invalid("this request needs a certificate"))?;
        let (caller, now) = (self.named_by(certificate), self.now());
        let adoption = {
            let mut replays = peer.replays.lock().unwrap_or_else(PoisonError::into_inner);
            let keys = self.keys.load();
            let stranger = Stranger { caller: &caller, hostname: &certificate.hostname, keyset: &keys.keyset };
            adopt(request, stranger, &peer.exporter, &mut replays, &self.fleet(), now)
        };
        let revoked = |id| if self.store.is_revoked(id) { Err(NotAdopted::Revoked(id).refused()) } else { Ok(()) };
        let (adoption, by) = match adoption {
            Ok(adoption) => (adoption, None),
            Err(NotAdopted::Certificate(adoption)) => {
                revoked(adoption.id)?;
                let by = self.waiting().heard((*adoption).clone(), peer.remote.ip(), now);
                let Some(by) = by else { return Err(NotAdopted::Certificate(adoption).refused()) };
                (*adoption, Some(by))
            }
            Err(why) => return Err(why.refused()),
        };
        revoked(adoption.id)?;
        let seen = Seen {
            last_seen: now,
            remote: peer.remote.ip().to_string(),
            agent_version: String::new(),
            machine: Vec::new(),
            contact: 0,
            queued: 0,
            keyset: 0,
        };
        let stored = self.store.adopt(adoption.clone(), by.clone(), seen, now).await.map_err(|error| busy(&error))?;
        stored.map_err(|why| why.refused())?;
        let (id, hostname) = (adoption.id, adoption.hostname.clone());
        self.take_up(adoption, now);
        self.waiting().forget(id);
        // Whoever threw it out meanwhile did not find it in memory.
        if self.store.is_revoked(id) {
            self.forget(id);
            return Err(NotAdopted::Revoked(id).refused());
        }
        if let Some(by) = by {
            tracing::warn!("{hostname} at {} is adopted as envoy {id}, let in by {by}", peer.remote);
            // It is an envoy like others, whose certificate is no good for anything but another one.
            return Err(Refused { code: Refused::RENEW.into(), message: "renew the certificate".into() });
        }
        tracing::warn!(
            "{hostname} at {} is adopted as envoy {id}: it was not in the database, and has the fleet's certificate and its \
             own key; revoke it if it should not be there",
            peer.remote
        );
        Ok(caller)
    }

    /// Takes an envoy into the memory, after the commit.
    fn take_up(&self, adoption: Adoption, now: Timestamp) {
        let mut fleet = self.fleet_mut();
        if fleet.get(adoption.id).is_some() {
            return;
        }
        let mut envoy = Envoy::new(adoption.id, adoption.key, adoption.hostname.as_str().into());
        envoy.class = self.live.load().class_of(&adoption.hostname);
        // It goes on counting where it was.
        envoy.contact_is_old = true;
        envoy.last_seen = now;
        envoy.cadence = self.settings.load().check_in.interval;
        if let Err(error) = fleet.insert(envoy) {
            tracing::error!("{} is in the database, but not in memory: {error}", adoption.id);
        }
    }
}
