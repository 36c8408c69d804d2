//! What an agent says to a server, and what it makes of the answers.

use super::Agent;
use super::accept::Judge;
use super::event::Event;
use super::hold::Hold;
use super::policy::PolicyError;
use super::step::{Ask, Record, Response, Step, Until};
use super::traits::{Sent, traits_of};
use super::validity::{Validity, validity};
use crate::bundle::{KeySetError, OrderId, Signed, TraitsWanted};
use crate::secret::Withheld;
use crate::time::{Duration, Timestamp};
use crate::traits::TraitSet;
use crate::wire::message::{
    Answer, CheckIn, Enrol, Enrolled, GetKeySet, QuietRuns, Refused, RenewCertificate, Renewed, ReportTaken, Trait,
    TraitsDelta, TraitsTaken,
};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The conversation with a server.
pub(super) enum Talk {
    /// There is no connection.
    Idle,
    /// There is one, and nothing is outstanding.
    Connected,
    /// There is one, which stands for a certificate that was renewed.
    Stale,
    /// An answer is outstanding.
    Asked {
        /// To this.
        what: Asked,
        /// Since then.
        since: Timestamp,
    },
}

/// What was asked.
#[derive(Clone, PartialEq)]
pub(super) enum Asked {
    CheckIn { shows: Shows },
    Report(u64),
    Traits(Vec<u8>),
    Order(OrderId),
    Renew,
    Secrets,
    KeySet,
    Enrol,
}

/// What a check-in shows of what a server has forgotten.
#[derive(Clone, Copy, PartialEq, Default)]
pub(super) struct Shows {
    pub(super) assignment: bool,
    pub(super) keyset: bool,
    pub(super) identity: bool,
}

/// What goes on with the traits.
#[derive(Default)]
pub(super) struct Traits {
    /// What the server has, as far as we know.
    sent: Option<Sent>,
    /// What the server says that it has, when it asked for them.
    wanted: Option<Vec<u8>>,
    collecting: bool,
    /// Collected, to be sent.
    ready: Option<TraitsDelta>,
    /// What is being sent.
    sending: Option<Sent>,
    /// When they are collected again.
    pub(super) due: Timestamp,
}

/// Time between two looks at all traits.
const TRAITS_PERIOD: Duration = Duration::from_secs(3600);

/// Until a renewal that was refused is tried again.
const RENEW_RETRY: Duration = Duration::from_secs(3600);

/// Until a server's word that it does not know the envoy is answered at once again.
const UNKNOWN_RETRY: Duration = Duration::from_secs(3600);

/// Until a machine that was not enrolled anew asks for it again.
const ENROL_RETRY: Duration = Duration::from_secs(300);

/// Servers that are remembered, and bytes of each: `host:port`.
const SERVERS_MAX: usize = 16;
const SERVER_BYTES_MAX: usize = crate::limits::HOSTNAME_BYTES_MAX + 8;

impl Talk {
    pub(super) fn is_asked(&self) -> bool {
        matches!(self, Self::Asked { .. })
    }

    /// Returns since when a question is on its way.
    pub(super) fn asked_since(&self) -> Option<Timestamp> {
        match self {
            Self::Asked { since, .. } => Some(*since),
            _ => None,
        }
    }

    /// Returns since when a check-in is on its way.
    pub(super) fn check_in_since(&self) -> Option<Timestamp> {
        match self {
            Self::Asked { what: Asked::CheckIn { .. }, since } => Some(*since),
            _ => None,
        }
    }
}

impl Traits {
    /// Returns whether they are yet to be sent.
    pub(super) fn is_open(&self) -> bool {
        self.wanted.is_some() || self.collecting || self.ready.is_some()
    }
}

