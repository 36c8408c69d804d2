//! The files of a tree, in the order in which a host meets them.

use super::entry::{FileEntry, FileKind, Item};
use super::fact::{FactKind, Survey};
use super::walk::patterns;
use crate::config::{Config, Inclusion, Var};
use crate::resolve::{Class, Explained, static_name};
use crate::secret::shown_value;
use alloc::collections::BTreeMap;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What a list of files is narrowed to: what one host meets.
#[derive(Clone, Debug, Default)]
pub struct Narrow {
    files: BTreeSet<Arc<str>>,
    crates: BTreeSet<Arc<str>>,
    roles: BTreeSet<String>,
    block: (Arc<str>, u32),
    environment: Option<Arc<str>>,
}

impl Narrow {
    /// Narrows to what a host meets.
    pub fn to(explained: &Explained) -> Self {
        let resolved = &explained.resolved;
        let mut narrow =
            Self { block: (resolved.trace.block.file.clone(), resolved.trace.block.line), ..Self::default() };
        narrow.environment = resolved.class.environment.clone();
        narrow.files.extend(explained.layers.iter().map(|layer| layer.file.clone()));
        narrow.files.extend(explained.waivers.iter().map(|waiver| waiver.set.file.clone()));
        narrow.files.extend(explained.claims.iter().map(|claim| claim.set.file.clone()));
        narrow.files.extend(resolved.bundle.blobs.iter().map(|blob| blob.path.clone()));
        for krate in &resolved.trace.crates {
            narrow.crates.insert(krate.name.clone());
            // `role tls by role webserver of block`
            let roles = krate
                .reasons
                .iter()
                .flat_map(|reason| reason.layer.split("role ").skip(1).map(String::from).collect::<Vec<_>>());
            narrow.roles.extend(roles.map(|rest| rest.split(' ').next().unwrap_or_default().to_string()));
        }
        narrow
    }
}

/// Returns the files and what they hold: match files as they are asked, layers, roles, the library, templates. With a
/// `narrow` only what that host meets.
pub fn files(config: &Config<'_>, survey: &Survey, narrow: Option<&Narrow>) -> Vec<FileEntry> {
    let mut all = Vec::new();
    for file in &config.match_files {
        let mut items = Vec::new();
        for (index, block) in file.blocks.iter().enumerate() {
            if narrow.is_some_and(|n| (&*n.block.0, n.block.1) != (file.path, block.node.line())) {
                continue;
            }
            let environment = block.environment.and_then(|n| n.text()).map(Arc::from);
            let class = Class { file: file.path.into(), block: index + 1, environment };
            let mut item = Item::new(format!("block {}, {}", index + 1, patterns(block)), block.node.line());
            item.say("class", [class.to_string()]);
            inclusion(&mut item, &block.include);
            variables(&mut item, block.vars.iter().chain(&block.vars_from));
            item.say("only observed", block.observe_only.then(|| "yes".into()));
            items.push(item);
        }
        push(&mut all, file.path, FileKind::Match, items);
    }
    let keeps = |path: &str| narrow.is_none_or(|n| n.files.contains(path));
    for common in config.commons.iter().filter(|c| keeps(c.path)) {
        let below =
            if common.dir.is_empty() { "every folder".into() } else { format!("the folders below {}", common.dir) };
        let mut item = Item::new(format!("for {below}"), common.node.line());
        inclusion(&mut item, &common.include);
        variables(&mut item, common.vars.iter().chain(&common.vars_from));
        push(&mut all, common.path, FileKind::Common, alloc::vec![item]);
    }
    let applies = |e: &&crate::config::Environment<'_>| narrow.is_none_or(|n| n.environment.as_deref() == Some(e.name));
    for file in config.environments.iter().filter(|f| keeps(f.path)) {
        let item = |e: &crate::config::Environment<'_>| {
            let mut item = Item::new(format!("environment {}", e.name), e.key.line());
            inclusion(&mut item, &e.include);
            variables(&mut item, e.vars.iter());
            item.say("used by", users(survey, FactKind::Environment, e.name));
            item
        };
        push(&mut all, file.path, FileKind::Environments, file.environments.iter().filter(applies).map(item).collect());
    }
    let mut roles: BTreeMap<Arc<str>, Vec<Item>> = BTreeMap::new();
    for role in config.roles.iter().filter(|r| narrow.is_none_or(|n| n.roles.contains(r.name))) {
        let mut item = Item::new(format!("role {}", role.name), role.node.line());
        item.say("includes", role.includes.iter().map(|i| i.name.into()));
        item.say("configcrates", role.configcrates.iter().map(|i| i.name.into()));
        for arm in &role.case {
            let when = arm.when.as_ref().map_or_else(|| "otherwise".into(), |when| format!("when {when}"));
            let names: Vec<&str> = arm.configcrates.iter().map(|i| i.name).collect();
            item.say("case", [format!("{when}: {}", names.join(", "))]);
        }
        item.say("used by", users(survey, FactKind::Role, role.name));
        roles.entry(role.node.file().path().clone()).or_default().push(item);
    }
    roles.into_iter().for_each(|(path, items)| push(&mut all, &path, FileKind::Roles, items));
    library(config, survey, narrow, &mut all);
    for (dir, _) in
        config.claims.iter().map(|(dir, _)| (dir, ())).chain(config.waivers.iter().map(|(dir, _)| (dir, ())))
    {
        let path = if dir.is_empty() { "compliance.vgo".into() } else { format!("{dir}/compliance.vgo") };
        if keeps(&path) {
            push(&mut all, &path, FileKind::Compliance, alloc::vec![Item::new("claims or waivers".into(), 1)]);
        }
    }
    for (file, _) in config.sources.templates().iter().filter(|(f, _)| keeps(&f.path)) {
        let mut item = Item::new(format!("{} bytes", file.bytes.len()), 1);
        let prefix = |name: &str| file.path.starts_with(name.split("{{").next().unwrap_or(name));
        let users = survey.facts.iter().filter(|f| f.kind == FactKind::Template && !f.is_definition && prefix(&f.name));
        item.say("used by", users.map(|f| f.by.to_string()));
        let used = survey.facts.iter().filter(|f| f.kind == FactKind::Variable && *f.by == *file.path);
        item.say("variables", used.map(|f| f.name.to_string()));
        push(&mut all, &file.path, FileKind::Template, alloc::vec![item]);
    }
    all
}

