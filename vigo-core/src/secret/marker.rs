//! Markers: what stands for a secret in a policy until the value is there.
//!
//! `secret:db/pw` becomes six [`START`], the path and [`END`]: as many characters as the reference has, so that columns
//! behind it stay true. Both are private-use characters, refused in every file that is read.

use super::reference::find;
use crate::value::{Text, Value};
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

/// Six of these begin a marker.
const START: char = '\u{10F5E0}';
/// Ends a marker.
const END: char = '\u{10F5E1}';
const STARTS: usize = 6;
/// What both are encoded with first.
const FIRST_BYTE: u8 = 0xf4;

/// A marker whose secret the lookup does not have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MissingSecret {
    /// The secret's path.
    pub path: Arc<str>,
}

impl fmt::Display for MissingSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no value for secret `{}`", self.path)
    }
}

impl core::error::Error for MissingSecret {}

/// Returns where the first character stands that only markers may hold.
pub fn reserved(text: &str) -> Option<usize> {
    // The usual text does not even have the byte that both begin with.
    if !text.as_bytes().contains(&FIRST_BYTE) {
        return None;
    }
    match (text.find(START), text.find(END)) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Replaces every reference in `text` by its marker; `None` when it has none.
pub fn mark(text: &str) -> Option<String> {
    // The usual text has no reference: one search, nothing allocated.
    if !text.contains("secret:") {
        return None;
    }
    let found = find(text);
    if found.is_empty() {
        return None;
    }
    let mut out = String::with_capacity(text.len() + found.len() * 24);
    let mut from = 0;
    for r in found {
        out.push_str(text.get(from..r.start).unwrap_or_default());
        push_marker(&mut out, r.path);
        from = r.end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    Some(out)
}

fn push_marker(out: &mut String, path: &str) {
    out.extend(core::iter::repeat_n(START, STARTS));
    out.push_str(path);
    out.push(END);
}

/// Returns whether `text` holds a marker.
pub fn is_marked(text: &str) -> bool {
    reserved(text).is_some()
}

/// Adds the paths of the markers in `value`, at any depth.
pub fn paths(value: &Value, into: &mut BTreeSet<Arc<str>>) {
    match value {
        Value::Text(t) => {
            for piece in Pieces(t.as_str()) {
                if let Piece::Secret(path) = piece
                    && !into.contains(path)
                {
                    into.insert(path.into());
                }
            }
        }
        Value::List(items) => items.iter().for_each(|v| paths(v, into)),
        Value::Map(map) => map.values().for_each(|v| paths(v, into)),
        _ => {}
    }
}

/// Returns the path of the first marker.
pub fn first_path(text: &str) -> Option<&str> {
    Pieces(text).find_map(|piece| match piece {
        Piece::Secret(path) => Some(path),
        Piece::Text(_) => None,
    })
}

/// Puts the values of secrets in the place of their markers; the text is tainted by every path that went in.
pub fn fill<'v>(text: &str, lookup: &dyn Fn(&str) -> Option<&'v str>) -> Result<Text, MissingSecret> {
    let missing = Pieces(text).find_map(|piece| match piece {
        Piece::Secret(path) if lookup(path).is_none() => Some(path),
        _ => None,
    });
    match missing {
        Some(path) => Err(MissingSecret { path: path.into() }),
        None => Ok(fill_known(text, lookup)),
    }
}

/// Puts the values of the secrets that the lookup has in the place of their markers; the others stay. The text is
/// tainted by all of them.
pub fn fill_known<'v>(text: &str, lookup: &dyn Fn(&str) -> Option<&'v str>) -> Text {
    if !is_marked(text) {
        return Text::plain(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut taint: Option<Text> = None;
    for piece in Pieces(text) {
        match piece {
            Piece::Text(t) => out.push_str(t),
            Piece::Secret(path) => {
                match lookup(path) {
                    Some(value) => out.push_str(value),
                    None => push_marker(&mut out, path),
                }
                let path = Text::secret("", path);
                taint = Some(match taint {
                    Some(earlier) => earlier.tainted_by(path.secret_path()),
                    None => path,
                });
            }
        }
    }
    Text::plain(out).tainted_by(taint.as_ref().and_then(Text::secret_path))
}

/// Fills every text of `value`, at any depth, as far as the lookup goes: see [`fill_known`].
pub fn fill_value<'v>(value: &Value, lookup: &dyn Fn(&str) -> Option<&'v str>) -> Value {
    match value {
        Value::Text(t) if is_marked(t.as_str()) => Value::Text(fill_known(t.as_str(), lookup)),
        Value::List(items) => Value::list(items.iter().map(|v| fill_value(v, lookup))),
        Value::Map(map) => Value::map(map.iter().map(|(k, v)| (k.clone(), fill_value(v, lookup)))),
        other => other.clone(),
    }
}

/// Returns `text` as people may see it: each marker as `«secret path»`.
pub fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in Pieces(text) {
        match piece {
            Piece::Text(t) => out.push_str(t),
            Piece::Secret(path) => {
                out.push_str("«secret ");
                out.push_str(path);
                out.push('»');
            }
        }
    }
    out
}

