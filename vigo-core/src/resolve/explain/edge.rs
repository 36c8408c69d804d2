//! Edges, with where they are written.

use super::super::edges::WrittenEdge;
use super::super::instances::Instances;
use super::super::trace::Setting;
use crate::bundle::EdgeKind;
use crate::config::Config;
use crate::diagnostic::Span;
use crate::source::Node;
use alloc::sync::Arc;
use alloc::vec::Vec;
use hashbrown::HashMap;

/// An edge between two resources of the host.
#[derive(Clone, Debug)]
pub struct EdgeTrace {
    /// What comes first: `crate/name`.
    pub from: Arc<str>,
    /// What comes after.
    pub to: Arc<str>,
    /// What it means.
    pub kind: EdgeKind,
    /// Where it is written; the layer is the key, such as `depends_on`. Of an order that is handed on by a resource which
    /// this host does not have, where the first of its edges is written.
    pub set: Setting,
}

/// Returns the edges in the order of what they lead to.
pub(super) fn trace(config: &Config<'_>, instances: &Instances<'_, '_>, written: &[WrittenEdge<'_>]) -> Vec<EdgeTrace> {
    let keys = keys(config, instances);
    let id = |number: u32| instances.all.get(number as usize).map(|i| i.id.clone());
    let one = |edge: &WrittenEdge<'_>| {
        let key = keys.get(&edge.node.span()).copied().unwrap_or("depends_on");
        let set = Setting::at(key, edge.node);
        Some((edge.to, edge.from, EdgeTrace { from: id(edge.from)?, to: id(edge.to)?, kind: edge.kind, set }))
    };
    let mut all: Vec<(u32, u32, EdgeTrace)> = written.iter().filter_map(one).collect();
    all.sort_by_key(|(to, from, edge)| (*to, *from, edge.kind));
    all.into_iter().map(|(_, _, edge)| edge).collect()
}

/// Returns the key in which each reference stands.
fn keys(config: &Config<'_>, instances: &Instances<'_, '_>) -> HashMap<Span, &'static str> {
    let mut keys = HashMap::new();
    let mut add = |key: &'static str, nodes: &[Node<'_>]| {
        keys.extend(nodes.iter().map(|node| (node.span(), key)));
    };
    for krate in config.crates.iter().filter(|c| instances.by_crate.contains_key(&c.name)) {
        add("depends_on", &krate.depends_on);
        add("before", &krate.before);
        for r in &krate.resources {
            add("depends_on", &r.depends_on);
            add("before", &r.before);
            add("notify", &r.notify);
            add("subscribes", &r.subscribes);
        }
    }
    keys
}
