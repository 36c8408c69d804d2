//! Resources as written: the common keys read, the attributes left as they are.

use super::compliance::Claims;
use super::keys;
use super::reader::Reader;
use super::role::arm_head;
use crate::diagnostic::{Code, Diagnostic};
use crate::limits::RETRIES_MAX;
use crate::resource;
use crate::source::{Entry, Map, Node};
use crate::time::Duration;
use crate::when::{Context, Expr};
use alloc::format;
use alloc::vec::Vec;

/// A resource as written.
#[derive(Clone, Debug)]
pub struct Resource<'a> {
    /// The whole map.
    pub node: Node<'a>,
    /// `name`; may be a template.
    pub name: Option<Node<'a>>,
    /// `type`; may be a template.
    pub type_name: Node<'a>,
    /// `when`, with `changed` in it.
    pub when: Option<(Expr, Node<'a>)>,
    /// References, each a text.
    pub depends_on: Vec<Node<'a>>,
    /// References, each a text.
    pub before: Vec<Node<'a>>,
    /// References, each a text.
    pub notify: Vec<Node<'a>>,
    /// References, each a text.
    pub subscribes: Vec<Node<'a>>,
    /// Path of the variable whose items stamp the resource.
    pub foreach: Option<Node<'a>>,
    /// `case`.
    pub case: Option<Case<'a>>,
    /// `retries`, `retry_delay`, `timeout`.
    pub attempts: Attempts,
    /// `revert`.
    pub revert: bool,
    /// `on_revert`.
    pub on_revert: Option<Entry<'a>>,
    /// `compliance`.
    pub claims: Claims<'a>,
    /// What is left, `state` among it.
    pub attributes: Vec<Entry<'a>>,
}

/// How often and how long.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attempts {
    /// How often a failed attempt is repeated.
    pub retries: Option<u32>,
    /// Time between attempts.
    pub retry_delay: Option<Duration>,
    /// Bound on one attempt.
    pub timeout: Option<Duration>,
}

/// `case` of a resource.
#[derive(Clone, Debug)]
pub enum Case<'a> {
    /// Arms with conditions.
    Arms(Vec<CaseArm<'a>>),
    /// A rendered word against the keys of `match`.
    Match(Node<'a>, Vec<MatchArm<'a>>),
}

/// An arm with a condition.
#[derive(Clone, Debug)]
pub struct CaseArm<'a> {
    /// The condition; `None` is `default`.
    pub when: Option<Expr>,
    /// Where the condition stands.
    pub node: Node<'a>,
    /// What is laid over the resource.
    pub set: Vec<Entry<'a>>,
}

/// An arm of `match`.
#[derive(Clone, Debug)]
pub struct MatchArm<'a> {
    /// The word; `None` is `default`.
    pub word: Option<&'a str>,
    /// Where the word stands.
    pub node: Node<'a>,
    /// What is laid over the resource.
    pub set: Vec<Entry<'a>>,
}

impl Attempts {
    /// Takes `retries`, `retry_delay` or `timeout`.
    pub(super) fn take(&mut self, reader: &mut Reader, e: Entry<'_>) -> bool {
        match e.name {
            "retries" => self.retries = reader.count(e.value, e.name, RETRIES_MAX),
            "retry_delay" => self.retry_delay = reader.duration(e.value, e.name),
            "timeout" => self.timeout = reader.duration(e.value, e.name),
            _ => return false,
        }
        true
    }
}

/// Reads one item of `resources`.
pub(super) fn read<'a>(reader: &mut Reader, node: Node<'a>) -> Option<Resource<'a>> {
    let map = reader.map(node, "a resource")?;
    let Some(type_name) = map.get("type") else {
        let mut d = Diagnostic::new(Code::MissingKey, node.span(), "a resource needs a `type`");
        let known = keys::RESOURCE.names().chain(["state"]);
        if let Some(e) = Reader::misspelt(map, "type", known) {
            let message = format!("unknown key `{}` in a resource", e.name);
            d = Diagnostic::new(Code::UnknownKey, e.key.span(), message).help("did you mean `type`?");
        } else if let Some(e) = map.iter().find(|e| resource::find(e.name).is_some()) {
            d = d.help(format!("write `type: {}` and the attributes beside it", e.name));
        } else {
            d = d.help("say what it is, as `type: file`");
        }
        reader.report(d);
        reader.lose_node(node);
        return None;
    };
    reader.text(type_name, "type")?;
    let mut r = Resource {
        node,
        name: None,
        type_name,
        when: None,
        depends_on: Vec::new(),
        before: Vec::new(),
        notify: Vec::new(),
        subscribes: Vec::new(),
        foreach: None,
        case: None,
        attempts: Attempts::default(),
        revert: false,
        on_revert: None,
        claims: Claims::default(),
        attributes: Vec::with_capacity(map.len()),
    };
    for written in map.iter() {
        let Some(e) = meant(reader, written, map) else { continue };
        match e.name {
            "type" => {}
            "name" => r.name = reader.text(e.value, "name").map(|_| e.value),
            "when" => r.when = reader.when(e.value, Context::Resource).map(|expr| (expr, e.value)),
            "depends_on" => r.depends_on = reader.texts(e.value, e.name),
            "before" => r.before = reader.texts(e.value, e.name),
            "notify" => r.notify = reader.texts(e.value, e.name),
            "subscribes" => r.subscribes = reader.texts(e.value, e.name),
            "foreach" => r.foreach = reader.variable(e.value, "foreach"),
            "case" => r.case = case(reader, e, map),
            "match" => {
                if map.get("case").is_none() {
                    let d = Diagnostic::new(Code::CaseArms, e.key.span(), "`match` without `case`");
                    let decl = type_name.text().and_then(resource::find);
                    reader.report(match decl.and_then(|d| d.attribute("match_pattern")) {
                        Some(_) => d.help("write `match_pattern` for the attribute of that meaning"),
                        None => d.help("write `case: \"{{ … }}\"`, whose word `match` looks up"),
                    });
                }
            }
            "revert" => r.revert = reader.bool(e.value, e.name).unwrap_or(false),
            "on_revert" => r.on_revert = Some(e),
            "compliance" => {
                r.claims.take(reader, e.name, e.value);
            }
            _ if r.attempts.take(reader, e) => {}
            _ => attribute(reader, e, &mut r.attributes),
        }
    }
    Some(r)
}

