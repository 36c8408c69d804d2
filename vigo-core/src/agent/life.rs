//! An agent's runs: at their interval, whether or not a server answers.

use super::Agent;
use super::backoff::splay;
use super::event::Event;
use super::policy::Policy;
use super::report::{RunOf, counts_of, is_quiet, report_of};
use super::step::{Record, RunOrder, RunResult, Step, Until};
use crate::bundle::Maintenance;
use crate::time::{Duration, Timestamp};
use crate::wire::Message as _;
use alloc::string::String;
use alloc::sync::Arc;

/// The run in hand.
pub(super) enum Run {
    Idle,
    /// The policy is being read.
    Loading,
    /// It is to begin.
    Ready(Arc<RunOrder>),
    /// It is under way.
    Going(RunOf),
}

/// The interval of an envoy to which nothing was assigned.
const INTERVAL: Duration = Duration::from_secs(300);

/// Bounds of an interval.
const INTERVAL_MIN: Duration = Duration::from_secs(1);
const INTERVAL_MAX: Duration = Duration::from_secs(86_400);

/// How long a run waits for a check-in that may bring another policy.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

impl Run {
    pub(super) fn is_idle(&self) -> bool {
        matches!(self, Self::Idle)
    }
}

impl Agent {
    /// Takes the stored policy that [`Step::Load`] asked for, or why it cannot be read.
    pub fn handle_policy(&mut self, policy: Result<Policy, String>, now: Timestamp) {
        self.tick(now);
        if !matches!(self.run, Run::Loading) {
            return;
        }
        self.run = Run::Idle;
        self.run_due = now + self.interval();
        self.run_asked = false;
        let verified = policy.and_then(|p| p.verified(&self.root, self.id).map_err(|why| alloc::format!("{why}")));
        let seq = self.counters.seq.saturating_add(1);
        match verified {
            Ok(verified) => {
                let assignment = verified.held.assignment.clone();
                self.held = Some(verified.held);
                if !self.is_runnable() {
                    return;
                }
                if let (Some(bundle), Some(digest)) = (verified.bundle, assignment.bundle_digest) {
                    self.counters.seq = seq;
                    self.orders_run(seq);
                    self.run = Run::Ready(Arc::new(RunOrder {
                        seq,
                        assignment,
                        bundle,
                        digest,
                        secrets_epoch: self.counters.secrets_epoch,
                    }));
                }
            }
            Err(why) => {
                // The server sends it again, since the next check-in has none to name.
                let held = self.held.take();
                let observed = held.as_ref().is_some_and(|held| held.assignment.observe_only);
                let digest = held.and_then(|held| held.assignment.bundle_digest).unwrap_or_default();
                self.events.push(Event::Unusable(why.clone()));
                self.counters.seq = seq;
                self.orders_run(seq);
                self.run = Run::Going(RunOf { incarnation: self.counters.incarnation, seq, digest, observed });
                self.handle_run(RunResult { seq, started: now, outcome: Err(why) }, now);
            }
        }
    }

    /// Takes what a run came to.
    pub fn handle_run(&mut self, result: RunResult, now: Timestamp) {
        self.tick(now);
        let run = match core::mem::replace(&mut self.run, Run::Idle) {
            Run::Going(run) if run.seq == result.seq => run,
            other => {
                self.run = other;
                return;
            }
        };
        // A run that takes as long as the interval leaves room for others all the same.
        let pause = Duration::from_ms(self.interval().as_ms() / 10).max(INTERVAL_MIN);
        self.run_due = self.run_due.max(now + pause);
        self.ran = true;
        if self.options.until == Until::Converged && self.in_touch {
            // A quiet run is told by a check-in.
            self.check_in_due = now;
            self.tried = false;
        }
        self.counters_changed = true;
        self.orders_ran(&result);
        match &result.outcome {
            Ok(report) if is_quiet(report) => {
                self.counters.quiet_runs = self.counters.quiet_runs.saturating_add(1);
                self.counters.quiet_seq = result.seq;
                self.counters.quiet_counts = Some(counts_of(&report.counts));
                self.counters.quiet_ended = now;
            }
            outcome => {
                let bytes = report_of(&run, result.started, outcome).encode();
                self.dirty.push(Record::Report { seq: result.seq, bytes: bytes.into() });
            }
        }
    }

