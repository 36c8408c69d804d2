//! The walk through a tree.

use super::fact::{Fact, FactKind, Survey};
use super::uses;
use crate::config::{Case, Config, Configcrate, Inclusion, MatchBlock, Resource, Var};
use crate::resolve::static_name;
use crate::secret::shown_value;
use crate::source::{Node, NodeKind};
use crate::when::{Expr, ReferenceKind};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use hashbrown::HashSet;

pub(super) fn walk(config: &Config<'_>) -> Survey {
    let mut walk = Walk { facts: Vec::new() };
    for krate in &config.crates {
        walk.krate(krate);
    }
    for role in &config.roles {
        let by: Arc<str> = format!("role {}", role.name).into();
        walk.define(FactKind::Role, role.name, &by, "", role.node);
        for include in &role.includes {
            walk.use_of(FactKind::Role, include.name, &by, "includes", include.node);
        }
        let arms = role.case.iter().flat_map(|arm| &arm.configcrates);
        for include in role.configcrates.iter().chain(arms) {
            walk.use_of(FactKind::Configcrate, include.name, &by, "configcrates", include.node);
        }
        for arm in &role.case {
            walk.condition(arm.when.as_ref(), &by, arm.node);
        }
    }
    for common in &config.commons {
        let by: Arc<str> = "common".into();
        walk.inclusion(&common.include, &by);
        walk.variables(common.vars.iter().chain(&common.vars_from), &by);
    }
    for (_, _, block) in config.blocks() {
        let by: Arc<str> = format!("block {}", patterns(block)).into();
        walk.inclusion(&block.include, &by);
        walk.variables(block.vars.iter().chain(&block.vars_from), &by);
        if let Some(node) = block.environment {
            walk.use_of(FactKind::Environment, node.text().unwrap_or_default(), &by, "environment", node);
        }
    }
    for environment in config.environments.iter().flat_map(|file| &file.environments) {
        let by: Arc<str> = format!("environment {}", environment.name).into();
        walk.define(FactKind::Environment, environment.name, &by, "", environment.key);
        walk.inclusion(&environment.include, &by);
        walk.variables(environment.vars.iter(), &by);
    }
    for (file, _) in config.sources.templates() {
        let fact = |kind, name: &str, is_definition, line| Fact {
            kind,
            name: name.into(),
            is_definition,
            by: file.path.clone(),
            detail: String::new(),
            file: file.path.clone(),
            line,
        };
        walk.facts.push(fact(FactKind::Template, &file.path, true, 1));
        if let Ok(text) = core::str::from_utf8(&file.bytes) {
            for variable in uses::variables(text) {
                let line = uses::line_of(text, &variable) + 1;
                walk.facts.push(fact(FactKind::Variable, &variable, false, line));
            }
        }
    }
    Survey { facts: walk.facts }
}

/// Returns the globs of a block, as they are written.
pub(super) fn patterns(block: &MatchBlock<'_>) -> String {
    let globs: Vec<&str> = block.patterns.iter().map(|p| p.glob.as_str()).collect();
    globs.join(", ")
}

struct Walk {
    facts: Vec<Fact>,
}

impl Walk {
    fn add(&mut self, kind: FactKind, name: &str, is_definition: bool, by: &Arc<str>, detail: &str, node: Node<'_>) {
        let (file, line) = (node.file().path().clone(), node.line());
        self.facts.push(Fact {
            kind,
            name: name.into(),
            is_definition,
            by: by.clone(),
            detail: detail.into(),
            file,
            line,
        });
    }

    fn define(&mut self, kind: FactKind, name: &str, by: &Arc<str>, detail: &str, node: Node<'_>) {
        self.add(kind, name, true, by, detail, node);
    }

    fn use_of(&mut self, kind: FactKind, name: &str, by: &Arc<str>, detail: &str, node: Node<'_>) {
        self.add(kind, name, false, by, detail, node);
    }

