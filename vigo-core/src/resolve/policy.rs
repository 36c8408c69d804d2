//! One class, resolved.

use super::attributes::{Attributes, Lowering};
use super::class::{self, Class, Layers};
use super::crates::{self, CrateSet};
use super::edges::{self, WrittenEdge};
use super::facts::{ClassFacts, CrateFacts};
use super::instances::{self, Context, CrateInstance, Instance, Instances};
use super::memory::Looked;
use super::render::PublishData;
use super::trace::{CrateTrace, Setting, Trace};
use super::vars::{self, HostVars};
use super::{contract, cycle, targets, templates};
use crate::bundle::{Arm, Attribute, Blob, BundleResource, Edge, PolicyBundle, Raw, Selector, SelectorArm, Stamp};
use crate::config::{Attempts, Case, CaseArm, Config, Configcrate, Resource};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::limits;
use crate::secret;
use crate::source::{Entry, TreeFile};
use crate::time::Duration;
use crate::value::Value;
use crate::when::{self, Expr};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use hashbrown::HashMap;

/// What a host of one class gets, and why.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The class.
    pub class: Class,
    /// Its policy.
    pub bundle: PolicyBundle,
    /// Why it is so.
    pub trace: Trace,
    /// Changes are reported, not made.
    pub observe_only: bool,
    /// `always_hold` of the block.
    pub always_hold: bool,
    /// What is doubtful about this class; the tree's own warnings are in [`Config::diagnostics`].
    pub warnings: Vec<Diagnostic>,
}

/// The template files that travel, and whether some resource renders them.
type Shipped = BTreeMap<Arc<str>, bool>;

const RETRY_DELAY: Duration = Duration::from_secs(5);

/// Resolves the policy of `hostname`; `environment` stands for the one that its match block names.
///
/// # Errors
/// Every error of the tree, or of this class.
pub fn resolve(config: &Config<'_>, hostname: &str, environment: Option<&str>) -> Result<Resolved, Vec<Diagnostic>> {
    if config.has_errors() {
        return Err(config.diagnostics.clone());
    }
    let layers = class::select(config, hostname, environment).map_err(|d| alloc::vec![d])?;
    let look = Look { validate: None, resolve: true };
    let (resolved, diagnostics, _) = of_class(config, &layers, &crates::collect(config, &layers), look);
    let Some(mut resolved) = resolved else { return Err(diagnostics) };
    resolved.trace.match_files = config.match_files.iter().map(|f| f.path.into()).collect();
    Ok(Resolved { warnings: diagnostics, ..resolved })
}

/// What is wanted of a class.
pub(super) struct Look<'t> {
    /// Validate it too: names in templates, targets.
    pub validate: Option<&'t mut templates::Cache>,
    /// Make its policy.
    pub resolve: bool,
}

/// Resolves one class: the policy, if it is wanted and unless there is an error, and everything that is wrong or doubtful.
/// What is the same for every class ([`Trace::match_files`]) is left out.
pub(super) fn of_class<'c, 'a>(
    config: &'c Config<'a>,
    layers: &Layers<'c, 'a>,
    set: &CrateSet<'c, 'a>,
    look: Look<'_>,
) -> (Option<Resolved>, Vec<Diagnostic>, Looked) {
    let facts = facts(set, layers.environment);
    let mut vars = vars::host(layers);
    let mut cx = Context::new(config, Some(layers), set, &facts);
    let resolve = look.resolve;
    let (bundle, conditions) = policy(&mut cx, &mut vars, look);
    let Context { diagnostics, looked, .. } = cx;
    if !resolve || diagnostics.iter().any(|d| d.severity() == Severity::Error) {
        return (None, diagnostics, looked);
    }
    let trace = Trace {
        match_files: Vec::new(),
        block: Setting::at("block", layers.block.node),
        pattern: layers.pattern.into(),
        crates: set.members.iter().map(|m| crate_trace(m, &facts)).collect(),
        excluded: set.excluded.clone(),
        variables: vars.into_traces(),
        conditions,
    };
    let class = Class {
        file: layers.file.path.into(),
        block: layers.index + 1,
        environment: layers.environment.map(Arc::from),
    };
    let resolved = Resolved {
        class,
        bundle,
        trace,
        observe_only: layers.block.observe_only,
        always_hold: layers.block.always_hold,
        warnings: Vec::new(),
    };
    (Some(resolved), diagnostics, looked)
}

