//! Edges between the resources of a class, as written.

use super::crates;
use super::instances::{Context, Instances};
use super::names::Target;
use super::render::{self, PublishData};
use crate::bundle::EdgeKind;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::limits;
use crate::resource::{self, Refresh};
use crate::source::Node;
use crate::value::Value;
use alloc::format;
use alloc::vec::Vec;

/// An edge, and where it is written.
///
/// Ends are instances; `instances + k` is the place of crate `k` where it holds nothing.
#[derive(Clone, Copy)]
pub(super) struct WrittenEdge<'a> {
    pub from: u32,
    pub to: u32,
    pub kind: EdgeKind,
    pub node: Node<'a>,
}

/// Which key a reference stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    DependsOn,
    Before,
    Notify,
    Subscribes,
}

impl Key {
    fn name(self) -> &'static str {
        match self {
            Self::DependsOn => "depends_on",
            Self::Before => "before",
            Self::Notify => "notify",
            Self::Subscribes => "subscribes",
        }
    }
}

/// Collects the edges of all resources and crates.
pub(super) fn collect<'a>(cx: &mut Context<'_, 'a>, instances: &Instances<'_, 'a>) -> Vec<WrittenEdge<'a>> {
    let mut edges = Edges { instances, all: Vec::new(), compared: 0 };
    for (k, krate) in instances.crates.iter().enumerate() {
        let vars = instances.scopes.get(krate.scope).cloned().unwrap_or_default();
        for (key, nodes) in [(Key::DependsOn, &krate.krate.depends_on), (Key::Before, &krate.krate.before)] {
            for &node in nodes {
                edges.of_crate(cx, k, key, node, &vars);
            }
        }
        for &i in &krate.resources {
            let Some(instance) = instances.all.get(i as usize) else { continue };
            let r = instance.resource;
            let keys = [
                (Key::DependsOn, &r.depends_on),
                (Key::Before, &r.before),
                (Key::Notify, &r.notify),
                (Key::Subscribes, &r.subscribes),
            ];
            for (key, nodes) in keys {
                for &node in nodes {
                    edges.of_resource(cx, i, key, node, &vars);
                }
            }
            if edges.compared > limits::PATTERN_STEPS_MAX {
                let message =
                    format!("the references with `*` are compared with more than {} names", limits::PATTERN_STEPS_MAX);
                let d = Diagnostic::new(Code::TooLarge, r.node.span(), message);
                cx.report(d.help("name single resources, or use fewer patterns"));
                return Vec::new();
            }
            if cx.is_full() {
                return Vec::new();
            }
            if edges.all.len() > limits::EDGES_MAX {
                let message = format!("more than {} edges in one class", limits::EDGES_MAX);
                let d = Diagnostic::new(Code::TooLarge, r.node.span(), message);
                cx.report(d.help("refer to single resources where two large crates refer to each other as a whole"));
                return Vec::new();
            }
        }
    }
    edges.all
}

struct Edges<'i, 'c, 'a> {
    instances: &'i Instances<'c, 'a>,
    all: Vec<WrittenEdge<'a>>,
    /// Names that patterns were compared with.
    compared: usize,
}

