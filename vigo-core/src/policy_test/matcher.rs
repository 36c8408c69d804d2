//! What a value must be.

use super::show::datum as shown;
use crate::config::Reader;
use crate::diagnostic::{Code, Diagnostic};
use crate::resource::{Datum, Kind};
use crate::secret;
use crate::source::{Node, NodeKind, ScalarStyle};
use crate::value::Text;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use regex::Regex;

/// What a value must be.
#[derive(Clone, Debug)]
pub enum Matcher {
    /// Means the same as this.
    Is(Datum),
    /// Has each of these in it: a text as a part, a list as an item, a map as an entry.
    Contains(Vec<Datum>),
    /// A text, or an item of a list, that the expression finds something in.
    Matches(Regex),
    /// Anything but that.
    Not(Box<Matcher>),
    /// Is not written.
    Absent,
}

const KEYS: &[&str] = &["contains", "matches", "not", "absent"];

impl Matcher {
    /// Reads `contains`, `matches`, `not`, `absent`, or else the value itself.
    pub(super) fn read(reader: &mut Reader, node: Node<'_>, what: &str) -> Option<Self> {
        let map = node.map().filter(|m| !m.is_empty() && m.iter().all(|e| KEYS.contains(&e.name)));
        let Some(map) = map else {
            if node.is_null() {
                let message = format!("`{what}` is empty");
                let d = Diagnostic::new(Code::Shape, node.span(), message);
                reader.report(d.help("write the value, or `{absent: true}`"));
                return None;
            }
            return Some(Self::Is(datum(node)));
        };
        let mut entries = map.iter();
        let (Some(e), None) = (entries.next(), entries.next()) else {
            let message = format!("`{what}` is one of `contains`, `matches`, `not` and `absent`");
            reader.report(Diagnostic::new(Code::Shape, node.span(), message).help("keep one of them"));
            return None;
        };
        match e.name {
            "contains" => Some(Self::Contains(parts(e.value))),
            "not" => Self::read(reader, e.value, "not").map(|inner| Self::Not(Box::new(inner))),
            "absent" => {
                let absent = reader.bool(e.value, "absent")?;
                Some(if absent { Self::Absent } else { Self::Not(Box::new(Self::Absent)) })
            }
            _ => {
                let text = reader.text(e.value, "matches")?;
                match regex::RegexBuilder::new(text).size_limit(1 << 20).build() {
                    Ok(regex) => Some(Self::Matches(regex)),
                    Err(why) => {
                        let why = why.to_string();
                        let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
                        let message = format!("`matches` takes a regular expression: {why}");
                        reader.report(Diagnostic::new(Code::BadValue, e.value.span(), message));
                        None
                    }
                }
            }
        }
    }

    /// Returns what is wrong with `found`: expected and found.
    pub(super) fn judge(&self, kind: Kind, found: Option<&Datum>) -> Result<(), (String, String)> {
        let seen = || found.map_or_else(|| "nothing".into(), shown);
        match (self, found) {
            (Self::Absent, None) => Ok(()),
            (Self::Absent, Some(_)) => Err(("nothing".into(), seen())),
            (Self::Not(inner), _) => match inner.judge(kind, found) {
                Err(_) => Ok(()),
                Ok(()) => Err((inner.negated(), seen())),
            },
            (Self::Is(expected), Some(datum)) if kind.same(expected, datum) => Ok(()),
            (Self::Is(expected), _) => {
                Err(found.and_then(|f| first_line(expected, f)).unwrap_or_else(|| (shown(expected), seen())))
            }
            (Self::Contains(parts), Some(datum)) => match parts.iter().find(|part| !has(datum, part)) {
                None => Ok(()),
                Some(part) => Err((format!("something that contains {}", shown(part)), seen())),
            },
            (Self::Matches(regex), Some(datum)) if texts(datum).iter().any(|t| regex.is_match(t)) => Ok(()),
            (Self::Matches(regex), _) => Err((format!("something that matches `{regex}`"), seen())),
            (Self::Contains(parts), None) => {
                Err((format!("something that contains {}", parts.first().map_or_else(String::new, shown)), seen()))
            }
        }
    }

    fn negated(&self) -> String {
        match self {
            Self::Is(datum) => format!("anything but {}", shown(datum)),
            Self::Contains(parts) => {
                let parts: Vec<String> = parts.iter().map(shown).collect();
                format!("something without {}", parts.join(", "))
            }
            Self::Matches(regex) => format!("something that does not match `{regex}`"),
            Self::Not(_) => "the opposite".into(),
            Self::Absent => "a value".into(),
        }
    }
}

/// Returns the datum of a node as written; a reference to a secret as the outlook shows it.
pub(super) fn datum(node: Node<'_>) -> Datum {
    match node.kind() {
        NodeKind::Scalar(text, style) => {
            let text = secret::mark(text).map_or_else(|| String::from(text), |marked| secret::shown(&marked));
            Datum::Scalar { text: Text::plain(text), plain: style == ScalarStyle::Plain }
        }
        NodeKind::List => Datum::List(node.list().into_iter().flatten().map(datum).collect()),
        NodeKind::Map(map) => Datum::Map(map.iter().map(|e| (Arc::from(e.name), datum(e.value))).collect()),
    }
}

/// Returns what must be contained: the items of a list, the entries of a map, or the one text.
fn parts(node: Node<'_>) -> Vec<Datum> {
    match datum(node) {
        Datum::List(items) => items,
        Datum::Map(entries) => entries.into_iter().map(|entry| Datum::Map(alloc::vec![entry])).collect(),
        scalar => alloc::vec![scalar],
    }
}

fn has(datum: &Datum, part: &Datum) -> bool {
    match (datum, part) {
        (Datum::Scalar { text, .. }, Datum::Scalar { text: part, .. }) => text.as_str().contains(part.as_str()),
        (Datum::List(items), part) => items.iter().any(|item| Kind::Text.same(item, part)),
        (Datum::Map(entries), Datum::Map(part)) => {
            part.iter().all(|(key, value)| entries.iter().any(|(k, v)| k == key && Kind::Text.same(v, value)))
        }
        (Datum::Map(entries), Datum::Scalar { text, .. }) => entries.iter().any(|(k, _)| **k == *text.as_str()),
        _ => false,
    }
}

fn texts(datum: &Datum) -> Vec<&str> {
    match datum {
        Datum::Scalar { text, .. } => alloc::vec![text.as_str()],
        Datum::List(items) => items.iter().flat_map(texts).collect(),
        Datum::Map(entries) => entries.iter().flat_map(|(_, v)| texts(v)).collect(),
    }
}

/// Returns the first line in which two texts of several lines differ.
fn first_line(expected: &Datum, found: &Datum) -> Option<(String, String)> {
    let (Datum::Scalar { text: expected, .. }, Datum::Scalar { text: found, .. }) = (expected, found) else {
        return None;
    };
    let (expected, found) = (expected.as_str(), found.as_str());
    let long = expected.lines().count() > 1 || found.lines().count() > 1;
    long.then(|| super::show::first_difference(expected, found))?
}
