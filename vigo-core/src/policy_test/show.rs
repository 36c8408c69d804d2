//! Values in messages: one line each.

use crate::resource::Datum;
use crate::secret;
use crate::value::Value;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Characters of a value that a message shows.
const CHARS_MAX: usize = 120;

/// Returns a datum in backticks.
pub(super) fn datum(datum: &Datum) -> String {
    format!("`{}`", cut(&flow(datum)))
}

/// Returns a variable's value in backticks, secrets as their paths.
pub(super) fn value(value: &Value) -> String {
    let datum = Datum::from_value(value);
    format!("`{}`", cut(&flow(&datum)))
}

/// Returns names, each in backticks.
pub(super) fn names<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let names: Vec<String> = names.into_iter().map(|n| format!("`{}`", n.escape_debug())).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

/// Returns a datum as flow YAML would have it, roughly: for people.
fn flow(datum: &Datum) -> String {
    match datum {
        Datum::Scalar { text, .. } => format!("{}", secret::shown(text.as_str()).escape_debug()),
        Datum::List(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Datum::Map(entries) => {
            let entries = entries.iter().map(|(k, v)| format!("{}: {}", k.escape_debug(), flow(v)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Returns the first line in which texts differ: expected and found.
pub(super) fn first_difference(expected: &str, found: &str) -> Option<(String, String)> {
    let (mut a, mut b) = (expected.split('\n'), found.split('\n'));
    let mut number = 0;
    loop {
        number += 1;
        let line = |line: Option<&str>| match line {
            Some(text) => format!("line {number} `{}`", cut(&format!("{}", text.escape_debug()))),
            None => format!("no line {number}"),
        };
        match (a.next(), b.next()) {
            (None, None) => return None,
            (x, y) if x == y => {}
            (x, y) => return Some((line(x), line(y))),
        }
    }
}

fn cut(text: &str) -> String {
    let mut chars = text.chars();
    let mut shown: String = chars.by_ref().take(CHARS_MAX).collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}
