//! Enrolment: one transaction, and the certificate after it.

use super::server::Server;
use super::service::{Outcome, busy, invalid};
use crate::net::Peer;
use crate::store::{self, Actor, Enrolled as Stored, Enrolment, Entry, Seen};
use std::sync::PoisonError;
use vigo_core::fleet::Envoy;
use vigo_core::server::{Claim, NotAdmitted, TokenRecord, Trusted, admit, claim};
use vigo_core::time::Timestamp;
use vigo_core::wire::Envelope;
use vigo_core::wire::message::{Enrol, Enrolled, Refused};

impl Server {
    pub(super) async fn enrol(&self, peer: &Peer, request: &Envelope) -> Outcome<Enrolled> {
        let (now, from) = (self.now(), peer.remote.ip());
        // A machine that comes back by its own key costs no hash, and is told from one that guesses tokens by bringing none.
        let has_token = request.message::<Enrol>().is_ok_and(|asked| !asked.token.trim().is_empty());
        let budget = if has_token { &self.attempts } else { &self.claims };
        if !budget.lock().unwrap_or_else(PoisonError::into_inner).allow(from, now) {
            let message = "too many attempts from this address; try again in a minute";
            return Err(Refused { code: Refused::BUSY.into(), message: message.into() });
        }
        let claim = match claim(request, &peer.exporter) {
            Ok(claim) => claim,
            Err(why) => return Err(self.not_admitted(peer, None, has_token, &why, now).await),
        };
        let token = self.token(&claim).await?;
        let trusted = self.trusted().await?;
        let admission = {
            let fleet = self.fleet();
            admit(&claim, token.as_ref(), &trusted, from, fleet.get(claim.id), fleet.named(&claim.hostname), now)
        };
        let admission = match admission {
            Ok(admission) => admission,
            Err(why) => return Err(self.not_admitted(peer, Some(&claim), has_token, &why, now).await),
        };
        // Before the use of the token is taken: what cannot be signed is not enrolled.
        let certificate = self.keys.load().authority.envoy(&claim.csr, claim.id, &claim.hostname, now);
        let certificate = certificate.map_err(|error| invalid(&error.to_string()))?;
        let enrolment = Enrolment {
            id: claim.id,
            identity_key: *claim.key.as_bytes(),
            hostname: claim.hostname.clone(),
            admitted: admission.by,
            seen: Seen {
                last_seen: now,
                remote: from.to_string(),
                agent_version: claim.agent_version.clone(),
                machine: claim.machine.clone(),
                contact: 0,
                queued: 0,
                keyset: 0,
            },
        };
        let stored = self.store.enrol(enrolment, now).await.map_err(|error| busy(&error))?;
        let replaced = match stored {
            Stored::New { replaced, .. } => {
                tracing::info!("{} enrolled as {} from {from}", claim.hostname, claim.id);
                replaced
            }
            Stored::Again(_) => None,
            // Somebody was faster; the store has audited it.
            Stored::Refused(why) => {
                tracing::warn!("{} at {from} was not enrolled: {why}", claim.hostname);
                return Err(why.refused());
            }
        };
        if let Some(replaced) = replaced {
            self.forget(replaced);
        }
        self.add(&claim, now);
        self.waiting().forget(claim.id);
        Ok(Enrolled {
            envoy_id: claim.id.0.to_vec(),
            hostname: claim.hostname,
            certificate,
            keyset: self.keys.load().signed_keyset.encode(),
            servers: self.settings.load().check_in.servers.to_vec(),
        })
    }

    /// Takes a new envoy into the memory, after the commit.
    fn add(&self, claim: &Claim, now: Timestamp) {
        let mut fleet = self.fleet_mut();
        if fleet.get(claim.id).is_some() {
            return;
        }
        let mut envoy = Envoy::new(claim.id, claim.key, claim.hostname.as_str().into());
        envoy.class = self.live.load().class_of(&claim.hostname);
        envoy.last_seen = now;
        envoy.cadence = self.settings.load().check_in.interval;
        if let Err(error) = fleet.insert(envoy) {
            tracing::error!("{} is in the database, but not in memory: {error}", claim.id);
        }
    }

    /// Returns the record of the claim's token, if the secret is right. One hash an attempt, whether there is a record or
    /// not: the time does not tell which tokens exist.
    async fn token(&self, claim: &Claim) -> Outcome<Option<TokenRecord>> {
        let Some(text) = &claim.token else { return Ok(None) };
        let record = self.store.token(text.id().into()).await.map_err(|error| busy(&error))?;
        let _turn = self.hashing.acquire().await.map_err(|error| busy(&error))?;
        let hash = record.as_ref().map_or_else(|| self.decoy.clone(), |record| record.hash.clone());
        let text = text.clone();
        let is_right = tokio::task::spawn_blocking(move || store::is_of(&text, &hash)).await;
        let record = record.filter(|_| is_right.unwrap_or(false));
        record.map(|record| record.record()).transpose().map_err(|error| busy(&error))
    }

    /// Returns the trusted patterns of `server.yaml` and of the database.
    async fn trusted(&self) -> Outcome<Vec<Trusted>> {
        let mut trusted = self.settings.load().trusted.clone();
        for row in self.store.trusted().await.map_err(|error| busy(&error))? {
            trusted.push(row.record().map_err(|error| busy(&error))?);
        }
        Ok(trusted)
    }

    /// Logs and audits that a machine was turned away. The answer to it does not wait on the audit's success. Of those that
    /// bring no token so many of each source are audited as of others: they cost nothing.
    async fn not_admitted(
        &self,
        peer: &Peer,
        claim: Option<&Claim>,
        has_token: bool,
        why: &NotAdmitted,
        now: Timestamp,
    ) -> Refused {
        let is_told = || self.refusals.lock().unwrap_or_else(PoisonError::into_inner).allow(peer.remote.ip(), now);
        if !has_token && !is_told() {
            tracing::debug!("one more at {} was not enrolled: {why}", peer.remote.ip());
            return why.refused();
        }
        let subject = claim.map(|claim| claim.hostname.clone()).unwrap_or_default();
        tracing::warn!("`{subject}` at {} was not enrolled: {why}", peer.remote.ip());
        let actor = Actor::Machine(peer.remote);
        let entry = Entry { actor, action: "envoy.refuse", subject, detail: why.to_string() };
        if let Err(error) = self.store.audit(entry, now).await {
            tracing::error!("a refusal was not audited: {error}");
        }
        why.refused()
    }
}