/// Resolves the set of a crate that no host includes, as far as that can be done; returns what is wrong with it.
pub(super) fn of_crate<'c, 'a>(
    config: &'c Config<'a>,
    set: &CrateSet<'c, 'a>,
    cache: &mut templates::Cache,
) -> (Vec<Diagnostic>, Looked) {
    let facts = facts(set, None);
    let mut cx = Context::new(config, None, set, &facts);
    let look = Look { validate: Some(cache), resolve: false };
    policy(&mut cx, &mut HostVars::none(), look);
    (cx.diagnostics, cx.looked)
}

fn crate_trace(member: &crates::Member<'_, '_>, facts: &ClassFacts<'_>) -> CrateTrace {
    CrateTrace {
        name: member.krate.name.clone(),
        reasons: member.reasons.clone(),
        condition: facts.conditions.get(&member.krate.name).cloned().unwrap_or(Expr::True),
    }
}

/// Folds the conditions of the arms, so that every other condition can ask for them.
pub(super) fn facts<'c>(set: &CrateSet<'c, '_>, environment: Option<&'c str>) -> ClassFacts<'c> {
    let mut facts = ClassFacts { environment, roles: set.roles.clone(), conditions: HashMap::new() };
    let none = Value::map::<&str>([]);
    let fold = |e: &Expr| when::fold(e, &CrateFacts { class: &facts, vars: &none });
    let conditions = set.members.iter().map(|m| (m.krate.name.clone(), fold(&m.condition))).collect();
    facts.conditions = conditions;
    facts
}

fn policy<'c, 'a>(
    cx: &mut Context<'c, 'a>,
    vars: &mut HostVars,
    look: Look<'_>,
) -> (PolicyBundle, Vec<super::ConditionTrace>) {
    let mut instances = instances::instantiate(cx, vars);
    if cx.is_full() {
        return Default::default();
    }
    if let Some(cache) = look.validate {
        templates::check(cx, &instances, cache);
        targets::check(cx, &instances);
    }
    let written = edges::collect(cx, &instances);
    let gone = |i: &Instance<'_, '_>| i.when == Expr::False;
    // Behind the resources stand the places of crates; those that are needed hold nothing.
    let mut dropped: Vec<bool> = instances.all.iter().map(gone).collect();
    dropped.resize(instances.all.len() + instances.crates.len(), true);
    let Some(edges) = contract::contract(written, &dropped) else {
        let span = cx.layers.map_or(crate::diagnostic::Span::NONE, |l| l.block.node.span());
        let message = format!("more than {} edges in one class", limits::EDGES_MAX);
        cx.report(Diagnostic::new(Code::TooLarge, span, message));
        return Default::default();
    };
    for d in cycle::find(&instances, &edges) {
        cx.report(d);
    }
    if !look.resolve {
        check_arms(cx, &instances);
        return Default::default();
    }
    let conditions = core::mem::take(&mut instances.conditions);
    (assemble(cx, &instances, &edges), conditions)
}

