//! Envoys that remember more than the database: it was put back to an earlier state.

use super::server::Server;
use crate::store::{Actor, Renamed};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use vigo_core::id::EnvoyId;
use vigo_core::server::{Remembered, WentBack, WentBackBy};

impl Server {
    /// Takes what an envoy has shown that the database does not remember: what it has of the past is void, and what was said
    /// of the envoy meanwhile is written down again.
    pub(super) fn remembered(self: &Arc<Self>, id: EnvoyId, hostname: &str, seen: Remembered) {
        tracing::warn!("{hostname}: has an assignment of {}, which the database does not remember", seen.at);
        let (server, is_first) = (Arc::clone(self), !self.is_back.swap(true, Ordering::AcqRel));
        tokio::spawn(async move {
            if is_first {
                server.went_back(id, &seen).await;
            }
            server.take_again(id, seen).await;
        });
    }

    /// Takes that an envoy of a class has applied newer values of secrets than there are. Where the database went back they
    /// may have gone with it; otherwise one was removed.
    pub(super) fn secrets_are_older(self: &Arc<Self>, hostname: &str, class: &str) {
        if !self.is_back.load(Ordering::Acquire) {
            return;
        }
        tracing::warn!("{hostname}: has applied newer values of the secrets of class `{class}` than there are");
        let (server, class) = (Arc::clone(self), class.to_owned());
        tokio::spawn(async move {
            if let Err(error) = server.store.secrets_went_back(class).await {
                tracing::error!("that secrets went back is not written down: {error}");
            }
        });
    }

    /// Takes that the database went back, by the word of an envoy.
    async fn went_back(&self, id: EnvoyId, seen: &Remembered) {
        let (newest, now) = (self.store.newest(), self.now());
        let went_back = WentBack { by: WentBackBy::Shown(id), from: newest, to: seen.at };
        match self.store.went_back(went_back, now).await {
            Ok(voided) => {
                self.fleet_mut().void_orders(newest);
                tracing::error!(
                    "the database was put back to an earlier state: {}; what was done from {newest} to {} is lost, and {} \
                     tokens, {} tokens of the API and logins, and {} orders are void; see `vigocli server restored`",
                    went_back.by,
                    went_back.to,
                    voided.tokens,
                    voided.api_tokens,
                    voided.orders
                );
            }
            Err(error) => {
                tracing::error!("the database went back, and what it has of the past still counts: {error}");
                // The next one who remembers says it again.
                self.is_back.store(false, Ordering::Release);
            }
        }
    }

    /// Writes down again what the database has lost of an envoy.
    async fn take_again(&self, id: EnvoyId, seen: Remembered) {
        let Remembered { hostname, maintenance, observes, .. } = seen;
        let now = self.now();
        if let Some(maintenance) = maintenance
            && let Err(error) = self.store.set_maintenance(id, maintenance, Actor::Server, now).await
        {
            tracing::error!("{id}: that it is in {maintenance} is not written down: {error}");
        }
        if let Some(observes) = observes
            && let Err(error) = self.store.set_observes(id, observes, Actor::Server, now).await
        {
            tracing::error!("{id}: whether it observes is not written down: {error}");
        }
        let Some(hostname) = hostname else { return };
        match self.store.rename(id, hostname.clone(), Actor::Server, now).await {
            Ok(Renamed::Done(_)) => {
                tracing::warn!("{id} is `{hostname}` again, as it was before the database went back");
                self.rename(id, &hostname);
            }
            Ok(Renamed::Taken(holder)) => {
                tracing::warn!(
                    "{id} was `{hostname}` before the database went back, which is the name of {holder} now"
                );
            }
            Ok(Renamed::Unknown) => {}
            Err(error) => tracing::error!("{id}: that it is `{hostname}` is not written down: {error}"),
        }
    }
}
