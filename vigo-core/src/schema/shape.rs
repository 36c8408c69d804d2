//! Pieces of a schema.

use crate::value::Value;
use alloc::vec::Vec;

pub(super) fn object<'k>(entries: impl IntoIterator<Item = (&'k str, Value)>) -> Value {
    Value::map(entries)
}

pub(super) fn word(text: &str) -> Value {
    Value::text(text)
}

pub(super) fn words<'w>(texts: impl IntoIterator<Item = &'w str>) -> Value {
    Value::list(texts.into_iter().map(Value::text))
}

pub(super) fn any_of(all: impl IntoIterator<Item = Value>) -> Value {
    object([("anyOf", Value::list(all))])
}

pub(super) fn of_type(name: &str) -> Value {
    object([("type", word(name))])
}

pub(super) fn reference(name: &str) -> Value {
    object([("$ref", Value::from(alloc::format!("#/$defs/{name}")))])
}

/// A text of this pattern.
pub(super) fn pattern(regex: &str) -> Value {
    object([("type", word("string")), ("pattern", word(regex))])
}

/// A text with a template in it, whose value nobody knows yet.
pub(super) fn template() -> Value {
    pattern("\\{\\{")
}

/// A scalar: a text, also one that YAML takes for a number or boolean.
pub(super) fn scalar() -> Value {
    object([("type", words(["string", "number", "boolean"]))])
}

pub(super) fn list_of(items: Value) -> Value {
    object([("type", word("array")), ("items", items)])
}

pub(super) fn map_of(values: Value) -> Value {
    object([("type", word("object")), ("additionalProperties", values)])
}

pub(super) fn nothing() -> Value {
    of_type("null")
}

/// One text, a list of them, or nothing.
pub(super) fn texts() -> Value {
    any_of([scalar(), list_of(scalar()), nothing()])
}

pub(super) fn bool() -> Value {
    any_of([of_type("boolean"), pattern("^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])$")])
}

pub(super) fn duration() -> Value {
    any_of([object([("type", word("integer")), ("minimum", Value::Int(0))]), pattern("^[0-9]+[smhd]?$")])
}

/// A map with these keys and no others, but for what YAML merges into it.
pub(super) fn closed(properties: Vec<(&'static str, Value)>, more: &str) -> Value {
    object([
        ("type", word("object")),
        ("properties", object(properties)),
        ("patternProperties", object([(more, Value::from(true))])),
        ("additionalProperties", Value::from(false)),
    ])
}

/// Says what a schema is for.
pub(super) fn described(schema: Value, doc: &str) -> Value {
    let mut entries = schema.as_map().cloned().unwrap_or_default();
    entries.insert("description".into(), word(doc));
    Value::map(entries)
}
