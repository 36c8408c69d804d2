//! What a host gets, held against what a test expects of it.

use super::case::{Configcrates, Expect, ResourceExpectation, VariableExpectation};
use super::run::Failure;
use super::show;
use super::world::World;
use crate::bundle::{BundleResource, EdgeKind};
use crate::converge::Foreseen;
use crate::diagnostic::nearest;
use crate::resource::{Datum, Kind, TypeDecl, custom, find};
use crate::source::Node;
use crate::value::Text;
use crate::when::Expr;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Returns what does not hold.
pub(super) fn judge(world: &World, expect: &Expect<'_>) -> Vec<Failure> {
    let mut failures = Vec::new();
    if let Some(node) = expect.pattern
        && node.text() != Some(&*world.resolved.trace.pattern)
    {
        let found = show::names([&*world.resolved.trace.pattern]);
        failures.push(Failure::new(node, "the glob that takes the host", quoted(node), found));
    }
    if let Some(node) = expect.environment {
        let found = world.resolved.class.environment.as_deref();
        let expected = node.text().filter(|_| !node.is_null());
        if expected != found {
            failures.push(Failure::new(node, "the environment", show::names(expected), show::names(found)));
        }
    }
    configcrates(world, &expect.configcrates, &mut failures);
    for resource in &expect.resources {
        self::resource(world, resource, &mut failures);
    }
    for variable in &expect.variables {
        failures.extend(self::variable(world, variable));
    }
    for (names, node) in &expect.order {
        order(world, names, *node, &mut failures);
    }
    failures
}

fn quoted(node: Node<'_>) -> String {
    show::names(node.text())
}

fn configcrates(world: &World, expected: &Configcrates<'_>, failures: &mut Vec<Failure>) {
    let all = || show::names(world.crates.iter().map(|c| &**c));
    let has = |name: &str| world.crates.iter().any(|c| **c == *name);
    for node in expected.contains.iter().filter(|n| !n.text().is_some_and(has)) {
        failures.push(Failure::new(*node, "configcrates", quoted(*node), all()));
    }
    for node in expected.absent.iter().filter(|n| n.text().is_some_and(has)) {
        failures.push(Failure::new(*node, "configcrates", format!("no {}", quoted(*node)), all()));
    }
    if let Some((nodes, key)) = &expected.exactly {
        let names: Vec<&str> = nodes.iter().filter_map(|n| n.text()).collect();
        if !names.iter().copied().eq(world.crates.iter().map(|c| &**c)) {
            failures.push(Failure::new(*key, "configcrates", format!("exactly {}", show::names(names)), all()));
        }
    }
}

fn resource(world: &World, expected: &ResourceExpectation<'_>, failures: &mut Vec<Failure>) {
    let subject = format!("resource `{}`", expected.id.escape_debug());
    let found = world.find(expected.id);
    let (resource, foreseen) = match (found, expected.absent) {
        (None, true) => return,
        (Some(_), true) => {
            failures.push(Failure::new(expected.node, subject, "no such resource", "it is there"));
            return;
        }
        (None, false) => {
            let seen = missing(world, expected.id);
            failures.push(Failure::new(expected.node, subject, "it is there", seen));
            return;
        }
        (Some(found), false) => found,
    };
    let what = |name: &str| format!("{subject}: `{}`", name.escape_debug());
    if let Some(node) = expected.type_name {
        let name = node.text().unwrap_or_default();
        if find(name).map_or(name, |d| d.name) != &*resource.type_name && name != &*resource.type_name {
            failures.push(Failure::new(node, what("type"), quoted(node), show::names([&*resource.type_name])));
        }
    }
    if let Some((expr, node)) = &expected.runs
        && format!("{expr}") != format!("{}", foreseen.condition)
    {
        failures.push(Failure::new(*node, what("runs"), condition(expr), condition(&foreseen.condition)));
    }
    plan(world, expected, &what, failures);
    edges(world, foreseen, &expected.depends_on, EdgeKind::Requires, &what("depends_on"), failures);
    edges(world, foreseen, &expected.notify, EdgeKind::Notifies, &what("notify"), failures);
    if !expected.attributes.is_empty() {
        attributes(expected, resource, foreseen, &what, failures);
    }
}

