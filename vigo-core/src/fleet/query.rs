//! A question to the traits of envoys: `os.family = "debian" and memory.total_mb < 2048`.
//!
//! ```text
//! any   = all {"or" all}
//! all   = one {"and" one}
//! one   = "not" one | "(" any ")" | path [operator value]
//! operator = "=" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "~"        "~" is a glob
//! value = "text" | 'text' | word | number
//! ```
//!
//! A path alone asks whether the trait is there and not false. What a machine does not have equals nothing and is neither
//! smaller nor larger than anything. Of a list one item that fits will do. `hostname` is the envoy's name.

use crate::diagnostic::nearest;
use crate::glob::Glob;
use crate::limits::{QUERY_BYTES_MAX, QUERY_LEVELS_MAX};
use crate::traits::{Lookup, TraitSet, check_path};
use crate::value::Value;
use crate::when::compare_versions;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cmp::Ordering;

/// A question that has been read.
#[derive(Clone, Debug)]
pub struct Query {
    root: Node,
}

/// A text that is no question.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("character {at}: {why}")]
pub struct QueryError {
    /// Where, in characters from 1.
    pub at: usize,
    /// What is wrong.
    pub why: String,
    /// What to write instead.
    pub help: Option<String>,
}

#[derive(Clone, Debug)]
enum Node {
    Any(Vec<Node>),
    All(Vec<Node>),
    Not(Box<Node>),
    Is(String),
    Compare { path: String, operator: Operator, wanted: Wanted },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Operator {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
}

#[derive(Clone, Debug)]
enum Wanted {
    Text(String),
    Glob(Glob),
}

/// What stands for the envoy's name.
const HOSTNAME: &str = "hostname";

const OPERATORS: [(&str, Operator); 8] = [
    ("==", Operator::Equal),
    ("!=", Operator::Unequal),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("=", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::Greater),
    ("~", Operator::Like),
];

impl Query {
    /// Reads a question.
    ///
    /// # Errors
    /// [`QueryError`], with the place.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let mut parser = Parser { text, at: 0 };
        if text.len() > QUERY_BYTES_MAX {
            return Err(parser.error(format!("expected at most {QUERY_BYTES_MAX} bytes, found {}", text.len())));
        }
        let root = parser.any(0)?;
        match parser.peek() {
            None => Ok(Self { root }),
            Some(c) => Err(parser.error(format!("expected `and`, `or` or the end, found `{}`", c.escape_debug()))),
        }
    }

    /// Returns whether an envoy of this name with these traits is one of those that are asked for.
    pub fn matches(&self, hostname: &str, traits: &TraitSet) -> bool {
        self.root.holds(hostname, traits)
    }

    /// Returns the paths of the traits that it looks at, in the order in which they are written.
    pub fn paths(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.root.paths(&mut found);
        found
    }
}

impl Node {
    fn holds(&self, hostname: &str, traits: &TraitSet) -> bool {
        match self {
            Self::Any(nodes) => nodes.iter().any(|node| node.holds(hostname, traits)),
            Self::All(nodes) => nodes.iter().all(|node| node.holds(hostname, traits)),
            Self::Not(node) => !node.holds(hostname, traits),
            Self::Is(path) if path == HOSTNAME => true,
            Self::Is(path) => {
                matches!(traits.get(path), Lookup::Present(value) if *value != Value::Bool(false) && *value != Value::Null)
            }
            Self::Compare { path, operator, wanted } => {
                let (name, found) = (Value::text(hostname), traits.get(path));
                let value = if path == HOSTNAME { Lookup::Present(&name) } else { found };
                match (value, operator) {
                    (Lookup::Present(value), Operator::Unequal) => !fits(value, Operator::Equal, wanted),
                    (Lookup::Present(value), operator) => fits(value, *operator, wanted),
                    (_, operator) => *operator == Operator::Unequal,
                }
            }
        }
    }

    fn paths<'a>(&'a self, into: &mut Vec<&'a str>) {
        match self {
            Self::Any(nodes) | Self::All(nodes) => nodes.iter().for_each(|node| node.paths(into)),
            Self::Not(node) => node.paths(into),
            Self::Is(path) | Self::Compare { path, .. } => {
                if !into.contains(&&**path) {
                    into.push(path);
                }
            }
        }
    }
}

