//! Crates and resources of a class, stamped, with their conditions folded.

use super::attributes::Attributes;
use super::class::Layers;
use super::crates::CrateSet;
use super::facts::{ClassFacts, CrateFacts};
use super::memory::Looked;
use super::names::WrittenNames;
use super::render::{self, PublishData};
use super::stamp::{self, Item};
use super::trace::ConditionTrace;
use super::vars::HostVars;
use crate::bundle::{BundleCrate, Stamp};
use crate::config::{Config, Configcrate, Resource};
use crate::diagnostic::{Code, Diagnostic};
use crate::limits;
use crate::resource::{self, TypeDecl};
use crate::source::Node;
use crate::value::Value;
use crate::when::{self, Expr};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use hashbrown::HashMap;

/// Types of other tools, with ours.
const FOREIGN_TYPES: &[(&str, &str)] = &[
    ("copy", "file"),
    ("template", "file"),
    ("lineinfile", "file_line"),
    ("link", "symlink"),
    ("ini_file", "ini"),
    ("apt", "package"),
    ("dnf", "package"),
    ("yum", "package"),
    ("pkg", "package"),
    ("yumrepo", "repository"),
    ("systemd", "service"),
    ("command", "exec"),
    ("shell", "exec"),
    ("cmd", "exec"),
    ("ssh_authorized_key", "authorized_key"),
];

/// A crate of the class, or one stamp of it.
pub(super) struct CrateInstance<'c, 'a> {
    pub krate: &'c Configcrate<'a>,
    pub item: Option<Item>,
    /// Index into the scopes.
    pub scope: usize,
    /// What is left of arm and gate.
    pub gate: Expr,
    /// Whether the gate could not be read, which is reported: it stands open then, so that what is behind it is checked.
    pub faulty: bool,
    /// Its resources, as indices of instances.
    pub resources: Vec<u32>,
    /// Its resources by name, and by the name without label.
    pub by_name: HashMap<Arc<str>, Vec<u32>>,
}

/// A resource of the class, or one stamp of it.
pub(super) struct Instance<'c, 'a> {
    pub resource: &'c Resource<'a>,
    /// Index into the crates.
    pub krate: usize,
    pub name: Arc<str>,
    pub id: Arc<str>,
    /// The type's name for the agent: the plain one, but as written where that is a name on one system alone.
    pub type_name: Arc<str>,
    pub decl: Option<&'static TypeDecl>,
    pub item: Option<Item>,
    pub when: Expr,
    pub handler: bool,
    /// Whether its name, type or condition could not be read, which is reported: something stands in for it then, so that
    /// the rest of it is checked.
    pub faulty: bool,
}

/// What a class consists of, before its edges.
pub(super) struct Instances<'c, 'a> {
    pub crates: Vec<CrateInstance<'c, 'a>>,
    pub all: Vec<Instance<'c, 'a>>,
    /// `.Vars` of each scope; the first is the host's.
    pub scopes: Vec<Value>,
    pub conditions: Vec<ConditionTrace>,
    pub written: WrittenNames,
    /// Indices of the crates by their plain name.
    pub by_crate: HashMap<Arc<str>, Vec<u32>>,
}

/// What the steps of one class share.
pub(super) struct Context<'c, 'a> {
    pub config: &'c Config<'a>,
    /// `None` for a crate that no host includes.
    pub layers: Option<&'c Layers<'c, 'a>>,
    pub set: &'c CrateSet<'c, 'a>,
    pub facts: &'c ClassFacts<'c>,
    pub diagnostics: Vec<Diagnostic>,
    /// What was looked at beside the crates of the class.
    pub looked: Looked,
}

impl<'c, 'a> Context<'c, 'a> {
    /// Begins with a class; without `layers` it is that of a crate that no host includes.
    pub fn new(
        config: &'c Config<'a>,
        layers: Option<&'c Layers<'c, 'a>>,
        set: &'c CrateSet<'c, 'a>,
        facts: &'c ClassFacts<'c>,
    ) -> Self {
        Self { config, layers, set, facts, diagnostics: Vec::new(), looked: Looked::default() }
    }

    /// Keeps `diagnostic`; not that a variable is missing where no host is there to define it.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        if self.layers.is_some() || diagnostic.code != Code::UndefinedVariable {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Returns whether there are so many mistakes that no more are sought.
    pub fn is_full(&self) -> bool {
        self.diagnostics.len() > limits::CLASS_ERRORS_MAX
    }
}