impl Agent {
    /// Takes the answer to the last [`Step::Ask`].
    pub fn handle_answer(&mut self, response: Response, now: Timestamp) {
        self.tick(now);
        let Talk::Asked { what, .. } = core::mem::replace(&mut self.talk, Talk::Connected) else {
            self.talk = Talk::Idle;
            return;
        };
        if let Response::Refused(refused) = response {
            return self.refused(&what, refused, now);
        }
        self.tried |= matches!(what, Asked::CheckIn { .. });
        let done = match (what, response) {
            (Asked::CheckIn { shows }, Response::Answer(answer)) => {
                self.answered(answer, shows, now);
                Ok(())
            }
            // It says nothing of the next attempt to ask in earnest, unless it is news.
            (Asked::KeySet, Response::KeySet(answer)) => return self.keyset_told(&answer.keyset),
            (Asked::Report(seq), Response::Taken(taken)) => self.report_taken(seq, taken),
            (Asked::Traits(digest), Response::Traits(taken)) => {
                self.traits_taken(&digest, &taken);
                Ok(())
            }
            (Asked::Order(id), Response::Order(taken)) if taken.id == id.0 => {
                self.order_taken(id);
                Ok(())
            }
            (Asked::Renew, Response::Renewed(renewed)) => self.renewed(renewed, now),
            (Asked::Enrol, Response::Enrolled(enrolled)) => self.enrolled(enrolled, now),
            (Asked::Secrets, Response::Secrets(answers)) => {
                self.secrets.answer(answers);
                Ok(())
            }
            (Asked::Secrets, _) => {
                self.secrets.unreachable("the server answers something else");
                Err("it answers what was not asked".into())
            }
            _ => Err("it answers what was not asked".into()),
        };
        match done {
            Ok(()) => {
                self.backoff.reset();
                self.retry_at = None;
                self.in_touch = true;
                self.was_stranger = false;
            }
            Err(why) => self.failed(why, now),
        }
    }

    /// Takes that there is no answer to the last [`Step::Ask`]. The driver gives up the connection.
    pub fn handle_failure(&mut self, why: &str, now: Timestamp) {
        self.tick(now);
        let talk = core::mem::replace(&mut self.talk, Talk::Idle);
        self.hold = Hold::No;
        if let Talk::Asked { what, .. } = talk {
            if what == Asked::Secrets {
                self.secrets.unreachable(&format!("no server answers: {why}"));
            }
            self.gave_up(&what);
            self.failed(why.into(), now);
        }
    }

    /// Takes that there is no answer to the last [`Step::Ask`] because one side does not believe the other's certificate:
    /// the fleet's keys may have changed meanwhile, on either side. The driver gives up the connection.
    pub fn handle_stranger(&mut self, why: &str, now: Timestamp) {
        let is_last = |what: &Asked| matches!(what, Asked::KeySet | Asked::Enrol);
        self.is_stranger = matches!(&self.talk, Talk::Asked { what, .. } if !is_last(what));
        self.handle_failure(why, now);
    }

    /// Takes that the report of the last [`Step::Ask`] cannot be read back: it is lost.
    pub fn handle_unreadable(&mut self, now: Timestamp) {
        self.tick(now);
        if let Talk::Asked { what: Asked::Report(seq), .. } = core::mem::replace(&mut self.talk, Talk::Connected)
            && self.queue.first() == Some(seq)
        {
            let dropped = self.queue.pop();
            self.lost(dropped.into_iter().collect());
        }
    }

    /// Takes all traits of the machine.
    pub fn handle_traits(&mut self, set: &TraitSet, now: Timestamp) {
        self.tick(now);
        self.traits.collecting = false;
        self.traits.due = now + TRAITS_PERIOD;
        let traits: Vec<Trait> = traits_of(set);
        let next = Sent::of(&traits);
        let wanted = self.traits.wanted.take();
        let base = self.traits.sent.take().filter(|sent| wanted.as_ref().is_none_or(|base| **base == sent.digest()));
        if wanted.is_none() && base.as_ref().is_some_and(|base| base.digest() == next.digest()) {
            self.traits.sent = base;
            return;
        }
        let delta = match &base {
            Some(base) => base.delta(traits),
            None => TraitsDelta { digest: next.digest().to_vec(), set: traits, ..TraitsDelta::default() },
        };
        self.traits.ready = Some(delta);
        self.traits.sending = Some(next);
    }