fn library(config: &Config<'_>, survey: &Survey, narrow: Option<&Narrow>, all: &mut Vec<FileEntry>) {
    let mut files: BTreeMap<Arc<str>, Vec<Item>> = BTreeMap::new();
    for krate in config.crates.iter().filter(|c| narrow.is_none_or(|n| n.crates.contains(&c.name))) {
        let mut item = Item::new(format!("configcrate {}", krate.name), krate.name_node.line());
        let texts = |nodes: &[crate::source::Node<'_>]| -> Vec<String> {
            nodes.iter().filter_map(|n| n.text()).map(String::from).collect()
        };
        item.say("when", krate.when.as_ref().map(|(expr, _)| expr.to_string()));
        item.say("depends on", texts(&krate.depends_on));
        item.say("before", texts(&krate.before));
        item.say("foreach", texts(krate.foreach.as_slice()));
        variables(&mut item, krate.vars.iter());
        let resource = |r: &crate::config::Resource<'_>| {
            format!("{} ({})", static_name(r), r.type_name.text().unwrap_or_default())
        };
        item.say("resources", krate.resources.iter().map(resource));
        item.say("named by", users(survey, FactKind::Configcrate, &krate.name));
        files.entry(krate.node.file().path().clone()).or_default().push(item);
    }
    files.into_iter().for_each(|(path, items)| push(all, &path, FileKind::Configcrates, items));
}

fn push(all: &mut Vec<FileEntry>, path: &str, kind: FileKind, items: Vec<Item>) {
    if !items.is_empty() {
        all.push(FileEntry { path: path.into(), kind, items });
    }
}

fn inclusion(item: &mut Item, include: &Inclusion<'_>) {
    let lists = [
        ("roles", &include.roles),
        ("configcrates", &include.configcrates),
        ("usercrates", &include.usercrates),
        ("excludes", &include.exclude),
    ];
    for (key, names) in lists {
        item.say(key, names.iter().map(|i| i.name.into()));
    }
}

fn variables<'v, 'a: 'v>(item: &mut Item, vars: impl Iterator<Item = &'v Var<'a>>) {
    item.say("vars", vars.map(|v| format!("{}: {}", v.name, shown_value(&v.value))));
}

/// Returns who uses something: what, with its file and line.
fn users(survey: &Survey, kind: FactKind, name: &str) -> Vec<String> {
    let uses = survey.about(kind, name).filter(|f| !f.is_definition);
    uses.map(|f| format!("{} ({}:{}, {})", f.by, f.file, f.line, f.detail)).collect()
}
