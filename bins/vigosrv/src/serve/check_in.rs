//! Check-ins: answered from memory.

use super::server::{Server, now};
use super::service::Outcome;
use crate::net::Peer;
use crate::store::{Seen, Status, Touch};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use vigo_core::fleet::{Cloned, Life};
use vigo_core::id::EnvoyId;
use vigo_core::server::{ServedKeySet, answer, hold_for, offer};
use vigo_core::time::Timestamp;
use vigo_core::wire::message::{Answer, CheckIn, QuietRuns, Refused};

impl Server {
    pub(super) fn check_in(self: &Arc<Self>, peer: &Peer, id: EnvoyId, check_in: &CheckIn) -> Outcome<Answer> {
        let (settings, now) = (self.settings.load(), now());
        let mut fleet = self.fleet_mut();
        let live = self.live.load();
        let keys = self.keys.load();
        let Some(envoy) = fleet.get_mut(id) else {
            return Err(Refused { code: Refused::UNKNOWN.into(), message: "the envoy is not known".into() });
        };
        let keyset = ServedKeySet { set: &keys.keyset, known: keys.known_version(), signed: &keys.signed_keyset };
        let mut signer = self.signer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut said = answer(check_in, envoy, &live.policy, &settings.check_in, keyset, &mut signer, now);
        let mut load = self.load.lock().unwrap_or_else(PoisonError::into_inner);
        load.answered(check_in, &mut said.answer, envoy, settings.check_ins, now);
        drop(load);
        self.check_ins.fetch_add(1, Ordering::Relaxed);
        // Before it has shown what it remembers it is not known whether they are of the past.
        if !said.answer.show_assignment && said.remembered.is_none() {
            said.answer.orders = offer(envoy, &signer, now);
        }
        drop(signer);
        let cloned = envoy.hear(Life::of(check_in, peer.remote.ip()), now);
        let is_cloned = envoy.cloned.is_some();
        let hold = hold_for(envoy, &live.policy, &settings.check_in, self.held.others(id), now);
        said.answer.hold = hold.is_some();
        let quiet = check_in.run.filter(|_| said.quiet_is_news);
        let hostname = envoy.hostname.clone();
        let class = live.name_of(envoy.class).filter(|_| said.secrets_are_older).cloned();
        let seen = Seen {
            last_seen: now,
            remote: peer.remote.ip().to_string(),
            agent_version: bounded(&check_in.agent_version),
            machine: check_in.machine.iter().copied().take(MACHINE_BYTES_MAX).collect(),
            contact: envoy.contact,
            queued: check_in.queued,
            keyset: check_in.keyset,
        };
        drop(fleet);
        if let Some(cloned) = cloned {
            self.cloned(id, &hostname, cloned);
        }
        // Of one that runs twice it says nothing.
        if said.contact_differs && check_in.contact != 0 && !is_cloned {
            tracing::warn!("{hostname}: came with contact {}, not the one it was given", check_in.contact);
        }
        if said.was_restored {
            tracing::warn!("{hostname}: has an assignment of this server that the server does not remember");
        }
        if let Some(seen) = said.remembered {
            self.remembered(id, &hostname, seen);
        }
        if let Some(class) = class {
            self.secrets_are_older(&hostname, &class);
        }
        if !check_in.shown_keyset.is_empty() {
            self.shown(&keys, &check_in.shown_keyset);
        }
        self.store.touch(id, Touch { seen, status: quiet.map(|run| status(&run, now)) });
        Ok(said.answer)
    }
}

impl Server {
    /// Writes down that an envoy runs twice. Where that fails, its next check-ins say it again.
    fn cloned(self: &Arc<Self>, id: EnvoyId, hostname: &str, cloned: Cloned) {
        let [first, second] = cloned.from;
        tracing::warn!(
            "{hostname}: two machines have this identity, at {first} and at {second}; see `vigocli envoys rebootstrap`"
        );
        let server = Arc::clone(self);
        tokio::spawn(async move {
            if let Err(error) = server.store.mark_cloned(id, cloned).await {
                tracing::error!("{id} is not marked as one that runs twice: {error}");
                server.dismiss_clone(id);
            }
        });
    }
}

/// Bytes of a machine's fingerprint that are kept.
const MACHINE_BYTES_MAX: usize = 64;

/// Characters of a version that are kept.
const VERSION_CHARS_MAX: usize = 64;

fn bounded(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(VERSION_CHARS_MAX).collect()
}

/// Returns what a quiet run means for the row of its envoy.
fn status(run: &QuietRuns, now: Timestamp) -> Status {
    Status {
        incarnation: run.incarnation,
        seq: run.seq,
        received_at: now,
        ended_at: Timestamp::from_epoch_ms(run.ended_ms),
        outcome: "converged".into(),
        counts: run.counts.unwrap_or_default(),
        changed_in_a_row: 0,
        observed: false,
        bundle_digest: None,
        error: String::new(),
    }
}