/// Stamps every crate of the set and its resources.
pub(super) fn instantiate<'c, 'a>(cx: &mut Context<'c, 'a>, vars: &mut HostVars) -> Instances<'c, 'a> {
    let host = Value::Map(Arc::new(vars.values.clone()));
    let mut out = Instances {
        crates: Vec::new(),
        all: Vec::new(),
        scopes: alloc::vec![host],
        conditions: Vec::new(),
        written: WrittenNames::default(),
        by_crate: HashMap::new(),
    };
    let set = cx.set;
    for member in &set.members {
        let krate = member.krate;
        let scope = match vars.with_crate(krate, cx.facts.environment) {
            Some(seen) => {
                out.scopes.push(Value::Map(Arc::new(seen)));
                out.scopes.len() - 1
            }
            None => 0,
        };
        let scope_vars = out.scopes.get(scope).cloned().unwrap_or_default();
        let condition = cx.facts.conditions.get(&krate.name).cloned().unwrap_or(Expr::True);
        let items = match krate.foreach {
            Some(node) if condition != Expr::False => match stamp::items(node, &scope_vars, None) {
                Ok(items) => items.into_iter().map(Some).collect(),
                Err(d) => {
                    cx.report(d);
                    Vec::new()
                }
            },
            _ => alloc::vec![None],
        };
        if items.is_empty() {
            // No stamps: one that holds nothing, so that references to the crate find it.
            out.crate_instance(krate, None, scope, Expr::False);
        }
        for item in items {
            let data = PublishData {
                vars: &scope_vars,
                item: item.as_ref().map(|i| &i.value),
                index: item.as_ref().map_or(0, |i| i.index),
                outer: None,
                user: krate.user,
            };
            let own = if condition == Expr::False { Some(Expr::False) } else { out.gate(cx, krate, &data) };
            let faulty = own.is_none();
            let gate = Expr::and([condition.clone(), own.unwrap_or(Expr::True)]);
            let instance = out.crate_instance(krate, item.clone(), scope, gate.clone());
            if gate == Expr::False {
                continue;
            }
            if let Some(instance) = out.crates.get_mut(instance) {
                instance.faulty = faulty;
            }
            for resource in &krate.resources {
                out.resource(cx, instance, resource, &scope_vars);
                if cx.is_full() {
                    return out;
                }
                if out.all.len() > limits::RESOURCES_MAX {
                    let message = format!("more than {} resources in one class", limits::RESOURCES_MAX);
                    let d = Diagnostic::new(Code::TooLarge, resource.node.span(), message);
                    cx.report(d.help(
                        "give a host less: shorten the lists of `foreach`, or part the hosts by more match blocks",
                    ));
                    return out;
                }
            }
        }
    }
    out
}

impl<'c, 'a> Instances<'c, 'a> {
    fn crate_instance(&mut self, krate: &'c Configcrate<'a>, item: Option<Item>, scope: usize, gate: Expr) -> usize {
        let (resources, by_name) = (Vec::new(), HashMap::new());
        let instance = CrateInstance { krate, item, scope, gate, faulty: false, resources, by_name };
        let index = self.crates.len();
        self.by_crate.entry(krate.name.clone()).or_default().push(index as u32);
        self.crates.push(instance);
        index
    }

    /// Returns what is left of the crate's own condition; `None` when it could not be read.
    fn gate(&mut self, cx: &mut Context<'c, 'a>, krate: &'c Configcrate<'a>, data: &PublishData<'_>) -> Option<Expr> {
        let Some((written, node)) = &krate.when else { return Some(Expr::True) };
        let own = folded(cx, written, *node, data)?;
        self.conditions.push(ConditionTrace {
            id: krate.name.clone(),
            written: node.text().unwrap_or_default().into(),
            residual: own.clone(),
            changed: false,
        });
        Some(own)
    }

    fn resource(&mut self, cx: &mut Context<'c, 'a>, krate: usize, resource: &'c Resource<'a>, vars: &Value) {
        let Some(instance) = self.crates.get(krate) else { return };
        let outer = instance.item.clone();
        let items = match resource.foreach {
            Some(node) => match stamp::items(node, vars, outer.as_ref().map(|i| &i.value)) {
                Ok(items) => items.into_iter().map(Some).collect(),
                Err(d) => return cx.report(d),
            },
            None => alloc::vec![None],
        };
        for item in items {
            self.stamp(cx, krate, resource, vars, outer.as_ref(), item);
        }
    }

