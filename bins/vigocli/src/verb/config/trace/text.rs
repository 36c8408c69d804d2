//! The trace for people.

use super::json::ordered;
use crate::output::shown;
use std::collections::BTreeMap;
use vigo_core::bundle::{BundleResource, EdgeKind};
use vigo_core::resolve::{
    Chosen, ClaimTrace, Condition, ConditionKind, CrateTrace, EdgeTrace, ExcludedTrace, Explained, FileOutcome,
    FileTrace, Setting, VarTrace, WaiverTrace,
};
use vigo_core::secret::shown_value;
use vigo_core::when::{Expr, Side};

/// Names that one edge's line lists.
const NAMES_MAX: usize = 6;

/// Returns all of it.
pub(super) fn whole(host: &str, e: &Explained) -> String {
    let resolved = &e.resolved;
    let trace = &resolved.trace;
    let mut out = format!("{host} is of class {}", resolved.class);
    out.push_str(if resolved.observe_only { ", and only observed\n" } else { "\n" });
    section(
        &mut out,
        "match files, in the order in which they are asked",
        e.files.iter().map(|f| file(f, &trace.pattern)),
    );
    section(
        &mut out,
        "inherited, then the block, then its environment",
        e.layers.iter().map(|s| vec![place(s), s.layer.to_string()]),
    );
    section(&mut out, "configcrates, in order", trace.crates.iter().map(krate));
    section(&mut out, "out", trace.excluded.iter().map(excluded));
    let mut conditions = String::new();
    e.conditions.iter().for_each(|c| condition(&mut conditions, c));
    lines(&mut out, "conditions", &conditions);
    let mut variables = String::new();
    trace.variables.iter().for_each(|v| variable(&mut variables, v));
    lines(&mut out, "variables", &variables);
    let mut resources = String::new();
    for r in ordered(e) {
        resource(&mut resources, e, r);
        edges(&mut resources, e, r, true);
    }
    lines(&mut out, "resources, in order", &resources);
    section(&mut out, "compliance", e.claims.iter().map(claim));
    section(&mut out, "waivers", e.waivers.iter().map(waiver));
    out
}

/// Returns what was chosen.
pub(super) fn chosen(e: &Explained, found: &Chosen<'_>) -> String {
    let mut out = String::new();
    section(&mut out, "configcrate", found.crates.iter().map(|c| krate(c)));
    section(&mut out, "out", found.excluded.iter().map(|c| excluded(c)));
    let mut text = String::new();
    found.variables.iter().for_each(|v| variable(&mut text, v));
    lines(&mut out, "variable", &text);
    let of_crates = |id: &str| found.crates.iter().any(|c| c.name.split('[').next() == id.split(['[', '/']).next());
    let mut text = String::new();
    for r in &found.resources {
        resource(&mut text, e, r);
        // A delay between attempts of which there is one says nothing.
        let said = r.described().into_iter().filter(|(name, _)| r.retries > 0 || name != "retry_delay");
        for (name, value) in said {
            attribute(&mut text, &name, &value);
        }
        edges(&mut text, e, r, true);
        edges(&mut text, e, r, false);
    }
    lines(&mut out, "resource", &text);
    if found.resources.is_empty() {
        let own =
            ordered(e).filter(|r| of_crates(&r.id)).map(|r| vec![r.id.to_string(), r.type_name.to_string(), at(e, r)]);
        section(&mut out, "resources, in order", own);
    }
    // Of a resource also what its crate says.
    let concerns = |id: &str| {
        let of_resource =
            |r: &&BundleResource| *r.id == *id || r.id.split_once('/').is_some_and(|(krate, _)| krate == id);
        of_crates(id) || found.resources.iter().any(of_resource)
    };
    let mut text = String::new();
    e.conditions.iter().filter(|c| concerns(&c.id)).for_each(|c| condition(&mut text, c));
    lines(&mut out, "conditions", &text);
    section(&mut out, "compliance", e.claims.iter().filter(|c| concerns(&c.of)).map(claim));
    out.trim_start().to_owned()
}

/// Adds rows of columns below a heading, where there are any.
fn section(out: &mut String, heading: &str, rows: impl Iterator<Item = Vec<String>>) {
    let rows: Vec<Vec<String>> = rows.collect();
    let width =
        |column: usize| rows.iter().filter_map(|r| r.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows.iter().map(Vec::len).max().unwrap_or(0)).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}")).collect();
        format!("  {}\n", cells.join("  ").trim_end())
    };
    lines(out, heading, &rows.iter().map(line).collect::<String>());
}

fn lines(out: &mut String, heading: &str, text: &str) {
    if !text.is_empty() {
        out.push_str(&format!("\n{heading}\n{text}"));
    }
}

fn place(s: &Setting) -> String {
    format!("{}:{}", s.file, s.line)
}

fn reason(s: &Setting) -> String {
    format!("{} ({})", place(s), s.layer)
}

fn reasons(all: &[Setting]) -> String {
    all.iter().map(reason).collect::<Vec<_>>().join("; ")
}

fn file(f: &FileTrace, pattern: &str) -> Vec<String> {
    let beaten = |says: &str| match &f.beaten[..] {
        [] => String::new(),
        lines => {
            let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
            format!("; line {} {says}", lines.join(", "))
        }
    };
    let outcome = match f.outcome {
        FileOutcome::NoMatch => "no block matches".to_owned(),
        FileOutcome::Wins { block, line } => {
            format!("block {block}, line {line}, wins by `{pattern}`{}", beaten("matches too, and comes later"))
        }
        FileOutcome::NotAsked => format!("not asked{}", beaten("would match")),
    };
    vec![f.path.to_string(), outcome]
}

