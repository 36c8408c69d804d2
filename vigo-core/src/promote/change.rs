//! What is brought over.

use super::error::PromoteError;
use super::flow::{flow, word};
use super::text;
use crate::config::Config;
use crate::diagnostic::nearest;
use crate::source::{Entry, Map, Node, Sources, Tree};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What is to be brought over; where nothing is chosen, all of it.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Names of variables.
    pub variables: Vec<String>,
    /// Names of configcrates, usercrates among them as `user:dan`: added and excluded ones.
    pub crates: Vec<String>,
}

/// A file that would become another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Promoted {
    /// Its path.
    pub path: Arc<str>,
    /// Its new text.
    pub text: String,
    /// What is new in it.
    pub changes: Vec<Change>,
}

/// One thing that is brought over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// The key: `vars`, `roles`, `configcrates`, `usercrates`, `exclude_configcrates`.
    pub key: &'static str,
    /// The name.
    pub name: String,
    /// As it was written for the target, if it was.
    pub before: Option<String>,
    /// As it is now; of a name in a list the name.
    pub after: String,
}

const LISTS: &[&str] = &["roles", "configcrates", "usercrates", "exclude_configcrates"];

/// Returns the files that bringing what `from` sets over to `to` would change, with their new texts.
///
/// # Errors
/// [`PromoteError`].
pub fn promote(config: &Config<'_>, from: &str, to: &str, choice: &Choice) -> Result<Vec<Promoted>, PromoteError> {
    let names = || config.environments.iter().flat_map(|file| &file.environments).map(|e| e.name);
    if from == to {
        return Err(PromoteError::Itself(from.into()));
    }
    for name in [from, to] {
        if !names().any(|known| known == name) {
            let nearest = nearest(name, names()).map(String::from);
            return Err(PromoteError::NoEnvironment { name: name.into(), nearest });
        }
    }
    let wanted = wanted(config, from, choice)?;
    let mut files = Vec::new();
    for (path, written, all) in wanted {
        let mut text = written;
        let mut changes = Vec::new();
        for one in all {
            if let Some((next, change)) = bring(&path, &text, to, &one)? {
                text = next;
                changes.push(change);
            }
        }
        if !changes.is_empty() {
            files.push(Promoted { path, text, changes });
        }
    }
    Ok(files)
}

/// One thing that an environment sets.
struct Wanted {
    key: &'static str,
    name: String,
    value: String,
}

type File = (Arc<str>, String, Vec<Wanted>);

fn wanted(config: &Config<'_>, from: &str, choice: &Choice) -> Result<Vec<File>, PromoteError> {
    let is_all = choice.variables.is_empty() && choice.crates.is_empty();
    let (mut known_vars, mut known_crates): (Vec<String>, Vec<String>) = Default::default();
    let mut files: Vec<File> = Vec::new();
    for file in &config.environments {
        for environment in file.environments.iter().filter(|e| e.name == from) {
            let yaml = environment.key.file();
            let mut all = Vec::new();
            let Some(map) = body(&yaml.documents().collect::<Vec<_>>(), from).and_then(|e| e.value.map()) else {
                continue;
            };
            for e in map.iter() {
                if e.name == "vars" {
                    for var in e.value.map().into_iter().flat_map(Map::iter) {
                        known_vars.push(var.name.into());
                        if is_all || choice.variables.iter().any(|name| name == var.name) {
                            all.push(Wanted { key: "vars", name: var.name.into(), value: flow(var.value) });
                        }
                    }
                } else if let Some(key) = LISTS.iter().find(|key| **key == e.name) {
                    for name in texts(e.value) {
                        let shown = if *key == "usercrates" { format!("user:{name}") } else { name.to_string() };
                        let chosen = *key != "roles" && choice.crates.contains(&shown);
                        if is_all || chosen {
                            all.push(Wanted { key, name: name.into(), value: word(name) });
                        }
                        known_crates.push(shown);
                    }
                }
            }
            files.push((yaml.path().clone(), yaml.text().to_string(), all));
        }
    }
    let asked = [("variable", &choice.variables, &known_vars), ("configcrate", &choice.crates, &known_crates)];
    for (what, names, known) in asked {
        if let Some(name) = names.iter().find(|name| !known.contains(name)) {
            let nearest = nearest(name, known.iter().map(|k| &**k)).map(String::from);
            let environment = from.into();
            return Err(PromoteError::NotSet { environment, what, name: name.clone(), nearest });
        }
    }
    Ok(files)
}

/// Brings one thing over: the new text, unless it is so already.
fn bring(path: &str, text: &str, to: &str, one: &Wanted) -> Result<Option<(String, Change)>, PromoteError> {
    let sources = Sources::read(&Tree::from_texts([(path, text)]));
    let Some(file) = sources.policy_files().next() else { return Ok(None) };
    let documents: Vec<Node<'_>> = file.documents().collect();
    let change =
        |before: Option<String>| Change { key: one.key, name: one.name.clone(), before, after: one.value.clone() };
    let item =
        if one.key == "vars" { format!("{{{}: {}}}", word(&one.name), one.value) } else { format!("[{}]", one.value) };
    let Some(target) = body(&documents, to) else {
        let Some(env) = documents.iter().find_map(|d| entry(*d, "env")) else { return Ok(None) };
        let edit = text::add_entry(text, env, &word(to), &format!("{{{}: {item}}}", one.key))?;
        return Ok(Some((edit.apply(text), change(None))));
    };
    let place = text::own(text, target)?;
    let Some(holder) = entry(target.value, one.key) else {
        let edit = text::add_entry(text, target, one.key, &item)?;
        return Ok(Some((edit.apply(text), change(None))));
    };
    // What a merge key brings is written elsewhere.
    if !place.contains(&(holder.key.span().start as usize)) {
        return Err(text::shared(target));
    }
    let place = text::own(text, holder)?;
    if one.key != "vars" {
        if texts(holder.value).contains(&&*one.name) {
            return Ok(None);
        }
        let edit = text::add_item(text, holder, &one.value)?;
        return Ok(Some((edit.apply(text), change(None))));
    }
    let (edit, before) = match entry(holder.value, &one.name) {
        Some(old) if flow(old.value) == one.value => return Ok(None),
        Some(old) if place.contains(&(old.key.span().start as usize)) => {
            (text::replace(text, old, &one.value)?, Some(flow(old.value)))
        }
        _ => (text::add_entry(text, holder, &word(&one.name), &one.value)?, None),
    };
    Ok(Some((edit.apply(text), change(before))))
}

/// Returns the entry of an environment below `env`.
fn body<'a>(documents: &[Node<'a>], name: &str) -> Option<Entry<'a>> {
    documents.iter().find_map(|document| entry(entry(*document, "env")?.value, name))
}

fn entry<'a>(node: Node<'a>, name: &str) -> Option<Entry<'a>> {
    node.map()?.iter().find(|e| e.name == name)
}

fn texts(node: Node<'_>) -> Vec<&str> {
    match node.list() {
        Some(items) => items.filter_map(Node::text).collect(),
        None if node.is_null() => Vec::new(),
        None => node.text().into_iter().collect(),
    }
}
