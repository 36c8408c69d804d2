//! The trace for programs. Keys stay; new ones may come.

use serde_json::{Map, Value, json};
use vigo_core::bundle::{BundleResource, EdgeKind};
use vigo_core::resolve::{
    Chosen, ClaimTrace, Condition, ConditionKind, CrateTrace, EdgeTrace, ExcludedTrace, Explained, FileOutcome,
    FileTrace, Setting, VarTrace, WaiverTrace,
};
use vigo_core::secret::shown_value;
use vigo_core::when::{Expr, Side};

/// Returns all of it.
pub(super) fn whole(host: &str, e: &Explained) -> Value {
    let mut all = head(host, e);
    let resolved = &e.resolved;
    let trace = &resolved.trace;
    let part = [
        ("match_files", list(&e.files, file)),
        ("layers", list(&e.layers, setting)),
        ("crates", list(&trace.crates, krate)),
        ("excluded", list(&trace.excluded, excluded)),
        ("variables", list(&trace.variables, variable)),
        ("conditions", list(&e.conditions, condition)),
        ("resources", ordered(e).map(|r| resource(e, r)).collect()),
        ("claims", list(&e.claims, claim)),
        ("waivers", list(&e.waivers, waiver)),
        ("secrets", list(&resolved.bundle.secret_refs, |path| json!(&**path))),
    ];
    all.extend(part.into_iter().map(|(key, value)| (key.to_owned(), value)));
    Value::Object(all)
}

/// Returns what was chosen.
pub(super) fn chosen(host: &str, e: &Explained, found: &Chosen<'_>) -> Value {
    let mut all = head(host, e);
    let names = |id: &str| {
        found.resources.iter().any(|r| *r.id == *id)
            || found.crates.iter().any(|c| c.name.split('[').next() == id.split('[').next())
    };
    let gates = |id: &str| found.resources.iter().any(|r| r.id.split_once('/').is_some_and(|(krate, _)| krate == id));
    let part = [
        ("crates", list(&found.crates, |c| krate(c))),
        ("excluded", list(&found.excluded, |c| excluded(c))),
        ("variables", list(&found.variables, |v| variable(v))),
        ("conditions", e.conditions.iter().filter(|c| names(&c.id) || gates(&c.id)).map(condition).collect()),
        ("resources", list(&found.resources, |r| resource(e, r))),
        ("claims", e.claims.iter().filter(|c| names(&c.of) || gates(&c.of)).map(claim).collect()),
    ];
    all.extend(part.into_iter().map(|(key, value)| (key.to_owned(), value)));
    Value::Object(all)
}

/// Returns the resources in their order.
pub(super) fn ordered(e: &Explained) -> impl Iterator<Item = &BundleResource> {
    e.order.iter().filter_map(|&number| e.resolved.bundle.resources.get(number as usize))
}

/// Returns the word for who decides.
fn side(side: Side) -> &'static str {
    match side {
        Side::Server => "server",
        Side::Name => "name",
        Side::Traits => "traits",
        Side::Look => "look",
        Side::Clock => "clock",
    }
}

/// Returns the word for a kind of edge.
fn edge_word(kind: EdgeKind) -> &'static str {
    match kind {
        EdgeKind::Requires => "requires",
        EdgeKind::Notifies => "notifies",
        EdgeKind::Order => "order",
    }
}

fn head(host: &str, e: &Explained) -> Map<String, Value> {
    let resolved = &e.resolved;
    let mut head = Map::new();
    let block = json!({
        "file": &*resolved.class.file, "number": resolved.class.block,
        "line": resolved.trace.block.line, "pattern": &*resolved.trace.pattern,
    });
    for (key, value) in [
        ("host", json!(host)),
        ("class", json!(resolved.class.to_string())),
        ("environment", json!(resolved.class.environment.as_deref())),
        ("block", block),
        ("observe_only", json!(resolved.observe_only)),
        ("always_hold", json!(resolved.always_hold)),
    ] {
        head.insert(key.to_owned(), value);
    }
    head
}

