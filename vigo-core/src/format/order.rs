//! The order of known keys, and plain names for other spellings.

use super::tree::{Collection, Kind, Tree};
use crate::config::keys::{self, Place, Takes};
use crate::policy_test::keys as tests;
use crate::resource::{self, TypeDecl};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

/// Keys of a resource before its attributes, and behind them.
const BEFORE: &[&str] = &["name", "type", "foreach"];
const BEHIND: &[&str] = &[
    "case",
    "match",
    "when",
    "depends_on",
    "before",
    "notify",
    "subscribes",
    "retries",
    "retry_delay",
    "timeout",
    "compliance",
    "revert",
    "on_revert",
];

/// Arranges the documents of a file by what its path makes of it.
pub(super) fn arrange(tree: &mut Tree<'_>, path: &str) {
    let roots: Vec<usize> = tree.docs.iter().filter_map(|d| d.root).collect();
    for root in roots {
        place(tree, root, root_place(path));
    }
}

/// Returns the keys at the top of a file.
fn root_place(path: &str) -> &'static Place {
    let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
    let is_library = matches!(path.split('/').next(), Some("configcrates" | "usercrates")) && !dir.is_empty();
    match name {
        _ if name.ends_with(".test.vgo") => &tests::FILE,
        "compliance.vgo" if is_library => &keys::CLAIMS,
        _ if is_library => &keys::CRATE,
        _ if path.starts_with("roles/") || path == "roles.vgo" => &keys::ROLE_FILE,
        "common.vgo" => &keys::COMMON,
        "environments.vgo" => &keys::ENVIRONMENTS_FILE,
        "compliance.vgo" => &keys::WAIVERS_FILE,
        _ => &keys::MATCH_FILE,
    }
}

fn place(tree: &mut Tree<'_>, node: usize, place: &'static Place) {
    if core::ptr::eq(place, &keys::CRATE) {
        rename_key(tree, node, "configcrate", "name");
    }
    for (name, value) in entries(tree, node) {
        if let Some(key) = place.key(name) {
            takes(tree, value, key.takes);
        }
    }
    let at = |name: &str| place.keys.iter().position(|k| k.name == name);
    // What a test expects of a resource's attributes stands before its edges, as in the resource itself.
    let others = if core::ptr::eq(place, &tests::RESOURCE) { at("depends_on") } else { None };
    let others = 2 * others.unwrap_or(place.keys.len());
    sort(tree, node, &|name| at(name).map_or(others, |i| 2 * i + 1));
}

fn takes(tree: &mut Tree<'_>, node: usize, takes: Takes) {
    match takes {
        Takes::Map(of) => place(tree, node, of),
        Takes::List(of) => items(tree, node).into_iter().for_each(|item| place(tree, item, of)),
        Takes::Named(_, of) => entries(tree, node).into_iter().for_each(|(_, value)| place(tree, value, of)),
        Takes::Resources => items(tree, node).into_iter().for_each(|item| self::resource(tree, item)),
        Takes::Defaults => defaults(tree, node),
        _ => {}
    }
}

fn resource(tree: &mut Tree<'_>, node: usize) {
    let all = entries(tree, node);
    let type_node = all.iter().find(|(name, _)| *name == "type").map(|(_, value)| *value);
    let type_name = type_node.and_then(|value| text(tree, value));
    let decl = type_name.and_then(resource::find);
    if let (Some(decl), Some(value), Some(written)) = (decl, type_node, type_name)
        && written != decl.name
        && decl.system_of(written).is_none()
        && let Some(node) = tree.nodes.get_mut(value)
        && node.props.is_empty()
    {
        node.kind = Kind::Word(decl.name);
    }
    if let Some(decl) = decl {
        attributes(tree, node, decl);
    }
    for (name, value) in all {
        match name {
            "case" => {
                for arm in items(tree, value) {
                    let set = entries(tree, arm).into_iter().find(|(name, _)| *name == "set");
                    if let (Some((_, set)), Some(decl)) = (set, decl) {
                        arranged(tree, set, decl);
                    }
                    place(tree, arm, &keys::ARM);
                }
            }
            "match" => {
                for (_, set) in entries(tree, value) {
                    if let Some(decl) = decl {
                        arranged(tree, set, decl);
                    }
                }
            }
            _ => {}
        }
    }
    let attributes = decl.map_or(&[][..], |d| d.attributes);
    // First what it is about, then what is to become of that.
    let named = usize::from(attributes.first().is_some_and(|a| a.required == ["*"]));
    let rank = |name: &str| {
        let behind = BEFORE.len() + attributes.len() + 1;
        let at = |keys: &[&str]| keys.iter().position(|k| *k == name);
        let attribute = |i: usize| BEFORE.len() + i + usize::from(i >= named);
        match name {
            "state" => BEFORE.len() + named,
            _ => at(BEFORE)
                .or_else(|| attributes.iter().position(|a| a.name == name).map(attribute))
                .or_else(|| at(BEHIND).map(|i| behind + 1 + i))
                .unwrap_or(behind),
        }
    };
    sort(tree, node, &rank);
}