fn plan(world: &World, expected: &ResourceExpectation<'_>, what: &dyn Fn(&str) -> String, failures: &mut Vec<Failure>) {
    let Some(report) = world.planned(expected.id) else { return };
    let why = report.cause.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
    if let Some(node) = expected.outcome
        && node.text() != Some(report.outcome.word())
    {
        let found = format!("`{}`{why}", report.outcome.word());
        failures.push(Failure::new(node, what("outcome"), quoted(node), found));
    }
    let Some((parts, key)) = &expected.operations else { return };
    let all = || match report.operations.is_empty() {
        true => format!("none, it is `{}`{why}", report.outcome.word()),
        false => show::names(report.operations.iter().map(String::as_str)),
    };
    if parts.is_empty() && !report.operations.is_empty() {
        failures.push(Failure::new(*key, what("operations"), "none", all()));
    }
    let mut rest = report.operations.iter();
    for node in parts {
        let part = node.text().unwrap_or_default();
        if !rest.any(|operation| operation.contains(part)) {
            failures.push(Failure::new(*node, what("operations"), quoted(*node), all()));
            return;
        }
    }
}

fn attributes(
    expected: &ResourceExpectation<'_>,
    resource: &BundleResource,
    foreseen: &Foreseen,
    what: &dyn Fn(&str) -> String,
    failures: &mut Vec<Failure>,
) {
    let decl = find(&resource.type_name);
    let fields = match &foreseen.fields {
        Some(Ok(fields)) => fields,
        Some(Err(problem)) => {
            let subject = format!("resource `{}`", expected.id.escape_debug());
            let found = match &problem.attribute {
                Some(attribute) => format!("it fails: `{attribute}`: {}", problem.message),
                None => format!("it fails: {}", problem.message),
            };
            failures.push(Failure::new(expected.node, subject, "attributes", found));
            return;
        }
        None => {
            let subject = format!("resource `{}`", expected.id.escape_debug());
            failures.push(Failure::new(expected.node, subject, "attributes", "it does not run here, so it has none"));
            return;
        }
    };
    for (key, matcher, node) in &expected.attributes {
        let written = key.text().unwrap_or_default();
        let name = decl.map_or(written, |d| plain_name(d, written));
        if let Some(decl) = decl
            && name != "state"
            && decl.attribute(name).is_none()
            && !custom::is_open(decl)
        {
            let known = decl.attributes.iter().map(|a| a.name).chain(["state"]);
            let near = nearest(written, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            let found = format!("`{}` has no such attribute{near}", decl.name);
            failures.push(Failure::new(*key, what(written), "an attribute of its type", found));
            continue;
        }
        let attribute = decl.and_then(|d| d.attribute(name));
        let kind = attribute.map_or(Kind::Text, |a| a.kind);
        let default = match name {
            "state" => decl.and_then(|d| d.states.first().copied()),
            _ => attribute.and_then(|a| a.default),
        };
        let default = default.map(|text| Datum::Scalar { text: Text::plain(text), plain: true });
        let found = fields.datum(name).cloned().or(default);
        if let Err((expected, found)) = matcher.judge(kind, found.as_ref()) {
            failures.push(Failure::new(*node, what(written), expected, found));
        }
    }
}

/// Returns the name of an attribute that is written by any of its spellings.
fn plain_name<'n>(decl: &TypeDecl, written: &'n str) -> &'n str {
    let known = decl.attribute(written).or_else(|| decl.attributes.iter().find(|a| a.aliases.contains(&written)));
    known.map_or(written, |a| a.name)
}

/// Says of a condition what it is for the machine.
fn condition(expr: &Expr) -> String {
    match expr {
        Expr::True => "it runs".into(),
        Expr::False => "it is skipped".into(),
        other => format!("it runs if `{other}`"),
    }
}