/// Returns an entry under the key that is ours, where another tool's was written; nothing where its value does not fit.
fn meant<'a>(reader: &mut Reader, e: Entry<'a>, map: Map<'a>) -> Option<Entry<'a>> {
    let is_ours = |name: &str| name == "state" || keys::RESOURCE.key(name).is_some();
    let decl = map.get("type").and_then(Node::text).and_then(resource::find);
    // Of a type that is not known, a script's as a rule, every word may be an attribute.
    let Some(decl) = decl.filter(|d| !is_ours(e.name) && !resource::custom::is_open(d)) else { return Some(e) };
    if decl.attributes.iter().any(|a| a.name == e.name || a.aliases.contains(&e.name)) {
        return Some(e);
    }
    let Some(ours) = super::reader::our_word(e.name).filter(|ours| is_ours(ours)) else { return Some(e) };
    reader.old_word(e, ours);
    // What others write there is a command, and no expression.
    (map.get(ours).is_none() && ours != "when").then_some(Entry { name: ours, ..e })
}

fn attribute<'a>(reader: &mut Reader, e: Entry<'a>, into: &mut Vec<Entry<'a>>) {
    if e.value.is_null() {
        let message = format!("attribute `{}` is empty", e.name);
        let d = Diagnostic::new(Code::Empty, e.key.span(), message);
        reader.report(d.help("write a value, `\"\"` for an empty text, or leave the attribute out"));
        return;
    }
    into.push(e);
}

fn case<'a>(reader: &mut Reader, entry: Entry<'a>, resource: Map<'a>) -> Option<Case<'a>> {
    let node = entry.value;
    if node.text().is_some() {
        reader.text(node, "case")?;
        let Some(table) = resource.get("match") else {
            let d = Diagnostic::new(Code::MissingKey, node.span(), "`case` with a word needs `match`");
            reader.report(d.help("write `match: {<word>: {<attribute>: <value>}, default: {…}}`"));
            return None;
        };
        let mut arms = Vec::new();
        for e in reader.map(table, "match")?.iter() {
            let word = (e.name != "default").then_some(e.name);
            arms.push(MatchArm { word, node: e.key, set: set(reader, e.value) });
        }
        return Some(Case::Match(node, arms));
    }
    if let Some(table) = resource.get("match") {
        let d = Diagnostic::new(Code::CaseArms, table.span(), "`match` belongs to a `case` that is one text");
        let d = d.label(node.span(), "this one is a list of arms");
        reader.report(d.help("take `match` out, or write `case: \"{{ … }}\"`"));
    }
    let items = reader.list(node, "case");
    let last = items.len().saturating_sub(1);
    let mut arms = Vec::with_capacity(items.len());
    for (i, item) in items.into_iter().enumerate() {
        let Some(map) = reader.map(item, "an arm of `case`") else { continue };
        let head = arm_head(reader, item, map, i == last, Context::Arm);
        let mut laid = Vec::new();
        for e in map.iter() {
            match e.name {
                "when" | "default" => {}
                "set" => laid = set(reader, e.value),
                _ => reader.unknown_key(e, &keys::ARM),
            }
        }
        if let Some((when, node)) = head {
            arms.push(CaseArm { when, node, set: laid });
        }
    }
    Some(Case::Arms(arms))
}

/// Reads the attributes that an arm lays over.
fn set<'a>(reader: &mut Reader, node: Node<'a>) -> Vec<Entry<'a>> {
    let mut entries = Vec::new();
    for e in reader.map(node, "set").into_iter().flat_map(Map::iter) {
        if keys::RESOURCE.key(e.name).is_some() {
            let message = format!("`{}` cannot stand in an arm of `case`", e.name);
            let d = Diagnostic::new(Code::UnknownKey, e.key.span(), message);
            reader.report(d.help("an arm lays attributes and `state` over the resource, nothing else"));
            continue;
        }
        attribute(reader, e, &mut entries);
    }
    entries
}
