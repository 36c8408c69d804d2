//! What is watched in a run, and what must not be.

use super::model::{Deed, Model, Run, Truth};
use super::trial::Trial;
use crate::action::Effect;
use crate::converge::{Outcome, RunReport};
use crate::sim::Violation;
use crate::time::Timestamp;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What is watched in a run.
#[derive(Default)]
pub(super) struct Watch {
    pub(super) start: Timestamp,
    pub(super) before: BTreeMap<Arc<str>, Truth>,
    pub(super) deeds: Vec<(Arc<str>, Deed)>,
    /// What was stopped or started because of another.
    pub(super) dragged: Vec<Arc<str>>,
    /// Whether the last operation for a resource changed something.
    pub(super) last: BTreeMap<Arc<str>, Effect>,
    /// How many operations were to change something, for each service.
    pub(super) asked: BTreeMap<Arc<str>, u32>,
    pub(super) changes: u32,
}

impl<M: Model> Trial<M> {
    /// Looks at what was just asked of services.
    pub(super) fn judge_deeds(&mut self, watch: &mut Watch, current: Option<&str>) -> Result<(), Violation> {
        let current = current.and_then(|id| id.strip_prefix("c/")).unwrap_or_default();
        for (service, deed) in self.model.take_deeds() {
            let before = watch.before.get(&service).cloned();
            let mut done = watch.deeds.iter().rev().filter(|(s, _)| *s == service).map(|(_, deed)| *deed);
            // New flags are taken in by a restart, whatever was before.
            let was_started = done.find(|deed| matches!(deed, Deed::Start | Deed::SetFlags)) == Some(Deed::Start)
                && before.as_ref().is_some_and(|truth| truth.run == Run::Down);
            let is_steady = self.model.truth(&service, self.now).is_some_and(|truth| truth.moved < watch.start);
            // An operation that did nothing may have been meant to lead to this one.
            let is_first = is_steady
                && watch.asked.get(current).is_none_or(|count| *count <= 1)
                && !watch.dragged.contains(&service);
            let wish = self.wishes.iter().find(|wish| wish.service == service);
            let goes_with = |truth: &Truth| truth.stopped_with.iter().any(|need| **need == *current);
            let wrong = match (wish, &before) {
                // It is stopped before what it needs, and started after it.
                (_, Some(before)) if goes_with(before) && matches!(deed, Deed::Start | Deed::Stop) => None,
                (None, _) => Some("it is in no policy"),
                (_, None) => None,
                (Some(_), Some(_)) if deed == Deed::Restart && was_started => Some("it was just started"),
                (Some(wish), Some(before)) => wish.refuses(deed, before, is_steady, is_first),
            };
            if let Some(wrong) = wrong {
                return Err(self.violation(format!("{deed:?} of {service}: {wrong}; it was {before:?}, {wish:?}")));
            }
            if before.as_ref().is_some_and(goes_with) {
                watch.dragged.push(service.clone());
            }
            watch.deeds.push((service, deed));
        }
        Ok(())
    }

    /// Looks at a report, and at what a run has left.
    pub(super) fn judge(&mut self, report: &RunReport, watch: &Watch) -> Result<(), Violation> {
        for resource in &report.resources {
            let bad = !matches!(resource.outcome, Outcome::Ok | Outcome::Changed);
            self.seen.failures += u32::from(bad);
            self.note(|| format!("{} {:?} {}", resource.id, resource.outcome, resource.cause.as_deref().unwrap_or("")));
            let unknown = resource.cause.as_deref().is_some_and(|cause| cause.contains("could not be observed"));
            if unknown && watch.last.get(&resource.id) == Some(&Effect::Changes) {
                return Err(self.violation(format!("something was done for {} after it was unknown", resource.id)));
            }
        }
        for (service, before) in &watch.before {
            let Some(after) = self.model.truth(service, self.now) else { continue };
            let wish = self.wishes.iter().find(|wish| wish.service == *service).cloned();
            let is_alone = |is_managed: bool, is_same: bool| is_managed || is_same;
            let w = wish.as_ref();
            let manages_boot = w.is_some_and(|w| w.enabled.is_some() || w.start_type.is_some());
            // Where a service that is off has no flags, switching it takes them away.
            let has_both = before.flags.is_some() && after.flags.is_some();
            let stays =
                is_alone(manages_boot, (before.enabled, before.start_type) == (after.enabled, after.start_type))
                    && is_alone(w.is_some_and(|w| w.masked.is_some()), before.masked == after.masked)
                    && is_alone(
                        w.is_some_and(|w| w.flags.is_some()),
                        before.flags == after.flags || (manages_boot && !has_both),
                    );
            if !stays {
                return Err(self.violation(format!("{service} was {before:?} and is {after:?}, {wish:?}")));
            }
            let Some(wish) = wish else { continue };
            let outcome =
                report.resources.iter().find(|r| r.id.strip_prefix("c/") == Some(service)).map(|r| &r.outcome);
            let is_said = matches!(outcome, Some(Outcome::Ok | Outcome::Changed)) && !watch.dragged.contains(service);
            if is_said
                && after.moved < watch.start
                && after.run != Run::Between
                && let Some(unmet) = wish.unmet(&after)
            {
                return Err(self.violation(format!("it is reported as {outcome:?}, and {unmet}")));
            }
        }
        Ok(())
    }
}
