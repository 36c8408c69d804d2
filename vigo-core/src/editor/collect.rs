//! A file's text to its [`Index`].

use super::index::{CrateEntry, Index, Layer, Mark, Name, ResourceEntry, Sort, VarEntry};
use super::show::shortened;
use crate::config::{Case, Config, Configcrate, Include, Inclusion, Resource, Var};
use crate::limits::FILE_MARKS_MAX;
use crate::policy_test::{self, Case as Test};
use crate::resolve::static_name;
use crate::source::{Map, Node, NodeKind, Sources, Tree};
use crate::template::{Template, Use};
use crate::when::{Expr, ReferenceKind};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

/// What a file is, by its path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FileKind {
    /// Below `templates/`.
    Template,
    /// A policy test.
    Test,
    /// Any other `*.vgo`.
    Policy,
    /// Anything else: a data file, if some `vars_from` names it.
    Data,
}

impl FileKind {
    pub fn of(path: &str) -> Self {
        if path.starts_with("templates/") {
            Self::Template
        } else if path.ends_with(".test.vgo") {
            Self::Test
        } else if path.ends_with(".vgo") {
            Self::Policy
        } else {
            Self::Data
        }
    }
}

/// What the names of data files end with: what else lies in a tree is not read for names.
const DATA: [&str; 3] = [".yaml", ".yml", ".json"];

/// Reads the names of a file; `None` where some of it cannot be read.
pub(super) fn collect(path: &str, text: &str) -> Option<Index> {
    let mut collector = Collector { text, index: Index::default(), krate: None };
    match FileKind::of(path) {
        FileKind::Template => {
            let Ok(template) = Template::parse(text) else {
                return (!crate::template::has_template(text)).then(Index::default);
            };
            template.uses().iter().for_each(|u| collector.variable_in_template(u, |at| Some(at as u32)));
        }
        FileKind::Test => {
            let tree = Tree::from_texts([(path, text)]);
            let sources = Sources::read(&tree).with_tests(&tree);
            if sources.test_files().iter().any(|file| file.lost().next().is_some()) {
                return None;
            }
            policy_test::read(&sources).0.iter().for_each(|case| collector.test(case));
        }
        FileKind::Policy => {
            let sources = Sources::read(&Tree::from_texts([(path, text)]));
            if sources.lost().next().is_some() {
                return None;
            }
            collector.config(&Config::read(&sources));
        }
        FileKind::Data if !DATA.iter().any(|end| path.ends_with(end)) => {}
        FileKind::Data => {
            let block = format!("envoys:\n- match: x\n  vars_from:\n  - '{}'\n", path.replace('\'', "''"));
            let sources = Sources::read(&Tree::from_texts([(path, text), ("envoys.vgo", &*block)]));
            if sources.lost().next().is_some() {
                return None;
            }
            let config = Config::read(&sources);
            for (_, _, block) in config.blocks() {
                collector.vars(&block.vars_from, Layer::Data, path);
            }
        }
    }
    let mut index = collector.index;
    index.marks.sort_by_key(|m| (m.at.start, m.at.end));
    index.marks.dedup_by(|later, first| later.at == first.at && later.name == first.name && later.sort == first.sort);
    Some(index)
}

struct Collector<'t> {
    text: &'t str,
    index: Index,
    /// The crate in hand.
    krate: Option<u32>,
}

fn range(node: Node<'_>) -> Range<u32> {
    let span = node.span();
    span.start..span.end
}