/// Returns whether a value, or one item of a list, stands to what is wanted as the operator says.
fn fits(value: &Value, operator: Operator, wanted: &Wanted) -> bool {
    if let Value::List(items) = value {
        return items.iter().any(|item| !matches!(item, Value::List(_)) && fits(item, operator, wanted));
    }
    let found = match value {
        Value::Text(text) => text.as_str().to_string(),
        Value::Bool(yes) => yes.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Null | Value::List(_) | Value::Map(_) => return false,
    };
    let wanted = match wanted {
        Wanted::Glob(glob) => return glob.matches(&found),
        Wanted::Text(text) => text,
    };
    let order = match (found.parse::<f64>(), wanted.parse::<f64>()) {
        _ if found == *wanted => Some(Ordering::Equal),
        (Ok(a), Ok(b)) if !matches!(value, Value::Text(_)) => a.partial_cmp(&b),
        _ if operator == Operator::Equal => None,
        // Text that is no version is neither before nor behind another.
        _ => compare_versions(&found, wanted),
    };
    let is = |wanted: &[Ordering]| order.is_some_and(|order| wanted.contains(&order));
    match operator {
        Operator::Equal | Operator::Like => is(&[Ordering::Equal]),
        Operator::Unequal => !is(&[Ordering::Equal]),
        Operator::Less => is(&[Ordering::Less]),
        Operator::LessOrEqual => is(&[Ordering::Less, Ordering::Equal]),
        Operator::Greater => is(&[Ordering::Greater]),
        Operator::GreaterOrEqual => is(&[Ordering::Greater, Ordering::Equal]),
    }
}

struct Parser<'a> {
    text: &'a str,
    /// In bytes, between two characters.
    at: usize,
}

impl<'a> Parser<'a> {
    fn any(&mut self, level: usize) -> Result<Node, QueryError> {
        let mut nodes = alloc::vec![self.all(level)?];
        while self.word("or") {
            nodes.push(self.all(level)?);
        }
        Ok(Node::Any(nodes))
    }

    fn all(&mut self, level: usize) -> Result<Node, QueryError> {
        let mut nodes = alloc::vec![self.one(level)?];
        while self.word("and") {
            nodes.push(self.one(level)?);
        }
        Ok(Node::All(nodes))
    }

    fn one(&mut self, level: usize) -> Result<Node, QueryError> {
        if level >= QUERY_LEVELS_MAX {
            return Err(self.error(format!("expected at most {QUERY_LEVELS_MAX} levels of `(` and `not`")));
        }
        if self.word("not") {
            return Ok(Node::Not(Box::new(self.one(level + 1)?)));
        }
        if self.symbol("(") {
            let node = self.any(level + 1)?;
            return if self.symbol(")") { Ok(node) } else { Err(self.expected("`)`")) };
        }
        let path = self.path()?;
        self.peek();
        let Some((_, operator)) = OPERATORS.into_iter().find(|(symbol, _)| self.symbol(symbol)) else {
            return Ok(Node::Is(path));
        };
        self.peek();
        let place = self.at;
        let text = self.value()?;
        let wanted = if operator == Operator::Like {
            let no_glob =
                |error| QueryError { at: self.characters(place), why: format!("the glob: {error}"), help: None };
            Wanted::Glob(Glob::parse(&text).map_err(no_glob)?)
        } else {
            Wanted::Text(text)
        };
        Ok(Node::Compare { path, operator, wanted })
    }

    fn path(&mut self) -> Result<String, QueryError> {
        self.peek();
        let place = self.at;
        let path = self.bare();
        if path.is_empty() {
            return Err(self.expected("the path of a trait, as `os.family`"));
        }
        let wrong = match check_path(path) {
            _ if path == HOSTNAME => return Ok(path.into()),
            Ok(()) => return Ok(path.into()),
            Err(wrong) => wrong,
        };
        let help = wrong.help.or_else(|| nearest(path, [HOSTNAME]).map(|name| format!("did you mean `{name}`?")));
        Err(QueryError { at: self.characters(place), why: wrong.message, help })
    }

    fn value(&mut self) -> Result<String, QueryError> {
        let Some(quote) = self.peek().filter(|c| matches!(c, '"' | '\'')) else {
            let word = self.bare();
            return if word.is_empty() { Err(self.expected("a value, such as `\"debian\"`")) } else { Ok(word.into()) };
        };
        let rest = self.rest().get(1..).unwrap_or_default();
        let Some(end) = rest.find(quote) else {
            return Err(self.error(format!("the text lacks its closing `{quote}`")));
        };
        let text = rest.get(..end).unwrap_or_default();
        self.at += end + 2;
        Ok(text.into())
    }

