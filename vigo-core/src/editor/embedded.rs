//! What may be written in the languages inside a text: templates and `when:`.

use super::complete::{Completion, CompletionKind, Found};
use super::place::Entry;
use super::show;
use super::workspace::Workspace;
use crate::template::{FIELDS, functions};
use crate::traits;
use crate::value::Value;
use crate::when::builtin::{Builtin, ParamKind};
use crate::when::{builtins, words};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The words of templates that are no functions.
pub(super) const KEYWORDS: &[(&str, &str)] = &[
    ("if", "Renders what follows where the value is not empty, up to `else` or `end`."),
    ("else", "What is rendered instead; `else if` asks again."),
    ("end", "Ends `if`, `range`, `with`, `define` and `block`."),
    ("range", "Renders what follows once for each item; the item is the dot."),
    ("with", "Renders what follows with the value as the dot, where it is not empty."),
    ("define", "Names a template of this text."),
    ("template", "Renders a named template of this text."),
    ("block", "Names a template, and renders it here."),
    ("break", "Ends the innermost `range`."),
    ("continue", "Goes on with the next item of the innermost `range`."),
];

/// What the fields of a template's root are.
pub(super) const FIELD_DOCS: [(&str, &str); 8] = [
    ("Each", "The `{key, value}` of a `foreach` over a map."),
    ("Envoy", "The machine: `.Hostname` as enrolled, `.ID`, `.Environment`."),
    ("Index", "The place in a `foreach`, from 0."),
    ("Item", "The item of a `foreach`; of a map `.Item.key` and `.Item.value`."),
    ("Outer", "In a crate with `foreach`, the crate's item."),
    ("Traits", "Facts of the machine, fresh at each run."),
    ("User", "The user of a usercrate."),
    ("Vars", "The variables, as the resource's crate sees them."),
];

/// Returns the template that is open at the end of a text.
pub(super) fn open_action(head: &str) -> Option<&str> {
    let from = head.rfind("{{")?;
    let action = head.get(from + 2..)?;
    (!action.contains("}}")).then_some(action)
}

/// Returns what may be written at the end of `head`, if a template is open there; `at` is that end in the file.
pub(super) fn template(
    workspace: &Workspace,
    path: &str,
    head: &str,
    at: usize,
    resource: &[Entry<'_>],
) -> Option<Vec<Completion>> {
    let action = open_action(head)?;
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '$' | '-' | '*');
    let chain = action.get(action.trim_end_matches(is_part).len()..).unwrap_or_default();
    let chain = chain.rsplit("{{-").next().unwrap_or_default();
    let word = chain.rsplit('.').next().unwrap_or_default();
    let mut found = Found { replace: at - word.len()..at, all: Vec::new() };
    if !chain.contains('.') {
        for f in functions() {
            found.add(CompletionKind::Function, f.name, f.usage, f.doc);
        }
        for (name, doc) in KEYWORDS {
            found.add(CompletionKind::Word, name, "", *doc);
        }
        return Some(found.all);
    }
    let mut steps: Vec<&str> = chain.trim_start_matches('$').split('.').skip(1).collect();
    steps.pop();
    match steps.split_first() {
        None => {
            for (name, doc) in FIELD_DOCS {
                debug_assert!(FIELDS.iter().any(|(n, _)| *n == name));
                found.add(CompletionKind::Field, name, "", doc);
            }
        }
        Some((&"Vars", rest)) => variables(workspace, path, rest, &mut found),
        Some((&"Traits", rest)) => traits_below(rest, &mut found),
        Some((&"Envoy", [])) => {
            for name in ["Hostname", "ID", "Environment"] {
                found.add(CompletionKind::Field, name, "", "");
            }
        }
        Some((&("Item" | "Each" | "Outer"), rest)) => {
            let variable = resource.iter().find(|(key, _)| *key == "foreach").map(|(_, value)| *value);
            items(workspace, path, variable, rest, &mut found);
        }
        Some(_) => {}
    }
    Some(found.all)
}

