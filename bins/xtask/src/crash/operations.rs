//! What people do while the server is killed: publish, make tokens and make them worthless, throw envoys out, set secrets.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::acknowledged::Acknowledged;
use super::api::{Answer, Api};
use super::random::Random;
use crate::failure::{Failure, Result};
use crate::json::quoted;

/// Envoys that are there to be thrown out.
pub const DOOMED: usize = 40;

/// Secrets that are set again and again.
const SECRETS: u64 = 5;

/// Tokens that there are at a time.
const TOKENS_MAX: usize = 50;

/// People at work.
pub struct Operations {
    /// What they were told is done. Whoever holds it keeps them from doing more.
    pub acknowledged: Arc<Mutex<Acknowledged>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<()>>>,
}

struct Worker {
    api: Api,
    stacks: PathBuf,
    random: Random,
    version: u64,
    doomed: usize,
    secret: u64,
}

impl Operations {
    /// Begins; the policy's version is 1 before.
    pub fn begin(api: Api, stacks: PathBuf, seed: u64) -> Self {
        let (acknowledged, ended) = (Arc::new(Mutex::new(Acknowledged::default())), Arc::new(AtomicBool::new(false)));
        let mut worker = Worker { api, stacks, random: Random::new(seed), version: 1, doomed: 0, secret: 0 };
        let (shared, told) = (Arc::clone(&acknowledged), Arc::clone(&ended));
        let thread = thread::spawn(move || {
            while !told.load(Ordering::Relaxed) {
                worker.act(&mut shared.lock().unwrap_or_else(PoisonError::into_inner))?;
                // Others want to hold it, too.
                thread::sleep(Duration::from_millis(10));
            }
            Ok(())
        });
        Self { acknowledged, ended, thread: Some(thread) }
    }

    /// Fails when somebody was refused what is to be done.
    pub fn look(&mut self) -> Result<()> {
        match self.thread.take_if(|thread| thread.is_finished()) {
            Some(thread) => thread.join().map_err(|_| Failure::new("people have stopped working"))?,
            None => Ok(()),
        }
    }

    /// Has them stop.
    pub fn end(mut self) -> Result<()> {
        self.ended.store(true, Ordering::Relaxed);
        match self.thread.take() {
            Some(thread) => thread.join().map_err(|_| Failure::new("people have stopped working"))?,
            None => Ok(()),
        }
    }
}

impl Worker {
    /// Does something. What was cut off is not tried again before it was looked at.
    fn act(&mut self, known: &mut Acknowledged) -> Result<()> {
        match self.random.below(10) {
            0..3 => self.publish(known),
            3..5 => self.set_secret(known),
            5 => self.revoke(known),
            6 => self.kill_token(known),
            _ => self.make_token(known),
        }
    }

    /// Asks, and returns the answer, `None` where nobody has answered.
    fn ask(&self, known: &mut Acknowledged, method: &str, path: &str, body: &str) -> Result<Option<crate::json::Json>> {
        match self.api.ask(method, path, body) {
            Answer::Done(answer) => Ok(Some(answer)),
            Answer::Gone => {
                known.cut_off += 1;
                // It may be down for a while.
                thread::sleep(Duration::from_millis(10));
                Ok(None)
            }
            Answer::Refused(why) => Err(Failure::new(why)),
        }
    }

    fn publish(&mut self, known: &mut Acknowledged) -> Result<()> {
        if known.maybe_published.is_some() {
            return Ok(());
        }
        self.version += 1;
        let version = self.version;
        let path = self.stacks.join(super::story::VERSION_FILE);
        fs::write(&path, super::story::version_text(version)).map_err(|e| Failure::at(&path, &e))?;
        known.maybe_published = Some(version);
        if let Some(answer) = self.ask(known, "POST", "/publish", "")? {
            known.publishes.push((answer.number("id")? as u64, version));
            known.maybe_published = None;
        }
        Ok(())
    }

    fn set_secret(&mut self, known: &mut Acknowledged) -> Result<()> {
        if known.maybe_secret.is_some() {
            return Ok(());
        }
        self.secret += 1;
        let (path, value) = (format!("crash-{}", self.random.below(SECRETS)), format!("value {}", self.secret));
        known.maybe_secret = Some((path.clone(), value.clone()));
        let body = format!("{{\"value\":{}}}", quoted(&value));
        if self.ask(known, "PUT", &format!("/secrets/{path}"), &body)?.is_some() {
            known.secrets.insert(path, value);
            known.maybe_secret = None;
        }
        Ok(())
    }

    fn revoke(&mut self, known: &mut Acknowledged) -> Result<()> {
        if known.maybe_revoked.is_some() {
            return Ok(());
        }
        let name = match known.not_revoked.pop() {
            Some(name) => name,
            None if self.doomed >= DOOMED => return Ok(()),
            None => {
                self.doomed += 1;
                format!("doomed-{}", self.doomed)
            }
        };
        known.maybe_revoked = Some(name.clone());
        if self.ask(known, "POST", &format!("/envoys/{name}/revoke"), "")?.is_some() {
            known.revoked.insert(name);
            known.maybe_revoked = None;
        }
        Ok(())
    }

    fn make_token(&mut self, known: &mut Acknowledged) -> Result<()> {
        if known.tokens.len() >= TOKENS_MAX {
            return self.kill_token(known);
        }
        if let Some(answer) = self.ask(known, "POST", "/tokens", "{\"match\":\"nobody-*\"}")? {
            known.tokens.insert(answer.text("id").unwrap_or_default().to_owned());
        }
        Ok(())
    }

    fn kill_token(&mut self, known: &mut Acknowledged) -> Result<()> {
        let Some(id) = known.tokens.first().cloned().filter(|_| known.maybe_dead.is_none()) else { return Ok(()) };
        known.tokens.remove(&id);
        known.maybe_dead = Some(id.clone());
        if self.ask(known, "DELETE", &format!("/tokens/{id}"), "")?.is_some() {
            known.dead_tokens.insert(id);
            known.maybe_dead = None;
        }
        Ok(())
    }
}