fn list<T>(items: &[T], one: impl Fn(&T) -> Value) -> Value {
    items.iter().map(one).collect()
}

fn setting(s: &Setting) -> Value {
    json!({ "layer": &*s.layer, "file": &*s.file, "line": s.line })
}

fn file(f: &FileTrace) -> Value {
    let (outcome, block, line) = match f.outcome {
        FileOutcome::NoMatch => ("no_match", None, None),
        FileOutcome::Wins { block, line } => ("wins", Some(block), Some(line)),
        FileOutcome::NotAsked => ("not_asked", None, None),
    };
    json!({ "file": &*f.path, "blocks": f.blocks, "outcome": outcome, "block": block, "line": line, "beaten": f.beaten })
}

fn krate(c: &CrateTrace) -> Value {
    json!({ "name": &*c.name, "reasons": list(&c.reasons, setting), "condition": residual(&c.condition) })
}

fn excluded(c: &ExcludedTrace) -> Value {
    json!({ "name": &*c.name, "reasons": list(&c.reasons, setting), "by": setting(&c.by) })
}

fn variable(v: &VarTrace) -> Value {
    let shadowed = |(set, value): &(Setting, vigo_core::value::Value)| {
        let mut s = setting(set);
        s["value"] = shown_value(value).into();
        s
    };
    json!({
        "name": &*v.name, "crate": v.krate.as_deref(), "value": shown_value(&v.value), "set": setting(&v.set),
        "shadowed": list(&v.shadowed, shadowed),
    })
}

fn residual(expr: &Expr) -> Value {
    if *expr == Expr::True { Value::Null } else { expr.to_string().into() }
}

fn condition(c: &Condition) -> Value {
    let kind = match c.kind {
        ConditionKind::Arms => "arms",
        ConditionKind::Gate => "gate",
        ConditionKind::When => "when",
        ConditionKind::Case => "case",
    };
    let parts: Vec<Value> = c
        .parts
        .iter()
        .map(|p| json!({ "text": p.text, "decided_by": side(p.side), "folded": p.folded.as_ref().map(ToString::to_string) }))
        .collect();
    let variables: Vec<Value> =
        c.variables.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    json!({
        "of": &*c.id, "kind": kind, "written": c.written, "at": setting(&c.set), "parts": parts, "variables": variables,
        "changed": c.changed, "residual": c.residual.to_string(),
    })
}

fn resource(e: &Explained, r: &BundleResource) -> Value {
    let bundle = &e.resolved.bundle;
    let attributes: Map<String, Value> = r.described().into_iter().map(|(name, value)| (name, value.into())).collect();
    let edge = |edge: &EdgeTrace, other: &str| json!({ "resource": other, "kind": edge_word(edge.kind), "at": setting(&edge.set) });
    let before = e.edges.iter().filter(|edge| edge.to == r.id).map(|one| edge(one, &one.from));
    let after = e.edges.iter().filter(|edge| edge.from == r.id).map(|one| edge(one, &one.to));
    json!({
        "id": &*r.id, "type": &*r.type_name, "file": bundle.files.get(r.place.file as usize).map(|f| &**f),
        "line": r.place.line, "handler": r.handler, "attributes": attributes,
        "after": before.collect::<Vec<_>>(), "before": after.collect::<Vec<_>>(),
    })
}

fn claim(c: &ClaimTrace) -> Value {
    let controls: Vec<Value> = c
        .controls
        .iter()
        .map(|(framework, control)| json!({ "framework": &**framework, "control": &**control }))
        .collect();
    let texts = |all: &[std::sync::Arc<str>]| list(all, |text| json!(&**text));
    json!({
        "of": &*c.of, "controls": controls, "provides": texts(&c.provides), "bundle": texts(&c.bundle), "at": setting(&c.set),
    })
}

fn waiver(w: &WaiverTrace) -> Value {
    json!({
        "framework": &*w.framework, "control": &*w.control, "reason": &*w.reason, "until": w.until.as_deref(),
        "owner": w.owner.as_deref(), "in_force": w.is_in_force, "at": setting(&w.set),
    })
}
