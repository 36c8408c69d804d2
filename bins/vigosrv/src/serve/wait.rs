//! Envoys that wait to be called.

use super::server::{Server, now};
use super::service::Outcome;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use vigo_core::id::EnvoyId;
use vigo_core::server::hold_for;
use vigo_core::wire::message::{Awaited, Refused};

impl Server {
    /// Answers when there is something to check in for, or when it is time to ask again.
    pub(super) async fn wait(&self, id: EnvoyId) -> Outcome<Awaited> {
        let (mut question, pause) = {
            let (settings, now) = (self.settings.load(), now());
            let mut fleet = self.fleet_mut();
            let live = self.live.load();
            let Some(envoy) = fleet.get_mut(id) else {
                return Err(Refused { code: Refused::UNKNOWN.into(), message: "the envoy is not known".into() });
            };
            envoy.last_seen = now;
            if envoy.called {
                return Ok(Awaited { check_in: true, hold: true, come_back_in_ms: 0 });
            }
            let held = self.held.others(id);
            let Some(pause) = hold_for(envoy, &live.policy, &settings.check_in, held, now) else {
                return Ok(Awaited::default());
            };
            // Under the lock: who is called from now on is told.
            match self.held.ask(id) {
                Ok(question) => (question, Duration::from_millis(pause.as_ms())),
                Err(later) => return Ok(later),
            }
        };
        Ok(match timeout(pause, &mut question.answer).await {
            Ok(Ok(called)) => called,
            // It asked again over another connection.
            Ok(Err(_)) => Awaited::default(),
            Err(_) => Awaited { hold: true, ..Awaited::default() },
        })
    }

    /// Has all held envoys check in by and by. Runs on the tokio runtime that it is called in.
    pub(super) fn call_all(&self) {
        let mut fleet = self.fleet_mut();
        let all = self.held.all();
        for id in &all {
            if let Some(envoy) = fleet.get_mut(*id) {
                envoy.called = true;
            }
        }
        drop(fleet);
        tokio::spawn(Arc::clone(&self.held).call_by_and_by(all));
    }
}
