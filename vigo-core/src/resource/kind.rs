//! The kinds of attribute values, and how each is read from what was written.

use super::Datum;
use crate::action::AbsPath;
use crate::time::Duration;
use crate::value::Text;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What an attribute takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Any text, never split.
    Text,
    /// Text that may be long: rendered at the resource's turn.
    LongText,
    /// Text without line breaks.
    Line,
    /// A name: not empty, no leading `-`, no control characters or blanks.
    Name,
    /// An absolute path.
    Path,
    /// `true` or `false`, in any case.
    Bool,
    /// A decimal integer between the bounds, `_` allowed.
    Integer(i64, i64),
    /// 3 to 4 octal digits, `0o` may precede.
    Mode,
    /// Mebibytes, or with a suffix `K M G T`.
    Size,
    /// `45`, `30s`, `5m`, `4h`, `1d`.
    Duration,
    /// One of the words.
    Choice(&'static [&'static str]),
    /// A YAML list, or text split at commas.
    List,
    /// A YAML map, `K=V,…`, or a list of `K=V`.
    Map,
    /// A regular expression of linear time.
    Regex,
    /// A string for a shell, or a list: program and arguments.
    Command,
    /// Any YAML value.
    Any,
}

impl Kind {
    /// Says what was expected, when `datum` is not of this kind.
    ///
    /// # Errors
    /// A fragment: what is expected, and what was seen.
    pub fn check(self, datum: &Datum) -> Result<(), String> {
        match self {
            Self::Any => Ok(()),
            Self::Text | Self::LongText => text(datum).map(drop),
            Self::Line => {
                let t = text(datum)?;
                match t.as_str().contains(['\n', '\r', '\0']) {
                    true => Err("expected one line, without line breaks".into()),
                    false => Ok(()),
                }
            }
            Self::Name => name(text(datum)?.as_str()),
            Self::Path => {
                let t = text(datum)?.as_str();
                AbsPath::check(t).map(drop).map_err(|e| format!("{e}, found `{}`", t.escape_debug()))
            }
            Self::Bool => bool(text(datum)?.as_str()).map(drop),
            Self::Integer(min, max) => integer(text(datum)?.as_str(), min, max).map(drop),
            Self::Mode => mode(text(datum)?.as_str()).map(drop),
            Self::Size => size_mb(text(datum)?.as_str()).map(drop),
            Self::Duration => duration(text(datum)?.as_str()).map(drop),
            Self::Choice(words) => choice(text(datum)?.as_str(), words).map(drop),
            Self::List => list(datum).map(drop),
            Self::Map => map(datum).map(drop),
            Self::Regex => regex(datum).map(drop),
            Self::Command => match datum {
                Datum::List(items) if items.is_empty() => Err("expected a program, found an empty list".into()),
                Datum::List(items) => items.iter().try_for_each(|i| text(i).map(drop)),
                _ if text(datum)?.as_str().trim().is_empty() => Err("expected a command, found nothing".into()),
                _ => Ok(()),
            },
        }
    }
}

impl Kind {
    /// Returns whether two data mean the same to it, however they are written: `0644` and `644`, `a,b` and `[a, b]`.
    pub fn same(self, a: &Datum, b: &Datum) -> bool {
        fn equal<T: PartialEq>(read: impl Fn(&Datum) -> Option<T>, a: &Datum, b: &Datum) -> bool {
            matches!((read(a), read(b)), (Some(a), Some(b)) if a == b)
        }
        let word = |d: &Datum| text(d).ok().map(|t| String::from(t.as_str()));
        let plain = |t: &Text| String::from(t.as_str());
        match self {
            Self::Bool => equal(|d| bool(&word(d)?).ok(), a, b),
            Self::Integer(..) => equal(|d| integer(&word(d)?, i64::MIN, i64::MAX).ok(), a, b),
            Self::Mode => equal(|d| mode(&word(d)?).ok(), a, b),
            Self::Size => equal(|d| size_mb(&word(d)?).ok(), a, b),
            Self::Duration => equal(|d| duration(&word(d)?).ok(), a, b),
            Self::List => equal(|d| Some(list(d).ok()?.iter().map(plain).collect::<Vec<_>>()), a, b),
            Self::Map => {
                let entries =
                    |d: &Datum| Some(map(d).ok()?.into_iter().map(|(k, v)| (k, plain(&v))).collect::<BTreeMap<_, _>>());
                equal(entries, a, b)
            }
            Self::Any if b.secret_path().is_none() => a.to_value() == b.to_value(),
            _ => same_text(a, b),
        }
    }
}

