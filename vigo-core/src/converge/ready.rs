//! Whether a resource is to be looked at: gate → `when:` → dependencies → trigger → what brings it to its state.

use super::Converge;
use super::observe::Observation;
use super::prepare::Node;
use super::report::{Outcome, SkipCause};
use super::turn::{Stage, Turn};
use crate::action::AbsPath;
use crate::bundle::{BundleResource, EdgeKind};
use crate::guard;
use crate::host::{Phase, Problem, ProblemKind};
use crate::plan::Reason;
use crate::resource::{FieldValue, Instance, Need};
use crate::time::Timestamp;
use crate::when::Tri;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;

impl Converge {
    pub(super) fn gate(&mut self, mut turn: Box<Turn>, now: Timestamp) {
        let Some(node) = self.nodes.get(turn.node as usize) else { return };
        let krate = self.bundle.resources.get(node.resource as usize).map_or(0, |r| r.krate as usize);
        let (expr, decided) = match self.gates.get(krate) {
            Some(gate) if gate.decided.is_none() => (gate.expr.clone(), None),
            gate => (None, gate.and_then(|g| g.decided.clone())),
        };
        let (tri, because) = match decided {
            Some(decided) => decided,
            None => match self.decide(expr.as_ref(), &mut turn) {
                Some(tri) => (tri, self.unsure(turn.node)),
                None => {
                    self.turn = Some(turn);
                    return;
                }
            },
        };
        if let Some(gate) = self.gates.get_mut(krate) {
            gate.decided = Some((tri.clone(), because));
        }
        match tri {
            Tri::True => {
                turn.stage = Stage::When;
                self.turn = Some(turn);
            }
            Tri::False => self.skip(turn, SkipCause::When, "its crate's gate is false".into(), now),
            Tri::Unknown(why) => self.unknown_when(turn, "the crate's gate", &why, because, now),
        }
    }

    pub(super) fn when(&mut self, mut turn: Box<Turn>, now: Timestamp) {
        let when = self.nodes.get(turn.node as usize).and_then(|n| n.when.clone());
        match self.decide(when.as_ref(), &mut turn) {
            None => self.turn = Some(turn),
            Some(Tri::True) => {
                turn.stage = Stage::Ready;
                self.turn = Some(turn);
            }
            Some(Tri::False) => self.skip(turn, SkipCause::When, "`when:` is false".into(), now),
            Some(Tri::Unknown(why)) => {
                let because = self.unsure(turn.node);
                self.unknown_when(turn, "`when:`", &why, because, now);
            }
        }
    }

    fn unknown_when(&mut self, turn: Box<Turn>, what: &str, why: &str, because: Option<u32>, now: Timestamp) {
        match self.name(because) {
            Some(because) => self.end(turn, Outcome::Unknown { because }, now),
            None => self.skip(turn, SkipCause::Error, format!("{what} cannot be decided: {why}"), now),
        }
    }

    /// Dependencies, trigger, long texts, instance.
    pub(super) fn ready(&mut self, mut turn: Box<Turn>, now: Timestamp) {
        let bundle = self.bundle.clone();
        let Some(node) = self.nodes.get(turn.node as usize) else { return };
        let Some(resource) = bundle.resources.get(node.resource as usize) else { return };
        let fault = node.fault.clone().map(|fault| *fault);
        let (lacking, fault) = if is_lacking(fault.as_ref()) { (fault, None) } else { (None, fault) };
        for &(from, reason) in self.graph.before(turn.node) {
            let Some(earlier) = self.nodes.get(from as usize) else { continue };
            let bad = earlier.outcome.as_ref().is_none_or(|o| !o.satisfies());
            if reason == Reason::Written(EdgeKind::Requires) && bad {
                let id = bundle.resources.get(earlier.resource as usize).map_or("", |r| &*r.id);
                let word = earlier.outcome.as_ref().map_or("", Outcome::word);
                let why = format!("`{id}`, which it depends on, {}", was(word));
                return self.skip(turn, SkipCause::Dependency, why, now);
            }
        }
        if let Some(problem) = fault.or_else(|| self.met_rival(turn.node)) {
            return self.give_up(turn, problem, now);
        }
        if resource.handler {
            match self.triggers.newest(&resource.id) {
                None => {
                    if let Some(because) = self.unknown_source(turn.node) {
                        return self.end(turn, Outcome::Unknown { because }, now);
                    }
                    let why = "nothing triggered it".into();
                    return self.skip(turn, SkipCause::Untriggered, why, now);
                }
                Some(at) if self.started_after(turn.node, at) => {
                    turn.report.notes.push("it was started after the change already".into());
                    return self.succeed(turn, now);
                }
                Some(_) => {}
            }
        }
        self.secrets.take_used();
        let made = lacking.map_or_else(|| self.make(&turn, resource), Err);
        if let Some(node) = self.nodes.get_mut(turn.node as usize) {
            node.has_secret |= self.secrets.take_used();
        }
        match made {
            Err(problem) if is_lacking(Some(&problem)) => self.prove(turn, problem, now),
            Err(problem) => self.give_up(turn, problem, now),
            Ok(None) => {
                turn.report.notes.push("its `on_revert` command has succeeded already".into());
                self.succeed(turn, now);
            }
            Ok(Some(instance)) => {
                turn.settle_until = None;
                turn.rounds = 0;
                turn.open.clear();
                turn.instance = Some(instance);
                turn.observation = Observation::default();
                turn.stage = Stage::Observe(Phase::Before);
                self.turn = Some(turn);
            }
        }
    }