fn edges(
    world: &World,
    foreseen: &Foreseen,
    expected: &[Node<'_>],
    kind: EdgeKind,
    what: &str,
    failures: &mut Vec<Failure>,
) {
    let own = foreseen.resource;
    let other = |e: &crate::bundle::Edge| match kind {
        EdgeKind::Requires => (e.to as usize == own).then_some(e.from),
        _ => (e.from as usize == own).then_some(e.to),
    };
    let edges = world.bundle.edges.iter().filter(|e| e.kind == kind);
    let found: Vec<&BundleResource> = edges.filter_map(|e| world.bundle.resources.get(other(e)? as usize)).collect();
    for node in expected {
        let name = node.text().unwrap_or_default();
        if !found.iter().any(|r| r.is_named(name)) {
            let seen = show::names(found.iter().map(|r| &*r.id));
            failures.push(Failure::new(*node, what, quoted(*node), seen));
        }
    }
}

fn variable(world: &World, expected: &VariableExpectation<'_>) -> Option<Failure> {
    let (name, below) = expected.path.split_once('.').map_or((expected.path, None), |(n, b)| (n, Some(b)));
    let traces = &world.resolved.trace.variables;
    let subject = format!("variable `{}`", expected.node.text().unwrap_or_default().escape_debug());
    let wanted = show::value(&expected.value);
    if let Some(krate) = expected.krate
        && !world.crates.iter().any(|c| **c == *krate)
    {
        let found = format!("the host has no configcrate `{}`", krate.escape_debug());
        return Some(Failure::new(expected.node, subject, wanted, found));
    }
    let own = traces.iter().find(|v| *v.name == *name && v.krate.is_some() && v.krate.as_deref() == expected.krate);
    let Some(trace) = own.or_else(|| traces.iter().find(|v| *v.name == *name && v.krate.is_none())) else {
        let seen = |v: &&crate::resolve::VarTrace| v.krate.is_none() || v.krate.as_deref() == expected.krate;
        let near = nearest(name, traces.iter().filter(seen).map(|v| &*v.name));
        let of = traces.iter().find(|v| *v.name == *name).and_then(|v| v.krate.clone());
        let hint = match (of, near) {
            (Some(krate), _) => format!("; crate `{krate}` has one of its own, `{krate}/{name}`"),
            (None, Some(near)) => format!("; did you mean `{near}`?"),
            (None, None) => String::new(),
        };
        return Some(Failure::new(expected.node, subject, wanted, format!("it is not defined{hint}")));
    };
    let found = below.map_or(Some(&trace.value), |path| trace.value.at(path));
    match found {
        Some(value) if *value == expected.value => None,
        Some(value) => {
            let found = match show::value(value) {
                same if same == wanted => format!("{same} as {}", value.kind()),
                other => other,
            };
            let at = format!("{found} from {}:{}", trace.set.file, trace.set.line);
            Some(Failure::new(expected.node, subject, wanted, at))
        }
        None => {
            let found = format!("nothing there in {}", show::value(&trace.value));
            Some(Failure::new(expected.node, subject, wanted, found))
        }
    }
}

/// Returns the places of what a name stands for, with their ids. A crate is its steady resources: its handlers come when
/// they are triggered.
fn places<'w>(world: &'w World, name: &'w str) -> impl Iterator<Item = (usize, &'w str)> {
    let named = move |r: &BundleResource| r.is_named(name) && (name.contains('/') || !r.handler);
    world.all().enumerate().filter(move |(_, (r, _))| named(r)).map(|(place, (r, _))| (place, &*r.id))
}

fn order(world: &World, names: &[&str], node: Node<'_>, failures: &mut Vec<Failure>) {
    // A crate is its steady resources: its handlers come when they are triggered.
    for pair in names.windows(2) {
        let [first, then] = pair else { continue };
        let subject = "order";
        let expected = format!("`{}` before `{}`", first.escape_debug(), then.escape_debug());
        let (last, next) = (places(world, first).last(), places(world, then).next());
        match (last, next) {
            (Some((a, _)), Some((b, _))) if a < b => {}
            (Some((_, a)), Some((_, b))) => {
                failures.push(Failure::new(node, subject, expected, format!("`{a}` after `{b}`")));
            }
            (None, _) => failures.push(Failure::new(node, subject, expected, missing(world, first))),
            (_, None) => failures.push(Failure::new(node, subject, expected, missing(world, then))),
        }
    }
}

/// Says that a resource is not there, and which may have been meant.
fn missing(world: &World, name: &str) -> String {
    let known = world.all().map(|(r, _)| &*r.id);
    match nearest(name, known) {
        Some(near) => format!("no `{}`; did you mean `{near}`?", name.escape_debug()),
        None => {
            let krate = name.split('/').next().unwrap_or_default();
            let out = world.resolved.trace.excluded.iter().find(|e| *e.name == *krate);
            match out {
                Some(e) => {
                    format!("no `{}`: the crate is excluded by {}:{}", name.escape_debug(), e.by.file, e.by.line)
                }
                None if !world.crates.iter().any(|c| **c == *krate) => {
                    format!("no `{}`: the host has no configcrate `{}`", name.escape_debug(), krate.escape_debug())
                }
                None => format!("no `{}`", name.escape_debug()),
            }
        }
    }
}
