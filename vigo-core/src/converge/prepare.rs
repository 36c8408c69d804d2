//! The start of a run: templates are rendered, resources get their order.

use super::Converge;
use super::render::{Own, Renderer, Values};
use super::report::Outcome;
use super::rivals::{self, Rival};
use super::trigger::{Record, Triggers};
use crate::bundle::{Attribute, BundleResource, EdgeKind};
use crate::host::{Problem, ProblemKind, unsupported_type};
use crate::plan::{self, Graph, Reason};
use crate::resource::{self, Datum, Field, FieldValue, Fields, Footprint, Instance, Prepare, TypeDecl, custom};
use crate::template::{Field as Root, Scope};
use crate::value::Text;
use crate::when::{self, Decision, Expr, Tri};
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A resource of this run.
pub(super) struct Node {
    /// Index into the bundle's resources.
    pub(super) resource: u32,
    pub(super) decl: Option<&'static TypeDecl>,
    /// Rendered but for long texts.
    pub(super) fields: Option<Fields>,
    /// Whether a secret went into it.
    pub(super) has_secret: bool,
    pub(super) identity: Option<Arc<str>>,
    pub(super) footprint: Footprint,
    /// `when:`, decided by name, traits and clock as far as they go.
    pub(super) when: Option<Expr>,
    /// What keeps it from being run, found before its turn.
    pub(super) fault: Option<Box<Problem>>,
    /// Earlier resources for the same thing, with other wishes: whether both will run is not known before their turns.
    pub(super) rivals: Vec<(u32, Problem)>,
    /// Made early, for observations of all of a type together.
    pub(super) instance: Option<Box<dyn Instance>>,
    /// Whom a change of it triggers.
    pub(super) targets: Vec<Arc<str>>,
    pub(super) outcome: Option<Outcome>,
    /// In a plan: the nearest resource before it whose effects nobody can know, or that is not known itself.
    pub(super) doubt: Option<u32>,
    /// In a plan: some resource before it that would change.
    pub(super) moved: Option<u32>,
    /// In a plan: whether its own effects cannot be known.
    pub(super) unpredictable: bool,
}

/// What the run's resources have to do with each other.
pub(super) struct Arranged {
    pub(super) graph: Graph,
    pub(super) order: Vec<u32>,
    pub(super) triggers: Triggers,
    pub(super) records: Vec<Record>,
}

impl Node {
    fn new(resource: u32, decl: Option<&'static TypeDecl>, when: Option<Expr>) -> Self {
        Self {
            resource,
            decl,
            fields: None,
            has_secret: false,
            identity: None,
            footprint: Footprint::default(),
            when,
            fault: None,
            rivals: Vec::new(),
            instance: None,
            targets: Vec::new(),
            outcome: None,
            doubt: None,
            moved: None,
            unpredictable: false,
        }
    }

    /// Returns a resource that has failed before its turn.
    pub(super) fn faulty(resource: u32, fault: Problem) -> Self {
        Self { fault: Some(Box::new(fault)), ..Self::new(resource, None, None) }
    }
}

