//! The edit itself.

use super::json::{self, Json};
use super::path::{APPEND, index, shown};
use crate::host::Problem;
use crate::resource::Change;
use crate::resource::editing::{self, Editor};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The editor.
pub(super) struct JsonFile;

/// What is wanted of a value.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    pub steps: Vec<String>,
    pub key: Arc<str>,
    /// The value; `None` is none.
    pub value: Option<Json>,
    pub secret: Option<Arc<str>>,
    pub indent: Arc<str>,
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
pub(super) fn remove(root: &mut Json, steps: &[String]) -> Result<Option<Json>, Problem> {
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
