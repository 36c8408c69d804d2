//! `json_file`: a value in a JSON file.

mod json;
#[cfg(test)]
mod tests;

use super::edit::{self, Edit, edit_attributes};
use super::editing::{self, Editor};
use super::{Attr, Change, Datum, Fields, Instance, Kind, Prepare, Refresh, TypeDecl};
use crate::host::Problem;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use json::{DEPTH_MAX, Json};

const PRESENT: &[&str] = &["present"];

/// More spaces a level than this are a mistake.
const INDENT_MAX: usize = 16;

/// The declaration.
pub static DECL: TypeDecl = TypeDecl {
    name: "json_file",
    aliases: &[],
    summary: "Manages a value in a JSON file.",
    states: &["present", "absent"],
    attributes: edit_attributes![
        Attr::new(
            "key",
            Kind::Line,
            "Dotted path: `\\.` is a dot, an integer an array's index, `-` appends when no equal item is there.",
        )
        .required()
        .no_secret(),
        Attr::new("value", Kind::Any, "A JSON literal in a string, or a YAML number, boolean, list or map.")
            .required_in(PRESENT)
            .only_in(PRESENT),
        Attr::new("indent", Kind::Line, "Spaces a level, or `tab`.").default("2").no_secret(),
    ],
    refresh: Refresh::Nothing,
    batch: false,
    identity: |fields| Some(format!("{}: {}", fields.path("target_path")?, fields.str("key")?)),
    footprint: edit::footprint,
    check,
    prepare,
};

fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = edit::check(fields);
    if let Some(key) = fields.str("key") {
        match steps(&key) {
            Err(problem) => problems.push(problem),
            Ok(steps) if fields.state() == "absent" && steps.last().is_some_and(|s| s == APPEND) => {
                problems.push(Problem::bad_value("key", "expected a place to remove, found `-`"));
            }
            Ok(_) => {}
        }
    }
    if let Some(datum) = fields.datum("value") {
        problems.extend(literal(datum).err());
    }
    if let Some(indent) = fields.str("indent") {
        problems.extend(indentation(&indent).err());
    }
    problems
}

fn prepare(fields: &Fields, _: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let written = fields.datum("value").filter(|_| fields.state() == "present");
    let spec = Spec {
        steps: steps(&fields.str("key").unwrap_or_default())?,
        key: fields.str("key").unwrap_or_default(),
        value: written.map(literal).transpose()?,
        secret: written.and_then(|datum| datum.to_value().secret_path().cloned()),
        indent: indentation(&fields.str("indent").unwrap_or_default())?,
    };
    Ok(editing::boxed::<JsonFile>(Edit::read(fields)?, spec))
}

/// The step that stands for a new item at the end of an array.
const APPEND: &str = "-";

/// Splits a dotted path.
fn steps(key: &str) -> Result<Vec<String>, Problem> {
    let bad = |what: &str| Problem::bad_value("key", format!("expected {what}, found `{key}`"));
    let mut steps = alloc::vec![String::new()];
    let mut chars = key.chars();
    while let Some(c) = chars.next() {
        let step = match c {
            '.' => {
                steps.push(String::new());
                continue;
            }
            '\\' => match chars.next() {
                Some(c @ ('.' | '\\')) => c,
                _ => return Err(bad("`\\.` or `\\\\`")),
            },
            c => c,
        };
        if let Some(last) = steps.last_mut() {
            last.push(step);
        }
    }
    match () {
        () if steps.iter().any(String::is_empty) => Err(bad("a dotted path without empty steps")),
        () if steps.len() > DEPTH_MAX => Err(bad("a path of at most 128 steps")),
        () if steps.iter().rev().skip(1).any(|step| step == APPEND) => Err(bad("`-` as the last step only")),
        () => Ok(steps),
    }
}