impl Collector<'_> {
    fn mark(&mut self, at: Range<u32>, written: &str, name: Name, sort: Sort) {
        if self.index.marks.len() >= FILE_MARKS_MAX {
            return;
        }
        let exact = self.text.get(at.start as usize..at.end as usize) == Some(written);
        self.index.marks.push(Mark { at, exact, name, sort, krate: self.krate });
    }

    /// Marks a scalar that is a name from its byte `skip` on.
    fn mark_node(&mut self, node: Node<'_>, skip: usize, make: impl FnOnce(Arc<str>) -> Name, sort: Sort) {
        let text = node.text().unwrap_or_default();
        let written = text.get(skip..).unwrap_or_default();
        let span = node.part(skip, written.len());
        self.mark(span.start..span.end, written, make(text.into()), sort);
    }

    fn config(&mut self, config: &Config<'_>) {
        for krate in &config.crates {
            self.krate = Some(self.index.crates.len() as u32);
            self.configcrate(krate);
            self.krate = None;
        }
        for role in &config.roles {
            let by: Arc<str> = format!("role `{}`", role.name).into();
            self.mark_node(role.node, 0, Name::Role, Sort::Definition);
            self.index.others.push((role.name.into(), "role", range(role.node)));
            for include in &role.includes {
                self.mark_node(include.node, 0, Name::Role, Sort::Includes(by.clone()));
            }
            self.crates(&role.configcrates, &by);
            for arm in &role.case {
                self.crates(&arm.configcrates, &by);
                self.expression(arm.when.as_ref(), arm.node);
            }
        }
        for common in &config.commons {
            let by: Arc<str> = format!("`{}`", common.path).into();
            self.inclusion(&common.include, &by);
            self.vars(&common.vars, Layer::Common, &by);
        }
        for environment in config.environments.iter().flat_map(|f| &f.environments) {
            let by: Arc<str> = format!("environment `{}`", environment.name).into();
            self.mark_node(environment.key, 0, Name::Environment, Sort::Definition);
            self.index.others.push((environment.name.into(), "environment", range(environment.key)));
            self.inclusion(&environment.include, &by);
            self.vars(&environment.vars, Layer::Environment, &by);
        }
        for (_, _, block) in config.blocks() {
            let globs: Vec<&str> = block.patterns.iter().filter_map(|p| p.node.text()).collect();
            let globs = shortened(&globs.join(", "));
            let by: Arc<str> = format!("match block `{globs}`").into();
            self.index.others.push((globs.into(), "match block", range(block.node)));
            if let Some(node) = block.environment {
                self.mark_node(node, 0, Name::Environment, Sort::Use);
            }
            self.inclusion(&block.include, &by);
            self.vars(&block.vars, Layer::Block, &by);
        }
        for root in config.sources.policy_files().flat_map(|f| f.documents()).filter_map(Node::map) {
            self.data_files(root);
            let blocks = root.get("envoys").and_then(Node::list).into_iter().flatten();
            blocks.filter_map(Node::map).for_each(|block| self.data_files(block));
        }
    }

    /// Marks what a policy test names, as far as it names one thing by itself.
    fn test(&mut self, test: &Test<'_>) {
        let expect = &test.expect;
        for node in [test.environment, expect.environment].into_iter().flatten() {
            self.mark_node(node, 0, Name::Environment, Sort::Use);
        }
        let crates = &expect.configcrates;
        let exactly = crates.exactly.iter().flat_map(|(nodes, _)| nodes);
        for &node in crates.contains.iter().chain(exactly).chain(&crates.absent) {
            self.mark_node(node, user_prefix(node.text().unwrap_or_default()), Name::Crate, Sort::Use);
        }
        for resource in &expect.resources {
            let own = core::iter::once(&resource.node).filter(|node| node.text() == Some(resource.id));
            for &node in own.chain(&resource.depends_on).chain(&resource.notify) {
                self.mark_node(node, 0, Name::Reference, Sort::Use);
            }
        }
    }

    fn data_files(&mut self, map: Map<'_>) {
        let Some(node) = map.get("vars_from") else { return };
        match node.list() {
            Some(items) => {
                items.filter(|i| i.text().is_some()).for_each(|i| self.mark_node(i, 0, Name::File, Sort::Use));
            }
            None if node.text().is_some() => self.mark_node(node, 0, Name::File, Sort::Use),
            None => {}
        }
    }

    fn inclusion(&mut self, include: &Inclusion<'_>, by: &Arc<str>) {
        for role in &include.roles {
            self.mark_node(role.node, 0, Name::Role, Sort::Includes(by.clone()));
        }
        self.crates(&include.configcrates, by);
        for user in &include.usercrates {
            let known = |name: Arc<str>| Name::Crate(format!("user:{name}").into());
            self.mark_node(user.node, 0, known, Sort::Includes(by.clone()));
        }
        for out in &include.exclude {
            self.mark_node(out.node, user_prefix(out.name), Name::Crate, Sort::Excludes(by.clone()));
        }
    }

    fn crates(&mut self, includes: &[Include<'_>], by: &Arc<str>) {
        for include in includes {
            self.mark_node(include.node, user_prefix(include.name), Name::Crate, Sort::Includes(by.clone()));
        }
    }

    fn vars(&mut self, vars: &[Var<'_>], layer: Layer, by: &str) {
        for var in vars {
            self.mark_node(var.key, 0, Name::Variable, Sort::Definition);
            if self.index.vars.len() < FILE_MARKS_MAX {
                self.index.vars.push(VarEntry {
                    name: var.name.into(),
                    value: var.value.clone(),
                    layer,
                    by: by.into(),
                    krate: self.krate,
                    at: range(var.key),
                });
            }
        }
    }

    fn configcrate(&mut self, krate: &Configcrate<'_>) {
        let is_named = krate.name_node.span() != krate.node.span();
        let whole = range(krate.node);
        let comment = self.comment(whole.start as usize);
        self.index.crates.push(CrateEntry {
            name: krate.name.clone(),
            is_named,
            whole: whole.clone(),
            comment,
            resources: Vec::new(),
            templates: Vec::new(),
        });
        let name = Name::Crate(krate.name.clone());
        if is_named {
            let own = krate.name_node.text().unwrap_or_default();
            let span = krate.name_node.part(0, own.len());
            self.mark(span.start..span.end, own, name, Sort::Definition);
        } else {
            // The name is the file's: nothing in the text says it.
            self.mark(whole.start..whole.start, "\0", name, Sort::Definition);
        }
        for &node in krate.depends_on.iter().chain(&krate.before) {
            self.mark_node(node, 0, Name::CrateReference, Sort::Use);
        }
        if let Some((expr, node)) = &krate.when {
            self.expression(Some(expr), *node);
        }
        if let Some(node) = krate.foreach {
            self.path(node);
        }
        self.vars(&krate.vars, Layer::Crate, &format!("crate `{}`", krate.name));
        for one in &krate.overrides {
            self.mark_node(one.key, 0, Name::Environment, Sort::Use);
            let by = format!("crate `{}`, environment `{}`", krate.name, one.name);
            self.vars(&one.vars, Layer::Override, &by);
        }
        for resource in &krate.resources {
            self.resource(resource);
        }
        // Values of variables are data: no template in them is rendered.
        for entry in krate.node.map().into_iter().flat_map(Map::iter) {
            if !matches!(entry.name, "vars" | "environment_overrides" | "name" | "configcrate") {
                self.templates(entry.value);
            }
        }
    }

    fn resource(&mut self, resource: &Resource<'_>) {
        let name: Arc<str> = static_name(resource).into();
        let named = resource.name.filter(|n| n.text().is_some());
        let at = named.unwrap_or(resource.type_name);
        let entry = ResourceEntry {
            name: name.clone(),
            type_name: resource.type_name.text().unwrap_or_default().into(),
            at: range(at),
            whole: range(resource.node),
            is_named: named.is_some(),
        };
        if let Some(krate) = self.krate.and_then(|k| self.index.crates.get_mut(k as usize)) {
            krate.resources.push(entry);
        }
        match named {
            Some(node) => self.mark_node(node, 0, Name::Resource, Sort::Definition),
            None => {
                let span = range(at);
                self.mark(span.start..span.start, "\0", Name::Resource(name), Sort::Definition);
            }
        }
        let edges = resource.depends_on.iter().chain(&resource.before).chain(&resource.notify);
        for &node in edges.chain(&resource.subscribes) {
            self.mark_node(node, 0, Name::Reference, Sort::Use);
        }
        if let Some(node) = resource.foreach {
            self.path(node);
        }
        if let Some((expr, node)) = &resource.when {
            self.expression(Some(expr), *node);
        }
        if let Some(Case::Arms(arms)) = &resource.case {
            arms.iter().for_each(|arm| self.expression(arm.when.as_ref(), arm.node));
        }
        for entry in resource.attributes.iter().filter(|e| e.name == "source") {
            self.sources(entry.value);
        }
    }

    /// Marks the files below `templates/` that an attribute names.
    fn sources(&mut self, node: Node<'_>) {
        if let Some(items) = node.list() {
            return items.for_each(|item| self.sources(item));
        }
        let Some(path) = node.text().filter(|p| p.starts_with("templates/") && !p.contains("{{")) else { return };
        self.mark_node(node, 0, Name::File, Sort::Use);
        if let Some(krate) = self.krate.and_then(|k| self.index.crates.get_mut(k as usize)) {
            krate.templates.push(path.into());
        }
    }

    /// Marks the variable that a dotted path of `foreach` begins with.
    fn path(&mut self, node: Node<'_>) {
        let text = node.text().unwrap_or_default();
        let first = text.split('.').next().unwrap_or_default();
        if !matches!(first, "" | "Item" | "Each" | "Outer" | "Vars") && !text.contains("{{") {
            let span = node.part(0, first.len());
            self.mark(span.start..span.end, first, Name::Variable(first.into()), Sort::Use);
        }
    }

    fn expression(&mut self, expr: Option<&Expr>, node: Node<'_>) {
        for r in expr.map(Expr::references).unwrap_or_default() {
            let text = &*r.name;
            let (written, name) = match r.kind {
                ReferenceKind::Environment => (text, Name::Environment(text.into())),
                ReferenceKind::Role => (text, Name::Role(text.into())),
                ReferenceKind::Configcrate => {
                    (text.get(user_prefix(text)..).unwrap_or_default(), Name::Crate(text.into()))
                }
                ReferenceKind::Variable | ReferenceKind::PlainVariable => {
                    let first = text.split('.').next().unwrap_or_default();
                    (first, Name::Variable(first.into()))
                }
                ReferenceKind::Trait | ReferenceKind::Command => continue,
            };
            // The argument stands in quotes.
            let skip = 1 + text.len() - text.trim_start_matches("user:").len();
            let skip = if r.kind == ReferenceKind::Configcrate { skip } else { 1 };
            let span = node.part(r.at + skip, written.len());
            self.mark(span.start..span.end, written, name, Sort::Use);
        }
        self.templates(node);
    }

    /// Marks the variables in the templates of a node.
    fn templates(&mut self, node: Node<'_>) {
        match node.kind() {
            NodeKind::Scalar(text, _) if text.contains("{{") => self.template(node, text),
            NodeKind::Scalar(..) => {}
            NodeKind::List => node.list().into_iter().flatten().for_each(|item| self.templates(item)),
            NodeKind::Map(map) => map.iter().for_each(|e| self.templates(e.value)),
        }
    }

    fn template(&mut self, node: Node<'_>, text: &str) {
        if self.index.marks.len() >= FILE_MARKS_MAX {
            return;
        }
        let Ok(template) = Template::parse(text) else { return };
        let stretches = node.stretches();
        let place = |at: usize| {
            let number = stretches.partition_point(|(from, _)| *from <= at).checked_sub(1)?;
            let (from, span) = stretches.get(number)?;
            Some(span.start + (at - from) as u32).filter(|&at| at < span.end)
        };
        let whole = range(node);
        for u in template.uses() {
            if place(u.at).is_some() {
                self.variable_in_template(&u, place);
            } else if let ["Vars", name] = *u.path.as_slice() {
                // Quotes or folding stand between the text and what is written.
                self.mark(whole.clone(), "\0", Name::Variable(name.into()), Sort::Use);
            }
        }
    }

    fn variable_in_template(&mut self, u: &Use<'_>, place: impl Fn(usize) -> Option<u32>) {
        let (["Vars", name], Some(start)) = (u.path.as_slice(), place(u.at)) else { return };
        self.mark(start..start + name.len() as u32, name, Name::Variable((*name).into()), Sort::Use);
    }

    /// Returns the lines of comment right above the byte `at`, or at the head of the file.
    fn comment(&self, at: usize) -> String {
        let above = self.text.get(..at).unwrap_or_default();
        let mut lines: Vec<&str> =
            above.lines().rev().take_while(|l| l.trim_start().starts_with('#')).take(20).collect();
        lines.reverse();
        let lines: Vec<&str> = lines.iter().map(|l| l.trim_start().trim_start_matches('#').trim()).collect();
        lines.join("\n")
    }
}

/// Returns how long the `user:` is that a name begins with.
fn user_prefix(name: &str) -> usize {
    name.len() - name.strip_prefix("user:").unwrap_or(name).len()
}
