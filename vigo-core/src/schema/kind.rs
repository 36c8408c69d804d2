//! What an attribute takes.

use super::shape::{any_of, bool, duration, list_of, map_of, object, of_type, pattern, scalar, template, word, words};
use crate::resource::Kind;
use crate::value::Value;

/// Returns the schema of an attribute's values; all but the freest may be rendered.
pub(super) fn kind(kind: Kind) -> Value {
    match kind {
        Kind::Text | Kind::LongText | Kind::Line | Kind::Name | Kind::Regex => scalar(),
        Kind::Path => pattern("^(/|[A-Za-z]:[/\\\\])|\\{\\{"),
        Kind::Bool => any_of([bool(), template()]),
        Kind::Integer(min, max) => {
            let bounds = [("type", word("integer")), ("minimum", Value::Int(min)), ("maximum", Value::Int(max))];
            any_of([object(bounds), pattern("^-?[0-9][0-9_]*$"), template()])
        }
        Kind::Mode => any_of([
            object([("type", word("integer")), ("minimum", Value::Int(0))]),
            pattern("^(0o)?[0-7]{3,4}$"),
            template(),
        ]),
        Kind::Size => any_of([of_type("integer"), pattern("^[0-9]+[KMGTkmgt]?$"), template()]),
        Kind::Duration => any_of([duration(), template()]),
        Kind::Choice(choice) => {
            let plain = object([("enum", words(choice.iter().copied()))]);
            // Words that YAML takes for something else are that word all the same.
            let is_odd = |w: &&&str| matches!(**w, "true" | "false") || w.bytes().all(|b| b.is_ascii_digit());
            let odd = choice.iter().any(|w| is_odd(&w)).then(|| object([("type", words(["boolean", "integer"]))]));
            any_of([plain, template()].into_iter().chain(odd))
        }
        Kind::List => any_of([list_of(scalar()), scalar()]),
        Kind::Map => any_of([map_of(scalar()), list_of(scalar()), of_type("string")]),
        Kind::Command => any_of([list_of(scalar()), scalar()]),
        Kind::Any => Value::from(true),
    }
}
