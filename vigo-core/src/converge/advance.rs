//! A resource's turn, from stage to stage. What happens in them: gate, `when:`, dependencies and trigger in `ready.rs`;
//! observation and comparison in `compare.rs`; operations in `perform.rs`, in a plan in `predict.rs`; refresh, failure
//! and the end in `end.rs`.

use super::observe::Observation;
use super::turn::{LOCK_PAUSE, PAUSE_MIN, Stage, Turn};
use super::{Converge, Step};
use crate::action::{Op, OpOutput};
use crate::time::Timestamp;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

impl Converge {
    /// Gives a resource its turn.
    pub(super) fn begin(&mut self, node: u32, now: Timestamp) {
        let report = self.report_of(node);
        self.inherit_doubt(node);
        self.turn = Some(Box::new(Turn {
            node,
            stage: Stage::Gate,
            started: now,
            attempt: 0,
            looks: Vec::new(),
            looking: None,
            instance: None,
            lacking: None,
            observation: Observation::default(),
            queue: VecDeque::new(),
            asked: None,
            rounds: 0,
            deadline: now,
            settle_until: None,
            pause: PAUSE_MIN,
            open: Vec::new(),
            kept: false,
            acted: false,
            refreshing: false,
            amends: Vec::new(),
            amending: None,
            started_at: None,
            report,
        }));
    }

    /// Goes on with the turn in hand until something is asked, waited for, or it is over.
    pub(super) fn advance(&mut self, now: Timestamp) -> Option<Step> {
        let mut turn = self.turn.take()?;
        match &turn.stage {
            Stage::Gate => self.gate(turn, now),
            Stage::When => self.when(turn, now),
            Stage::Ready => self.ready(turn, now),
            Stage::Observe(_) => self.observe(turn, now),
            Stage::Keep | Stage::Perform => self.perform(turn, now),
            Stage::Foresee(_) => self.foreseen(turn, &[], now),
            Stage::Wait { until, phase, why } => {
                if now < *until && !self.cancelled {
                    let why = self.mask.borrow().apply(why).into_owned();
                    let step = Step::WaitUntil { at: *until, why };
                    self.turn = Some(turn);
                    return Some(step);
                }
                self.cache.forget_all();
                turn.stage = Stage::Observe(*phase);
                turn.observation = Observation::default();
                self.turn = Some(turn);
            }
            Stage::Locked { until, why } => {
                if now < *until {
                    let why = self.mask.borrow().apply(why).into_owned();
                    let step = Step::WaitUntil { at: *until, why };
                    self.turn = Some(turn);
                    return Some(step);
                }
                // Waiting is no part of the time that operations may take.
                turn.deadline = turn.deadline + LOCK_PAUSE;
                turn.stage = Stage::Perform;
                self.turn = Some(turn);
            }
            Stage::Retry { until } => {
                if now < *until {
                    let step = Step::WaitUntil { at: *until, why: format!("attempt {}", turn.attempt + 1) };
                    self.turn = Some(turn);
                    return Some(step);
                }
                self.cache.forget_all();
                turn.stage = Stage::Ready;
                turn.instance = None;
                turn.refreshing = false;
                turn.started_at = None;
                turn.report.log = None;
                self.turn = Some(turn);
            }
            Stage::Diagnose(_) => self.diagnosed(turn, Vec::new(), now),
            Stage::Refresh => self.refresh(turn, now),
        }
        None
    }

    /// Takes the answers to what the turn asked.
    pub(super) fn answered(&mut self, answers: Vec<(Arc<Op>, Arc<OpOutput>)>, now: Timestamp) {
        let Some(mut turn) = self.turn.take() else { return };
        match &turn.stage {
            Stage::Gate | Stage::When => {
                self.looked(answers, &mut turn);
                self.turn = Some(turn);
            }
            Stage::Observe(phase) => {
                let phase = *phase;
                let Some(mut instance) = turn.instance.take() else { return };
                let seen = turn.observation.answers(answers, &mut *instance, &mut self.cache, &self.facts);
                turn.instance = Some(instance);
                self.seen(turn, phase, seen, now);
            }
            Stage::Keep => self.keep(turn, &answers),
            Stage::Perform => self.performed(turn, answers, now),
            Stage::Foresee(_) => self.foreseen(turn, &answers, now),
            Stage::Diagnose(_) => self.diagnosed(turn, answers, now),
            _ => self.turn = Some(turn),
        }
    }
}
