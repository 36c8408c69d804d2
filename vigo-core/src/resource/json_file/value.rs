//! Values and indents as they are written in a policy.

use super::json::{self, DEPTH_MAX, Json};
use crate::host::Problem;
use crate::resource::Datum;
use alloc::format;
use alloc::sync::Arc;

/// More spaces a level than this are a mistake.
const INDENT_MAX: usize = 16;

/// Returns the text of one level of indent.
pub(super) fn indentation(written: &str) -> Result<Arc<str>, Problem> {
    match written.parse::<usize>() {
        _ if written == "tab" => Ok("\t".into()),
        Ok(spaces) if spaces <= INDENT_MAX => Ok(" ".repeat(spaces).into()),
        _ => {
            let message = format!("expected 0 to {INDENT_MAX} spaces or `tab`, found `{written}`");
            Err(Problem::bad_value("indent", message))
        }
    }
}

/// Returns the value that is meant: a scalar's text is a JSON literal; in lists and maps, text is text.
pub(super) fn literal(datum: &Datum) -> Result<Json, Problem> {
    let Datum::Scalar { text, plain } = datum else { return nested(datum, 0) };
    let written = text.as_str();
    if let Ok(json) = Json::parse(written) {
        return Ok(json);
    }
    if *plain && let Some(word) = yaml_word(written) {
        return Ok(word);
    }
    let shown = match text.secret_path() {
        Some(path) => format!("«secret {path}»"),
        None => written.chars().take(100).collect(),
    };
    let problem = Problem::bad_value("value", format!("expected a JSON literal, found `{shown}`"));
    Err(problem.help(match text.secret_path() {
        Some(path) => format!("for a string, write `'\"secret:{path}\"'`"),
        None => format!("for a string, write `'{}'`", json::quoted(&shown)),
    }))
}

/// Returns YAML's other spellings of booleans and null.
fn yaml_word(text: &str) -> Option<Json> {
    let word = match text {
        _ if text.eq_ignore_ascii_case("true") => "true",
        _ if text.eq_ignore_ascii_case("false") => "false",
        "" | "~" | "Null" | "NULL" => "null",
        _ => return None,
    };
    Some(Json::Word(word.into()))
}

fn nested(datum: &Datum, depth: usize) -> Result<Json, Problem> {
    if depth == DEPTH_MAX {
        return Err(Problem::bad_value("value", format!("expected at most {DEPTH_MAX} levels, found more")));
    }
    match datum {
        Datum::List(items) => {
            items.iter().map(|item| nested(item, depth + 1)).collect::<Result<_, _>>().map(Json::List)
        }
        Datum::Map(entries) => {
            let entry = |(key, value): &(Arc<str>, Datum)| Ok((json::quoted(key), nested(value, depth + 1)?));
            entries.iter().map(entry).collect::<Result<_, _>>().map(Json::Map)
        }
        Datum::Scalar { text, plain } => {
            let scalar = match Json::parse(text.as_str()) {
                Ok(word @ Json::Word(_)) if *plain => Some(word),
                _ if *plain => yaml_word(text.as_str()),
                _ => None,
            };
            Ok(scalar.unwrap_or_else(|| Json::text(text.as_str())))
        }
    }
}
