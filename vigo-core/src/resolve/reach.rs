//! What of a tree any host gets.

use super::class;
use super::crates;
use super::trace::Setting;
use super::vars;
use crate::config::Config;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::value::Value;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;

/// What of a tree any host gets.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// Crates that some host has.
    pub crates: BTreeSet<Arc<str>>,
    /// Roles that some host has.
    pub roles: BTreeSet<String>,
    /// What becomes of each variable where it is set: by its name and place.
    pub settings: BTreeMap<(Arc<str>, Setting), SettingReach>,
}

/// What becomes of a setting over all classes.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct SettingReach {
    /// The value.
    pub value: Value,
    /// In how many classes it is what hosts see.
    pub wins: u32,
    /// In how many of these what it shadows says the same.
    pub same: u32,
    /// In how many classes something nearer is seen instead.
    pub loses: u32,
    /// What it repeats, the first that was met.
    pub repeats: Option<Setting>,
    /// Whether something nearer says the same: then that is what is too much.
    pub is_repeated: bool,
    /// What shadows it, the first that was met.
    pub shadowed_by: Option<Setting>,
}

/// Returns what of a tree any host gets, class by class; a match block that no host gets to counts for nothing.
pub fn reach(config: &Config<'_>) -> Reach {
    let mut reach = Reach::default();
    let shadowed: BTreeSet<Span> =
        config.diagnostics.iter().filter(|d| d.code == Code::ShadowedBlock).map(Diagnostic::span).collect();
    for (file, index, block) in config.blocks() {
        if block.patterns.first().is_some_and(|pattern| shadowed.contains(&pattern.node.span())) {
            continue;
        }
        let layers = class::of_block(config, file, index, block, None);
        let set = crates::collect(config, &layers);
        reach.roles.extend(set.roles.iter().map(|name| String::from(*name)));
        let mut vars = vars::host(&layers);
        for member in &set.members {
            reach.crates.insert(member.krate.name.clone());
            vars.with_crate(member.krate, layers.environment);
        }
        for trace in vars.into_traces() {
            let key = |s: &Setting| (trace.name.clone(), s.clone());
            let winner = reach.settings.entry(key(&trace.set)).or_default();
            winner.value = trace.value.clone();
            winner.wins += 1;
            if let Some((below, value)) = trace.shadowed.first()
                && *value == trace.value
            {
                winner.same += 1;
                winner.repeats.get_or_insert_with(|| below.clone());
            }
            for (below, value) in &trace.shadowed {
                let loser = reach.settings.entry(key(below)).or_default();
                loser.value = value.clone();
                loser.loses += 1;
                loser.is_repeated |= *value == trace.value;
                loser.shadowed_by.get_or_insert_with(|| trace.set.clone());
            }
        }
    }
    reach
}