impl<'a> Edges<'_, '_, 'a> {
    fn of_crate(&mut self, cx: &mut Context<'_, 'a>, own: usize, key: Key, node: Node<'a>, vars: &Value) {
        let Some(krate) = self.instances.crates.get(own) else { return };
        let data = PublishData {
            vars,
            item: krate.item.as_ref().map(|i| &i.value),
            index: krate.item.as_ref().map_or(0, |i| i.index),
            outer: None,
            user: krate.krate.user,
        };
        let text = match render::text(node, key.name(), &data) {
            Ok(text) => text,
            Err(d) => return cx.report(d),
        };
        // That a plain name is no crate's was said when the tree was read.
        let written = node.text().unwrap_or_default();
        let base = written.split_once('[').map_or(written, |(base, _)| base);
        if !written.contains("{{") && !written.contains('*') && cx.config.configcrate(base).is_none() {
            cx.looked.at_tree = true;
            return;
        }
        // Only crates can be meant here: look from outside of any crate.
        let crates = match self.instances.target(cx.config, &text, usize::MAX) {
            Target::Here { crates, .. } => crates,
            other => return self.absent(cx, other, key, node, &text),
        };
        for other in crates.into_iter().filter(|&o| o as usize != own) {
            let (first, second) = if key == Key::Before { (own as u32, other) } else { (other, own as u32) };
            // What comes second comes after as a whole, its handlers too.
            let firsts = self.steady(first);
            let seconds = self.everything(second);
            self.product(&firsts, &seconds, EdgeKind::Requires, node);
        }
    }

    fn of_resource(&mut self, cx: &mut Context<'_, 'a>, own: u32, key: Key, node: Node<'a>, vars: &Value) {
        let Some(instance) = self.instances.all.get(own as usize) else { return };
        let Some(krate) = self.instances.crates.get(instance.krate) else { return };
        let shown = instance.item.as_ref().or(krate.item.as_ref());
        let data = PublishData {
            vars,
            item: shown.map(|i| &i.value),
            index: shown.map_or(0, |i| i.index),
            outer: krate.item.as_ref().map(|i| &i.value),
            user: krate.krate.user,
        };
        let text = match render::text(node, key.name(), &data) {
            Ok(text) => text,
            Err(d) => return cx.report(d),
        };
        if text.contains('*') {
            self.compared += self.instances.all.len() + cx.config.crates.len();
        }
        let (resources, crates) = match self.instances.target(cx.config, &text, instance.krate) {
            Target::Here { resources, crates } => (resources, crates),
            other => return self.absent(cx, other, key, node, &text),
        };
        // Its own name is a mistake, and shown as the cycle it is; a pattern or its crate stands for the others.
        let is_own = !text.contains('*');
        let mut others: Vec<u32> = resources.into_iter().filter(|&o| is_own || o != own).collect();
        for k in crates {
            let all = if key == Key::Notify { self.handlers(k) } else { self.steady(k) };
            others.extend(all.into_iter().filter(|&o| o != own));
        }
        for other in others {
            let (from, to, kind) = match key {
                Key::DependsOn => (other, own, EdgeKind::Requires),
                Key::Before => (own, other, EdgeKind::Requires),
                Key::Notify => (own, other, EdgeKind::Notifies),
                Key::Subscribes => (other, own, EdgeKind::Notifies),
            };
            if kind == EdgeKind::Notifies {
                self.refresh(cx, to, node);
            }
            self.all.push(WrittenEdge { from, to, kind, node });
        }
    }

    /// Warns of a trigger for a steady resource whose type has nothing to do then.
    fn refresh(&self, cx: &mut Context<'_, 'a>, to: u32, node: Node<'a>) {
        let Some(target) = self.instances.all.get(to as usize) else { return };
        if !target.handler && target.decl.is_some_and(|d| d.refresh == Refresh::Nothing) {
            let message = format!("`{}` has nothing to do when it is notified", target.id);
            let d = Diagnostic::new(Code::NothingToRefresh, node.span(), message);
            cx.report(d.help("use `depends_on` for order, or give the target `when: \"changed\"`"));
        }
    }

    fn absent(&self, cx: &mut Context<'_, 'a>, target: Target, key: Key, node: Node<'a>, text: &str) {
        cx.looked.at_tree = true;
        let name = match target {
            Target::Elsewhere(name) => name,
            _ => return cx.report(self.unknown(cx, node, text)),
        };
        let Some(layers) = cx.layers else { return };
        if key != Key::DependsOn || crates::is_excluded(layers, &name) {
            return;
        }
        let message = format!("`{text}` is needed here, and crate `{name}` is not included");
        let d = Diagnostic::new(Code::NotIncluded, node.span(), message)
            .about(&*name)
            .label(layers.block.node.span(), "not in the set of this match block");
        cx.report(d.help(crates::where_to_add(layers).replacen("it", &format!("`{name}`"), 1)));
    }