/// Finds edges and order of the resources that [`node`] made.
pub(super) fn arrange(run: &mut Converge) -> Arranged {
    let bundle = run.bundle.clone();
    // The nodes are in the order of their resources.
    let place = |nodes: &[Node], resource| nodes.binary_search_by_key(&resource, |n| n.resource).ok();
    let mut graph = Graph::new(run.nodes.len());
    let mut notified: BTreeSet<(u32, u32)> = BTreeSet::new();
    for edge in &bundle.edges {
        let Some(from) = place(&run.nodes, edge.from) else { continue };
        // Also one that this run leaves out is to be triggered, by a later one.
        if edge.kind == EdgeKind::Notifies
            && let Some(target) = bundle.resources.get(edge.to as usize)
            && let Some(source) = run.nodes.get_mut(from)
            && notified.insert((edge.from, edge.to))
        {
            source.targets.push(target.id.clone());
        }
        if let Some(to) = place(&run.nodes, edge.to) {
            graph.add(from as u32, to as u32, Reason::Written(edge.kind));
        }
    }
    imply(&bundle.resources, &run.nodes, &mut graph);
    let rank = |n: u32| {
        let index = run.nodes.get(n as usize).map_or(0, |n| n.resource);
        let r = bundle.resources.get(index as usize);
        (r.map_or(0, |r| r.krate), r.is_some_and(|r| r.handler), index)
    };
    let order = match graph.order(rank) {
        Ok(order) => order,
        Err(plan::Cycle(cycle)) => {
            // Publish refuses cycles; a bundle that has one all the same fails them and runs the rest.
            for &n in &cycle {
                if let Some(node) = run.nodes.get_mut(n as usize) {
                    node.fault = Some(Box::new(Problem::failed("it depends on itself, by way of others")));
                }
            }
            (0..run.nodes.len() as u32).collect()
        }
    };
    for Rival { node, earlier, problem, sure } in rivals::find(run, &order) {
        match run.nodes.get_mut(node as usize) {
            Some(node) if sure => node.fault = Some(Box::new(problem)),
            Some(node) => node.rivals.push((earlier, problem)),
            None => {}
        }
    }
    let known = match run.options.triggers.is_empty() {
        true => BTreeSet::new(),
        false => bundle.resources.iter().map(|r| &*r.id).collect(),
    };
    let (triggers, mut records) = Triggers::load(&run.options.triggers, &known);
    records.extend(run.unproved_for_good());
    Arranged { graph, order, triggers, records }
}

fn imply(resources: &[BundleResource], nodes: &[Node], graph: &mut Graph) {
    let known: Vec<plan::Node<'_>> = nodes
        .iter()
        .map(|n| {
            let krate = resources.get(n.resource as usize).map_or(0, |r| r.krate);
            let type_name = n.decl.map_or("", |d| d.name);
            plan::Node { type_name, krate, rank: n.resource, footprint: n.fields.is_some().then_some(&n.footprint) }
        })
        .collect();
    plan::imply(graph, &known);
}

pub(super) fn is_false(expr: Option<&Expr>) -> bool {
    matches!(expr, Some(Expr::False))
}

/// Renders a resource, as far as that is done before its turn.
pub(super) fn node(run: &Converge, index: u32) -> Node {
    let Some(resource) = run.bundle.resources.get(index as usize) else {
        return Node::faulty(index, Problem::failed("it is not part of the policy"));
    };
    let when = resource.when.as_ref().map(|w| run.fold(w));
    let mut node = Node::new(index, resource::find(&resource.type_name), when);
    let Some(decl) = node.decl else {
        let message = format!("this agent does not know the type `{}`", resource.type_name);
        let problem = Problem::new(ProblemKind::Evaluation, message).at(resource.place).help("update the agent");
        node.fault = Some(Box::new(problem));
        return node;
    };
    if decl.system_of(&resource.type_name).is_some_and(|system| system != run.host.name()) {
        let problem = unsupported_type(&resource.type_name, run.host.name(), &run.facts).at(resource.place);
        node.fault = Some(Box::new(problem));
        return node;
    }
    // What will not run is not rendered: its data may not exist on this machine.
    if is_false(run.gate_of(resource)) || is_false(node.when.as_ref()) {
        return node;
    }
    run.secrets.take_used();
    // What is observed together is made now, with its long texts.
    match run.fields(resource, decl, decl.batch) {
        Err(fault) => {
            // Its place in the order is known all the same.
            if fault.kind == ProblemKind::Secret
                && let Some(fields) = run.stand_in_fields(resource, decl, false)
            {
                node.identity = (decl.identity)(&fields);
                node.footprint = (decl.footprint)(&fields);
                node.fields = Some(fields);
            }
            node.fault = Some(Box::new(fault));
        }
        Ok(fields) => {
            node.identity = (decl.identity)(&fields);
            node.footprint = (decl.footprint)(&fields);
            if decl.batch {
                match run.instance(resource, &fields) {
                    Ok(instance) => node.instance = Some(instance),
                    Err(problem) => node.fault = Some(Box::new(problem)),
                }
            }
            node.fields = Some(fields);
        }
    }
    node.has_secret = run.secrets.take_used();
    node
}

