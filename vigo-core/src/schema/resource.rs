//! Resources: the keys of all, and the attributes of each type.

use super::kind::kind;
use super::places;
use super::shape::{any_of, closed, described, list_of, map_of, object, of_type, reference, template, word, words};
use crate::config::keys;
use crate::resource::{TypeDecl, custom, types};
use crate::value::Value;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What YAML merges in.
pub(super) const MERGED: &str = "^<<$";

pub(super) const RESOURCE: &str = "resource";

/// Adds a resource and the types.
pub(super) fn define(defs: &mut BTreeMap<String, Value>) {
    let names: Vec<&str> =
        types().iter().flat_map(|t| core::iter::once(t.name).chain(t.aliases.iter().copied())).collect();
    let doc = keys::RESOURCE.key("type").map_or("", |k| k.doc);
    let known = any_of([object([("enum", words(names))]), template()]);
    let branches = types().iter().map(|decl| {
        let names = words(core::iter::once(decl.name).chain(decl.aliases.iter().copied()));
        let is_it =
            object([("properties", object([("type", object([("enum", names)]))])), ("required", words(["type"]))]);
        object([("if", is_it), ("then", reference(&format!("type_{}", decl.name)))])
    });
    let resource = object([
        ("type", word("object")),
        ("required", words(["type"])),
        ("properties", object([("type", described(known, doc))])),
        ("allOf", Value::list(branches)),
    ]);
    defs.insert(RESOURCE.into(), resource);
    for decl in types() {
        defs.insert(format!("attributes_{}", decl.name), attributes(decl, Vec::new()));
        defs.insert(format!("type_{}", decl.name), of_decl(decl));
    }
}

/// Returns the reference to a type's attributes.
pub(super) fn attributes_of(decl: &TypeDecl) -> Value {
    reference(&format!("attributes_{}", decl.name))
}

fn attributes(decl: &TypeDecl, mut properties: Vec<(&'static str, Value)>) -> Value {
    if !decl.states.is_empty() {
        let states = any_of([object([("enum", words(decl.states.iter().copied()))]), template()]);
        let doc = format!("What is wanted of it; `{}` where nothing is said.", decl.states.first().unwrap_or(&""));
        properties.push(("state", described(states, &doc)));
    }
    for attribute in decl.attributes {
        let doc = match attribute.default {
            Some(default) => format!("{} Default: `{default}`.", attribute.doc),
            None => attribute.doc.into(),
        };
        let schema = match kind(attribute.kind) {
            Value::Bool(_) => object([]),
            schema => schema,
        };
        for name in core::iter::once(attribute.name).chain(attribute.aliases.iter().copied()) {
            properties.push((name, described(schema.clone(), &doc)));
        }
    }
    if custom::is_open(decl) {
        properties.retain(|(name, _)| *name != "state");
        return object([("type", word("object")), ("properties", object(properties))]);
    }
    closed(properties, MERGED)
}

fn of_decl(decl: &TypeDecl) -> Value {
    let mut properties = Vec::new();
    for key in keys::RESOURCE.keys {
        let schema = match key.name {
            "type" => object([]),
            "case" => {
                let mut arm: Vec<(&'static str, Value)> =
                    keys::ARM.keys.iter().map(|k| (k.name, places::key(k))).collect();
                arm.retain(|(name, _)| *name != "set");
                arm.push(("set", attributes_of(decl)));
                any_of([of_type("string"), list_of(closed(arm, MERGED))])
            }
            "match" => map_of(attributes_of(decl)),
            _ => places::key(key),
        };
        properties.push((key.name, described(schema, key.doc)));
    }
    described(attributes(decl, properties), decl.summary)
}