/// Adds the traits that may come next.
fn traits_below(steps: &[&str], found: &mut Found) {
    for name in traits::children_of(steps).into_iter().filter(|n| !matches!(*n, "*" | "#")) {
        let path: Vec<&str> = steps.iter().copied().chain([name]).collect();
        let kind = traits::declared(&path.join(".")).map_or("", |kind| kind.word());
        found.add(CompletionKind::Field, name, kind, "");
    }
}

/// Adds the variables, or what is in one.
fn variables(workspace: &Workspace, path: &str, steps: &[&str], found: &mut Found) {
    if steps.is_empty() {
        for (name, by) in workspace.variables(path) {
            found.add(CompletionKind::Variable, &name, by, "");
        }
        return;
    }
    let values = values(workspace, path, steps);
    let entries: BTreeMap<Arc<str>, Value> = values.iter().filter_map(Value::as_map).flatten().map(owned).collect();
    for (name, value) in entries {
        found.add(CompletionKind::Variable, &name, show::shown(&value), "");
    }
}

fn owned((name, value): (&Arc<str>, &Value)) -> (Arc<str>, Value) {
    (name.clone(), value.clone())
}

/// Returns the values that a path below `.Vars` may have.
fn values(workspace: &Workspace, path: &str, steps: &[&str]) -> Vec<Value> {
    let Some((first, rest)) = steps.split_first() else { return Vec::new() };
    let vars = workspace.indexed().flat_map(|(file, f)| f.index().vars.iter().map(move |v| (file, v)));
    let set = vars.filter(|(file, v)| *v.name == **first && (v.krate.is_none() || ***file == *path));
    set.filter_map(|(_, v)| rest.iter().try_fold(&v.value, |value, step| value.as_map()?.get(*step)).cloned()).collect()
}

/// Adds what the item of a `foreach` has.
fn items(workspace: &Workspace, path: &str, variable: Option<&str>, steps: &[&str], found: &mut Found) {
    let Some(variable) = variable else { return };
    let way: Vec<&str> = variable.split('.').collect();
    let mut names: BTreeMap<Arc<str>, Value> = BTreeMap::new();
    for value in values(workspace, path, &way) {
        let (items, rest): (Vec<Value>, &[&str]) = match (&value, steps) {
            (Value::Map(_), []) => {
                for name in ["key", "value"] {
                    names.entry(name.into()).or_insert(Value::Null);
                }
                continue;
            }
            (Value::Map(map), ["value", rest @ ..]) => (map.values().cloned().collect(), rest),
            (Value::List(items), rest) => (items.to_vec(), rest),
            _ => continue,
        };
        for item in items {
            let inner = rest.iter().try_fold(&item, |value, step| value.as_map()?.get(*step));
            names.extend(inner.and_then(Value::as_map).into_iter().flatten().map(owned));
        }
    }
    for (name, value) in names {
        let detail = if value == Value::Null { String::new() } else { show::shown(&value) };
        found.add(CompletionKind::Variable, &name, detail, "");
    }
}

/// Where in an expression its end is.
enum Inside<'t> {
    /// Between names and operators: the word in hand.
    Words(&'t str),
    /// In the argument of a builtin: its name, the number of the argument, and what is written of it.
    Argument(&'t str, usize, &'t str),
}

fn inside(head: &str) -> Inside<'_> {
    let (mut quote, mut name, mut number, mut from): (Option<(char, usize)>, &str, usize, usize) = (None, "", 0, 0);
    let mut is_open = false;
    for (at, c) in head.char_indices() {
        match quote {
            Some((q, _)) if c == q => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') => quote = Some((c, at + 1)),
            None if c == '(' => {
                let before = head.get(..at).unwrap_or_default();
                let start = before.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len();
                (name, number, from, is_open) = (before.get(start..).unwrap_or_default(), 0, at + 1, true);
            }
            None if c == ')' => is_open = false,
            None if c == ',' => (number, from) = (number + 1, at + 1),
            None => {}
        }
    }
    match quote {
        Some((_, begin)) if !name.is_empty() => Inside::Argument(name, number, head.get(begin..).unwrap_or_default()),
        None if is_open && !name.is_empty() => {
            Inside::Argument(name, number, head.get(from..).unwrap_or_default().trim_start())
        }
        _ => {
            let start = head.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len();
            Inside::Words(head.get(start..).unwrap_or_default())
        }
    }
}

