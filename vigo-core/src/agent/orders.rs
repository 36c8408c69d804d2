//! Orders: each is begun once, and answered for until the server has taken the answer.

use super::Agent;
use super::event::Event;
use super::policy::PolicyError;
use super::step::{OrderState, Record, RunResult};
use crate::bundle::{Order, OrderId, Signed};
use crate::converge::{RunOutcome, RunReport};
use crate::limits;
use crate::time::Timestamp;
use crate::wire::Message as _;
use crate::wire::message::OrderResult;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

/// The orders that are known.
#[derive(Default)]
pub(super) struct Orders {
    known: BTreeMap<OrderId, Known>,
    /// How often the answer for the order that is next was refused.
    refusals: u32,
}

struct Known {
    not_after: Timestamp,
    phase: Phase,
}

/// How far an order is.
#[derive(Clone, PartialEq)]
enum Phase {
    /// It is being stored.
    New,
    /// It waits for the next run.
    Waiting,
    /// That run is under way.
    Running(u64),
    /// What came of it, and whether that is stored.
    Ended(OrderResult, bool),
    /// The server has taken that.
    Taken(OrderResult),
}

/// The answer for an order is given up when the server has refused it so often.
const REFUSALS_MAX: u32 = 3;

impl Orders {
    /// Returns the orders of a database. Those that were begun and have no end were cut short: their records are returned.
    pub(super) fn load(stored: Vec<(OrderId, Timestamp, OrderState)>) -> (Self, Vec<Record>) {
        let (mut orders, mut records) = (Self::default(), Vec::new());
        for (id, not_after, state) in stored {
            let read = |bytes: &[u8]| OrderResult::decode(bytes).ok().filter(|result| result.id == id.0);
            let phase = match &state {
                OrderState::Begun => None,
                OrderState::Ended(bytes) => read(bytes).map(|result| Phase::Ended(result, true)),
                OrderState::Taken(bytes) => read(bytes).map(Phase::Taken),
            };
            let phase = phase.unwrap_or_else(|| {
                let result = answer(id, "interrupted", "the agent ended while it was under way".into());
                records.push(ended_record(id, not_after, &result));
                Phase::Ended(result, false)
            });
            orders.known.insert(id, Known { not_after, phase });
        }
        (orders, records)
    }

    /// Returns whether an order waits for a run.
    pub(super) fn is_waiting(&self) -> bool {
        self.known.values().any(|known| known.phase == Phase::Waiting)
    }

    /// Returns the answer that is to be sent next.
    pub(super) fn unsent(&self) -> Option<&OrderResult> {
        self.known.values().find_map(|known| match &known.phase {
            Phase::Ended(result, true) => Some(result),
            _ => None,
        })
    }

    /// Takes that a record is on disk.
    pub(super) fn stored(&mut self, id: OrderId, state: &OrderState) {
        if let Some(known) = self.known.get_mut(&id) {
            match (state, &mut known.phase) {
                (OrderState::Begun, phase @ Phase::New) => *phase = Phase::Waiting,
                (OrderState::Ended(_), Phase::Ended(_, is_stored)) => *is_stored = true,
                _ => {}
            }
        }
    }

    /// Takes that nothing could be stored: what was to be is offered again.
    pub(super) fn forget_new(&mut self) {
        self.known.retain(|_, known| known.phase != Phase::New);
    }
}

impl Agent {
    /// Takes the orders of an answer. None is begun before its name is on disk.
    pub(super) fn ordered(&mut self, orders: &[Vec<u8>], now: Timestamp) {
        let keys = self.judge().keyset.believed();
        for bytes in orders.iter().take(limits::ORDERS_OFFERED_MAX) {
            let signed = |why| PolicyError::Signed { what: "the order", why };
            let order = Signed::decode(bytes).and_then(|s| Order::verify(&s, &keys)).map_err(signed);
            let order = order.and_then(|order| match order.envoy_id == self.id {
                true => Ok(order),
                false => Err(PolicyError::Foreign { expected: self.id, found: order.envoy_id }),
            });
            match order {
                Ok(order) => self.take_order(&order, now),
                Err(why) => self.not_believed(why),
            }
        }
    }

    fn take_order(&mut self, order: &Order, now: Timestamp) {
        let Order { id, not_after, .. } = *order;
        if let Some(known) = self.orders.known.get_mut(&id) {
            if let Phase::Taken(result) = &known.phase {
                // The server was restored.
                known.phase = Phase::Ended(result.clone(), true);
            }
            return;
        }
        if self.orders.known.len() >= limits::ORDERS_KEPT_MAX {
            self.forget_old_orders(now);
        }
        if self.orders.known.len() >= limits::ORDERS_KEPT_MAX {
            // It is offered again.
            return;
        }
        self.events.push(Event::Ordered(order.kind.chars().take(KIND_CHARS_MAX).collect()));
        self.orders.known.insert(id, Known { not_after, phase: Phase::New });
        if order.not_after < now {
            let late = format!("it was to be begun by {not_after}, and this machine's clock says {now}");
            self.end_order(id, answer(id, "expired", late));
        } else if order.kind != Order::CONVERGE {
            self.end_order(id, answer(id, "refused", "this agent does not know such an order".into()));
        } else {
            self.dirty.push(Record::Order { id, not_after, state: OrderState::Begun });
        }
    }