    fn stamp(
        &mut self,
        cx: &mut Context<'c, 'a>,
        krate: usize,
        resource: &'c Resource<'a>,
        vars: &Value,
        outer: Option<&Item>,
        item: Option<Item>,
    ) {
        let Some(instance) = self.crates.get_mut(krate) else { return };
        // Without a `foreach` of its own a resource of a stamped crate sees the crate's item as its own.
        let shown = item.as_ref().or(outer);
        let data = PublishData {
            vars,
            item: shown.map(|i| &i.value),
            index: shown.map_or(0, |i| i.index),
            outer: outer.map(|i| &i.value),
            user: instance.krate.user,
        };
        let mut faulty = instance.faulty;
        let type_name = render::text(resource.type_name, "type", &data).unwrap_or_else(|d| {
            cx.report(d);
            faulty = true;
            Cow::Borrowed("")
        });
        let ours = resource::find(&type_name);
        let decl = ours.or_else(|| cx.config.type_of(&type_name));
        if decl.is_none() && !type_name.is_empty() {
            let word = type_name.escape_debug();
            let message = format!("unknown resource type `{word}`");
            let d = Diagnostic::new(Code::UnknownType, resource.type_name.span(), message);
            cx.report(match FOREIGN_TYPES.iter().find(|(theirs, _)| *theirs == type_name) {
                Some((_, ours)) => d.help(format!("write `type: {ours}`")),
                None => {
                    let d = d.did_you_mean(&type_name, resource::types().iter().map(|t| t.name));
                    let script = format!("for a script of the machine, write `type: custom` and `script: {word}`");
                    if d.help.is_empty() { d.help(script) } else { d }
                }
            });
        }
        let mut nameless = false;
        let (base, is_templated) = match resource.name {
            Some(node) => match render::text(node, "name", &data) {
                Ok(text) => (text.into_owned(), node.text().is_some_and(|t| t.contains("{{"))),
                Err(d) => {
                    cx.report(d);
                    (faulty, nameless) = (true, true);
                    (String::new(), true)
                }
            },
            None => {
                let shown = ours.map_or(&*type_name, |d| d.name);
                super::attributes::default_name(resource, shown, ours, &data)
            }
        };
        let plain = decl.map_or(&*type_name, |d| d.name);
        let bound = decl.is_some_and(|d| d.system_of(&type_name).is_some());
        let bundled: Arc<str> = if bound { (&*type_name).into() } else { plain.into() };
        if let Some(d) = resource.name.filter(|_| !nameless).and_then(|node| bad_name(node, &base)) {
            return cx.report(d);
        }
        let base: Arc<str> = base.into();
        let name: Arc<str> = match &item {
            Some(item) if !is_templated => format!("{base}[{}]", item.label).into(),
            _ => base.clone(),
        };
        let attributes = Attributes::of(instance.krate, resource, decl);
        let (changed, when) = match &resource.when {
            None => (false, Expr::True),
            Some((written, node)) => {
                let (changed, rest) = when::split_changed(written);
                let when = rest.map_or(Some(Expr::True), |rest| folded(cx, &rest, *node, &data));
                faulty |= when.is_none();
                (changed, when.unwrap_or(Expr::True))
            }
        };
        let Some(instance) = self.crates.get_mut(krate) else { return };
        let handler = changed || (!resource.subscribes.is_empty() && attributes.acts_always(plain));
        let index = self.all.len() as u32;
        if !nameless
            && let Some(earlier) = instance.by_name.get(&name).and_then(|all| all.first())
            && let Some(earlier) = self.all.get(*earlier as usize)
            && (earlier.name == name)
        {
            let at = |r: &Resource<'_>| r.name.unwrap_or(r.node).span();
            let message = format!("two resources of crate `{}` are called `{name}`", instance.krate.name);
            let mut d = Diagnostic::new(Code::DuplicateName, at(resource), message).at("again here");
            if !core::ptr::eq(resource, earlier.resource) {
                d = d.label(at(earlier.resource), "first here");
            }
            return cx.report(d.help("give each a `name` of its own"));
        }
        instance.resources.push(index);
        if !nameless {
            instance.by_name.entry(name.clone()).or_default().push(index);
        }
        if base != name {
            instance.by_name.entry(base).or_default().push(index);
        }
        let id: Arc<str> = format!("{}/{name}", instance.name()).into();
        if let Some((_, node)) = &resource.when {
            self.conditions.push(ConditionTrace {
                id: id.clone(),
                written: node.text().unwrap_or_default().to_string(),
                residual: when.clone(),
                changed,
            });
        }
        self.all.push(Instance { resource, krate, name, id, type_name: bundled, decl, item, when, handler, faulty });
    }
}

