//! What is written more than once, and what nobody needs.

use super::fact::{FactKind, Survey};
use super::uses;
use crate::config::{Config, Configcrate, Resource};
use crate::diagnostic::Code;
use crate::resolve::{self, static_name};
use crate::resource;
use crate::secret::shown_value;
use crate::source::{Node, NodeKind};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Something that could be left out, or written once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// What is found, in one line.
    pub message: String,
    /// Where it stands.
    pub places: Vec<Mention>,
    /// What to do, in the imperative.
    pub help: String,
}

/// A place of a finding.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Mention {
    /// What stands there.
    pub what: Arc<str>,
    /// The file.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
}

/// Kinds of finding, the weightiest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum FindingKind {
    /// Resources that want the same, in several crates.
    SameResource,
    /// A variable that is set to what it is already.
    SameVariable,
    /// A variable whose value no host sees.
    ShadowedVariable,
    /// A variable that nothing uses.
    UnusedVariable,
    /// A match block that no host gets to.
    ShadowedBlock,
    /// A configcrate that no host has.
    UnusedConfigcrate,
    /// A role that no host has.
    UnusedRole,
    /// A template file that no resource names.
    UnusedTemplate,
}

impl FindingKind {
    /// Returns the word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::SameResource => "same_resource",
            Self::SameVariable => "same_variable",
            Self::ShadowedVariable => "shadowed_variable",
            Self::UnusedVariable => "unused_variable",
            Self::ShadowedBlock => "shadowed_block",
            Self::UnusedConfigcrate => "unused_configcrate",
            Self::UnusedRole => "unused_role",
            Self::UnusedTemplate => "unused_template",
        }
    }
}

/// Returns what could be left out of a valid tree, or written once.
pub fn dedup(config: &Config<'_>, survey: &Survey) -> Vec<Finding> {
    let mut found = resources(config);
    let reach = resolve::reach(config);
    variables(&reach, &mut found);
    unused_variables(survey, &mut found);
    blocks(config, &mut found);
    for krate in config.crates.iter().filter(|c| !reach.crates.contains(&*c.name)) {
        let uses = survey.about(FactKind::Configcrate, &krate.name).filter(|f| !f.is_definition).count();
        let message = format!("configcrate `{}` is on no host", krate.name);
        let help = match uses {
            0 => "remove it, or add it to a role or match block".into(),
            _ => format!(
                "what names it is never reached, or something excludes it: `vigocli config search --crate {}`",
                krate.name
            ),
        };
        let place = mention(&krate.name, krate.name_node);
        found.push(Finding { kind: FindingKind::UnusedConfigcrate, message, places: alloc::vec![place], help });
    }
    for role in config.roles.iter().filter(|r| !reach.roles.contains(r.name)) {
        let message = format!("role `{}` is on no host", role.name);
        let places = alloc::vec![mention(role.name, role.node)];
        let help = "remove it, or give it to a match block".into();
        found.push(Finding { kind: FindingKind::UnusedRole, message, places, help });
    }
    templates(config, survey, &mut found);
    found.sort_by(|a, b| (a.kind, &a.places, &a.message).cmp(&(b.kind, &b.places, &b.message)));
    found
}

fn mention(what: &str, node: Node<'_>) -> Mention {
    Mention { what: what.into(), file: node.file().path().clone(), line: node.line() }
}

/// Finds resources of the same type and attributes; where templates use variables that a crate has for itself they may
/// mean different things, and are passed over.
fn resources(config: &Config<'_>) -> Vec<Finding> {
    let mut groups: BTreeMap<String, Vec<Mention>> = BTreeMap::new();
    for krate in &config.crates {
        let own: BTreeSet<&str> =
            krate.vars.iter().chain(krate.overrides.iter().flat_map(|o| &o.vars)).map(|v| v.name).collect();
        for r in &krate.resources {
            if let Some(key) = meaning(krate, r, &own) {
                let id = format!("{}/{}", krate.name, static_name(r));
                groups.entry(key).or_default().push(mention(&id, r.node));
            }
        }
    }
    let finding = |places: Vec<Mention>| {
        let first = places.first().map(|p| p.what.to_string()).unwrap_or_default();
        let message = format!("`{first}` and {} want the same", plural(places.len() - 1, "other", "others"));
        let help = "keep it in one configcrate, and let the others `depends_on` that crate".into();
        Finding { kind: FindingKind::SameResource, message, places, help }
    };
    groups.into_values().filter(|places| places.len() > 1).map(finding).collect()
}