    /// Returns the next step of the conversation.
    pub(super) fn talk_step(&mut self, now: Timestamp) -> Option<Step> {
        if self.talk.is_asked() {
            return None;
        }
        let question = if matches!(self.talk, Talk::Stale) { None } else { self.question(now) };
        let Some((what, ask)) = question else {
            if self.is_held() {
                return self.await_step(now);
            }
            self.hold = Hold::No;
            let was = core::mem::replace(&mut self.talk, Talk::Idle);
            return (!matches!(was, Talk::Idle)).then_some(Step::Disconnect);
        };
        self.talk = Talk::Asked { what, since: now };
        Some(Step::Ask(ask))
    }

    /// Returns when there is something to say.
    pub(super) fn talk_time(&self, now: Timestamp) -> Option<Timestamp> {
        if self.talk.is_asked() {
            return None;
        }
        let has_now = self.queue.first().is_some()
            || self.traits.ready.is_some()
            || self.orders.unsent().is_some()
            || self.secrets.is_wanted();
        let due = if has_now { now } else { self.check_in_due.min(self.renew_due) };
        let due = self.retry_at.map_or(due, |at| due.max(at));
        Some(self.await_time().map_or(due, |at| due.min(at)))
    }

    /// Returns the step that collects the traits, when it is time.
    pub(super) fn collect_step(&mut self, now: Timestamp) -> Option<Step> {
        if self.collect_time().is_none_or(|at| at > now) {
            return None;
        }
        self.traits.collecting = true;
        Some(Step::Collect(match self.options.until {
            Until::Stopped => TraitsWanted::All,
            // Nobody waits for a walk over all files.
            Until::CheckedIn | Until::Converged => TraitsWanted::all_but_scans(),
        }))
    }

    /// Returns when the traits are collected: when the server asked, and from then on by the hour.
    pub(super) fn collect_time(&self) -> Option<Timestamp> {
        let traits = &self.traits;
        if traits.collecting || traits.ready.is_some() || self.options.until == Until::CheckedIn {
            return None;
        }
        if traits.wanted.is_some() { Some(self.clock) } else { traits.sent.is_some().then_some(traits.due) }
    }

    /// Returns what to ask now.
    fn question(&mut self, now: Timestamp) -> Option<(Asked, Ask)> {
        if core::mem::take(&mut self.is_stranger) {
            let keyset = self.keyset_signed.encode();
            return Some((Asked::KeySet, Ask::KeySet(GetKeySet { keyset })));
        }
        if core::mem::take(&mut self.enrols) && self.enrol_until.is_none_or(|until| until <= now) {
            self.enrol_until = Some(now + ENROL_RETRY);
            self.events.push(Event::Enrols);
            return Some((Asked::Enrol, Ask::Enrol(self.enrolment())));
        }
        if self.retry_at.is_some_and(|at| at > now) {
            return None;
        }
        let renewal = || (Asked::Renew, Ask::Renew(RenewCertificate::default()));
        // Nothing else is answered then.
        let must_renew = self.must_renew || self.validity.is_some_and(|v| v.not_after <= self.server_clock());
        if must_renew && self.renew_due <= now {
            return Some(renewal());
        }
        // A run waits for them.
        if let Some(refs) = self.secrets.ask() {
            return Some((Asked::Secrets, Ask::Secrets(self.resolve_secrets(&refs))));
        }
        if self.check_in_due <= now {
            let shows = core::mem::take(&mut self.shows);
            return Some((Asked::CheckIn { shows }, Ask::CheckIn(self.check_in(shows))));
        }
        if let Some(seq) = self.queue.first() {
            return Some((Asked::Report(seq), Ask::Report(seq)));
        }
        if let Some(result) = self.orders.unsent() {
            let id = OrderId(<[u8; 16]>::try_from(&*result.id).unwrap_or_default());
            return Some((Asked::Order(id), Ask::Order(result.clone())));
        }
        if let Some(delta) = self.traits.ready.take() {
            return Some((Asked::Traits(delta.digest.clone()), Ask::Traits(delta)));
        }
        (self.renew_due <= now).then(renewal)
    }

    /// Returns the later of the machine's clock and the newest time that a server told.
    pub(super) fn server_clock(&self) -> Timestamp {
        self.server_time().max(self.clock)
    }