    /// Takes what is neither blank, quote, parenthesis nor operator.
    fn bare(&mut self) -> &'a str {
        let rest = self.rest();
        let ends = |c: char| c.is_whitespace() || "()\"'=!<>~".contains(c);
        let word = rest.get(..rest.find(ends).unwrap_or(rest.len())).unwrap_or_default();
        self.at += word.len();
        word
    }

    /// Takes a word, in whatever case it is written.
    fn word(&mut self, word: &str) -> bool {
        self.peek();
        let before = self.at;
        let is_it = self.bare().eq_ignore_ascii_case(word);
        if !is_it {
            self.at = before;
        }
        is_it
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        self.peek();
        let is_it = self.rest().starts_with(symbol);
        if is_it {
            self.at += symbol.len();
        }
        is_it
    }

    /// Passes over blanks, and returns the character behind them.
    fn peek(&mut self) -> Option<char> {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
        self.rest().chars().next()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn characters(&self, at: usize) -> usize {
        1 + self.text.get(..at).unwrap_or_default().chars().count()
    }

    fn expected(&mut self, what: &str) -> QueryError {
        let found = self.peek().map_or_else(|| "the end".into(), |c| format!("`{}`", c.escape_debug()));
        self.error(format!("expected {what}, found {found}"))
    }

    fn error(&self, why: String) -> QueryError {
        QueryError { at: self.characters(self.at), why, help: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traits() -> TraitSet {
        let os = Value::map([("family", Value::text("debian")), ("version", Value::text("12.10"))]);
        let memory = Value::map([("total_mb", Value::Int(2048))]);
        let custom = Value::map([
            ("racks", Value::list([Value::text("a"), Value::text("b")])),
            ("live", Value::Bool(true)),
            ("old", Value::Bool(false)),
            ("none", Value::Null),
        ]);
        TraitSet::from_value(Value::map([("os", os), ("memory", memory), ("custom", custom)])).unwrap()
    }

    #[test]
    fn questions_are_answered() {
        let cases = [
            ("os.family = \"debian\" and memory.total_mb < 2049", true),
            ("os.family='debian'and memory.total_mb<2048", false),
            ("os.family == debian AND NOT memory.total_mb >= 4096", true),
            ("os.family != debian or hostname ~ 'web-*'", true),
            ("os.family ~ deb*", true),
            ("os.version > 12.9", true),
            ("os.version >= 12.10.1", false),
            ("os.version >= 12.10.0 and not os.version = 12.10.0", true),
            ("os.family > a", false),
            ("memory.total_mb = 2048.0", true),
            ("custom.racks = b", true),
            ("custom.racks = c", false),
            ("custom.racks != b", false),
            ("custom.live and not custom.old", true),
            ("custom.none or custom.missing", false),
            ("custom.missing = x", false),
            ("custom.missing != x", true),
            ("custom.missing < 1 or custom.missing > 1", false),
            ("not (os.family = debian or os.family = alpine) or (hostname = web-1)", true),
            ("hostname", true),
            ("false = true or os.family = debian", true),
        ];
        for (text, expected) in cases {
            match Query::parse(text) {
                Ok(query) => assert_eq!(query.matches("web-1", &traits()), expected, "{text}"),
                Err(error) => assert!(text.starts_with("false"), "{text}: {error}"),
            }
        }
        assert_eq!(
            Query::parse("os.family = a or (hostname = b and os.family = c)").unwrap().paths(),
            ["os.family", "hostname"]
        );
    }

    #[test]
    fn what_is_no_question_is_told_with_its_place() {
        let cases = [
            ("", 1, "expected the path of a trait, as `os.family`, found the end"),
            ("os.family =", 12, "expected a value, such as `\"debian\"`, found the end"),
            ("os.family = 'x", 13, "the text lacks its closing `'`"),
            ("(os.family = x", 15, "expected `)`, found the end"),
            ("os.family = x os.distro = y", 15, "expected `and`, `or` or the end, found `o`"),
            ("os.famly = x", 1, "unknown trait `os.famly`"),
            ("ü.x = 1 and os.family ~ '['", 1, "unknown trait `ü.x`"),
            ("hostname ~ '['", 12, "the glob: "),
        ];
        for (text, at, why) in cases {
            let error = Query::parse(text).unwrap_err();
            assert!((error.at, error.why.starts_with(why)) == (at, true), "{text}: {error}");
        }
        assert_eq!(Query::parse("os.famly = x").unwrap_err().help.as_deref(), Some("did you mean `os.family`?"));
        let deep = "not ".repeat(QUERY_LEVELS_MAX + 1) + "hostname";
        assert!(Query::parse(&deep).unwrap_err().why.contains("levels"));
        assert!(Query::parse(&"(".repeat(QUERY_BYTES_MAX)).unwrap_err().why.contains("levels"));
        assert!(Query::parse(&"x".repeat(QUERY_BYTES_MAX + 1)).unwrap_err().why.contains("bytes"));
    }
}
