//! Asking the registry, and reading what `reg.exe query` answers.

use crate::program::REG;
use alloc::borrow::{Cow, ToOwned};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Command, Op, OpOutput, Outputs};
use vigo_core::time::Duration;
use vigo_core::value::Value;

/// How long an answer may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// Returns a read of all values of a key.
pub(super) fn query(key: &str) -> Op {
    Op::Run(Command::read(REG, ["query", key]).timeout(DEADLINE))
}

/// Returns a read of a key and all that is below.
pub(super) fn query_below(key: &str) -> Op {
    Op::Run(Command::read(REG, ["query", key, "/s"]).timeout(Duration::from_secs(10)).output_bytes_max(16 << 20))
}

/// Returns a read of one value of all keys below a key.
pub(super) fn query_each(key: &str, value: &str) -> Op {
    let args = ["query", key, "/s", "/v", value];
    Op::Run(Command::read(REG, args).timeout(Duration::from_secs(10)).output_bytes_max(16 << 20))
}

/// Returns the keys right below one, by their names, as `op` has asked for them.
///
/// # Errors
/// As [`Key::read`], and when not all of it was said.
pub(super) fn keys(outputs: &Outputs, op: &Op, key: &str) -> Result<Vec<(String, Key)>, String> {
    let out = answer(outputs, op, key)?;
    // Its own name is spelled in full.
    let own = key.split_once('\\').map_or(key, |(_, below)| below);
    let mut found: Vec<(String, Key)> = Vec::new();
    let mut at = None;
    for line in out.lines() {
        if line.starts_with("HKEY_") {
            let below = line.trim_end().rsplit_once('\\').filter(|(above, name)| {
                let whole = above.split_once('\\').map_or("", |(_, below)| below);
                whole.eq_ignore_ascii_case(own) && !name.is_empty()
            });
            at = below.map(|_| found.len());
            found.extend(below.map(|(_, name)| (name.to_owned(), Key::default())));
        } else if let Some((_, key)) = at.and_then(|at| found.get_mut(at)) {
            key.0.extend(Key::value_of(line));
        }
    }
    if found.is_empty() {
        return Err(format!("`reg query {key}` tells of no key below it"));
    }
    Ok(found)
}

fn answer<'a>(outputs: &'a Outputs, op: &Op, key: &str) -> Result<Cow<'a, str>, String> {
    match outputs.get(op) {
        Some(OpOutput::Ran(ran)) if ran.truncated => Err(format!("`reg query {key}` said more than is kept")),
        Some(OpOutput::Ran(ran)) if ran.success() => Ok(ran.out()),
        Some(OpOutput::Ran(ran)) => Err(format!("`reg query {key}` ended with {}", ran.exit)),
        Some(OpOutput::Failed(why)) => Err(why.message.clone()),
        _ => Err(format!("`{key}` was not asked for")),
    }
}

/// The values of a key, by name in lower case.
#[derive(Debug, Default)]
pub(super) struct Key(BTreeMap<String, String>);

impl Key {
    /// Reads the answer about a key.
    ///
    /// # Errors
    /// When there is none: a key that is not there cannot be told from one that may not be read.
    pub(super) fn read(outputs: &Outputs, key: &str) -> Result<Self, String> {
        Ok(Self::parse(&answer(outputs, &query(key), key)?))
    }

    /// Reads lines such as `    Name    REG_SZ    a value`; the lines of keys have no indent.
    fn parse(out: &str) -> Self {
        Self(out.lines().filter_map(Self::value_of).collect())
    }

    fn value_of(line: &str) -> Option<(String, String)> {
        let line = line.strip_prefix("    ")?;
        let (name, rest) = line.split_once("    REG_")?;
        let (_, value) = rest.split_once("    ")?;
        Some((name.trim().to_lowercase(), value.trim().to_owned()))
    }

    /// Returns a value's text; `None` when there is none, or an empty one.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(&name.to_lowercase()).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// Returns a value's text as a trait.
    pub(super) fn value(&self, name: &str) -> Option<Value> {
        self.text(name).map(Value::text)
    }

    /// Returns a number, which is written in hexadecimal digits.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        i64::from_str_radix(self.text(name)?.strip_prefix("0x")?, 16).ok()
    }
}

/// Returns a text without the blanks around it and between its words.
pub(super) fn single_spaced(text: &str) -> Cow<'_, str> {
    match text.contains("  ") {
        false => Cow::Borrowed(text.trim()),
        true => Cow::Owned(text.split_whitespace().collect::<alloc::vec::Vec<_>>().join(" ")),
    }
}

#[cfg(test)]
pub(super) fn answers(keys: &[(&str, &str)]) -> Outputs {
    let mut outputs = Outputs::default();
    for (key, out) in keys {
        outputs.push(query(key), alloc::sync::Arc::new(OpOutput::exited(0, out, "")));
    }
    outputs
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::action::Ran;

    #[test]
    fn values_are_read_with_their_blanks_and_keys_are_no_values() {
        let (_, ran) =
            Ran::from_recording(include_str!("../../tests/fixtures/wine/8.0/reg-query-service.txt")).unwrap();
        let key = Key::parse(&ran.out());
        assert_eq!(key.text("displayname"), Some("Feas Service"));
        assert_eq!((key.number("Start"), key.number("ImagePath"), key.text("nope")), (Some(3), None, None));
        let odd = Key::parse(
            "HKEY_LOCAL_MACHINE\\X    REG_SZ    y\r\n    A B    REG_SZ    \r\n    C    REG_MULTI_SZ    a\\0b\r\n    D",
        );
        assert_eq!((odd.text("A B"), odd.text("c"), odd.0.len()), (None, Some("a\\0b"), 2));
    }
}