/// Arranges attributes that stand apart from their resource.
fn arranged(tree: &mut Tree<'_>, node: usize, decl: &'static TypeDecl) {
    attributes(tree, node, decl);
    let rank = |name: &str| match name {
        "state" => 0,
        _ => decl.attributes.iter().position(|a| a.name == name).map_or(decl.attributes.len() + 1, |i| i + 1),
    };
    sort(tree, node, &rank);
}

fn attributes(tree: &mut Tree<'_>, node: usize, decl: &'static TypeDecl) {
    for attribute in decl.attributes {
        for alias in attribute.aliases {
            rename_key(tree, node, alias, attribute.name);
        }
    }
}

fn defaults(tree: &mut Tree<'_>, node: usize) {
    for (name, value) in entries(tree, node) {
        if let Some(decl) = resource::find(name).filter(|_| tree.collection(value).is_some_and(|c| c.is_map)) {
            arranged(tree, value, decl);
        }
    }
}

/// Writes a key by another name, unless that is there, too.
fn rename_key(tree: &mut Tree<'_>, node: usize, from: &str, to: &'static str) {
    let Some(c) = tree.collection(node).filter(|c| c.is_map) else { return };
    let keys: Vec<(usize, &str)> = keys_of(tree, c).collect();
    if keys.iter().any(|(_, name)| *name == to) {
        return;
    }
    let named = keys.iter().find(|(_, name)| *name == from).map(|(key, _)| *key);
    if let Some(node) = named.and_then(|key| tree.nodes.get_mut(key)).filter(|n| n.props.is_empty()) {
        node.kind = Kind::Word(to);
    }
}

/// Returns the keys that are texts on one line without escapes.
fn keys_of<'p, 't: 'p>(tree: &'p Tree<'t>, c: &'p Collection<'t>) -> impl Iterator<Item = (usize, &'t str)> + 'p {
    c.slots.iter().filter_map(|s| {
        let key = tree.slots.get(*s)?.key?;
        Some((key, text(tree, key)?))
    })
}

fn entries<'t>(tree: &Tree<'t>, node: usize) -> Vec<(&'t str, usize)> {
    let Some(c) = tree.collection(node).filter(|c| c.is_map) else { return Vec::new() };
    let slots = c.slots.iter().filter_map(|s| tree.slots.get(*s));
    slots.filter_map(|s| Some((text(tree, s.key?)?, s.value?))).collect()
}

fn items(tree: &Tree<'_>, node: usize) -> Vec<usize> {
    let Some(c) = tree.collection(node).filter(|c| !c.is_map) else { return Vec::new() };
    c.slots.iter().filter_map(|s| tree.slots.get(*s)?.value).collect()
}

fn text<'t>(tree: &Tree<'t>, node: usize) -> Option<&'t str> {
    match &tree.nodes.get(node)?.kind {
        Kind::Scalar(raw) if !raw.contains(['\\', '\n']) => {
            let quoted = |q: char| raw.strip_prefix(q).and_then(|r| r.strip_suffix(q));
            Some(quoted('"').or_else(|| quoted('\'')).unwrap_or(raw))
        }
        Kind::Word(word) => Some(word),
        _ => None,
    }
}

/// Sorts the entries of a map; those of the same rank stay as they are.
fn sort(tree: &mut Tree<'_>, node: usize, rank: &dyn Fn(&str) -> usize) {
    let Some(c) = tree.collection(node).filter(|c| c.is_map) else { return };
    let old = c.slots.clone();
    let rank_of = |slot: &usize| {
        let key = tree.slots.get(*slot).and_then(|s| s.key);
        match key.and_then(|key| text(tree, key)) {
            // What is merged comes first, before what wins over it.
            Some("<<") => 0,
            Some(name) => 1 + rank(name),
            None => usize::MAX,
        }
    };
    let mut new = old.clone();
    new.sort_by_key(rank_of);
    if new == old || tied(tree, &old) {
        return;
    }
    if let Some(c) = tree.collection_mut(node) {
        c.slots = new;
    }
}

/// Returns whether an anchor in one of the slots is meant by another, or written twice: their order is their meaning.
fn tied(tree: &Tree<'_>, slots: &[usize]) -> bool {
    let mut anchors: BTreeMap<&str, usize> = BTreeMap::new();
    let mut aliases: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for &slot in slots {
        let mut open: Vec<usize> = tree.slots.get(slot).into_iter().flat_map(|s| [s.key, s.value]).flatten().collect();
        while let Some(id) = open.pop() {
            let Some(node) = tree.nodes.get(id) else { continue };
            for anchor in node.props.iter().filter_map(|p| p.strip_prefix('&')) {
                if anchors.insert(anchor, slot).is_some_and(|other| other != slot) {
                    return true;
                }
            }
            match &node.kind {
                Kind::Alias(name) => _ = aliases.entry(name.trim_start_matches('*')).or_default().insert(slot),
                Kind::Collection(c) => {
                    let inner = c.slots.iter().filter_map(|s| tree.slots.get(*s));
                    open.extend(inner.flat_map(|s| [s.key, s.value]).flatten());
                }
                _ => {}
            }
        }
    }
    aliases.iter().any(|(name, users)| anchors.get(name).is_some_and(|owner| users.iter().any(|user| user != owner)))
}
