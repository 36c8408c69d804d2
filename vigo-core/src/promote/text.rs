//! Edits of a text that is YAML: an entry more in a map, an item more in a list, another value.

use super::error::PromoteError;
use crate::source::{Entry, Map, Node};
use alloc::format;
use alloc::string::String;
use core::ops::Range;

/// One edit: what takes the place of a stretch of the text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Edit {
    pub(super) at: Range<usize>,
    pub(super) text: String,
}

impl Edit {
    /// Returns the text with the edit made.
    pub(super) fn apply(&self, text: &str) -> String {
        let before = text.get(..self.at.start).unwrap_or_default();
        let after = text.get(self.at.end..).unwrap_or_default();
        format!("{before}{}{after}", self.text)
    }
}

/// Returns the edit that puts another value in the place of an entry's.
pub(super) fn replace(text: &str, entry: Entry<'_>, value: &str) -> Result<Edit, PromoteError> {
    let at = own(text, entry)?;
    if at.is_empty() {
        return Ok(Edit { at: at.start..at.start, text: format!(" {value}") });
    }
    Ok(Edit { at, text: value.into() })
}

/// Returns the edit that adds `key: value` to the map that an entry holds; to one that holds nothing a map of it.
pub(super) fn add_entry(text: &str, holder: Entry<'_>, key: &str, value: &str) -> Result<Edit, PromoteError> {
    let at = own(text, holder)?;
    match holder.value.map() {
        Some(map) => Ok(entry_in(text, holder.value, map, at, key, value)),
        None => replace(text, holder, &format!("{{{key}: {value}}}")),
    }
}

/// Returns the edit that adds an item to the list, or the one text, that an entry holds.
pub(super) fn add_item(text: &str, holder: Entry<'_>, item: &str) -> Result<Edit, PromoteError> {
    let at = own(text, holder)?;
    let Some(items) = holder.value.list() else {
        let one = super::flow::flow(holder.value);
        let list = if holder.value.is_null() { format!("[{item}]") } else { format!("[{one}, {item}]") };
        return replace(text, holder, &list);
    };
    let own_items = items.filter(|item| within(item.span().start as usize, &at));
    Ok(match own_items.last() {
        None => Edit { at, text: format!("[{item}]") },
        Some(last) if is_flow(text, &at) => flow_edit(text, end_of(text, last), item),
        Some(last) => {
            let line = line_start(text, last.span().start as usize);
            let dash = text.get(line..last.span().start as usize).and_then(|head| head.rfind('-')).unwrap_or(0);
            below(text, end_of(text, last), dash, &format!("- {item}"))
        }
    })
}

fn entry_in(text: &str, node: Node<'_>, map: Map<'_>, at: Range<usize>, key: &str, value: &str) -> Edit {
    let entry = format!("{key}: {value}");
    let last = map.iter().filter(|e| within(e.key.span().start as usize, &at)).max_by_key(|e| e.key.span().start);
    match last {
        // A map that is nothing but merged, or empty.
        None => Edit { at, text: format!("{{{entry}}}") },
        Some(last) => {
            let end = end_of(text, last.value).max(last.key.span().end as usize);
            if is_flow(text, &at) {
                return flow_edit(text, end, &entry);
            }
            below(text, end, node.column().saturating_sub(1) as usize, &entry)
        }
    }
}

/// Adds something behind the last item of a `{}` or `[]`.
fn flow_edit(text: &str, end: usize, added: &str) -> Edit {
    let rest = text.get(end..).unwrap_or_default();
    match rest.trim_start().strip_prefix(',') {
        Some(_) => {
            let comma = end + rest.find(',').unwrap_or(0) + 1;
            Edit { at: comma..comma, text: format!(" {added}") }
        }
        None => Edit { at: end..end, text: format!(", {added}") },
    }
}

/// Adds a line below the one in which something ends.
fn below(text: &str, end: usize, indent: usize, added: &str) -> Edit {
    let line = text.get(end..).and_then(|rest| rest.find('\n')).map_or(text.len(), |at| end + at);
    Edit { at: line..line, text: format!("\n{:indent$}{added}", "") }
}

/// Returns where the value of an entry stands in the text; what an alias or a merge key brings stands elsewhere.
pub(super) fn own(text: &str, entry: Entry<'_>) -> Result<Range<usize>, PromoteError> {
    let (key, value) = (entry.key.span(), entry.value.span());
    let colon = text.get(key.end as usize..).and_then(|rest| rest.find(':'));
    let colon = colon.map_or(key.end as usize, |at| key.end as usize + at + 1);
    if entry.value.is_null() && entry.value.text().is_none_or(str::is_empty) {
        return Ok(colon..colon);
    }
    let mut start = value.start as usize;
    let mut end = end_of(text, entry.value);
    let mut items = entry.value.list().into_iter().flatten();
    if let Some(first) = items.next()
        && !text.get(start..).is_some_and(|rest| rest.starts_with('['))
    {
        // Of a list in block style it is the items that have a place.
        start = first.span().start as usize;
        end = end_of(text, items.last().unwrap_or(first));
    }
    let is_filler = |line: &str| {
        let line = line.trim();
        line.is_empty() || line == "-" || line.starts_with('#')
    };
    match text.get(colon..start) {
        Some(between) if between.lines().all(is_filler) => Ok(start..end),
        _ => Err(shared(entry)),
    }
}

/// Returns that an entry cannot be changed without changing something else.
pub(super) fn shared(entry: Entry<'_>) -> PromoteError {
    let (file, line) = (entry.key.file().path().clone(), entry.key.line());
    PromoteError::Shared { file, line, key: entry.name.into() }
}

/// Returns where a node ends, without what is blank behind it.
fn end_of(text: &str, node: Node<'_>) -> usize {
    let span = node.span();
    let inner = text.get(span.start as usize..span.end as usize).unwrap_or_default();
    span.start as usize + inner.trim_end().len()
}

fn within(at: usize, range: &Range<usize>) -> bool {
    range.contains(&at)
}

fn is_flow(text: &str, at: &Range<usize>) -> bool {
    text.get(at.clone()).is_some_and(|text| text.starts_with(['{', '[']))
}

fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1)
}