    fn variables<'v, 'a: 'v>(&mut self, vars: impl Iterator<Item = &'v Var<'a>>, by: &Arc<str>) {
        for var in vars {
            self.define(FactKind::Variable, var.name, by, &shown_value(&var.value), var.key);
        }
    }

    fn inclusion(&mut self, include: &Inclusion<'_>, by: &Arc<str>) {
        for one in &include.roles {
            self.use_of(FactKind::Role, one.name, by, "roles", one.node);
        }
        for one in &include.configcrates {
            self.use_of(FactKind::Configcrate, one.name, by, "configcrates", one.node);
        }
        for one in &include.usercrates {
            self.use_of(FactKind::Configcrate, &format!("user:{}", one.name), by, "usercrates", one.node);
        }
        for one in &include.exclude {
            self.use_of(FactKind::Configcrate, one.name, by, "exclude_configcrates", one.node);
        }
    }

    fn krate(&mut self, krate: &Configcrate<'_>) {
        let by: Arc<str> = format!("crate {}", krate.name).into();
        self.define(FactKind::Configcrate, &krate.name, &by, "", krate.name_node);
        self.variables(krate.vars.iter(), &by);
        for one in &krate.overrides {
            let by: Arc<str> = format!("crate {}, in {}", krate.name, one.name).into();
            self.define(FactKind::Environment, one.name, &by, "environment_overrides", one.key);
            self.variables(one.vars.iter(), &by);
        }
        for (key, nodes) in [("depends_on", &krate.depends_on), ("before", &krate.before)] {
            for node in nodes {
                let text = node.text().unwrap_or_default();
                let name = text.split_once('[').map_or(text, |(base, _)| base);
                self.use_of(FactKind::Configcrate, name, &by, key, *node);
                self.texts(*node, &by, key);
            }
        }
        if let Some((expr, node)) = &krate.when {
            self.condition(Some(expr), &by, *node);
        }
        self.stamped(krate.foreach, &by);
        let defaults = krate.defaults.general.iter().chain(krate.defaults.by_type.iter().flat_map(|(_, all)| all));
        for e in defaults {
            self.texts(e.value, &by, "defaults");
        }
        let own: HashSet<String> = krate.resources.iter().map(static_name).collect();
        for resource in &krate.resources {
            self.resource(krate, resource, &own);
        }
    }

    fn resource(&mut self, krate: &Configcrate<'_>, r: &Resource<'_>, own: &HashSet<String>) {
        let by: Arc<str> = format!("{}/{}", krate.name, static_name(r)).into();
        self.define(FactKind::Resource, &by, &by, r.type_name.text().unwrap_or_default(), r.node);
        self.texts(r.type_name, &by, "type");
        if let Some(name) = r.name {
            self.texts(name, &by, "name");
        }
        if let Some((expr, node)) = &r.when {
            self.condition(Some(expr), &by, *node);
        }
        self.stamped(r.foreach, &by);
        let edges = [
            ("depends_on", &r.depends_on),
            ("before", &r.before),
            ("notify", &r.notify),
            ("subscribes", &r.subscribes),
        ];
        for (key, nodes) in edges {
            for node in nodes {
                let text = node.text().unwrap_or_default();
                match text.split_once('/') {
                    _ if own.contains(text) => {
                        self.use_of(FactKind::Resource, &format!("{}/{text}", krate.name), &by, key, *node);
                    }
                    Some(_) => self.use_of(FactKind::Resource, text, &by, key, *node),
                    None if text.contains(['{', '*']) => {}
                    None => self.use_of(FactKind::Configcrate, text, &by, key, *node),
                }
                self.texts(*node, &by, key);
            }
        }
        for e in r.attributes.iter().chain(&r.on_revert) {
            self.texts(e.value, &by, e.name);
        }
        match &r.case {
            None => {}
            Some(Case::Arms(arms)) => {
                for arm in arms {
                    self.condition(arm.when.as_ref(), &by, arm.node);
                    arm.set.iter().for_each(|e| self.texts(e.value, &by, e.name));
                }
            }
            Some(Case::Match(on, arms)) => {
                self.texts(*on, &by, "case");
                arms.iter().flat_map(|arm| &arm.set).for_each(|e| self.texts(e.value, &by, e.name));
            }
        }
    }

    fn stamped(&mut self, foreach: Option<Node<'_>>, by: &Arc<str>) {
        let Some(node) = foreach else { return };
        let root = node.text().unwrap_or_default().split('.').next().unwrap_or_default();
        if root != "Item" {
            self.use_of(FactKind::Variable, root, by, "foreach", node);
        }
    }

    /// Adds the variables and template files that the texts at `node` use.
    fn texts(&mut self, node: Node<'_>, by: &Arc<str>, key: &str) {
        match node.kind() {
            NodeKind::Scalar(text, _) => {
                for variable in uses::variables(text) {
                    let (line, _) = node.text_place();
                    self.use_of(FactKind::Variable, &variable, by, key, node);
                    if let Some(last) = self.facts.last_mut() {
                        last.line = line + uses::line_of(text, &variable);
                    }
                }
                if text.starts_with("templates/") && !text.contains('\n') {
                    self.use_of(FactKind::Template, text, by, key, node);
                }
            }
            NodeKind::List => node.list().into_iter().flatten().for_each(|item| self.texts(item, by, key)),
            NodeKind::Map(map) => map.iter().for_each(|e| self.texts(e.value, by, key)),
        }
    }

    fn condition(&mut self, expr: Option<&Expr>, by: &Arc<str>, node: Node<'_>) {
        let Some(expr) = expr else { return };
        for variable in uses::variables(node.text().unwrap_or_default()) {
            self.use_of(FactKind::Variable, &variable, by, "when", node);
        }
        for r in expr.references() {
            let root = r.name.split('.').next().unwrap_or_default();
            match r.kind {
                ReferenceKind::Environment => self.use_of(FactKind::Environment, &r.name, by, "when", node),
                ReferenceKind::Role => self.use_of(FactKind::Role, &r.name, by, "when", node),
                ReferenceKind::Configcrate => self.use_of(FactKind::Configcrate, &r.name, by, "when", node),
                ReferenceKind::Variable | ReferenceKind::PlainVariable => {
                    self.use_of(FactKind::Variable, root, by, "when", node);
                }
                ReferenceKind::Trait | ReferenceKind::Command => {}
            }
        }
    }
}
