//! What is claimed to be fulfilled, and what is accepted not to be.

use super::super::class::Layers;
use super::super::instances::Instances;
use super::super::trace::Setting;
use crate::config::{Claims, Config};
use crate::time::Civil;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Claims of a crate or of one of its resources, from one place.
#[derive(Clone, Debug)]
pub struct ClaimTrace {
    /// The crate, or `crate/name`.
    pub of: Arc<str>,
    /// Framework and control.
    pub controls: Vec<(Arc<str>, Arc<str>)>,
    /// Capabilities.
    pub provides: Vec<Arc<str>>,
    /// Frameworks.
    pub bundle: Vec<Arc<str>>,
    /// What says so: the crate's own document, the resource, or the `compliance.vgo` of a folder above.
    pub set: Setting,
}

/// A waiver that the host inherits.
#[derive(Clone, Debug)]
pub struct WaiverTrace {
    /// The framework.
    pub framework: Arc<str>,
    /// The control.
    pub control: Arc<str>,
    /// Why.
    pub reason: Arc<str>,
    /// The last day, `YYYY-MM-DD`.
    pub until: Option<Arc<str>>,
    /// Who answers for it.
    pub owner: Option<Arc<str>>,
    /// Whether its last day is not over.
    pub is_in_force: bool,
    /// Where it stands.
    pub set: Setting,
}

/// Returns the claims of the host's crates and resources, in their order; the inherited ones of a crate behind its own.
pub(super) fn of_host(config: &Config<'_>, instances: &Instances<'_, '_>) -> Vec<ClaimTrace> {
    let mut found = Vec::new();
    let mut add = |of: &Arc<str>, claims: &Claims<'_>, set: Setting| {
        if claims.controls.is_empty() && claims.provides.is_empty() && claims.bundle.is_empty() {
            return;
        }
        let texts = |all: &[&str]| all.iter().map(|text| Arc::from(*text)).collect();
        let controls = claims.controls.iter().map(|(framework, control)| ((*framework).into(), (*control).into()));
        let controls = controls.collect();
        let (provides, bundle) = (texts(&claims.provides), texts(&claims.bundle));
        found.push(ClaimTrace { of: of.clone(), controls, provides, bundle, set });
    };
    for instance in &instances.crates {
        let (krate, name) = (instance.krate, instance.name());
        add(&name, &krate.claims, Setting::at("crate", krate.node));
        let path = &**krate.node.file().path();
        for (dir, claims) in &config.claims {
            if path.strip_prefix(*dir).is_some_and(|rest| rest.starts_with('/')) {
                let file: Arc<str> = format!("{dir}/compliance.vgo").into();
                add(&name, claims, Setting { layer: "inherited".into(), file, line: 1 });
            }
        }
        for i in instance.resources.iter().filter_map(|&i| instances.all.get(i as usize)) {
            match i.resource.claims.controls.is_empty() {
                true => add(&i.id, &krate.defaults.claims, Setting::at("defaults", krate.node)),
                false => add(&i.id, &i.resource.claims, Setting::at("resource", i.resource.node)),
            }
        }
    }
    found
}

/// Returns the waivers of the folders above the match file, the root's first.
pub(super) fn waivers(config: &Config<'_>, layers: &Layers<'_, '_>, today: &Civil) -> Vec<WaiverTrace> {
    let today: String = format!("{:04}-{:02}-{:02}", today.year, today.month, today.day);
    let mut inherited: Vec<_> = config.waivers.iter().collect();
    inherited.retain(|(dir, _)| *dir != layers.file.dir && layers.file.directories().any(|above| above == *dir));
    inherited.sort_by_key(|(dir, _)| dir.len());
    let trace = |w: &crate::config::Waiver<'_>| WaiverTrace {
        framework: w.framework.into(),
        control: w.control.into(),
        reason: w.reason.into(),
        until: w.until.map(Arc::from),
        owner: w.owner.map(Arc::from),
        is_in_force: w.until.is_none_or(|until| until >= today.as_str()),
        set: Setting::at("waiver", w.node),
    };
    inherited.into_iter().flat_map(|(_, all)| all).map(trace).collect()
}