fn krate(c: &CrateTrace) -> Vec<String> {
    let condition = if c.condition == Expr::True { String::new() } else { format!("; when {}", c.condition) };
    vec![c.name.to_string(), format!("{}{condition}", reasons(&c.reasons))]
}

fn excluded(c: &ExcludedTrace) -> Vec<String> {
    vec![c.name.to_string(), format!("in by {}; excluded by {}", reasons(&c.reasons), reason(&c.by))]
}

fn variable(out: &mut String, v: &VarTrace) {
    let only = v.krate.as_ref().map(|krate| format!(", in {krate} only")).unwrap_or_default();
    out.push_str(&format!("  {} = {}{only}  {}\n", v.name, shown(&shown_value(&v.value)), reason(&v.set)));
    for (set, value) in &v.shadowed {
        out.push_str(&format!("    shadows {}  {}\n", shown(&shown_value(value)), reason(set)));
    }
}

fn condition(out: &mut String, c: &Condition) {
    let kind = match c.kind {
        ConditionKind::Arms => "arms of roles",
        ConditionKind::Gate => "when, for the whole crate",
        ConditionKind::When => "when",
        ConditionKind::Case => "case",
    };
    out.push_str(&format!("  {}  {kind}: {}  {}\n", c.id, shown(&c.written), place(&c.set)));
    for (name, value) in &c.variables {
        out.push_str(&format!("    {} is {}\n", shown(name), shown(value)));
    }
    for part in &c.parts {
        let decided = match (part.side, &part.folded) {
            (Side::Server, Some(folded)) => format!("server: {folded}"),
            (Side::Server, None) => "server: becomes a trigger".into(),
            (Side::Name, _) => "agent, from its name".into(),
            (Side::Traits, _) => "agent, from its traits".into(),
            (Side::Look, _) => "agent, by looking".into(),
            (Side::Clock, _) => "agent, from its clock".into(),
        };
        out.push_str(&format!("    {}  {decided}\n", shown(&part.text)));
    }
    out.push_str(&match &c.residual {
        Expr::True if c.changed => "    left for the agent: nothing but the trigger\n".to_owned(),
        Expr::True => "    decided by the server: true\n".to_owned(),
        Expr::False => "    decided by the server: false, so it is left out\n".to_owned(),
        residual => format!("    left for the agent: {residual}\n"),
    });
}

fn at(e: &Explained, r: &BundleResource) -> String {
    let file = e.resolved.bundle.files.get(r.place.file as usize).map_or("", |f| &**f);
    format!("{file}:{}", r.place.line)
}

fn resource(out: &mut String, e: &Explained, r: &BundleResource) {
    let handler = if r.handler { ", a handler" } else { "" };
    out.push_str(&format!("  {} ({}{handler})  {}\n", shown(&r.id), r.type_name, at(e, r)));
}

fn attribute(out: &mut String, name: &str, value: &str) {
    let mut lines = value.lines();
    match (lines.next(), lines.next()) {
        (first, None) => out.push_str(&format!("    {name}: {}\n", shown(first.unwrap_or("")))),
        _ => {
            out.push_str(&format!("    {name}:\n"));
            value.lines().for_each(|line| out.push_str(&format!("      | {}\n", shown(line))));
        }
    }
}

/// Adds the edges of a resource, those of one kind and place on one line.
fn edges(out: &mut String, e: &Explained, r: &BundleResource, incoming: bool) {
    let own = e.edges.iter().filter(|edge| if incoming { edge.to == r.id } else { edge.from == r.id });
    let mut groups: BTreeMap<(EdgeKind, &str, u32, &str), Vec<&str>> = BTreeMap::new();
    for edge in own {
        let EdgeTrace { from, to, kind, set } = edge;
        let other = if incoming { from } else { to };
        groups.entry((*kind, &*set.file, set.line, &*set.layer)).or_default().push(other);
    }
    for ((kind, file, line, key), names) in groups {
        let word = match (kind, incoming) {
            (EdgeKind::Requires, true) => "after, and only if it succeeds:",
            (EdgeKind::Requires, false) => "needed by",
            (EdgeKind::Notifies, true) => "triggered by",
            (EdgeKind::Notifies, false) => "triggers",
            (EdgeKind::Order, true) => "after",
            (EdgeKind::Order, false) => "before",
        };
        let mut shown: Vec<&str> = names.iter().copied().take(NAMES_MAX).collect();
        let more = format!("and {} more", names.len() - shown.len());
        if names.len() > shown.len() {
            shown.push(&more);
        }
        out.push_str(&format!("    {word} {}  {file}:{line} ({key})\n", shown.join(", ")));
    }
}

fn claim(c: &ClaimTrace) -> Vec<String> {
    let mut said: Vec<String> =
        c.controls.iter().map(|(framework, control)| format!("{framework} {control}")).collect();
    said.extend(c.provides.iter().map(|capability| format!("provides {capability}")));
    said.extend(c.bundle.iter().map(|framework| format!("bundle {framework}")));
    vec![c.of.to_string(), said.join(", "), reason(&c.set)]
}

fn waiver(w: &WaiverTrace) -> Vec<String> {
    let until = match (&w.until, w.is_in_force) {
        (None, _) => "in force".to_owned(),
        (Some(until), true) => format!("in force until {until}"),
        (Some(until), false) => format!("void, its last day was {until}"),
    };
    let owner = w.owner.as_ref().map(|owner| format!(", {owner}")).unwrap_or_default();
    vec![format!("{} {}", w.framework, w.control), until, format!("{}{owner}", shown(&w.reason)), place(&w.set)]
}
