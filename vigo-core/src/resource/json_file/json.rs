//! JSON as it is written: order of keys and spelling of numbers and strings stay (RFC 8259).

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Deeper nesting than this is refused, so that no text can overflow the stack.
pub(super) const DEPTH_MAX: usize = 128;

/// A JSON value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Json {
    /// `null`, `true`, `false` or a number, as spelled.
    Word(Box<str>),
    /// A string as spelled, quotes included.
    Text(Box<str>),
    /// An array.
    List(Vec<Json>),
    /// An object: keys as spelled, quotes included.
    Map(Vec<(Box<str>, Json)>),
}

/// Why a text is no JSON.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What was expected, and seen.
    pub message: String,
}

impl Json {
    /// Parses a text that holds one value and nothing else.
    ///
    /// # Errors
    /// [`Error`], with the place in the text.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut parser = Parser { text, at: 0 };
        let value = parser.value(0).and_then(|value| {
            parser.blanks();
            if parser.at < text.len() { Err(parser.unexpected("the end")) } else { Ok(value) }
        });
        value.map_err(|message| {
            let before = &text[..parser.at];
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            Error { line, column, message }
        })
    }

    /// Returns a string.
    pub fn text(text: &str) -> Self {
        Self::Text(quoted(text))
    }

    /// Returns what people call it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Word(word) => match &**word {
                "null" => "null",
                "true" | "false" => "a boolean",
                _ => "a number",
            },
            Self::Text(_) => "a string",
            Self::List(_) => "an array",
            Self::Map(_) => "an object",
        }
    }

    /// Returns whether both mean the same: numbers by value, keys in any order.
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Word(a), Self::Word(b)) => a == b || number(a).is_some_and(|a| Some(a) == number(b)),
            (Self::Text(a), Self::Text(b)) => unquoted(a) == unquoted(b),
            (Self::List(a), Self::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b)),
            (Self::Map(a), Self::Map(b)) if a.len() == b.len() => {
                let by_key = |entries: &'_ [(Box<str>, Json)]| -> Vec<(String, usize)> {
                    let mut keys: Vec<_> =
                        entries.iter().enumerate().map(|(i, (key, _))| (unquoted(key).into_owned(), i)).collect();
                    keys.sort_unstable();
                    keys
                };
                by_key(a).iter().zip(&by_key(b)).all(|((ka, ia), (kb, ib))| {
                    ka == kb && matches!((a.get(*ia), b.get(*ib)), (Some((_, a)), Some((_, b))) if a.same(b))
                })
            }
            _ => false,
        }
    }

    /// Returns an object's value of a key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => Self::index_of(entries, key).and_then(|at| entries.get(at)).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Returns what a string means.
    pub fn as_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(spelled) => Some(unquoted(spelled)),
            _ => None,
        }
    }

    /// Returns the index of a key in an object's entries.
    pub fn index_of(entries: &[(Box<str>, Json)], key: &str) -> Option<usize> {
        entries.iter().position(|(spelled, _)| unquoted(spelled) == key)
    }

    /// Prints on several lines, `indent` a level, `end` between lines; without a final one.
    pub fn pretty(&self, indent: &str, end: &str) -> String {
        let mut out = String::new();
        self.print(&mut out, Some((indent, end)), 0);
        out
    }

    /// Prints on one line.
    pub fn compact(&self) -> String {
        let mut out = String::new();
        self.print(&mut out, None, 0);
        out
    }

    fn print(&self, out: &mut String, lines: Option<(&str, &str)>, depth: usize) {
        let newline = |out: &mut String, depth: usize, first: bool| match lines {
            Some((indent, end)) => {
                out.push_str(end);
                (0..depth).for_each(|_| out.push_str(indent));
            }
            None if !first => out.push(' '),
            None => {}
        };
        match self {
            Self::Word(spelled) | Self::Text(spelled) => out.push_str(spelled),
            Self::List(items) if items.is_empty() => out.push_str("[]"),
            Self::Map(entries) if entries.is_empty() => out.push_str("{}"),
            Self::List(items) => {
                for (i, item) in items.iter().enumerate() {
                    out.push_str(if i == 0 { "[" } else { "," });
                    newline(out, depth + 1, i == 0);
                    item.print(out, lines, depth + 1);
                }
                newline(out, depth, true);
                out.push(']');
            }
            Self::Map(entries) => {
                for (i, (key, value)) in entries.iter().enumerate() {
                    out.push_str(if i == 0 { "{" } else { "," });
                    newline(out, depth + 1, i == 0);
                    out.push_str(key);
                    out.push_str(": ");
                    value.print(out, lines, depth + 1);
                }
                newline(out, depth, true);
                out.push('}');
            }
        }
    }
}

/// Spells a string.
pub(in crate::resource) fn quoted(text: &str) -> Box<str> {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x20 => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out.into_boxed_str()
}