/// Returns whether the texts are the same at every place, however they are written.
fn same_text(a: &Datum, b: &Datum) -> bool {
    match (a, b) {
        (Datum::Scalar { text: a, .. }, Datum::Scalar { text: b, .. }) => a.as_str() == b.as_str(),
        (Datum::List(a), Datum::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_text(a, b)),
        (Datum::Map(a), Datum::Map(b)) => {
            a.len() == b.len() && a.iter().all(|(k, v)| b.iter().any(|(l, w)| k == l && same_text(v, w)))
        }
        _ => false,
    }
}

/// Returns the scalar's text.
pub(super) fn text(datum: &Datum) -> Result<&Text, String> {
    match datum {
        Datum::Scalar { text, .. } => Ok(text),
        Datum::List(_) => Err("expected text, found a list".into()),
        Datum::Map(_) => Err("expected text, found a map".into()),
    }
}

/// Checks a name of an account, unit, package …
pub(super) fn name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("expected a name, found nothing".into());
    }
    if name.starts_with('-') {
        return Err(format!("expected a name without leading `-`, found `{name}`"));
    }
    if name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(format!("expected a name without blanks and control characters, found `{}`", name.escape_debug()));
    }
    Ok(())
}

pub(super) fn bool(t: &str) -> Result<bool, String> {
    if t.eq_ignore_ascii_case("true") {
        return Ok(true);
    }
    if t.eq_ignore_ascii_case("false") {
        return Ok(false);
    }
    Err(format!("expected `true` or `false`, found `{t}`"))
}

/// Returns what was meant by a word that is no boolean.
pub(super) fn meant_bool(t: &str) -> Option<&'static str> {
    match t.to_ascii_lowercase().as_str() {
        "yes" | "on" | "1" => Some("true"),
        "no" | "off" | "0" => Some("false"),
        _ => None,
    }
}

pub(super) fn integer(t: &str, min: i64, max: i64) -> Result<i64, String> {
    let bad = || format!("expected an integer, found `{t}`");
    if t.starts_with('_') || t.ends_with('_') || t.starts_with('+') {
        return Err(bad());
    }
    let parsed = if t.contains('_') { t.replace('_', "").parse() } else { t.parse() };
    let n: i64 = parsed.map_err(|_| bad())?;
    if n < min || n > max {
        return Err(format!("expected {min} to {max}, found {n}"));
    }
    Ok(n)
}

pub(super) fn mode(t: &str) -> Result<u32, String> {
    let digits = t.strip_prefix("0o").unwrap_or(t);
    if !(3..=4).contains(&digits.len()) || !digits.bytes().all(|b| (b'0'..=b'7').contains(&b)) {
        return Err(format!("expected 3 or 4 octal digits such as `0644`, found `{t}`"));
    }
    u32::from_str_radix(digits, 8).map_err(|e| e.to_string())
}

pub(super) fn size_mb(t: &str) -> Result<u64, String> {
    let bad = || format!("expected a size in MiB, or with `K`, `M`, `G`, `T`, found `{t}`");
    let (digits, unit) = match t.strip_suffix(['K', 'M', 'G', 'T', 'k', 'm', 'g', 't']) {
        Some(digits) => (digits, t.as_bytes()[t.len() - 1].to_ascii_uppercase()),
        None => (t, b'M'),
    };
    let n: u64 = digits.parse().map_err(|_| bad())?;
    let mb = match unit {
        b'K' => Some(n.div_ceil(1024)),
        b'G' => n.checked_mul(1 << 10),
        b'T' => n.checked_mul(1 << 20),
        _ => Some(n),
    };
    mb.filter(|&mb| mb > 0).ok_or_else(bad)
}