impl Converge {
    /// Returns whether the run is about a resource.
    pub(super) fn is_chosen(&self, resource: &BundleResource) -> bool {
        self.options.only.is_empty() || self.options.only.iter().any(|only| resource.is_named(only))
    }

    /// Returns the gate of a resource's crate; `None` is true.
    pub(super) fn gate_of(&self, resource: &BundleResource) -> Option<&Expr> {
        self.gates.get(resource.krate as usize)?.expr.as_ref()
    }

    pub(super) fn fold(&self, expr: &Expr) -> Expr {
        when::fold_traits(expr, &self.options.envoy.hostname, &self.traits, &self.options.clock)
    }

    /// Renders and checks a resource's attributes; long texts only with `long`.
    pub(super) fn fields(
        &self,
        resource: &BundleResource,
        decl: &'static TypeDecl,
        long: bool,
    ) -> Result<Fields, Problem> {
        self.fields_with(self.values(), resource, decl, long)
    }

    /// Renders and checks a resource's attributes by these secrets.
    pub(super) fn fields_with(
        &self,
        values: Values<'_>,
        resource: &BundleResource,
        decl: &'static TypeDecl,
        long: bool,
    ) -> Result<Fields, Problem> {
        let own = Own::of(&self.bundle, resource, values.secrets);
        let renderer = self.renderer(resource, &own, values);
        let mask = &mut *values.mask.borrow_mut();
        let mut attributes = self.laid_over(resource, &renderer, mask)?;
        if attributes.iter().any(|a| a.is_default && !decl.states.iter().all(|state| decl.takes_in(&a.name, state))) {
            // A default is left out where the state does not take it; what is written there is refused.
            let state = attributes.iter().copied().find(|a| &*a.name == "state");
            let fields = renderer.fields(decl, state.as_slice(), long, mask).map_err(|p| p.at(resource.place))?;
            attributes.retain(|a| !a.is_default || decl.takes_in(&a.name, fields.state()));
        }
        let mut fields = renderer.fields(decl, &attributes, long, mask).map_err(|p| p.at(resource.place))?;
        if let Some(timeout) = resource.timeout.filter(|_| decl.attribute(custom::TIMEOUT).is_some()) {
            // What bounds the operations bounds the calls that only look, too: they are calls of the same script.
            fields.items.retain(|f| &*f.name != custom::TIMEOUT);
            let text = Text::plain(timeout.as_secs().clamp(1, 86_400).to_string());
            let value = FieldValue::Known(Datum::Scalar { text, plain: true });
            fields.items.push(Field { name: custom::TIMEOUT.into(), value, place: resource.place });
        }
        match resource::check(&fields).into_iter().next() {
            Some(problem) => Err(problem),
            None => Ok(fields),
        }
    }

    /// Returns the fields of one attribute alone.
    pub(super) fn rendered(
        &self,
        resource: &BundleResource,
        decl: &'static TypeDecl,
        attribute: &Attribute,
    ) -> Result<Fields, Problem> {
        let own = Own::of(&self.bundle, resource, &self.secrets);
        let renderer = self.renderer(resource, &own, self.values());
        let mask = &mut *self.mask.borrow_mut();
        renderer.fields(decl, &[attribute], true, mask).map_err(|p| p.at(resource.place))
    }