/// Puts the bundle together: crates in order, in each the steady resources before the handlers.
fn assemble<'a>(cx: &mut Context<'_, 'a>, instances: &Instances<'_, 'a>, edges: &[WrittenEdge<'a>]) -> PolicyBundle {
    let mut bundle = PolicyBundle::default();
    let mut lowering = Lowering::default();
    let mut scopes: HashMap<usize, u32> = HashMap::new();
    let mut place: Vec<Option<u32>> = alloc::vec![None; instances.all.len()];
    let mut shipped = Shipped::new();
    for krate in instances.crates.iter().filter(|c| !c.is_empty()) {
        let kept: Vec<(u32, &Instance<'_, 'a>)> = krate
            .resources
            .iter()
            .filter_map(|&i| Some((i, instances.all.get(i as usize)?)))
            .filter(|(_, r)| r.when != Expr::False)
            .collect();
        if kept.is_empty() {
            continue;
        }
        let next = scopes.len() as u32;
        let scope = *scopes.entry(krate.scope).or_insert(next);
        if scope == next {
            let vars = instances.scopes.get(krate.scope).cloned().unwrap_or_default();
            secret::paths(&vars, &mut lowering.secrets);
            bundle.scopes.push(vars);
        }
        let index = bundle.crates.len() as u32;
        bundle.crates.push(crate::bundle::BundleCrate { scope, ..krate.bundled() });
        let steady = kept.iter().filter(|(_, r)| !r.handler);
        for &(i, r) in steady.chain(kept.iter().filter(|(_, r)| r.handler)) {
            if let Some(slot) = place.get_mut(i as usize) {
                *slot = Some(bundle.resources.len() as u32);
            }
            let vars = instances.scopes.get(krate.scope).cloned().unwrap_or_default();
            let resource = lower(cx, &mut lowering, krate, r, index, &vars, &mut shipped);
            bundle.resources.push(resource);
        }
    }
    let at = |i: u32| place.get(i as usize).copied().flatten();
    let moved = edges.iter().filter_map(|e| Some(Edge { from: at(e.from)?, to: at(e.to)?, kind: e.kind }));
    bundle.edges = moved.collect();
    bundle.edges.sort_unstable();
    bundle.blobs = blobs(cx.config, &shipped, &mut lowering);
    bundle.files = lowering.files;
    bundle.secret_refs = lowering.secrets.into_iter().collect();
    bundle
}

fn lower<'a>(
    cx: &mut Context<'_, 'a>,
    lowering: &mut Lowering<'a>,
    krate: &CrateInstance<'_, 'a>,
    instance: &Instance<'_, 'a>,
    index: u32,
    vars: &Value,
    shipped: &mut Shipped,
) -> BundleResource {
    let r = instance.resource;
    let decl = instance.decl;
    let mut attributes = Attributes::of(krate.krate, r, decl);
    let stamp = instance.stamp(krate);
    let data = published(krate, stamp.as_ref(), vars);
    let (mut arms, mut selector) = (Vec::new(), None);
    match &r.case {
        None => {}
        Some(Case::Match(on, table)) => {
            let arm = |lowering: &mut Lowering<'a>, word, set: &[Entry<'a>]| SelectorArm {
                word,
                set: lower_set(lowering, decl, set),
            };
            let all = table.iter().map(|a| arm(lowering, a.word.map(Arc::from), &a.set)).collect();
            selector = Some(Selector { on: lowering.scalar(*on), arms: all });
        }
        Some(Case::Arms(table)) => {
            for (when, set) in left_arms(cx, table, &data) {
                match when {
                    // The first arm that is left is true: it is laid over here and now.
                    Expr::True if arms.is_empty() => attributes.lay(decl, set),
                    Expr::True => arms.push(Arm { when: None, set: lower_set(lowering, decl, set) }),
                    when => arms.push(Arm { when: Some(when), set: lower_set(lowering, decl, set) }),
                }
            }
        }
    }
    if arms.is_empty() && selector.is_none() {
        attributes = attributes.settled(decl);
    }
    let rendered = decl.is_some_and(|d| super::written::is_rendered(&attributes, d));
    let lowered = attributes
        .entries
        .iter()
        .map(|(name, e)| Attribute { is_default: attributes.is_default(name), ..lowering.attribute(name, *e) });
    let attributes: Vec<Attribute> = lowered.collect();
    let laid = arms.iter().flat_map(|a| &a.set).chain(selector.iter().flat_map(|s| s.arms.iter().flat_map(|a| &a.set)));
    for a in attributes.iter().chain(laid) {
        ship(cx.config, a, rendered && &*a.name == "source", shipped);
    }
    let attempts = attempts(krate.krate, r);
    BundleResource {
        id: instance.id.clone(),
        krate: index,
        type_name: instance.type_name.clone(),
        attributes,
        arms,
        selector: selector.map(Box::new),
        when: (instance.when != Expr::True).then(|| instance.when.clone()),
        handler: instance.handler,
        stamp: stamp.map(Box::new),
        retries: attempts.retries.unwrap_or(0),
        retry_delay: attempts.retry_delay.unwrap_or(RETRY_DELAY),
        timeout: attempts.timeout,
        revert: r.revert,
        on_revert: r.on_revert.map(|e| Box::new(lowering.attribute("on_revert", e))),
        place: lowering.place(r.node),
    }
}

