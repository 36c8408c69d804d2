//! Variables: which layer wins, and what it shadows.

use super::class::Layers;
use super::trace::{Setting, VarTrace};
use crate::config::{Configcrate, Var};
use crate::value::Value;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The variables of a host.
pub(super) struct HostVars {
    /// By name.
    pub values: BTreeMap<Arc<str>, Value>,
    traces: BTreeMap<Arc<str>, VarTrace>,
    own: Vec<VarTrace>,
}

/// Lays the host's layers over each other, the highest first.
pub(super) fn host(layers: &Layers<'_, '_>) -> HostVars {
    let mut vars = HostVars { values: BTreeMap::new(), traces: BTreeMap::new(), own: Vec::new() };
    for (_, environment) in layers.environments.iter().rev() {
        let layer = Arc::from(format!("environment {}", environment.name));
        vars.lay(&layer, &environment.vars);
    }
    vars.lay(&"block".into(), &layers.block.vars);
    vars.lay(&"block vars_from".into(), &layers.block.vars_from);
    for common in layers.commons.iter().rev() {
        vars.lay(&"common".into(), &common.vars);
        vars.lay(&"common vars_from".into(), &common.vars_from);
    }
    vars
}

impl HostVars {
    /// Returns no variables at all: what a crate sees that no host includes.
    pub fn none() -> Self {
        Self { values: BTreeMap::new(), traces: BTreeMap::new(), own: Vec::new() }
    }

    fn lay(&mut self, layer: &Arc<str>, vars: &[Var<'_>]) {
        for var in vars {
            let set = Setting::at(layer.clone(), var.key);
            match self.traces.get_mut(var.name) {
                Some(trace) => trace.shadowed.push((set, var.value.clone())),
                None => {
                    let name: Arc<str> = var.name.into();
                    self.values.insert(name.clone(), var.value.clone());
                    let trace = VarTrace {
                        name: name.clone(),
                        krate: None,
                        value: var.value.clone(),
                        set,
                        shadowed: Vec::new(),
                    };
                    self.traces.insert(name, trace);
                }
            }
        }
    }

    /// Adds the crate's own variables under the host's; `None` when it sees the host's alone.
    pub fn with_crate(
        &mut self,
        krate: &Configcrate<'_>,
        environment: Option<&str>,
    ) -> Option<BTreeMap<Arc<str>, Value>> {
        let overrides = krate.overrides.iter().filter(|o| Some(o.name) == environment).flat_map(|o| &o.vars);
        let layers =
            [("environment_overrides of crate", overrides.collect::<Vec<_>>()), ("crate", krate.vars.iter().collect())];
        let mut own: BTreeMap<Arc<str>, VarTrace> = BTreeMap::new();
        for (layer, vars) in layers {
            let layer: Arc<str> = format!("{layer} {}", krate.name).into();
            for var in vars {
                let set = Setting::at(layer.clone(), var.key);
                if let Some(trace) = self.traces.get_mut(var.name).or_else(|| own.get_mut(var.name)) {
                    trace.shadowed.push((set, var.value.clone()));
                    continue;
                }
                let name: Arc<str> = var.name.into();
                let krate = Some(krate.name.clone());
                own.insert(name.clone(), VarTrace { name, krate, value: var.value.clone(), set, shadowed: Vec::new() });
            }
        }
        if own.is_empty() {
            return None;
        }
        let mut seen = self.values.clone();
        seen.extend(own.iter().map(|(name, trace)| (name.clone(), trace.value.clone())));
        self.own.extend(own.into_values());
        Some(seen)
    }

    /// Returns where each variable came from.
    pub fn into_traces(self) -> Vec<VarTrace> {
        self.traces.into_values().chain(self.own).collect()
    }
}
