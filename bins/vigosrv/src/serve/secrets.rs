//! Secrets: for whom they are, sealed for one request.

use super::server::Server;
use super::service::{Outcome, invalid};
use crate::net::Peer;
use crate::store::{Actor, Entry};
use crate::vault::VaultError;
use std::sync::{Arc, PoisonError};
use vigo_core::entropy::Entropy;
use vigo_core::fleet::ClassOf;
use vigo_core::id::EnvoyId;
use vigo_core::limits::{SECRETS_ANSWER_BYTES_MAX, SECRETS_ASKED_MAX};
use vigo_core::secret::{SealContext, SecretNeeds, seal};
use vigo_core::server::{Claimed, may_have_secrets, secret_claim};
use vigo_core::wire::message::{Refused, ResolveSecrets, SealedSecret, SealedSecrets};

impl Server {
    /// Answers with the values of those secrets that are the envoy's own. `body` is the request as it came.
    pub(super) async fn resolve_secrets(
        self: &Arc<Self>,
        peer: &Peer,
        id: EnvoyId,
        asked: ResolveSecrets,
        body: &[u8],
    ) -> Outcome<SealedSecrets> {
        let now = self.now();
        if self.denials.lock().unwrap_or_else(PoisonError::into_inner).is_deaf_to(id, now) {
            let message = "too many questions for secrets that are not this envoy's; try again in a minute";
            return Err(Refused { code: Refused::BUSY.into(), message: message.into() });
        }
        let count = asked.refs.len();
        if count > SECRETS_ASKED_MAX {
            return Err(invalid(&format!("expected at most {SECRETS_ASKED_MAX} secrets, found {count}")));
        }
        let (hostname, own) = {
            let fleet = self.fleet();
            let withholds = self.settings.load().withhold_from_clones;
            let envoy = fleet.get(id).filter(|envoy| may_have_secrets(envoy, withholds));
            let envoy = envoy.ok_or_else(|| invalid("this envoy gets no secrets; `vigocli envoys show` says why"))?;
            (envoy.hostname.clone(), self.needs(envoy.class))
        };
        let live = self.live.load_full();
        let claim = |path: &str| secret_claim(&hostname, path, own.as_deref(), live.secrets_before(&hostname));
        let claims: Vec<Claimed> = asked.refs.iter().map(|path| claim(path)).collect();
        if let Some(foreign) = claims.iter().zip(&asked.refs).find(|(claim, _)| **claim == Claimed::Foreign) {
            self.denied(id, &hostname, foreign.1).await;
            return Err(invalid("the policy of this envoy does not refer to that secret"));
        }
        if claims.contains(&Claimed::Stale) {
            let message = "the policy was changed; check in first";
            return Err(Refused { code: Refused::STALE.into(), message: message.into() });
        }
        let context = SealContext::new(id, &peer.exporter, body);
        let server = self.clone();
        let sealing = tokio::task::spawn_blocking(move || server.sealed(&context, asked));
        let secrets = sealing.await.map_err(|error| super::service::busy(&error))?;
        Ok(SealedSecrets { secrets })
    }

    /// Returns the secrets of a class.
    fn needs(&self, class: ClassOf) -> Option<Arc<SecretNeeds>> {
        let ClassOf::Class(index) = class else { return None };
        Some(self.live.load().policy.classes.get(index as usize)?.secrets.clone())
    }

    /// Seals what was asked for; of each that cannot be had it says why.
    fn sealed(&self, context: &SealContext, asked: ResolveSecrets) -> Vec<SealedSecret> {
        let mut left = SECRETS_ANSWER_BYTES_MAX;
        let mut one = |path: String| {
            let mut secret = SealedSecret { path, ..SealedSecret::default() };
            let had = self.vault.get(&secret.path);
            secret.later = had.as_ref().is_err_and(VaultError::is_for_now);
            let sealed = had.map_err(|error| error.why()).and_then(|value| {
                left = left.checked_sub(value.reveal().len()).ok_or("the secrets of one policy are too long")?;
                let mut bytes = [0; 32];
                getrandom::fill(&mut bytes).map_err(|error| format!("the server has no random bytes: {error}"))?;
                seal(context, &secret.path, &value, &asked.key, Entropy::new(bytes)).map_err(|error| error.to_string())
            });
            match sealed {
                Ok(sealed) => (secret.encapsulated, secret.sealed) = (sealed.encapsulated, sealed.sealed),
                Err(why) => {
                    tracing::warn!("{}", why);
                    secret.error = why;
                }
            }
            secret
        };
        asked.refs.into_iter().map(&mut one).collect()
    }

    /// Notes that an envoy asked for what is not its own: once a minute in the audit.
    async fn denied(&self, id: EnvoyId, hostname: &str, path: &str) {
        let now = self.now();
        let is_first = self.denials.lock().unwrap_or_else(PoisonError::into_inner).count(id, now);
        if !is_first {
            return;
        }
        let path: String = path.chars().take(128).collect();
        tracing::warn!("{hostname}: asked for secret `{}`, which is not its own", path.escape_debug());
        let detail = format!("`{hostname}` asked for a secret that its policy does not refer to");
        let entry = Entry { actor: Actor::Envoy(id), action: "secret.refuse", subject: path, detail };
        if let Err(error) = self.store.audit(entry, now).await {
            tracing::error!("a refusal was not audited: {error}");
        }
    }
}