/// Returns what a resource wants as one text; `None` where that depends on its crate.
fn meaning(krate: &Configcrate<'_>, r: &Resource<'_>, own: &BTreeSet<&str>) -> Option<String> {
    let is_plain = r.case.is_none() && r.foreach.is_none() && krate.foreach.is_none() && krate.user.is_none();
    if !is_plain || !krate.defaults.general.is_empty() || !krate.defaults.by_type.is_empty() {
        return None;
    }
    let written = r.type_name.text()?;
    let type_name = resource::find(written).map_or(written, |decl| decl.name);
    let mut attributes = BTreeMap::new();
    for e in &r.attributes {
        let text = text_of(e.value);
        if uses::variables(&text).iter().any(|name| own.contains(&**name)) {
            return None;
        }
        attributes.insert(e.name, text);
    }
    let when = r.when.as_ref().map(|(expr, _)| expr.to_string()).unwrap_or_default();
    let gate = krate.when.as_ref().map(|(expr, _)| expr.to_string()).unwrap_or_default();
    (!attributes.is_empty()).then(|| format!("{type_name}\u{0}{attributes:?}\u{0}{when}\u{0}{gate}"))
}

fn text_of(node: Node<'_>) -> String {
    match node.kind() {
        NodeKind::Scalar(text, _) => text.into(),
        NodeKind::List => format!("{:?}", node.list().into_iter().flatten().map(text_of).collect::<Vec<_>>()),
        NodeKind::Map(map) => {
            let entries: BTreeMap<&str, String> = map.iter().map(|e| (e.name, text_of(e.value))).collect();
            format!("{entries:?}")
        }
    }
}

/// Finds settings that change nothing on any host.
fn variables(reach: &resolve::Reach, found: &mut Vec<Finding>) {
    for (setting, seen) in &reach.settings {
        let place = |s: &resolve::Setting| Mention { what: s.layer.clone(), file: s.file.clone(), line: s.line };
        let (name, at) = setting;
        let mut places = alloc::vec![place(at)];
        let value = shown_value(&seen.value);
        // A crate's own values are there to be shadowed.
        let is_default = at.layer.starts_with("crate ") || at.layer.starts_with("environment_overrides ");
        let (kind, message, help) = if seen.wins == 0 && !is_default && !seen.is_repeated {
            places.extend(seen.shadowed_by.as_ref().map(place));
            let message = format!("no host sees that `{name}` is `{value}`: something nearer always sets it");
            (FindingKind::ShadowedVariable, message, "remove it, or what is nearer")
        } else if seen.wins > 0 && seen.same == seen.wins {
            places.extend(seen.repeats.as_ref().map(place));
            let message = format!("`{name}` is set to `{value}`, which it is without that");
            (FindingKind::SameVariable, message, "remove the nearer one, which stands first")
        } else {
            continue;
        };
        found.push(Finding { kind, message, places, help: help.into() });
    }
}

fn unused_variables(survey: &Survey, found: &mut Vec<Finding>) {
    let used: BTreeSet<&str> =
        survey.facts.iter().filter(|f| f.kind == FactKind::Variable && !f.is_definition).map(|f| &*f.name).collect();
    let mut unused: BTreeMap<&str, Vec<Mention>> = BTreeMap::new();
    for fact in survey.facts.iter().filter(|f| f.kind == FactKind::Variable && f.is_definition) {
        if !used.contains(&*fact.name) {
            let place = Mention { what: fact.by.clone(), file: fact.file.clone(), line: fact.line };
            unused.entry(&fact.name).or_default().push(place);
        }
    }
    for (name, places) in unused {
        let message = format!("nothing uses variable `{name}`");
        found.push(Finding { kind: FindingKind::UnusedVariable, message, places, help: "remove it".into() });
    }
}

/// Takes over what the check of the tree has found of match blocks.
fn blocks(config: &Config<'_>, found: &mut Vec<Finding>) {
    let map = config.sources.map();
    for d in config.diagnostics.iter().filter(|d| d.code == Code::ShadowedBlock) {
        let place = |label: &crate::diagnostic::Label| {
            let file = map.file(label.span.file)?.path.clone();
            let line = map.position(label.span.file, label.span.start).line;
            let what = if label.text.is_empty() { "block" } else { &*label.text };
            Some(Mention { what: what.into(), file, line })
        };
        let places = d.labels.iter().filter_map(place).collect();
        let help = "remove it, or move it before the wider one".into();
        found.push(Finding { kind: FindingKind::ShadowedBlock, message: d.message.clone(), places, help });
    }
}

fn templates(config: &Config<'_>, survey: &Survey, found: &mut Vec<Finding>) {
    let used = survey.facts.iter().filter(|f| f.kind == FactKind::Template && !f.is_definition);
    let used: Vec<&str> = used.map(|f| f.name.split("{{").next().unwrap_or(&f.name)).collect();
    for (file, _) in config.sources.templates() {
        let names = |name: &&str| *file.path == **name || file.path.starts_with(*name);
        if used.iter().any(names) {
            continue;
        }
        let message = format!("no resource names template `{}`", file.path);
        let places = alloc::vec![Mention { what: "template".into(), file: file.path.clone(), line: 1 }];
        found.push(Finding { kind: FindingKind::UnusedTemplate, message, places, help: "remove it".into() });
    }
}

fn plural(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
