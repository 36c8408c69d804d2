//! The secrets that a run needs: asked for while it waits, and handed to it.

use super::Agent;
use super::life::PATIENCE;
use super::step::{SecretAnswers, Step};
use crate::limits::SECRETS_ASKED_MAX;
use crate::secret::Withheld;
use crate::time::Timestamp;
use crate::wire::message::ResolveSecrets;
use alloc::string::ToString as _;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What a run has asked for.
#[derive(Default)]
pub(super) struct Secrets {
    wanted: Vec<Arc<str>>,
    is_asked: bool,
    /// To be handed over.
    answers: Option<SecretAnswers>,
}

impl Secrets {
    /// Returns whether the server is to be asked.
    pub(super) fn is_wanted(&self) -> bool {
        !self.wanted.is_empty() && !self.is_asked && self.answers.is_none()
    }

    /// Returns what the server is asked for now.
    pub(super) fn ask(&mut self) -> Option<Vec<Arc<str>>> {
        let refs = self.is_wanted().then(|| self.wanted.clone())?;
        self.is_asked = true;
        Some(refs)
    }

    /// Takes the answer: what was asked for is in it, once, and nothing else.
    pub(super) fn answer(&mut self, answers: SecretAnswers) {
        let mut by_path: alloc::collections::BTreeMap<Arc<str>, Result<_, Withheld>> = answers.into_iter().collect();
        let mut found = |path: Arc<str>| {
            let value =
                by_path.remove(&path).unwrap_or_else(|| Err(Withheld::Refused("the server says nothing of it".into())));
            (path, value)
        };
        self.answers = Some(core::mem::take(&mut self.wanted).into_iter().map(&mut found).collect());
        self.is_asked = false;
    }

    /// Answers that nobody can be asked, and why.
    pub(super) fn unreachable(&mut self, why: &str) {
        self.deny(&Withheld::Unreachable(why.into()));
    }

    /// Answers that there is none, and why.
    pub(super) fn deny(&mut self, why: &Withheld) {
        let wanted = core::mem::take(&mut self.wanted);
        self.answers = Some(wanted.into_iter().map(|path| (path, Err(why.clone()))).collect());
        self.is_asked = false;
    }
}

impl Agent {
    /// Takes that the run in hand needs these secrets. It is answered by [`Step::Secrets`], whatever happens; a server
    /// that did not answer a moment ago is not waited for.
    pub fn want_secrets(&mut self, refs: Vec<Arc<str>>, now: Timestamp) {
        self.tick(now);
        self.secrets = Secrets { wanted: refs, ..Secrets::default() };
        let count = self.secrets.wanted.len();
        if count > SECRETS_ASKED_MAX {
            let why = alloc::format!("the policy has {count} secrets, expected at most {SECRETS_ASKED_MAX}");
            self.secrets.deny(&Withheld::Refused(why));
        }
    }

    /// Returns the step that hands secrets over, or says that there are none.
    pub(super) fn secrets_step(&mut self, now: Timestamp) -> Option<Step> {
        if self.secrets.is_wanted() {
            if self.stopping {
                self.secrets.unreachable("the agent is ending");
            } else if self.retry_at.is_some_and(|at| at > now) {
                self.secrets.unreachable("no server answers");
            } else if self.talk.asked_since().is_some_and(|since| now.since(since) >= PATIENCE) {
                self.secrets.unreachable("the server does not answer");
            }
        }
        self.secrets.answers.take().map(Step::Secrets)
    }

    pub(super) fn resolve_secrets(&self, refs: &[Arc<str>]) -> ResolveSecrets {
        ResolveSecrets {
            assignment_digest: self.held.as_ref().map(|held| held.digest.to_vec()).unwrap_or_default(),
            refs: refs.iter().map(|path| path.to_string()).collect(),
            key: Vec::new(),
        }
    }
}