/// Returns what a spelled string means. Half of a surrogate pair means no text; then the spelling stands for itself,
/// with a NUL before it, which no other string means.
fn unquoted(spelled: &str) -> Cow<'_, str> {
    let inner = spelled.strip_prefix('"').and_then(|s| s.strip_suffix('"')).unwrap_or(spelled);
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    match unescaped(inner) {
        Some(text) => Cow::Owned(text),
        None => Cow::Owned(format!("\0{spelled}")),
    }
}

fn unescaped(inner: &str) -> Option<String> {
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let c = after.chars().next()?;
        rest = &after[c.len_utf8()..];
        match c {
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'u' => {
                let high = unit(rest)?;
                rest = &rest[4..];
                let c = match high {
                    0xD800..0xDC00 => {
                        let low = unit(rest.strip_prefix("\\u")?).filter(|low| (0xDC00..0xE000).contains(low))?;
                        rest = &rest[6..];
                        0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)
                    }
                    other => other,
                };
                out.push(char::from_u32(c)?);
            }
            other => out.push(other),
        }
    }
    out.push_str(rest);
    Some(out)
}

fn unit(digits: &str) -> Option<u32> {
    digits.get(..4).and_then(|d| u32::from_str_radix(d, 16).ok())
}

/// A number's value: sign, digits without zeros around them, and the power of ten of the last digit.
fn number(spelled: &str) -> Option<(bool, String, i64)> {
    if !spelled.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
        return None;
    }
    let (negative, rest) = spelled.strip_prefix('-').map_or((false, spelled), |rest| (true, rest));
    let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: String = [whole, fraction].concat();
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Some((false, String::new(), 0));
    }
    let zeros = digits.len() - digits.trim_end_matches('0').len();
    // An exponent beyond 64 bits is compared as the largest one: no such number is meant.
    let exponent = exponent.parse::<i64>().unwrap_or(if exponent.starts_with('-') { i64::MIN } else { i64::MAX });
    let exponent = exponent.saturating_add(zeros as i64).saturating_sub(fraction.len() as i64);
    Some((negative, significant.into(), exponent))
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &[u8] {
        &self.text.as_bytes()[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    fn blanks(&mut self) {
        self.at += self.rest().iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count();
    }

    fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn unexpected(&self, expected: &str) -> String {
        let comment = self.rest().starts_with(b"//") || self.rest().starts_with(b"/*") || self.peek() == Some(b'#');
        match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            None => format!("expected {expected}, found the end"),
            Some(_) if comment => format!("expected {expected}, found a comment"),
            Some(c) => format!("expected {expected}, found `{}`", c.escape_debug()),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Json, String> {
        self.blanks();
        match self.peek() {
            Some(b'{' | b'[') if depth == DEPTH_MAX => Err(format!("expected at most {DEPTH_MAX} levels, found more")),
            Some(b'{') => self.map(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.string().map(Json::Text),
            Some(b'-' | b'0'..=b'9') => self.number().map(Json::Word),
            _ => {
                for word in ["null", "true", "false"] {
                    if self.rest().starts_with(word.as_bytes()) {
                        self.at += word.len();
                        return Ok(Json::Word(word.into()));
                    }
                }
                Err(self.unexpected("a value"))
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Json, String> {
        self.at += 1;
        let mut items = Vec::new();
        self.blanks();
        if self.eat(b']') {
            return Ok(Json::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.blanks();
            if self.eat(b']') {
                return Ok(Json::List(items));
            }
            if !self.eat(b',') {
                return Err(self.unexpected("`,` or `]`"));
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Json, String> {
        self.at += 1;
        let mut entries = Vec::new();
        let mut keys = BTreeSet::new();
        self.blanks();
        if self.eat(b'}') {
            return Ok(Json::Map(entries));
        }
        loop {
            self.blanks();
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("a key in quotes"));
            }
            let start = self.at;
            let key = self.string()?;
            if !keys.insert(unquoted(&key).into_owned()) {
                self.at = start;
                return Err(format!("expected each key once, found {key} again"));
            }
            self.blanks();
            if !self.eat(b':') {
                return Err(self.unexpected("`:`"));
            }
            entries.push((key, self.value(depth + 1)?));
            self.blanks();
            if self.eat(b'}') {
                return Ok(Json::Map(entries));
            }
            if !self.eat(b',') {
                return Err(self.unexpected("`,` or `}`"));
            }
        }
    }

    fn string(&mut self) -> Result<Box<str>, String> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                None => return Err("expected `\"`, found the end".into()),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(self.text[start..self.at].into());
                }
                Some(b'\\') => match self.rest().get(1) {
                    Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
                    Some(b'u') if self.rest().get(2..6).is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit)) => {
                        self.at += 6;
                    }
                    _ => return Err("expected an escape such as `\\n` or `\\u00e9`, found another".into()),
                },
                Some(0..0x20) => return Err("expected no control character in a string, found one".into()),
                Some(_) => self.at += 1,
            }
        }
    }

    fn digits(&mut self) -> Result<(), String> {
        let count = self.rest().iter().take_while(|b| b.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { Err(self.unexpected("a digit")) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<Box<str>, String> {
        let start = self.at;
        self.eat(b'-');
        if self.eat(b'0') {
            if self.peek().is_some_and(|b| b.is_ascii_digit()) {
                return Err("expected a number without leading zeros, found one".into());
            }
        } else {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _signed = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        Ok(self.text[start..self.at].into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Json {
        Json::parse(text).unwrap()
    }

    #[test]
    fn errors_say_where() {
        let deep = "[".repeat(DEPTH_MAX + 1);
        let cases = [
            ("", 1, 1, "expected a value, found the end"),
            ("{\n  \"a\": 1,\n}", 3, 1, "expected a key in quotes, found `}`"),
            ("[1,]", 1, 4, "expected a value, found `]`"),
            ("[1 2]", 1, 4, "expected `,` or `]`, found `2`"),
            ("{\"é\": 1, \"\\u00e9\": 2}", 1, 10, "expected each key once, found \"\\u00e9\" again"),
            ("{\n// c\n}", 2, 1, "expected a key in quotes, found a comment"),
            ("{\"a\" 1}", 1, 6, "expected `:`, found `1`"),
            ("01", 1, 2, "expected a number without leading zeros, found one"),
            ("1.", 1, 3, "expected a digit, found the end"),
            ("1e+", 1, 4, "expected a digit, found the end"),
            ("\"a\nb\"", 1, 3, "expected no control character in a string, found one"),
            ("\"\\x\"", 1, 2, "expected an escape such as `\\n` or `\\u00e9`, found another"),
            ("\"a", 1, 3, "expected `\"`, found the end"),
            ("nul", 1, 1, "expected a value, found `n`"),
            ("1 1", 1, 3, "expected the end, found `1`"),
            ("'a'", 1, 1, "expected a value, found `\\'`"),
            (&deep, 1, 129, "expected at most 128 levels, found more"),
        ];
        for (text, line, column, message) in cases {
            let expected = Error { line, column, message: message.into() };
            assert_eq!(Json::parse(text), Err(expected), "{text:?}");
        }
    }

    #[test]
    fn values_are_compared_by_meaning() {
        let cases = [
            ("1", "1.0", true),
            ("100", "1e2", true),
            ("0.1e1", "1", true),
            ("-0", "0", true),
            ("0e5", "0", true),
            ("1", "-1", false),
            ("9007199254740993", "9007199254740992", false),
            ("1e99999999999999999999", "1e99999999999999999999", true),
            ("\"\\u00e9\"", "\"é\"", true),
            ("\"\\ud83d\\ude00\"", "\"😀\"", true),
            ("\"\\ud83d\"", "\"\\ude00\"", false),
            ("\"1\"", "1", false),
            ("{\"a\":1,\"b\":[2]}", "{\"b\":[2.0],\"a\":1}", true),
            ("{\"a\":1}", "{\"a\":1,\"b\":2}", false),
            ("[1,2]", "[2,1]", false),
            ("null", "false", false),
        ];
        for (a, b, same) in cases {
            assert_eq!(parse(a).same(&parse(b)), same, "{a} {b}");
        }
    }

    #[test]
    fn spelling_and_order_stay() {
        let text = "{\"z\":1.50,\"a\":[1E5,\"\\/\\u00e9\"],\"e\":{},\"l\":[]}";
        let pretty = "{\n  \"z\": 1.50,\n  \"a\": [\n    1E5,\n    \"\\/\\u00e9\"\n  ],\n  \"e\": {},\n  \"l\": []\n}";
        assert_eq!(parse(text).pretty("  ", "\n"), pretty);
        assert_eq!(parse(text).compact(), "{\"z\": 1.50, \"a\": [1E5, \"\\/\\u00e9\"], \"e\": {}, \"l\": []}");
    }

    proptest! {
        #[test]
        fn any_text_parses_or_says_where(text in "[\\[\\]{}\",:0-9eE.\\-truefalsn \\\\\n\u{e9}]{0,60}") {
            match Json::parse(&text) {
                Err(error) => prop_assert!(error.line >= 1 && error.column >= 1),
                Ok(value) => {
                    let again = parse(&value.pretty("\t", "\r\n"));
                    prop_assert_eq!(&again, &value);
                    prop_assert!(parse(&value.compact()).same(&value));
                }
            }
        }

        #[test]
        fn strings_come_back(text in any::<String>()) {
            let spelled = quoted(&text);
            prop_assert_eq!(unquoted(&spelled), text.as_str());
            let json = Json::text(&text);
            prop_assert_eq!(parse(&json.compact()), json);
        }
    }
}