impl CrateInstance<'_, '_> {
    /// Returns `nginx`, or `nginx[label]`.
    pub fn name(&self) -> Arc<str> {
        match &self.item {
            Some(item) => format!("{}[{}]", self.krate.name, item.label).into(),
            None => self.krate.name.clone(),
        }
    }

    /// Returns whether nothing of it is left for an agent.
    pub fn is_empty(&self) -> bool {
        self.gate == Expr::False || self.resources.is_empty()
    }

    /// Returns it as a bundle has it.
    pub fn bundled(&self) -> BundleCrate {
        BundleCrate {
            name: self.name(),
            gate: (self.gate != Expr::True).then(|| self.gate.clone()),
            scope: self.scope as u32,
            user: self.krate.user.map(Arc::from),
        }
    }
}

impl Instance<'_, '_> {
    /// Returns the data of the `foreach` that it came from.
    pub fn stamp(&self, krate: &CrateInstance<'_, '_>) -> Option<Stamp> {
        let shown = self.item.as_ref().or(krate.item.as_ref())?;
        let outer = krate.item.as_ref().map(|i| i.value.clone());
        Some(Stamp { item: shown.value.clone(), index: shown.index, outer })
    }
}

/// Renders the templates of an expression and folds what the server knows; `None` when that failed.
pub(super) fn folded(cx: &mut Context<'_, '_>, expr: &Expr, node: Node<'_>, data: &PublishData<'_>) -> Option<Expr> {
    let rendered;
    let expr = if expr.has_templates() {
        match expr.render(&mut |source| render::template_value(source, data)) {
            Ok(done) => {
                rendered = done;
                &rendered
            }
            // No host is there to define the variables.
            Err(_) if cx.layers.is_none() => return Some(Expr::True),
            Err(errors) => {
                errors.into_iter().for_each(|e| cx.report(condition_error(node, e, data)));
                return None;
            }
        }
    } else {
        expr
    };
    for r in expr.references() {
        if r.kind == when::ReferenceKind::PlainVariable
            && let Some(value) = data.vars.at(&r.name)
            && has_secret(value)
        {
            let message = format!("variable `{}` holds a secret, which `var_is` cannot compare", r.name);
            cx.report(Diagnostic::new(Code::SecretMisplaced, node.part(r.at, r.len), message));
            return None;
        }
    }
    Some(when::fold(expr, &CrateFacts { class: cx.facts, vars: data.vars }))
}

/// Returns the diagnostic of a mistake in an expression whose templates were rendered.
fn condition_error(node: Node<'_>, e: when::WhenError, data: &PublishData<'_>) -> Diagnostic {
    let missed = e.message.strip_prefix(render::UNDEFINED).and_then(|rest| rest.split('`').nth(1)).map(String::from);
    let d = crate::config::when_error(node, e);
    let Some(name) = missed else { return d };
    let known = data.vars.as_map().into_iter().flat_map(|m| m.keys()).map(|k| &**k);
    Diagnostic { code: Code::UndefinedVariable, ..d.help(render::where_defined(&name, known)).about(name) }
}

fn has_secret(value: &Value) -> bool {
    let mut found = alloc::collections::BTreeSet::new();
    crate::secret::paths(value, &mut found);
    !found.is_empty()
}

/// Refuses a name that references could not be told from.
fn bad_name(node: Node<'_>, name: &str) -> Option<Diagnostic> {
    if name.is_empty() {
        return Some(Diagnostic::new(Code::InvalidName, node.span(), "the name of this resource is empty"));
    }
    let bad = name.chars().find(|c| matches!(c, '*' | '[' | ']') || c.is_control())?;
    let message = format!("the name `{}` holds `{}`", name.escape_debug(), bad.escape_debug());
    Some(
        Diagnostic::new(Code::InvalidName, node.span(), message).help("leave `*`, `[`, `]` and control characters out"),
    )
}
