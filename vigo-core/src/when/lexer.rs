//! Text → tokens. Templates are cut out here, before quotes or anything else is looked at.

use super::error::WhenError;
use super::expr::{ArgValue, Part, Place, Template};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A token, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub kind: Kind,
    pub place: Place,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Name(String),
    Int(i64),
    /// A string, as the argument that it is.
    Text(ArgValue),
    Template(Template),
    Open,
    Close,
    Comma,
    And,
    Or,
    Not,
    End,
}

impl Kind {
    /// Returns how a message calls it.
    pub fn describe(&self) -> String {
        match self {
            Self::Name(name) => format!("`{name}`"),
            Self::Int(n) => format!("`{n}`"),
            Self::Text(_) => String::from("a string"),
            Self::Template(_) => String::from("a template"),
            Self::Open => String::from("`(`"),
            Self::Close => String::from("`)`"),
            Self::Comma => String::from("`,`"),
            Self::And => String::from("`&&`"),
            Self::Or => String::from("`||`"),
            Self::Not => String::from("`!`"),
            Self::End => String::from("the end"),
        }
    }
}

/// Reads one token after the other.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    templates: bool,
}

impl<'a> Lexer<'a> {
    /// Returns a lexer; without `templates`, `{{` in a string is text.
    pub fn new(text: &'a str, templates: bool) -> Self {
        Self { text, at: 0, templates }
    }

    /// Returns the next token; `End` for ever after the last.
    pub fn next(&mut self) -> Result<Token, WhenError> {
        self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t', '\r', '\n']).len();
        let start = self.at;
        let kind = self.kind()?;
        Ok(Token { kind, place: Place::new(start, self.at) })
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn take(&mut self, bytes: usize, kind: Kind) -> Result<Kind, WhenError> {
        self.at += bytes;
        Ok(kind)
    }

    fn kind(&mut self) -> Result<Kind, WhenError> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(Kind::End) };
        match first {
            '(' => self.take(1, Kind::Open),
            ')' => self.take(1, Kind::Close),
            ',' => self.take(1, Kind::Comma),
            '&' if rest.starts_with("&&") => self.take(2, Kind::And),
            '|' if rest.starts_with("||") => self.take(2, Kind::Or),
            '!' if !rest.starts_with("!=") => self.take(1, Kind::Not),
            '{' if rest.starts_with("{{") && self.templates => Ok(Kind::Template(self.template()?)),
            '\'' | '"' => self.string(first),
            '-' | '0'..='9' => self.int(),
            'a'..='z' | 'A'..='Z' => {
                let len = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                let name = rest.get(..len).unwrap_or("");
                self.take(len, Kind::Name(name.into()))
            }
            other => Err(self.stranger(other)),
        }
    }

    fn int(&mut self) -> Result<Kind, WhenError> {
        let rest = self.rest();
        let sign = usize::from(rest.starts_with('-'));
        let digits = rest.bytes().skip(sign).take_while(u8::is_ascii_digit).count();
        let len = sign + digits;
        let behind = rest.get(len..).and_then(|r| r.chars().next());
        if digits > 0 && behind.is_some_and(|c| c == '.' || c == '_' || c.is_alphanumeric()) {
            let len = rest.find(|c: char| !c.is_alphanumeric() && !"._-".contains(c)).unwrap_or(rest.len());
            let word = rest.get(..len).unwrap_or("");
            return Err(WhenError::new(self.at, len, format!("expected a whole number, found `{word}`"))
                .help(format!("put it in quotes: '{word}'")));
        }
        match rest.get(..len).and_then(|n| n.parse().ok()) {
            Some(n) => self.take(len, Kind::Int(n)),
            None if digits == 0 => Err(WhenError::new(self.at, 1, "expected digits after `-`")),
            None => Err(WhenError::new(self.at, len, "the number is out of range")),
        }
    }

    fn string(&mut self, quote: char) -> Result<Kind, WhenError> {
        let start = self.at;
        let mut parts = Vec::new();
        let mut text = String::new();
        self.at += 1;
        loop {
            let rest = self.rest();
            let Some(first) = rest.chars().next() else {
                return Err(WhenError::new(start, self.at - start, "the string has no end")
                    .help(format!("close it with `{quote}`; inside a string the quote is written twice")));
            };
            if first == quote {
                self.at += 1;
                if !self.rest().starts_with(quote) {
                    break;
                }
                text.push(quote);
                self.at += 1;
            } else if self.templates && rest.starts_with("{{") {
                if !text.is_empty() {
                    parts.push(Part::Text(core::mem::take(&mut text).into()));
                }
                parts.push(Part::Template(self.template()?));
            } else {
                text.push(first);
                self.at += first.len_utf8();
            }
        }
        if parts.is_empty() {
            return Ok(Kind::Text(ArgValue::Text(text.into())));
        }
        if !text.is_empty() {
            parts.push(Part::Text(text.into()));
        }
        Ok(Kind::Text(ArgValue::Mixed(parts.into())))
    }

    /// Cuts out `{{ … }}`. As in Go, a `}}` in a quoted string or a comment of the action is not its end.
    fn template(&mut self) -> Result<Template, WhenError> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut at = start + 2;
        let comment = self.text.get(at..).is_some_and(|r| r.starts_with("/*") || r.starts_with("- /*"));
        if comment {
            at = self.text.get(at..).and_then(|r| r.find("*/")).map_or(bytes.len(), |i| at + i + 2);
        }
        let mut quote = None;
        while let Some(&byte) = bytes.get(at) {
            match quote {
                Some(b'`') | None if byte == b'\\' => {}
                Some(_) if byte == b'\\' => at += 1,
                Some(q) if q == byte => quote = None,
                Some(_) => {}
                None if byte == b'"' || byte == b'\'' || byte == b'`' => quote = Some(byte),
                None if byte == b'}' && bytes.get(at + 1) == Some(&b'}') => {
                    self.at = at + 2;
                    let source: Arc<str> = self.text.get(start..self.at).unwrap_or("").into();
                    return Ok(Template { source, place: Place::new(start, self.at) });
                }
                None => {}
            }
            at += 1;
        }
        Err(WhenError::new(start, 2, "the template has no end").help("close it with `}}`"))
    }

    fn stranger(&self, found: char) -> WhenError {
        let rest = self.rest();
        let len = if rest.starts_with("==") || rest.starts_with("!=") || rest.starts_with("{{") {
            2
        } else {
            found.len_utf8()
        };
        let shown = rest.get(..len).unwrap_or("");
        let error = WhenError::new(self.at, len, format!("unexpected `{}`", shown.escape_debug()));
        match found {
            '&' => error.help("write `&&`"),
            '|' => error.help("write `||`"),
            '=' | '!' | '<' | '>' => error.help("compare with a function, such as trait_is('os.family', 'debian')"),
            '‘' | '’' | '“' | '”' => error.help("write straight quotes: '…'"),
            '{' if len == 2 => error.help("templates are rendered before this text is made"),
            '$' | '.' => error.help("write a variable as a template: {{ .Vars.name }}"),
            _ => error,
        }
    }
}