    /// Returns why a resource must not run: an earlier one for the same thing did, with other wishes.
    fn met_rival(&self, node: u32) -> Option<Problem> {
        let ran = |n: &Node| {
            let skipped = |o: &Outcome| matches!(o, Outcome::Skipped(SkipCause::When | SkipCause::Untriggered));
            n.outcome.as_ref().is_some_and(|o| !skipped(o))
        };
        let rivals = &self.nodes.get(node as usize)?.rivals;
        let met = rivals.iter().find(|(earlier, _)| self.nodes.get(*earlier as usize).is_some_and(ran))?;
        Some(met.1.clone())
    }

    /// Returns what brings the resource to its state; `None` when a revert has nothing left to do.
    fn make(&mut self, turn: &Turn, resource: &BundleResource) -> Result<Option<Box<dyn Instance>>, Problem> {
        if let Some(command) = &resource.on_revert {
            return self.revert_command(resource, command);
        }
        if let Some(node) = self.nodes.get_mut(turn.node as usize)
            && let Some(instance) = node.instance.take_if(|_| !resource.revert)
        {
            guard::check_footprint(&node.footprint)?;
            return Ok(Some(instance));
        }
        let Some(node) = self.nodes.get(turn.node as usize) else {
            return Err(Problem::failed("it is not part of the run"));
        };
        let Some(decl) = node.decl else { return Err(Problem::failed("its type is not known")) };
        let rendered;
        let fields = match &node.fields {
            Some(fields) if !fields.items.iter().any(|i| matches!(i.value, FieldValue::Pending)) => {
                guard::check_footprint(&node.footprint)?;
                fields
            }
            _ => {
                rendered = self.fields(resource, decl, true)?;
                guard::check_footprint(&(decl.footprint)(&rendered))?;
                &rendered
            }
        };
        let instance = if resource.revert { self.reverted(resource, fields) } else { self.instance(resource, fields) };
        instance.map(Some)
    }
}

impl Converge {
    /// Returns why a resource has no directory at `path`: another was to make that one, or one above, and has not.
    pub(super) fn unmade(&self, node: u32, path: &AbsPath) -> Option<String> {
        let makes = |n: &Node| n.footprint.makes.iter().any(|m| matches!(m, Need::Dir(d) if path.is_at_or_below(d)));
        self.graph.before(node).iter().find_map(|(from, _)| {
            let earlier = self.nodes.get(*from as usize)?;
            let outcome = earlier.outcome.as_ref().filter(|o| !o.satisfies() && makes(earlier))?;
            let id = self.bundle.resources.get(earlier.resource as usize).map_or("", |r| &*r.id);
            Some(format!("`{id}`, which makes its directory, {}", was(outcome.word())))
        })
    }
}

/// Returns whether a secret that is not at hand is what is wrong.
fn is_lacking(problem: Option<&Problem>) -> bool {
    problem.is_some_and(|problem| problem.kind == ProblemKind::Secret)
}

fn was(word: &str) -> String {
    match word {
        "failed" => "failed".into(),
        word => format!("was {word}"),
    }
}
