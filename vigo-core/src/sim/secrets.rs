//! Secrets: who asks, who gets them, and who tries to.

use super::machine::{Begun, Machine};
use super::server::{Question, Server, Taken, refuse};
use super::story::Violation;
use super::world::{Event, World};
use crate::agent::{Response, SecretAnswers};
use crate::entropy::Entropy;
use crate::id::EnvoyId;
use crate::secret::{OpeningKey, SealContext, SecretValue, Withheld, seal};
use crate::server::{Claimed, may_have_secrets, secret_claim};
use crate::time::Duration;
use crate::wire::message::{Refused, ResolveSecrets, SealedSecret, SealedSecrets};
use crate::wire::{Channel, Envelope, Exporter, Message as _, Reply};
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use sha2::{Digest as _, Sha256};

/// What every value begins with: it is on no wire.
const MARK: &str = "the value of ";

fn value_of(path: &str) -> String {
    format!("{MARK}{path}")
}

/// Returns whether a value stands there for everybody to read.
pub(super) fn is_bare(bytes: &[u8]) -> bool {
    bytes.windows(MARK.len()).any(|window| window == MARK.as_bytes())
}

impl Server {
    /// Answers with the values that are the envoy's own, sealed for this one request.
    pub(super) fn secrets(&self, id: EnvoyId, asked: ResolveSecrets, body: &[u8], exporter: &Exporter) -> Taken {
        let envoy = self.fleet().and_then(|fleet| fleet.get(id)).filter(|envoy| may_have_secrets(envoy, false));
        let Some(envoy) = envoy else { return refuse::<SealedSecrets>(Refused::INVALID, "it gets none") };
        let name = &*envoy.hostname;
        let own = self.live().and_then(|publish| publish.secrets_for(name));
        let before = || self.publishes.iter().filter_map(|publish| publish.secrets_for(name));
        let claim = |path: &String| secret_claim(name, path, own.map(|own| &**own), before());
        let claims: Vec<Claimed> = asked.refs.iter().map(claim).collect();
        if claims.contains(&Claimed::Foreign) {
            return refuse::<SealedSecrets>(Refused::INVALID, "it is none of its business");
        }
        if claims.contains(&Claimed::Stale) {
            return refuse::<SealedSecrets>(Refused::STALE, "check in first");
        }
        let context = SealContext::new(id, exporter, body);
        let one = |path: String| {
            let hash = Sha256::new().chain_update(exporter.0).chain_update(body).chain_update(&path);
            let value = SecretValue::new(value_of(&path));
            match seal(&context, &path, &value, &asked.key, Entropy::new(hash.finalize().into())) {
                Ok(sealed) => SealedSecret {
                    path,
                    encapsulated: sealed.encapsulated,
                    sealed: sealed.sealed,
                    ..SealedSecret::default()
                },
                Err(error) => SealedSecret { path, error: error.to_string(), ..SealedSecret::default() },
            }
        };
        let secrets = asked.refs.into_iter().map(one).collect();
        Taken::Reply(Reply::Done(SealedSecrets { secrets }).encode())
    }
}

impl Machine {
    /// Opens what it was answered, by the key that it asked with.
    pub(super) fn opened(&mut self, bytes: &[u8]) -> Option<Response> {
        let (key, context) = self.opening.take()?;
        let secrets = match Reply::<SealedSecrets>::decode(bytes).ok()? {
            Reply::Done(sealed) => sealed.secrets,
            Reply::Refused(refused) => return Some(Response::Refused(refused)),
        };
        let open = |secret: SealedSecret| {
            let value = key.open(&context, &secret.path, &secret.encapsulated, &secret.sealed);
            (Arc::from(secret.path), value.map_err(|error| Withheld::Refused(error.to_string())))
        };
        Some(Response::Secrets(secrets.into_iter().map(open).collect()))
    }
}

impl World {
    /// Asks for the secrets of the run in hand, by a key of its own.
    pub(super) fn ask_for_secrets(&mut self, at: usize, mut asked: ResolveSecrets) {
        let key = OpeningKey::new(Entropy::new(self.faults.bytes()));
        asked.key = key.public();
        let link = self.dial(at, Channel::Request).and_then(|link| self.links.get(&link));
        let machine = &mut self.machines[at];
        machine.opening = link.map(|link| (key, SealContext::new(machine.id, &link.exporter, &asked.encode())));
        self.send(at, Channel::Request, &asked);
    }

    /// Gives a run the secrets that it asked for, and lets it go on.
    pub(super) fn hand_over(&mut self, at: usize, answers: &SecretAnswers) -> Result<(), Violation> {
        let machine = &mut self.machines[at];
        let Some(begun) = machine.begun.take() else { return Ok(()) };
        let kind = machine.hostname.split('-').next().unwrap_or_default();
        for (path, value) in answers {
            let Ok(value) = value else { continue };
            if !path.starts_with(kind) || !begun.refs.contains(path) || value.reveal() != value_of(path) {
                let what = format!("{at} was given secret `{path}`, which is not its own");
                return Err(self.violation(what));
            }
            self.told.secrets += 1;
        }
        let has_all = answers.iter().all(|(_, value)| value.is_ok());
        self.ends_later(at, begun, has_all);
        Ok(())
    }

    /// A run ends after a while.
    pub(super) fn ends_later(&mut self, at: usize, begun: Begun, has_all: bool) {
        let due = self.now + Duration::from_ms(1 + self.faults.below(4000));
        let Begun { seq, digest, started, .. } = begun;
        let boot = self.machines[at].boot;
        self.at(due, Event::Ran { machine: at, boot, seq, digest, started, has_all });
    }

    /// Whoever has taken a machine over asks for what is another's.
    pub(super) fn steal(&mut self, at: usize) -> Result<(), Violation> {
        let (number, key) = (self.next_number(), OpeningKey::new(Entropy::new(self.faults.bytes())).public());
        let machine = &self.machines[at];
        let other = if machine.hostname.starts_with("web") { "db" } else { "web" };
        let refs = vec![format!("{other}/{}", self.faults.below(self.told.publishes.max(1)))];
        let open = machine.link.and_then(|link| Some((link, self.links.get_mut(&link)?)));
        let Some((link, open)) = open.filter(|(_, open)| open.channel == Channel::Request) else { return Ok(()) };
        open.sequence += 1;
        let asked = ResolveSecrets { refs, key, ..ResolveSecrets::default() };
        let bytes = Envelope::sign(Channel::Request, &machine.key, open.sequence, &open.exporter, &asked).encode();
        self.told.thefts += 1;
        let taken = self.server.take(Question { link, number }, open, &bytes, self.now);
        let is_refused = matches!(
            taken,
            Taken::Reply(reply) if matches!(Reply::<SealedSecrets>::decode(&reply), Ok(Reply::Refused(_)))
        );
        if is_refused { Ok(()) } else { Err(self.violation(format!("{at} was given what is another's"))) }
    }
}