    /// Answers for the orders that cannot be obeyed: there is nothing to converge.
    pub(super) fn settle_orders(&mut self) {
        if !self.orders.is_waiting() || self.is_runnable() {
            return;
        }
        let why = match &self.held {
            None => "no policy is assigned to this machine yet",
            Some(held) if held.assignment.bundle_digest.is_none() => "no match block takes this machine's name",
            Some(_) if self.is_outdated() => "the server was not heard of for too long",
            Some(_) => "this machine is in maintenance",
        };
        for id in self.orders_that(|phase| *phase == Phase::Waiting) {
            self.end_order(id, answer(id, "refused", why.into()));
        }
    }

    /// Takes that a run has begun: it is for all orders that wait.
    pub(super) fn orders_run(&mut self, seq: u64) {
        for known in self.orders.known.values_mut().filter(|known| known.phase == Phase::Waiting) {
            known.phase = Phase::Running(seq);
        }
    }

    /// Answers for the orders that a run was for.
    pub(super) fn orders_ran(&mut self, result: &RunResult) {
        let (outcome, detail) = match &result.outcome {
            Ok(report) => (word(report.outcome), counted(report)),
            Err(why) => ("fatal", why.chars().take(DETAIL_CHARS_MAX).collect()),
        };
        let incarnation = self.counters.incarnation;
        for id in self.orders_that(|phase| *phase == Phase::Running(result.seq)) {
            self.end_order(id, OrderResult { incarnation, seq: result.seq, ..answer(id, outcome, detail.clone()) });
        }
    }

    /// Takes that the server has the answer.
    pub(super) fn order_taken(&mut self, id: OrderId) {
        self.orders.refusals = 0;
        if let Some(known) = self.orders.known.get_mut(&id)
            && let Phase::Ended(result, _) = &known.phase
        {
            let state = OrderState::Taken(result.encode().into());
            self.dirty.push(Record::Order { id, not_after: known.not_after, state });
            known.phase = Phase::Taken(result.clone());
        }
    }

    /// Takes that the server refuses the answer.
    pub(super) fn order_refused(&mut self, id: OrderId) {
        self.orders.refusals += 1;
        if self.orders.refusals >= REFUSALS_MAX {
            self.order_taken(id);
        }
    }

    fn end_order(&mut self, id: OrderId, result: OrderResult) {
        if let Some(known) = self.orders.known.get_mut(&id) {
            self.dirty.push(ended_record(id, known.not_after, &result));
            known.phase = Phase::Ended(result, false);
        }
    }

    /// Forgets the names of orders that nobody can give again: they are too late.
    fn forget_old_orders(&mut self, now: Timestamp) {
        let is_old = |known: &Known| matches!(known.phase, Phase::Taken(_)) && known.not_after < now;
        let old: Vec<OrderId> = self.orders.known.iter().filter(|(_, k)| is_old(k)).map(|(id, _)| *id).collect();
        if !old.is_empty() {
            old.iter().for_each(|id| _ = self.orders.known.remove(id));
            self.dirty.push(Record::ForgetOrders(old));
        }
    }

    fn orders_that(&self, is: impl Fn(&Phase) -> bool) -> Vec<OrderId> {
        self.orders.known.iter().filter(|(_, known)| is(&known.phase)).map(|(id, _)| *id).collect()
    }
}

/// Characters of a kind that are told.
const KIND_CHARS_MAX: usize = 64;

/// Characters of what is said of an order.
const DETAIL_CHARS_MAX: usize = 500;

fn answer(id: OrderId, outcome: &str, detail: String) -> OrderResult {
    OrderResult { id: id.0.to_vec(), outcome: outcome.into(), detail, incarnation: 0, seq: 0 }
}

fn ended_record(id: OrderId, not_after: Timestamp, result: &OrderResult) -> Record {
    Record::Order { id, not_after, state: OrderState::Ended(result.encode().into()) }
}

fn word(outcome: RunOutcome) -> &'static str {
    match outcome {
        RunOutcome::Converged => "converged",
        RunOutcome::Drift => "drift",
        RunOutcome::NotConverged => "not converged",
    }
}

/// Returns how many resources came to what, for people.
fn counted(report: &RunReport) -> String {
    let c = &report.counts;
    let all = [
        (c.ok, "ok"),
        (c.changed, "changed"),
        (c.failed, "failed"),
        (c.skipped, "skipped"),
        (c.blocked, "blocked"),
        (c.unknown, "unknown"),
    ];
    let some: Vec<String> = all.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    if some.is_empty() { "nothing to do".to_string() } else { some.join(", ") }
}
