//! The keys of the tree's own maps.

use super::resource::{MERGED, RESOURCE, attributes_of};
use super::shape::{
    any_of, bool, closed, described, duration, list_of, map_of, nothing, object, of_type, pattern, reference, scalar,
    texts, word, words,
};
use crate::config::keys::{Key, NameKind, Place, Takes};
use crate::policy_test::keys as tests;
use crate::resource::types;
use crate::value::Value;
use alloc::collections::BTreeMap;
use alloc::string::String;

const NAME: &str = "^[a-z0-9][a-z0-9_-]{0,63}$";
const VARIABLE: &str = "^([A-Za-z_][A-Za-z0-9_]*|<<)$";

/// Keys that must be there, by place.
const REQUIRED: &[(&str, &[&str])] = &[
    ("a role", &["name"]),
    ("a match block", &["match"]),
    ("`network_device`", &["gateway", "type"]),
    ("a waiver", &["framework", "control", "reason"]),
    ("a test", &["name", "expect"]),
    ("an expected diagnostic", &["code"]),
];

/// Adds the maps with these keys, and those below them; returns the reference. At the top of a file keys that begin with
/// `x-` are free.
pub(super) fn define(defs: &mut BTreeMap<String, Value>, place: &'static Place, is_top: bool) -> Value {
    let name = name_of(place);
    let reference = reference(&name);
    if defs.contains_key(&name) {
        return reference;
    }
    // The name is taken before those below may ask for it.
    defs.insert(name.clone(), Value::Null);
    for key in place.keys {
        match key.takes {
            Takes::Map(of) | Takes::List(of) | Takes::Named(_, of) | Takes::Case(of) => _ = define(defs, of, false),
            _ => {}
        }
    }
    let is_open = core::ptr::eq(place, &tests::RESOURCE);
    let properties =
        place.keys.iter().map(|k| (k.name, described(special(place, k).unwrap_or_else(|| self::key(k)), k.doc)));
    let more = match (is_open, is_top) {
        (true, _) => "",
        (_, true) => "^(x-.*|<<)$",
        _ => MERGED,
    };
    let mut schema = closed(properties.collect(), more).as_map().cloned().unwrap_or_default();
    if let Some((_, required)) = REQUIRED.iter().find(|(of, _)| *of == place.name) {
        schema.insert("required".into(), words(required.iter().copied()));
    }
    defs.insert(name, Value::map(schema));
    reference
}

fn name_of(place: &Place) -> String {
    let name = place.name.trim_start_matches("a ").trim_start_matches("an ");
    name.chars().filter(|c| *c != '`').map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// Returns the schema of what stands behind a key.
pub(super) fn key(key: &Key) -> Value {
    match key.takes {
        Takes::Text | Takes::Name(_) => scalar(),
        Takes::Texts | Takes::Names(_) | Takes::DataFiles | Takes::Globs => texts(),
        Takes::Bool => bool(),
        Takes::Count => any_of([object([("type", word("integer")), ("minimum", Value::Int(0))]), pattern("^[0-9]+$")]),
        Takes::Duration => duration(),
        Takes::Date => pattern("^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
        Takes::When => object([("type", words(["string", "boolean"]))]),
        Takes::VariablePath => of_type("string"),
        Takes::NewName(NameKind::Resource) => scalar(),
        Takes::NewName(_) => pattern(NAME),
        Takes::Variables => {
            let names = object([("pattern", word(VARIABLE))]);
            any_of([object([("type", word("object")), ("propertyNames", names)]), nothing()])
        }
        Takes::Controls => any_of([map_of(texts()), nothing()]),
        Takes::Map(of) => reference(&name_of(of)),
        Takes::List(of) => any_of([list_of(reference(&name_of(of))), nothing()]),
        Takes::Named(_, of) => any_of([map_of(any_of([reference(&name_of(of)), nothing()])), nothing()]),
        Takes::Resources => any_of([list_of(reference(RESOURCE)), nothing()]),
        Takes::Defaults => {
            // A name of a type may be an attribute's, too, which takes no map.
            let of_types =
                types().iter().map(|decl| (decl.name, any_of([attributes_of(decl), scalar(), list_of(scalar())])));
            any_of([object([("type", word("object")), ("properties", object(of_types))]), nothing()])
        }
        Takes::Attributes => of_type("object"),
        Takes::Case(of) => any_of([of_type("string"), list_of(reference(&name_of(of)))]),
        Takes::Match => map_of(of_type("object")),
    }
}

/// Returns the schema of a key of a test that takes more than its kind says.
fn special(place: &'static Place, key: &Key) -> Option<Value> {
    let is = |of: &'static Place| core::ptr::eq(place, of);
    if is(&tests::TEST) {
        return match key.name {
            "traits" => Some(of_type("object")),
            "files" => Some(map_of(object([("type", words(["string", "null"]))]))),
            _ => None,
        };
    }
    if !is(&tests::EXPECT) {
        return None;
    }
    match key.name {
        "environment" => Some(object([("type", words(["string", "null"]))])),
        "configcrates" => Some(any_of([self::key(key), texts()])),
        "resources" => Some(any_of([map_of(any_of([reference(&name_of(&tests::RESOURCE)), nothing()])), texts()])),
        "variables" => Some(of_type("object")),
        "order" => Some(list_of(any_of([of_type("string"), list_of(scalar())]))),
        "diagnostics" => Some(list_of(any_of([of_type("string"), reference(&name_of(&tests::DIAGNOSTIC))]))),
        _ => None,
    }
}