    /// Returns what it asks for that is to be enrolled anew, by its own key and without a token.
    fn enrolment(&self) -> Enrol {
        let hostname = self.held.as_ref().map_or(&self.name, |held| &held.assignment.hostname);
        Enrol {
            hostname: hostname.clone(),
            identity_key: self.identity.as_bytes().to_vec(),
            machine: self.options.machine.clone(),
            agent_version: self.options.agent_version.clone(),
            ..Enrol::default()
        }
    }

    fn check_in(&mut self, shows: Shows) -> CheckIn {
        self.turn = self.turn.saturating_add(1);
        let held = self.held.as_ref();
        let shown = self.highest.as_ref().filter(|_| shows.assignment || shows.identity).map(Signed::encode);
        // A server that knows of a run takes no report of that number or an earlier one any more: what is told of quiet
        // runs is what is on disk, and nothing while reports wait.
        let c = &self.durable;
        let tells = c.quiet_runs > 0 && self.queue.len() == 0 && !self.dirty.iter().any(is_report);
        let run = tells.then_some(QuietRuns {
            incarnation: c.incarnation,
            seq: c.quiet_seq,
            runs: c.quiet_runs,
            counts: c.quiet_counts,
            ended_ms: c.quiet_ended.epoch_ms(),
        });
        CheckIn {
            assignment_digest: held.map(|held| held.digest.to_vec()).unwrap_or_default(),
            serial: self.floor,
            keyset: self.keyset.version,
            secrets_epoch: self.counters.secrets_epoch,
            traits_digest: self.traits.sent.as_ref().map(|sent| sent.digest().to_vec()).unwrap_or_default(),
            agent_version: self.options.agent_version.clone(),
            machine: self.options.machine.clone(),
            contact: self.counters.contact,
            run,
            queued: u32::try_from(self.queue.len()).unwrap_or(u32::MAX),
            held: self.hold != Hold::No,
            shown_assignment: shown.unwrap_or_default(),
            shown_keyset: if shows.keyset { self.keyset_signed.encode() } else { Vec::new() },
            identity_key: if shows.identity { self.identity.as_bytes().to_vec() } else { Vec::new() },
            life: self.options.life,
            turn: self.turn,
        }
    }

    /// Takes the answer to a check-in.
    fn answered(&mut self, answer: Answer, showed: Shows, now: Timestamp) {
        self.counters.contact = answer.contact;
        self.counters.heard = now;
        self.counters_changed = true;
        self.number_behind(answer.newest_run);
        let mut is_behind = answer.show_assignment;
        if let Some(bytes) = &answer.keyset {
            self.take_keyset(bytes);
        }
        if let Some(bytes) = &answer.assignment {
            match self.judge().policy(bytes, answer.bundle.as_deref()) {
                Ok((held, record)) => {
                    self.dirty.push(record);
                    if held.assignment.serial > self.floor {
                        self.dirty.push(Record::Highest(held.signed.clone()));
                    }
                    self.accepted.policy = Some(held);
                }
                Err(why) => {
                    is_behind |= matches!(why, PolicyError::Older { .. });
                    self.not_believed(why);
                }
            }
        }
        self.take_servers(answer.servers);
        if let Some(epoch) = answer.secrets_epoch {
            self.counters.secrets_epoch = epoch;
            self.run_asked = true;
        }
        self.run_asked |= answer.run_now;
        self.set_hold(answer.hold);
        self.ordered(&answer.orders, now);
        if let Some(base) = answer.send_traits {
            self.traits.wanted = Some(base);
        }
        self.check_in_due = now + self.next_in(Duration::from_ms(answer.next_in_ms));
        if (is_behind || showed.identity)
            && let Some(seq) = self.taken
        {
            // What the server was told last it has forgotten, too.
            self.queue.put_back(seq, 0);
        }
        if is_behind {
            // The server was restored: it is shown what it has forgotten, once.
            self.shows.assignment = true;
            if !showed.assignment && self.held.is_some() {
                self.check_in_due = now;
            }
        }
        if self.shows.keyset && !showed.keyset {
            self.check_in_due = now;
        }
    }

    /// Takes over where the fleet's servers are, where that is said.
    fn take_servers(&mut self, servers: Vec<String>) {
        let servers: Vec<String> = servers.into_iter().filter(|s| s.len() <= SERVER_BYTES_MAX).collect();
        if !servers.is_empty() {
            self.dirty.push(Record::Servers(servers.into_iter().take(SERVERS_MAX).collect()));
        }
    }