    /// Returns the values that secrets have in this run.
    pub(super) fn values(&self) -> Values<'_> {
        Values { secrets: &self.secrets, scopes: &self.scopes, mask: &self.mask }
    }

    fn renderer<'a>(&'a self, resource: &'a BundleResource, own: &'a Own, values: Values<'a>) -> Renderer<'a> {
        let scope = self.bundle.crates.get(resource.krate as usize).map_or(0, |c| c.scope);
        let mut data = Scope::new(values.secrets).with(Root::Traits, self.traits.value());
        data = data.with(Root::Envoy, &self.envoy);
        if let Some(vars) = values.scopes.get(scope as usize) {
            data = data.with(Root::Vars, vars);
        }
        Renderer { resource, secrets: values.secrets, scope: own.over(data) }
    }

    /// Lays the first true arm of a `case:` over the attributes.
    fn laid_over<'a>(
        &self,
        resource: &'a BundleResource,
        renderer: &Renderer<'_>,
        mask: &mut super::Mask,
    ) -> Result<Vec<&'a Attribute>, Problem> {
        let mut attributes: Vec<&Attribute> = resource.attributes.iter().collect();
        let mut lay = |set: &'a [Attribute]| {
            for a in set {
                match attributes.iter_mut().find(|old| old.name == a.name) {
                    Some(old) => *old = a,
                    None => attributes.push(a),
                }
            }
        };
        for arm in &resource.arms {
            let holds = match &arm.when {
                None => Tri::True,
                Some(expr) => match when::decide(&self.fold(expr), &|_| None) {
                    Decision::Decided(tri) => tri,
                    Decision::Look(look) => Tri::unknown(format!("`{look}` cannot stand in an arm")),
                },
            };
            match holds {
                Tri::False => {}
                Tri::True => {
                    lay(&arm.set);
                    break;
                }
                Tri::Unknown(why) => {
                    let problem = Problem::new(ProblemKind::Evaluation, String::from(&*why)).at(resource.place);
                    return Err(problem);
                }
            }
        }
        if let Some(selector) = &resource.selector {
            let word = renderer.scalar(&selector.on, mask)?;
            let arm = selector.arms.iter().find(|a| a.word.as_deref() == Some(word.as_str()));
            let default = || selector.arms.iter().find(|a| a.word.is_none());
            if let Some(arm) = arm.or_else(default) {
                lay(&arm.set);
            }
        }
        Ok(attributes)
    }

    /// Returns the text of a template file as the policy holds it.
    pub(super) fn shipped(&self, path: &str) -> Result<&str, Problem> {
        let blob = self.bundle.blobs.iter().find(|b| &*b.path == path);
        let blob = blob.ok_or_else(|| Problem::failed(format!("the policy does not hold `{path}`")))?;
        core::str::from_utf8(&blob.content)
            .map_err(|_| Problem::failed(format!("`{path}` is not UTF-8")).help("ship it with `render: false`"))
    }

    /// Renders the text of a template file for a resource.
    pub(super) fn rendered_file(&self, resource: &BundleResource, path: &str) -> Result<Text, Problem> {
        let own = Own::of(&self.bundle, resource, &self.secrets);
        let renderer = self.renderer(resource, &own, self.values());
        renderer.file(path, self.shipped(path)?, &mut self.mask.borrow_mut())
    }

    /// Makes the instance of a resource whose fields are all known.
    pub(super) fn instance(&self, resource: &BundleResource, fields: &Fields) -> Result<Box<dyn Instance>, Problem> {
        self.prepared(resource, |ctx| (fields.decl.prepare)(fields, ctx))
    }

    /// Makes an instance with what types need to be made.
    pub(super) fn prepared(
        &self,
        resource: &BundleResource,
        make: impl FnOnce(&Prepare<'_>) -> Result<Box<dyn Instance>, Problem>,
    ) -> Result<Box<dyn Instance>, Problem> {
        self.prepared_with(self.values(), resource, make)
    }

    /// Makes an instance by these secrets.
    pub(super) fn prepared_with(
        &self,
        values: Values<'_>,
        resource: &BundleResource,
        make: impl FnOnce(&Prepare<'_>) -> Result<Box<dyn Instance>, Problem>,
    ) -> Result<Box<dyn Instance>, Problem> {
        let own = Own::of(&self.bundle, resource, values.secrets);
        let renderer = self.renderer(resource, &own, values);
        let render = |path: &str| renderer.file(path, self.shipped(path)?, &mut values.mask.borrow_mut());
        let entropy = || self.entropy.borrow_mut().pop();
        let prepare = Prepare {
            host: self.host,
            facts: &self.facts,
            blobs: &self.bundle.blobs,
            render: &render,
            entropy: &entropy,
        };
        let instance = make(&prepare).map_err(|p| p.at(resource.place))?;
        instance.check(&self.facts)?;
        Ok(instance)
    }
}