pub(super) fn duration(t: &str) -> Result<Duration, String> {
    let bad = || format!("expected a duration such as `45`, `30s`, `5m`, `4h` or `1d`, found `{t}`");
    let (digits, factor) = match t.as_bytes().last() {
        Some(b's') => (&t[..t.len() - 1], 1),
        Some(b'm') => (&t[..t.len() - 1], 60),
        Some(b'h') => (&t[..t.len() - 1], 3600),
        Some(b'd') => (&t[..t.len() - 1], 86_400),
        _ => (t, 1),
    };
    let n: u32 = digits.parse().map_err(|_| bad())?;
    Ok(Duration::from_secs(u64::from(n) * factor))
}

pub(super) fn choice(t: &str, words: &'static [&'static str]) -> Result<&'static str, String> {
    if let Some(word) = words.iter().find(|w| **w == t) {
        return Ok(word);
    }
    let mut expected = String::new();
    for (i, w) in words.iter().enumerate() {
        let join = if i == 0 {
            ""
        } else if i + 1 == words.len() {
            " or "
        } else {
            ", "
        };
        expected.push_str(&format!("{join}`{w}`"));
    }
    let near = crate::diagnostic::nearest(t, words.iter().copied());
    let hint = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
    Err(format!("expected {expected}, found `{t}`{hint}"))
}

/// Returns the items: of a list, or of text split at commas (a secret is never split), trimmed, empty ones dropped.
pub(super) fn list(datum: &Datum) -> Result<Vec<Text>, String> {
    match datum {
        Datum::List(items) => items
            .iter()
            .map(|i| text(i).cloned())
            .filter(|t| !matches!(t, Ok(t) if t.as_str().trim().is_empty()))
            .map(|t| t.map(trimmed))
            .collect(),
        Datum::Scalar { text, .. } if text.secret_path().is_some() => Ok(alloc::vec![text.clone()]),
        Datum::Scalar { text, .. } => {
            Ok(text.as_str().split(',').map(str::trim).filter(|s| !s.is_empty()).map(Text::plain).collect())
        }
        Datum::Map(_) => Err("expected a list, found a map".into()),
    }
}

fn trimmed(text: Text) -> Text {
    let t = text.as_str().trim();
    if t.len() == text.as_str().len() { text } else { Text::plain(t).tainted_by(text.secret_path()) }
}

pub(super) fn map(datum: &Datum) -> Result<BTreeMap<Arc<str>, Text>, String> {
    let pair = |item: &Text| match item.as_str().split_once('=') {
        Some((k, v)) if !k.trim().is_empty() => {
            Ok((Arc::from(k.trim()), Text::plain(v.trim()).tainted_by(item.secret_path())))
        }
        _ => Err(format!("expected `KEY=VALUE`, found `{item:?}`")),
    };
    match datum {
        Datum::Map(entries) => entries.iter().map(|(k, v)| Ok((k.clone(), text(v)?.clone()))).collect(),
        other => list(other)?.iter().map(pair).collect(),
    }
}

pub(super) fn regex(datum: &Datum) -> Result<regex::Regex, String> {
    let t = text(datum)?.as_str();
    regex::RegexBuilder::new(t).size_limit(1 << 20).build().map_err(|e| match e {
        regex::Error::CompiledTooBig(_) => "expected a regular expression that compiles to at most 1 MiB".into(),
        other => {
            let last = other.to_string();
            let reason = last.lines().last().unwrap_or("").trim_start_matches("error: ").to_string();
            format!("expected a regular expression, found `{t}`: {reason}")
        }
    })
}
