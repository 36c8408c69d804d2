//! Reading traits in three values: omitted is false, `null` is unknown.

use crate::traits::{Lookup, TraitSet};
use crate::value::Value;
use crate::when::tri::Tri;
use crate::when::version;
use alloc::format;
use alloc::string::ToString;

/// Returns a trait's value, or what its absence means.
pub(super) fn known<'t>(traits: &'t TraitSet, path: &str) -> Result<&'t Value, Tri> {
    match traits.get(path) {
        Lookup::Present(value) => Ok(value),
        Lookup::Null => Err(unreadable(path)),
        Lookup::Omitted => Err(Tri::False),
    }
}

/// Returns unknown, because a trait is `null`.
pub(super) fn unreadable(path: &str) -> Tri {
    Tri::unknown(format!("trait `{path}` could not be read"))
}

/// Returns unknown, because a trait is of another kind than it should be.
pub(super) fn unexpected(path: &str, expected: &str, seen: &Value) -> Tri {
    Tri::unknown(format!("trait `{path}` is no {expected} but a {}", seen.kind()))
}

/// Returns a boolean trait.
pub(super) fn flag(traits: &TraitSet, path: &str) -> Tri {
    known(traits, path).map_or_else(
        |tri| tri,
        |value| match value {
            Value::Bool(b) => (*b).into(),
            other => unexpected(path, "boolean", other),
        },
    )
}

/// Returns whether a text trait passes `test`.
pub(super) fn is_word(traits: &TraitSet, path: &str, test: impl Fn(&str) -> bool) -> Tri {
    known(traits, path).map_or_else(
        |tri| tri,
        |value| match value.as_str() {
            Some(word) => test(word).into(),
            None => unexpected(path, "text", value),
        },
    )
}

/// Returns whether a number trait is at least `least`.
pub(super) fn at_least(traits: &TraitSet, path: &str, least: i64) -> Tri {
    known(traits, path).map_or_else(
        |tri| tri,
        |value| match value.as_int() {
            Some(n) => (n >= least).into(),
            None => unexpected(path, "whole number", value),
        },
    )
}

/// Returns whether the dotted numbers of the OS version pass `test`.
pub(super) fn os_version(traits: &TraitSet, test: impl Fn(&str) -> bool) -> Tri {
    known(traits, "os.version").map_or_else(
        |tri| tri,
        |value| {
            let printed = match value {
                Value::Text(t) => t.as_str().to_string(),
                Value::Int(n) => n.to_string(),
                Value::Float(n) => n.to_string(),
                other => return unexpected("os.version", "text", other),
            };
            match version::dotted(&printed) {
                Some(numbers) => test(numbers).into(),
                None => Tri::unknown(format!("trait `os.version` is `{printed}`, expected dotted numbers")),
            }
        },
    )
}

/// Returns whether a scalar prints as `text`. What is empty, a list or a map prints as nothing that can be written.
pub(super) fn prints_as(value: &Value, text: &str) -> bool {
    match value {
        Value::Text(t) => t.as_str() == text,
        Value::Int(n) => n.to_string() == text,
        Value::Float(n) => n.to_string() == text,
        Value::Bool(b) => text == if *b { "true" } else { "false" },
        Value::Null | Value::List(_) | Value::Map(_) => false,
    }
}