/// Returns what the templates of a resource see at publish.
fn published<'s>(krate: &'s CrateInstance<'_, '_>, stamp: Option<&'s Stamp>, vars: &'s Value) -> PublishData<'s> {
    PublishData {
        vars,
        item: stamp.map(|s| &s.item),
        index: stamp.map_or(0, |s| s.index),
        outer: stamp.and_then(|s| s.outer.as_ref()),
        user: krate.krate.user,
    }
}

/// Returns the arms that may be laid over a resource of this class, up to the first that is true.
fn left_arms<'t, 'a>(
    cx: &mut Context<'_, 'a>,
    table: &'t [CaseArm<'a>],
    data: &PublishData<'_>,
) -> Vec<(Expr, &'t [Entry<'a>])> {
    let mut left = Vec::new();
    for arm in table {
        let when = match &arm.when {
            None => Some(Expr::True),
            Some(when) => instances::folded(cx, when, arm.node, data),
        };
        match when {
            None | Some(Expr::False) => {}
            Some(Expr::True) => {
                left.push((Expr::True, &*arm.set));
                break;
            }
            Some(when) => left.push((when, &*arm.set)),
        }
    }
    left
}

/// Checks the conditions of arms.
fn check_arms<'a>(cx: &mut Context<'_, 'a>, instances: &Instances<'_, 'a>) {
    for instance in instances.all.iter().filter(|i| i.when != Expr::False) {
        let Some(Case::Arms(table)) = &instance.resource.case else { continue };
        let Some(krate) = instances.crates.get(instance.krate) else { continue };
        let Some(vars) = instances.scopes.get(krate.scope) else { continue };
        let stamp = instance.stamp(krate);
        left_arms(cx, table, &published(krate, stamp.as_ref(), vars));
    }
}

fn lower_set<'a>(
    lowering: &mut Lowering<'a>,
    decl: Option<&'static crate::resource::TypeDecl>,
    set: &[Entry<'a>],
) -> Vec<Attribute> {
    let mut laid = Attributes::default();
    laid.lay(decl, set);
    laid.entries.iter().map(|(name, e)| lowering.attribute(name, *e)).collect()
}

/// Returns the resource's attempts, or its crate's defaults.
fn attempts(krate: &Configcrate<'_>, r: &Resource<'_>) -> Attempts {
    let default = krate.defaults.attempts;
    Attempts {
        retries: r.attempts.retries.or(default.retries),
        retry_delay: r.attempts.retry_delay.or(default.retry_delay),
        timeout: r.attempts.timeout.or(default.timeout),
    }
}

/// Adds the template files that an attribute names: the file, or all below the folder; where a template stands in the
/// name, all that it may name.
fn ship(config: &Config<'_>, attribute: &Attribute, rendered: bool, into: &mut Shipped) {
    let mut add = |raw: &Raw| {
        let Raw::Scalar(scalar) = raw else { return };
        if !scalar.text.starts_with("templates/") || scalar.text.contains('\n') {
            return;
        }
        let literal = scalar.text.split("{{").next().unwrap_or_default();
        let mut take = |(file, _): &(TreeFile, _)| *into.entry(file.path.clone()).or_default() |= rendered;
        match scalar.templated {
            true => config.sources.templates_from(literal).for_each(&mut take),
            false => config.sources.templates_named(literal).for_each(&mut take),
        }
    };
    match &attribute.value {
        Raw::List(items) => items.iter().for_each(&mut add),
        other => add(other),
    }
}

fn blobs(config: &Config<'_>, shipped: &Shipped, lowering: &mut Lowering<'_>) -> Vec<Blob> {
    let mut blobs = Vec::with_capacity(shipped.len());
    for (file, _) in config.sources.templates() {
        let Some(&rendered) = shipped.get(&file.path) else { continue };
        if rendered && let Ok(text) = core::str::from_utf8(&file.bytes) {
            lowering.secrets.extend(secret::find(text).iter().map(|r| Arc::from(r.path)));
            secret::in_template(text, &mut lowering.secrets);
        }
        blobs.push(Blob { path: file.path.clone(), content: file.bytes.clone(), executable: file.executable });
    }
    blobs
}