/// Returns what may be written at the end of `head`, an expression of the `when:` language.
pub(super) fn when(workspace: &Workspace, path: &str, head: &str, at: usize) -> Vec<Completion> {
    match inside(head) {
        Inside::Words(word) => {
            let mut found = Found { replace: at - word.len()..at, all: Vec::new() };
            for b in builtins() {
                let text = if b.params.is_empty() { String::from(b.name) } else { format!("{}(", b.name) };
                found.add_as(CompletionKind::Function, b.name, &text, super::hover::call(b), super::hover::builtin(b));
            }
            found.all
        }
        Inside::Argument(name, number, written) => {
            let Some(builtin) = Builtin::find(name) else { return Vec::new() };
            let word = match builtin.params.get(number).map(|p| p.kind) {
                Some(ParamKind::TraitPath) => written.rsplit('.').next().unwrap_or_default(),
                _ => written,
            };
            let mut found = Found { replace: at - word.len()..at, all: Vec::new() };
            argument(workspace, path, builtin, number, written, &mut found);
            // Outside quotes a text needs them.
            let is_quoted = head.get(..head.len() - written.len()).is_some_and(|t| t.ends_with(['"', '\'']));
            if !is_quoted && !matches!(builtin.params.get(number).map(|p| p.kind), Some(ParamKind::Int(..))) {
                found.all.iter_mut().for_each(|c| c.text = format!("'{}'", c.text));
            }
            found.all
        }
    }
}

fn argument(workspace: &Workspace, path: &str, builtin: &Builtin, number: usize, written: &str, found: &mut Found) {
    let words = |found: &mut Found, all: &mut dyn Iterator<Item = &'static str>| {
        all.for_each(|word| found.add(CompletionKind::Word, word, "", ""));
    };
    match (builtin.name, builtin.params.get(number).map(|p| p.kind)) {
        ("environment", _) => {
            workspace.environments().iter().for_each(|name| found.add(CompletionKind::Environment, name, "", ""));
        }
        ("has_role", _) => {
            let roles = workspace.indexed().flat_map(|(_, f)| &f.index().others).filter(|(_, what, _)| *what == "role");
            roles.for_each(|(name, _, _)| found.add(CompletionKind::Role, name, "", ""));
        }
        ("has_configcrate", _) => {
            let crates = workspace.indexed().flat_map(|(_, f)| &f.index().crates);
            crates.for_each(|krate| found.add(CompletionKind::Crate, &krate.name, "", krate.comment.clone()));
        }
        (_, Some(ParamKind::Family)) => words(found, &mut words::FAMILIES.iter().chain(&words::UNIONS).copied()),
        (_, Some(ParamKind::Distro)) => words(found, &mut words::DISTROS.iter().map(|(id, _)| *id)),
        (_, Some(ParamKind::Arch)) => words(found, &mut words::ARCHES.iter().filter(|(a, b)| a == b).map(|(a, _)| *a)),
        (_, Some(ParamKind::Day)) => words(found, &mut words::DAYS.iter().map(|(long, _)| *long)),
        (_, Some(ParamKind::Variable)) => {
            for (name, by) in workspace.variables(path) {
                found.add(CompletionKind::Variable, &name, by, "");
            }
        }
        (_, Some(ParamKind::TraitPath)) => {
            let mut steps: Vec<&str> = written.split('.').collect();
            steps.pop();
            traits_below(&steps, found);
        }
        _ => {}
    }
}
