//! A host of a tree, resolved and looked at as far as that goes without a machine.

use super::case::{Case, ResourceExpectation};
use super::read::over;
use super::run::Tests;
use crate::bundle::{BundleResource, PolicyBundle};
use crate::config::Config;
use crate::converge::{Converge, Envoy, Foreseen, Options, ResourceReport};
use crate::diagnostic::Diagnostic;
use crate::host::HostFacts;
use crate::preview::{self, Subject};
use crate::resolve::{self, Resolved};
use crate::traits::TraitSet;
use crate::value::Value;
use crate::when::{Expr, fold_traits};
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;
use hashbrown::HashMap;

/// What one host of a tree gets.
pub(super) struct World {
    pub(super) resolved: Resolved,
    pub(super) bundle: Arc<PolicyBundle>,
    /// The crates that this machine has, in order: those of arms that are false here are left out.
    pub(super) crates: Vec<Arc<str>>,
    /// The resources of those crates, in the order of their turns.
    pub(super) resources: Vec<Foreseen>,
    /// Where in them each is.
    places: HashMap<Arc<str>, usize>,
    /// What a run on a machine with nothing on it would come to, where a test asks.
    plan: HashMap<Arc<str>, ResourceReport>,
}

impl World {
    /// Resolves the policy of a case's host.
    ///
    /// # Errors
    /// What [`resolve::resolve`] says.
    pub(super) fn new(
        config: &Config<'_>,
        case: &Case<'_>,
        hostname: &str,
        tests: &Tests<'_, '_>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let environment = case.environment.and_then(|n| n.text());
        let word = |path| case.traits.at(path).and_then(Value::as_str);
        let system = case.system.or(word("os.distro")).or(word("os.family")).unwrap_or_default();
        let blank = (tests.blank)(system);
        let usual = case.system.map(|system| preview::usual(blank, system)).unwrap_or_default();
        // What is wrong with those that are given was said when the test was read.
        let all = if case.traits == Value::Null { usual } else { over(&usual, &case.traits) };
        let traits = TraitSet::from_value(all).unwrap_or_default();
        let resolved = resolve::resolve(config, hostname, environment)?;
        let bundle = Arc::new(resolved.bundle.clone());
        let clock = case.at.civil(0);
        let out = |condition: &Expr| fold_traits(condition, hostname, &traits, &clock) == Expr::False;
        let (outside, inside): (Vec<_>, Vec<_>) = resolved.trace.crates.iter().partition(|c| out(&c.condition));
        let crates = inside.iter().map(|c| c.name.clone()).collect();
        let outside: BTreeSet<&str> = outside.iter().map(|c| &*c.name).collect();
        let environment = resolved.class.environment.clone().unwrap_or_default();
        let envoy = Envoy { hostname: hostname.into(), id: "".into(), environment };
        let options = Options {
            dry_run: true,
            only: Vec::new(),
            envoy: envoy.clone(),
            clock,
            triggers: Vec::new(),
            snapshots: Vec::new(),
            revert_commands: Vec::new(),
            proofs: None,
            entropy: Vec::new(),
            seed: 0,
        };
        let facts = HostFacts::from_traits(traits.value());
        let mut resources = Converge::new(bundle.clone(), traits.clone(), blank.host, facts, options).outlook();
        resources.retain(|r| bundle.resources.get(r.resource).is_some_and(|r| !outside.contains(bare_crate(r))));
        let id = |r: &Foreseen| bundle.resources.get(r.resource).map(|r| r.id.clone());
        let places = resources.iter().enumerate().filter_map(|(place, r)| Some((id(r)?, place))).collect();
        let asks = |r: &ResourceExpectation<'_>| r.outcome.is_some() || r.operations.is_some();
        let plan = match case.expect.resources.iter().any(asks) {
            false => HashMap::new(),
            true => {
                let (now, entropy) = (case.at, (tests.entropy)(&bundle));
                let report = preview::plan(&bundle, blank, Subject { envoy, traits, now, entropy });
                report.resources.into_iter().map(|r| (r.id.clone(), r)).collect()
            }
        };
        Ok(Self { resolved, bundle, crates, resources, places, plan })
    }

    /// Returns a resource of the policy.
    pub(super) fn resource(&self, foreseen: &Foreseen) -> Option<&BundleResource> {
        self.bundle.resources.get(foreseen.resource)
    }

    /// Returns the resource `crate/name` with what is foreseen of it.
    pub(super) fn find(&self, id: &str) -> Option<(&BundleResource, &Foreseen)> {
        let foreseen = self.resources.get(*self.places.get(id)?)?;
        Some((self.resource(foreseen)?, foreseen))
    }

    /// Returns what a run on a machine with nothing on it would come to for a resource.
    pub(super) fn planned(&self, id: &str) -> Option<&ResourceReport> {
        self.plan.get(id)
    }

    /// Returns the resources with what is foreseen of them, in the order of their turns.
    pub(super) fn all(&self) -> impl Iterator<Item = (&BundleResource, &Foreseen)> {
        self.resources.iter().filter_map(|f| Some((self.resource(f)?, f)))
    }
}

/// Returns the crate of a resource, without the label of a stamp.
fn bare_crate(resource: &BundleResource) -> &str {
    let krate = resource.id.split_once('/').map_or("", |(krate, _)| krate);
    krate.split('[').next().unwrap_or_default()
}
