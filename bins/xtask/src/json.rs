//! Reads JSON that our own programs print.

use crate::failure::{Failure, Result};

/// A JSON value.
#[derive(Clone, PartialEq, Debug)]
pub enum Json {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// Any number.
    Number(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// A map, in the order as written.
    Map(Vec<(String, Json)>),
}

impl Json {
    /// Reads `text`, which holds one value and nothing else.
    pub fn parse(text: &str) -> Result<Self> {
        let mut reader = Reader { rest: text, depth: 0 };
        let value = reader.value().ok_or_else(|| {
            let at = text.len() - reader.rest.len();
            Failure::new(format!(
                "expected JSON, seen `{}` at byte {at}",
                reader.rest.chars().take(40).collect::<String>()
            ))
        })?;
        if reader.rest.trim().is_empty() { Ok(value) } else { Err(Failure::new("text behind the JSON value")) }
    }

    /// Returns the value at a dotted path such as `counts.changed`.
    pub fn at(&self, path: &str) -> Option<&Self> {
        path.split('.').try_fold(self, |value, key| match value {
            Self::Map(entries) => entries.iter().find(|(k, _)| k == key).map(|(_, v)| v),
            Self::List(items) => items.get(key.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// Returns the number at `path`; a missing one is a failure.
    pub fn number(&self, path: &str) -> Result<f64> {
        match self.at(path) {
            Some(Self::Number(number)) => Ok(*number),
            other => Err(Failure::new(format!("expected a number at `{path}`, seen {other:?}"))),
        }
    }

    /// Returns the text at `path`, if it is one.
    pub fn text(&self, path: &str) -> Option<&str> {
        match self.at(path)? {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the items of the list at `path`; none if there is no list.
    pub fn list(&self, path: &str) -> &[Self] {
        match self.at(path) {
            Some(Self::List(items)) => items,
            _ => &[],
        }
    }
}

/// Quotes `text` as JSON.
pub fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

struct Reader<'a> {
    rest: &'a str,
    depth: u32,
}

impl Reader<'_> {
    fn value(&mut self) -> Option<Json> {
        self.rest = self.rest.trim_start();
        self.depth += 1;
        if self.depth > 128 {
            return None;
        }
        let value = match self.rest.chars().next()? {
            'n' => self.word("null", Json::Null),
            't' => self.word("true", Json::Bool(true)),
            'f' => self.word("false", Json::Bool(false)),
            '"' => self.text().map(Json::Text),
            '[' => self.items(']', |r| r.value()).map(Json::List),
            '{' => self
                .items('}', |r| {
                    r.rest = r.rest.trim_start();
                    let key = r.text()?;
                    r.rest = r.rest.trim_start().strip_prefix(':')?;
                    Some((key, r.value()?))
                })
                .map(Json::Map),
            _ => {
                let end = self.rest.find(|c: char| !"+-.eE".contains(c) && !c.is_ascii_digit());
                let (number, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
                self.rest = rest;
                number.parse().ok().map(Json::Number)
            }
        };
        self.depth -= 1;
        value
    }

    fn word(&mut self, word: &str, value: Json) -> Option<Json> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(value)
    }

    fn items<T>(&mut self, close: char, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut items = Vec::new();
        self.rest = self.rest.get(1..)?.trim_start();
        while !self.rest.starts_with(close) {
            items.push(item(self)?);
            self.rest = self.rest.trim_start();
            match self.rest.strip_prefix(',') {
                Some(rest) => self.rest = rest.trim_start(),
                None if self.rest.starts_with(close) => {}
                None => return None,
            }
        }
        self.rest = self.rest.strip_prefix(close)?;
        Some(items)
    }

    fn text(&mut self) -> Option<String> {
        self.rest = self.rest.strip_prefix('"')?;
        let mut out = String::new();
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Some(out);
                }
                '\\' => out.push(match chars.next()?.1 {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'u' => {
                        let digits: String = (0..4).filter_map(|_| chars.next()).map(|(_, c)| c).collect();
                        // Half of a surrogate pair is nothing that the checks here look at.
                        char::from_u32(u32::from_str_radix(&digits, 16).ok()?).unwrap_or('\u{fffd}')
                    }
                    c => c,
                }),
                c => out.push(c),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_path() {
        let json =
            Json::parse(r#" {"counts": {"changed": 3}, "resources": [{"id": "a/b \"\u0041\n"}], "x": [null, true]} "#);
        let json = json.unwrap();
        assert_eq!(json.number("counts.changed").unwrap(), 3.0);
        assert_eq!(json.text("resources.0.id"), Some("a/b \"A\n"));
        assert_eq!(json.at("x.1"), Some(&Json::Bool(true)));
        assert!(json.number("counts.failed").is_err());
        assert!(json.list("counts").is_empty());
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for bad in ["", "{", "[1 2]", "{\"a\" 1}", "nul", "[1] 2", "\"open", &"[".repeat(1000)] {
            assert!(Json::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn quoting_is_read_back() {
        let text = "a \"b\" \\ \n ü";
        assert_eq!(Json::parse(&quoted(text)).unwrap(), Json::Text(text.to_owned()));
    }
}