fn indentation(written: &str) -> Result<Arc<str>, Problem> {
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
fn literal(datum: &Datum) -> Result<Json, Problem> {
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

/// The editor.
struct JsonFile;

/// What is wanted of a value.
#[derive(Clone, Debug)]
struct Spec {
    steps: Vec<String>,
    key: Arc<str>,
    /// The value; `None` is none.
    value: Option<Json>,
    secret: Option<Arc<str>>,
    indent: Arc<str>,
}

impl Editor for JsonFile {
    const TYPE: &'static str = "json_file";
    const INITIAL: &'static str = "{}\n";
    type Spec = Spec;

    fn edit(spec: &Spec, text: &str) -> Result<Option<(String, Change)>, Problem> {
        let (bom, body) = text.strip_prefix('\u{feff}').map_or(("", text), |rest| ("\u{feff}", rest));
        let mut root = Json::parse(body).map_err(|e| {
            Problem::failed(format!("expected JSON, at line {}, column {}: {}", e.line, e.column, e.message))
        })?;
        let before = match &spec.value {
            Some(value) => set(&mut root, &spec.steps, value)?,
            None => remove(&mut root, &spec.steps)?.map(Some),
        };
        let Some(before) = before else { return Ok(None) };
        let shown = |value: Option<&Json>| value.map_or_else(|| "absent".into(), Json::compact);
        let (before, after) = (shown(before.as_ref()), shown(spec.value.as_ref()));
        let change = editing::change(String::from(&*spec.key), &before, &after, Self::secret(spec));
        let end = if body.contains("\r\n") { "\r\n" } else { "\n" };
        let last = if body.ends_with('\n') { end } else { "" };
        Ok(Some((format!("{bom}{}{last}", root.pretty(&spec.indent, end)), change)))
    }

    fn accepts_missing(spec: &Spec) -> bool {
        spec.value.is_none()
    }

    fn secret(spec: &Spec) -> Option<&Arc<str>> {
        spec.secret.as_ref()
    }
}

/// Puts `value` at the end of `steps`; returns what was there, or `None` when it is so already.
fn set(root: &mut Json, steps: &[String], value: &Json) -> Result<Option<Option<Json>>, Problem> {
    let mut at = root;
    for (i, step) in steps.iter().enumerate() {
        let last = i + 1 == steps.len();
        at = match at {
            Json::Map(entries) => {
                let found = Json::index_of(entries, step);
                if found.is_none() && last {
                    entries.push((json::quoted(step), value.clone()));
                    return Ok(Some(None));
                }
                let index = found.unwrap_or(entries.len());
                if found.is_none() {
                    let appended = steps.get(i + 1).is_some_and(|next| next == APPEND);
                    let made = if appended { Json::List(Vec::new()) } else { Json::Map(Vec::new()) };
                    entries.push((json::quoted(step), made));
                }
                match entries.get_mut(index) {
                    Some((_, value)) => value,
                    None => return Ok(None),
                }
            }
            Json::List(items) if step == APPEND => {
                if items.iter().any(|item| item.same(value)) {
                    return Ok(None);
                }
                items.push(value.clone());
                return Ok(Some(None));
            }
            Json::List(items) => {
                let count = items.len();
                let item = index(step).and_then(|i| items.get_mut(i));
                item.ok_or_else(|| {
                    let place = shown(&steps[..i]);
                    Problem::failed(format!(
                        "expected an index below {count} or `-` in the array at `{place}`, found `{step}`"
                    ))
                })?
            }
            scalar => {
                let (place, kind) = (shown(&steps[..i]), scalar.kind());
                return Err(Problem::failed(format!("expected an object or array at `{place}`, found {kind}")));
            }
        };
    }
    if at.same(value) {
        return Ok(None);
    }
    Ok(Some(Some(core::mem::replace(at, value.clone()))))
}

/// Removes what is at the end of `steps`, and returns it.
fn remove(root: &mut Json, steps: &[String]) -> Result<Option<Json>, Problem> {
    let Some((last, parents)) = steps.split_last() else { return Ok(None) };
    let mut at = root;
    for step in parents {
        let next = match at {
            Json::Map(entries) => match Json::index_of(entries, step) {
                Some(i) => entries.get_mut(i).map(|(_, value)| value),
                None => None,
            },
            Json::List(items) => index(step).and_then(|i| items.get_mut(i)),
            Json::Word(_) | Json::Text(_) => None,
        };
        match next {
            Some(value) => at = value,
            None => return Ok(None),
        }
    }
    match at {
        Json::Map(entries) => Ok(Json::index_of(entries, last).map(|i| entries.remove(i).1)),
        Json::List(items) => Ok(index(last).filter(|&i| i < items.len()).map(|i| items.remove(i))),
        Json::Word(_) | Json::Text(_) => Ok(None),
    }
}

fn index(step: &str) -> Option<usize> {
    step.bytes().all(|b| b.is_ascii_digit()).then(|| step.parse().ok()).flatten()
}

/// Returns a path for messages.
fn shown(steps: &[String]) -> String {
    if steps.is_empty() {
        return "the top".into();
    }
    steps.iter().map(|s| s.replace('\\', "\\\\").replace('.', "\\.")).collect::<Vec<_>>().join(".")
}