enum Piece<'a> {
    Text(&'a str),
    Secret(&'a str),
}

/// The texts and markers of a text. What begins like a marker and does not end as one is text.
struct Pieces<'a>(&'a str);

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if self.0.is_empty() {
            return None;
        }
        let Some(at) = reserved(self.0) else {
            return Some(Piece::Text(core::mem::take(&mut self.0)));
        };
        if at > 0 {
            let (text, rest) = self.0.split_at(at);
            self.0 = rest;
            return Some(Piece::Text(text));
        }
        let inner = self.0.trim_start_matches(START);
        match inner.split_once(END) {
            Some((path, rest)) if inner.len() < self.0.len() && reserved(path).is_none() => {
                self.0 = rest;
                Some(Piece::Secret(path))
            }
            _ => {
                let (text, rest) = self.0.split_at(START.len_utf8());
                self.0 = rest;
                Some(Piece::Text(text))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn a_marker_is_filled_and_taints() {
        let marked = mark("u=a p=secret:db/pw; t=secret:tok.").unwrap();
        assert_eq!(shown(&marked), "u=a p=«secret db/pw»; t=«secret tok».");
        assert_eq!(marked.chars().count(), "u=a p=secret:db/pw; t=secret:tok.".chars().count(), "columns stay true");
        let lookup = |p: &str| match p {
            "db/pw" => Some("hunter2"),
            "tok" => Some("{{ x }}"),
            _ => None,
        };
        let text = fill(&marked, &lookup).unwrap();
        assert_eq!(text.as_str(), "u=a p=hunter2; t={{ x }}.");
        assert_eq!(format!("{text:?}"), "«secret db/pw, tok»");
        assert_eq!(fill(&marked, &|_| None), Err(MissingSecret { path: "db/pw".into() }));
    }

    #[test]
    fn values_are_filled_at_any_depth() {
        let v = Value::map([("a", Value::list([Value::text(mark("secret:x").unwrap())]))]);
        let mut found = BTreeSet::new();
        paths(&v, &mut found);
        assert_eq!(found.into_iter().collect::<alloc::vec::Vec<_>>(), ["x".into()]);
        let filled = fill_value(&v, &|_| Some("s"));
        assert_eq!(filled.at("a.0").and_then(Value::as_str), Some("s"));
        assert_eq!(filled.secret_path().map(|p| &**p), Some("x"));
    }

    #[test]
    fn half_a_marker_is_text() {
        for text in ["\u{10F5E0}", "\u{10F5E1}", "\u{10F5E0}a", "a\u{10F5E0}b\u{10F5E0}c"] {
            assert_eq!(shown(text), text);
            assert_eq!(fill(text, &|_| None).unwrap().as_str(), text);
        }
    }
}
