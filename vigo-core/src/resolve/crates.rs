//! The set of crates of a class: why each is in or out, and under which condition.

use super::class::Layers;
use super::trace::{ExcludedTrace, Setting};
use crate::config::{Config, Configcrate, Include, Inclusion, Role};
use crate::when::Expr;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use hashbrown::HashMap;

/// A crate of the class.
pub(super) struct Member<'c, 'a> {
    pub krate: &'c Configcrate<'a>,
    pub reasons: Vec<Setting>,
    /// The *or* of the conditions by which it came, unfolded.
    pub condition: Expr,
}

/// All crates of a class.
#[derive(Default)]
pub(super) struct CrateSet<'c, 'a> {
    /// In the order of their first mention.
    pub members: Vec<Member<'c, 'a>>,
    /// By name.
    pub index: HashMap<Arc<str>, usize>,
    /// Roles, named and included.
    pub roles: BTreeSet<&'c str>,
    /// Crates that are out.
    pub excluded: Vec<ExcludedTrace>,
}

struct Builder<'c, 'a> {
    config: &'c Config<'a>,
    set: CrateSet<'c, 'a>,
    /// By name; what excludes it.
    out: HashMap<&'c str, Setting>,
    out_reasons: HashMap<&'c str, Vec<Setting>>,
}

/// Collects the crates: the commons from the root inwards, the block, the environments from the root inwards.
pub(super) fn collect<'c, 'a>(config: &'c Config<'a>, layers: &Layers<'c, 'a>) -> CrateSet<'c, 'a> {
    let mut builder = Builder { config, set: CrateSet::default(), out: HashMap::new(), out_reasons: HashMap::new() };
    let commons = layers.commons.iter().map(|c| (Arc::from("common"), &c.include));
    let block = core::iter::once((Arc::from("block"), &layers.block.include));
    let environments =
        layers.environments.iter().map(|(_, e)| (Arc::from(format!("environment {}", e.name)), &e.include));
    let all: Vec<(Arc<str>, &'c Inclusion<'a>)> = commons.chain(block).chain(environments).collect();
    for (layer, include) in &all {
        for name in &include.exclude {
            builder.out.entry(name.name).or_insert_with(|| Setting::at(layer.clone(), name.node));
        }
    }
    for (layer, include) in &all {
        builder.inclusion(layer, include);
    }
    let Builder { mut set, out, out_reasons, .. } = builder;
    let mut names: Vec<(&str, Vec<Setting>)> = out_reasons.into_iter().collect();
    names.sort_unstable_by_key(|(name, _)| *name);
    set.excluded = names
        .into_iter()
        .filter_map(|(name, reasons)| Some(ExcludedTrace { name: name.into(), reasons, by: out.get(name)?.clone() }))
        .collect();
    set
}

/// Returns a set of one crate and what it depends on: to validate a crate that no host includes.
pub(super) fn alone<'c, 'a>(config: &'c Config<'a>, krate: &'c Configcrate<'a>) -> CrateSet<'c, 'a> {
    let mut set = CrateSet::default();
    let mut open: Vec<&'c Configcrate<'a>> = alloc::vec![krate];
    while let Some(krate) = open.pop() {
        if set.index.contains_key(&krate.name) {
            continue;
        }
        set.index.insert(krate.name.clone(), set.members.len());
        set.members.push(Member { krate, reasons: Vec::new(), condition: Expr::True });
        let names = krate.depends_on.iter().filter_map(|n| n.text());
        open.extend(names.filter_map(|name| config.configcrate(name)).map(|(_, c)| c));
    }
    set
}

impl<'c, 'a> Builder<'c, 'a> {
    fn inclusion(&mut self, layer: &Arc<str>, include: &'c Inclusion<'a>) {
        for name in &include.roles {
            if let Some(role) = self.config.role(name.name) {
                self.role(layer, role, name);
            }
        }
        for name in &include.configcrates {
            self.add(name.name, Setting::at(layer.clone(), name.node), Expr::True);
        }
        for name in &include.usercrates {
            if let Some((_, krate)) = self.config.configcrate(&format!("user:{}", name.name)) {
                self.add(&krate.name, Setting::at(layer.clone(), name.node), Expr::True);
            }
        }
    }

    fn role(&mut self, layer: &Arc<str>, role: &'c Role<'a>, by: &Include<'a>) {
        self.set.roles.insert(role.name);
        for include in &role.includes {
            if let Some(inner) = self.config.role(include.name) {
                self.set.roles.insert(inner.name);
                let layer = format!("role {} by role {} of {layer}", inner.name, role.name);
                self.role_crates(layer.into(), inner, by);
            }
        }
        self.role_crates(format!("role {} of {layer}", role.name).into(), role, by);
    }

    fn role_crates(&mut self, layer: Arc<str>, role: &'c Role<'a>, by: &Include<'a>) {
        for name in &role.configcrates {
            self.add(name.name, Setting::at(layer.clone(), by.node), Expr::True);
        }
        let mut earlier: Vec<Expr> = Vec::new();
        for arm in &role.case {
            let own = arm.when.clone().unwrap_or(Expr::True);
            let condition = Expr::and(earlier.iter().cloned().map(Expr::not).chain([own.clone()]));
            for name in &arm.configcrates {
                self.add(name.name, Setting::at(layer.clone(), by.node), condition.clone());
            }
            earlier.push(own);
        }
    }

    fn add(&mut self, name: &'c str, reason: Setting, condition: Expr) {
        if self.out.contains_key(name) {
            let reasons = self.out_reasons.entry(name).or_default();
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
            return;
        }
        let Some((_, krate)) = self.config.configcrate(name) else { return };
        let next = self.set.members.len();
        let index = *self.set.index.entry(krate.name.clone()).or_insert(next);
        match self.set.members.get_mut(index) {
            Some(member) => {
                member.condition = Expr::or([member.condition.clone(), condition]);
                if !member.reasons.contains(&reason) {
                    member.reasons.push(reason);
                }
            }
            None => self.set.members.push(Member { krate, reasons: alloc::vec![reason], condition }),
        }
    }
}

/// Returns whether `name` is out by an exclusion.
pub(super) fn is_excluded(layers: &Layers<'_, '_>, name: &str) -> bool {
    exclusions(layers).any(|e| e.name == name)
}

/// Returns every exclusion.
pub(super) fn exclusions<'l, 'a>(layers: &'l Layers<'_, 'a>) -> impl Iterator<Item = &'l Include<'a>> {
    let commons = layers.commons.iter().map(|c| &c.include);
    let environments = layers.environments.iter().map(|(_, e)| &e.include);
    commons.chain([&layers.block.include]).chain(environments).flat_map(|include| &include.exclude)
}

/// Returns where to add a crate to this class, for a help line.
pub(super) fn where_to_add(layers: &Layers<'_, '_>) -> String {
    format!("add it to `configcrates` of the block at {}:{}", layers.file.path, layers.block.node.line())
}