    fn unknown(&self, cx: &Context<'_, 'a>, node: Node<'a>, text: &str) -> Diagnostic {
        let message = format!("nothing in the tree is called `{}`", text.escape_debug());
        let missed = match text.split_once('/') {
            Some((krate, name)) if cx.config.configcrate(krate).is_some() => name,
            _ => text,
        };
        let d = Diagnostic::new(Code::UnknownReference, node.span(), message).about(missed);
        if let Some((kind, name)) = text.strip_suffix(']').and_then(|t| t.split_once('['))
            && resource::find(&kind.to_ascii_lowercase()).is_some()
        {
            return d.help(format!("write the name of a resource or crate alone, as `{name}`"));
        }
        if cx.diagnostics.len() > limits::SUGGESTIONS_MAX {
            return d;
        }
        let own = self.instances.crates.iter().find(|c| c.krate.node.file().id() == node.file().id());
        let resources: Vec<&str> = own.into_iter().flat_map(|c| c.by_name.keys()).map(|n| &**n).collect();
        let crates = cx.config.crates.iter().map(|c| &*c.name);
        let mut known: Vec<&str> = resources.into_iter().chain(crates).collect();
        known.sort_unstable();
        if let Some((krate, name)) = text.split_once('/')
            && let Some((_, krate)) = cx.config.configcrate(krate)
        {
            let names: Vec<alloc::string::String> =
                krate.resources.iter().map(super::attributes::static_name).collect();
            let krate = &krate.name;
            return match nearest(name, names.iter().map(|n| &**n)) {
                Some(near) => d.help(format!("did you mean `{krate}/{near}`?")),
                None => d.help(format!("crate `{krate}` has no resource of that name")),
            };
        }
        if resource::find(text).is_some() {
            return d.help("write the name of a resource or crate, not a type");
        }
        match d.did_you_mean(text, known) {
            d if d.help.is_empty() => d.help("write the name of a resource of this crate, of a crate, or `crate/name`"),
            d => d,
        }
    }

    fn product(&mut self, from: &[u32], to: &[u32], kind: EdgeKind, node: Node<'a>) {
        if from.len().saturating_mul(to.len()).saturating_add(self.all.len()) > limits::EDGES_MAX {
            // One more than allowed: the caller reports it.
            let Some(&first) = from.first() else { return };
            let missing = (limits::EDGES_MAX + 1).saturating_sub(self.all.len());
            self.all.extend(core::iter::repeat_n(WrittenEdge { from: first, to: first, kind, node }, missing));
            return;
        }
        for &from in from {
            self.all.extend(to.iter().map(|&to| WrittenEdge { from, to, kind, node }));
        }
    }

    fn place_of(&self, krate: u32) -> u32 {
        self.instances.all.len() as u32 + krate
    }

    fn of(&self, krate: u32, keep: impl Fn(bool) -> bool) -> Vec<u32> {
        let Some(k) = self.instances.crates.get(krate as usize) else { return Vec::new() };
        if k.is_empty() {
            return alloc::vec![self.place_of(krate)];
        }
        let handler = |i: u32| self.instances.all.get(i as usize).is_some_and(|r| r.handler);
        k.resources.iter().copied().filter(|&i| keep(handler(i))).collect()
    }

    fn steady(&self, krate: u32) -> Vec<u32> {
        self.of(krate, |handler| !handler)
    }

    fn handlers(&self, krate: u32) -> Vec<u32> {
        self.of(krate, |handler| handler)
    }

    fn everything(&self, krate: u32) -> Vec<u32> {
        self.of(krate, |_| true)
    }
}