    /// Returns the next step of a run.
    pub(super) fn run_step(&mut self, now: Timestamp) -> Option<Step> {
        if matches!(self.run, Run::Idle) && self.run_time().is_some_and(|at| at <= now) {
            self.run = Run::Loading;
            return Some(Step::Load);
        }
        let Run::Ready(order) = &self.run else { return None };
        let order = order.clone();
        self.run = Run::Going(RunOf {
            incarnation: self.counters.incarnation,
            seq: order.seq,
            digest: order.digest,
            observed: order.assignment.observe_only,
        });
        Some(Step::Run(order))
    }

    /// Returns when the next run is due.
    pub(super) fn run_time(&self) -> Option<Timestamp> {
        if !self.run.is_idle() || !self.has_bundle() || self.options.until == Until::CheckedIn {
            return None;
        }
        if self.ran && self.options.until == Until::Converged {
            return None;
        }
        let maintenance = self.maintenance();
        if maintenance == Maintenance::Open || self.is_outdated() {
            return None;
        }
        let due = if self.run_asked || self.orders.is_waiting() { self.clock } else { self.run_due };
        let due = maintenance.end().map_or(due, |end| due.max(end));
        // A server that did not answer the last time is not waited for.
        let patience = if self.in_touch || !self.tried { PATIENCE.min(self.interval()) } else { Duration::ZERO };
        Some(self.talk.check_in_since().map_or(due, |since| due.max(since + patience)))
    }

    /// Returns whether there is something to converge to, now.
    pub(super) fn is_runnable(&self) -> bool {
        self.has_bundle() && self.maintenance() == Maintenance::No && !self.is_outdated()
    }

    /// Returns whether the server has been silent for longer than its policy is to be applied without it.
    pub(super) fn is_outdated(&self) -> bool {
        let max = self.held.as_ref().map_or(Duration::ZERO, |held| held.assignment.max_age);
        max > Duration::ZERO && self.clock.since(self.counters.heard) > max
    }

    fn has_bundle(&self) -> bool {
        self.held.as_ref().is_some_and(|held| held.assignment.bundle_digest.is_some())
    }

    /// Returns whether the machine is to be left alone now. Of the clock and the newest time that a server told the later
    /// counts.
    fn maintenance(&self) -> Maintenance {
        let maintenance = self.held.as_ref().map(|held| held.assignment.maintenance).unwrap_or_default();
        maintenance.at(self.server_clock())
    }

    /// Tells when what keeps it from applying the policy begins, changes and ends.
    pub(super) fn watch_rest(&mut self) {
        let is_outdated = self.is_outdated();
        if core::mem::replace(&mut self.outdated_told, is_outdated) != is_outdated {
            let max = self.held.as_ref().map_or(Duration::ZERO, |held| held.assignment.max_age);
            let since = self.counters.heard;
            self.events.push(if is_outdated { Event::Outdated { since, max } } else { Event::UpToDate });
        }
        let maintenance = self.maintenance();
        if core::mem::replace(&mut self.maintenance_told, maintenance) != maintenance {
            self.events.push(Event::Maintenance(maintenance));
        }
    }

    /// Returns the time between two runs, or two check-ins.
    pub(super) fn interval(&self) -> Duration {
        let assigned = self.held.as_ref().map(|held| (held.assignment.interval, held.assignment.splay));
        let (interval, most) = assigned.unwrap_or((INTERVAL, Duration::ZERO));
        let interval = if interval == Duration::ZERO { INTERVAL } else { interval };
        bounded(Duration::from_ms(interval.as_ms().saturating_add(splay(self.id, most).as_ms())))
    }

    /// Returns how long to wait for the next check-in, of which the server said `next_in`.
    pub(super) fn next_in(&self, next_in: Duration) -> Duration {
        let assigned = self.held.as_ref().map_or(INTERVAL, |held| held.assignment.interval);
        if next_in == Duration::ZERO {
            return self.interval();
        }
        // What is shorter than the interval is so for a reason.
        let most = self.held.as_ref().filter(|_| next_in >= assigned).map_or(Duration::ZERO, |h| h.assignment.splay);
        bounded(Duration::from_ms(next_in.as_ms().saturating_add(splay(self.id, most).as_ms())))
    }
}

fn bounded(interval: Duration) -> Duration {
    interval.clamp(INTERVAL_MIN, INTERVAL_MAX)
}