    /// Takes over a key set that is newer than the one at hand, once it is stored. Returns whether it is.
    fn take_keyset(&mut self, bytes: &[u8]) -> bool {
        match self.judge().keyset(bytes) {
            Ok(Some((keyset, signed))) => {
                self.dirty.push(Record::KeySet(signed.clone()));
                self.accepted.keyset = Some((keyset, signed));
                return true;
            }
            Ok(None) => {}
            Err(why) => {
                self.shows.keyset |= matches!(why, PolicyError::KeySet(KeySetError::Older { .. }));
                self.not_believed(why);
            }
        }
        false
    }

    /// Takes the key set of a server that may be anybody.
    fn keyset_told(&mut self, keyset: &[u8]) {
        if self.take_keyset(keyset) {
            self.retry_at = None;
            self.check_in_due = self.clock;
            self.was_stranger = false;
        } else {
            // Twice, with nothing new in between: the server may be one that knows nothing of the authority before it.
            self.enrols |= core::mem::replace(&mut self.was_stranger, true);
        }
    }

    /// Returns by what an answer is judged, with the key set that it brought.
    pub(super) fn judge(&self) -> Judge<'_> {
        let (keyset, signed) = match &self.accepted.keyset {
            Some((keyset, signed)) => (keyset, signed),
            None => (&self.keyset, &self.keyset_signed),
        };
        Judge { id: self.id, keyset, signed, floor: self.floor, held: self.held.as_ref() }
    }

    fn report_taken(&mut self, seq: u64, taken: ReportTaken) -> Result<(), String> {
        let own = self.counters.incarnation;
        if taken.incarnation != own || taken.seq < seq {
            let ReportTaken { incarnation, seq: found } = taken;
            return Err(format!("expected it to take report {seq} of {own:016x}, found {found} of {incarnation:016x}"));
        }
        self.number_behind(taken.seq);
        // No more than was sent, whatever the server says that it has.
        if self.queue.first() == Some(seq) {
            self.queue.pop();
            self.taken = Some(seq);
            self.dirty.push(Record::Taken(seq));
        }
        Ok(())
    }

    /// Numbers runs behind one that the server knows. Only a machine that was set back in time, or one of two with the same
    /// identity, has not made it; what it tells under numbers before it is not news.
    fn number_behind(&mut self, newest: u64) {
        if newest > self.counters.seq {
            self.counters.seq = newest;
            self.counters_changed = true;
        }
    }

    fn traits_taken(&mut self, digest: &[u8], taken: &TraitsTaken) {
        let sent = self.traits.sending.take();
        if taken.digest == digest {
            self.traits.sent = sent;
        } else {
            self.traits.sent = None;
        }
    }

    /// Takes a certificate in place of the one at hand.
    fn take_certificate(&mut self, certificate: Vec<u8>, now: Timestamp) -> Result<(), String> {
        self.renew_due = now + RENEW_RETRY;
        self.must_renew = false;
        // A clock that is years ahead is no reason to pass a certificate over.
        let is_later = |v: &Validity| v.renewal() > now || self.validity.is_some_and(|own| v.not_after > own.not_after);
        let next = validity(&certificate).filter(is_later);
        let validity = next.ok_or("expected a certificate that holds, found none")?;
        self.dirty.push(Record::Certificate(certificate));
        self.accepted.validity = Some(validity);
        self.talk = Talk::Stale;
        Ok(())
    }

    /// Takes that a server which is believed has enrolled the envoy anew. Nothing of it is taken where the root's word is
    /// not with it.
    fn enrolled(&mut self, enrolled: Enrolled, now: Timestamp) -> Result<(), String> {
        if enrolled.envoy_id != self.id.0 {
            return Err(format!("expected to be enrolled as `{}`, found another id", self.id));
        }
        let keyset = self.judge().keyset(&enrolled.keyset);
        let keyset = keyset.map_err(|why| format!("the enrolment is not believed: {why}"))?;
        self.take_certificate(enrolled.certificate, now)?;
        if let Some((keyset, signed)) = keyset {
            self.dirty.push(Record::KeySet(signed.clone()));
            self.accepted.keyset = Some((keyset, signed));
        }
        self.take_servers(enrolled.servers);
        self.events.push(Event::Enrolled);
        self.check_in_due = now;
        Ok(())
    }

    fn renewed(&mut self, renewed: Renewed, now: Timestamp) -> Result<(), String> {
        self.take_certificate(renewed.certificate, now)?;
        if self.hold != Hold::No {
            // Over the next connection.
            self.check_in_due = now;
        }
        Ok(())
    }

    fn refused(&mut self, what: &Asked, refused: Refused, now: Timestamp) {
        self.gave_up(what);
        self.hold = Hold::No;
        if *what == Asked::Secrets {
            let why = format!("the server refuses: {}", clipped(refused.message.clone()));
            // Neither says that the secrets are not this envoy's.
            let is_later = [Refused::STALE, Refused::BUSY].contains(&&*refused.code);
            self.secrets.deny(&if is_later { Withheld::Unreachable(why) } else { Withheld::Refused(why) });
            if refused.code == Refused::STALE {
                // That is no fault: the next check-in brings the policy, and that its run.
                self.check_in_due = now;
                self.events.push(Event::PolicyBehind);
                return;
            }
        }
        self.in_touch = false;
        if refused.code == Refused::RENEW && self.renewed_until.is_none_or(|until| until <= now) {
            // The authority of the certificate was retired meanwhile: that is news, and no failure.
            self.renewed_until = Some(now + RENEW_RETRY);
            self.must_renew = true;
            self.renew_due = now;
            return;
        }
        if refused.code == Refused::UNKNOWN {
            // The server has lost what it knew. Who shows the key that the id is made of may be taken up again.
            self.shows.identity = true;
            self.check_in_due = now;
            let showed = matches!(what, Asked::CheckIn { shows } if shows.identity);
            if !showed && self.unknown_until.is_none_or(|until| until <= now) {
                self.unknown_until = Some(now + UNKNOWN_RETRY);
                self.tried = false;
                self.events.push(Event::Unknown);
                return;
            }
            // That is no proof to it: the last that is left is to enrol.
            self.enrols |= showed;
        }
        if *what == Asked::Enrol && refused.code == Refused::BUSY {
            // It has said nothing of the machine: the back-off is patience enough.
            self.enrol_until = None;
        }
        match what {
            Asked::Report(seq) if refused.code == Refused::INVALID && self.queue.first() == Some(*seq) => {
                let dropped = self.queue.refused();
                self.lost(dropped.into_iter().collect());
            }
            Asked::Order(id) if refused.code == Refused::INVALID => self.order_refused(*id),
            Asked::Renew if !self.must_renew => self.renew_due = now + RENEW_RETRY,
            _ => {}
        }
        let wait = self.backoff.next();
        self.retry_at = Some(now + wait);
        let (code, message) = (clipped(refused.code), clipped(refused.message));
        self.events.push(Event::Refused { code, message, wait });
    }

    fn failed(&mut self, why: String, now: Timestamp) {
        let wait = self.backoff.next();
        self.retry_at = Some(now + wait);
        self.hold = Hold::No;
        self.in_touch = false;
        self.events.push(Event::Failed { why, wait });
    }

    /// Takes that a question was not answered as it should be.
    fn gave_up(&mut self, what: &Asked) {
        match what {
            Asked::CheckIn { shows } => {
                self.tried = true;
                self.shows.assignment |= shows.assignment;
                self.shows.keyset |= shows.keyset;
                self.shows.identity |= shows.identity;
            }
            // What the server has now is not known: it asks again.
            Asked::Traits(_) => (self.traits.sent, self.traits.sending) = (None, None),
            Asked::Report(_) | Asked::Order(_) | Asked::Renew | Asked::KeySet | Asked::Secrets | Asked::Enrol => {}
        }
    }
}

fn is_report(record: &Record) -> bool {
    matches!(record, Record::Report { .. })
}

/// Returns the beginning of what a server says to people.
fn clipped(mut text: String) -> String {
    const MAX: usize = 1024;
    if text.len() > MAX {
        let end = (0..=MAX).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
    }
    text
}
