//! What a plan without a machine cannot know, and how that shows in the report of a run that found it so.

use crate::bundle::{BundleResource, EdgeKind, PolicyBundle};
use crate::converge::{Envoy, Outcome, ResourceReport, SkipCause};
use crate::time::Civil;
use crate::traits::TraitSet;
use crate::when::{Expr, fold_traits, looks};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

const ASKED: &str = "only the machine can say what `";

/// Returns the message of a read that nobody answers.
pub(super) fn unasked(op: &str) -> String {
    format!("{ASKED}{op}` answers")
}

/// What stood still while the plan was made.
pub(super) struct Known<'a> {
    pub(super) bundle: &'a PolicyBundle,
    pub(super) traits: &'a TraitSet,
    pub(super) envoy: &'a Envoy,
    pub(super) clock: &'a Civil,
}

impl Known<'_> {
    /// Makes *unknown* of what failed, or was left out, for nothing but that there is no machine.
    ///
    /// `numbers` are those of the bundle's resources, by id.
    pub(super) fn doubt(&self, numbers: &BTreeMap<&str, u32>, reports: &mut [ResourceReport]) {
        let mut unknown: BTreeMap<u32, Arc<str>> = BTreeMap::new();
        for report in reports {
            let Some(&number) = numbers.get(&*report.id) else { continue };
            let Some(resource) = self.bundle.resources.get(number as usize) else { continue };
            let because = self.because(resource, report).or_else(|| {
                let is_dependency = report.outcome == Outcome::Skipped(SkipCause::Dependency);
                is_dependency.then(|| self.needed(number, &unknown)).flatten()
            });
            if let Some(because) = because {
                unknown.insert(number, report.id.clone());
                report.outcome = Outcome::Unknown { because };
                report.cause = None;
                report.help = None;
                report.unsupported = false;
            }
        }
    }

    fn because(&self, resource: &BundleResource, report: &ResourceReport) -> Option<Arc<str>> {
        let cause = report.cause.as_deref().unwrap_or_default();
        match &report.outcome {
            Outcome::Skipped(SkipCause::When) => {
                let left = self.looked_at(resource);
                left.map(|expr| format!("`{expr}` is decided by looking at the machine").into())
            }
            Outcome::Skipped(SkipCause::Error) | Outcome::Failed | Outcome::Blocked => {
                if let Some((_, rest)) = cause.split_once(ASKED) {
                    let op = rest.split_once("` answers").map_or(rest, |(op, _)| op);
                    return Some(format!("{ASKED}{op}` answers").into());
                }
                let trait_path = trait_of(cause)?;
                Some(format!("trait `{trait_path}` is not given").into())
            }
            _ => None,
        }
    }

    /// Returns what name, traits and clock leave of the conditions, where that is decided by looking.
    fn looked_at(&self, resource: &BundleResource) -> Option<Expr> {
        let gate = self.bundle.crates.get(resource.krate as usize).and_then(|krate| krate.gate.as_ref());
        let fold = |expr: &Expr| fold_traits(expr, &self.envoy.hostname, self.traits, self.clock);
        let left = Expr::and(gate.into_iter().chain(&resource.when).map(fold));
        (!looks(&left).is_empty()).then_some(left)
    }

    /// Returns the first of those that a resource needs of which nothing is known.
    fn needed(&self, number: u32, unknown: &BTreeMap<u32, Arc<str>>) -> Option<Arc<str>> {
        let needs = self.bundle.edges.iter().filter(|e| e.to == number && e.kind == EdgeKind::Requires);
        let mut found: Vec<u32> = needs.map(|e| e.from).filter(|from| unknown.contains_key(from)).collect();
        found.sort_unstable();
        found.first().and_then(|from| unknown.get(from)).cloned()
    }
}

/// Returns the trait for want of which a template or condition failed.
fn trait_of(cause: &str) -> Option<&str> {
    if let Some((before, _)) = cause.split_once("` could not be read") {
        return before.rsplit_once("trait `").map(|(_, path)| path);
    }
    let (before, _) = cause.split_once("` is null")?;
    let (_, shown) = before.rsplit_once('`')?;
    let (_, path) = shown.split_once(".Traits.")?;
    path.split([' ', ')', '|', '}']).next()
}
