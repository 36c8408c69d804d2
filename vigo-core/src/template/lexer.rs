//! Cuts a template's text into plain text and the tokens of its actions.

use alloc::format;

use super::error::{Fault, Faulty};

/// What a token is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Assign,
    Bool(bool),
    Char,
    CharConstant,
    Declare,
    Dot,
    Field,
    Identifier,
    Keyword(Keyword),
    LeftParen,
    Nil,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Str,
    Variable,
}

/// A word that opens, parts or closes a control action.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Keyword {
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Range,
    Template,
    With,
}

/// A token: bytes `start..end` of the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
    /// Whether blanks stand before it; they separate arguments.
    pub spaced: bool,
}

/// What [`Lexer::text`] found.
pub(super) enum Piece {
    /// Plain text `start..end`, already trimmed; may be empty. An action follows, its `{{` at `open`.
    Action { start: usize, end: usize, open: usize },
    /// Plain text `start..end`, already trimmed, and a comment behind it.
    Comment { start: usize, end: usize },
    /// Plain text `start..end`, already trimmed, up to the end.
    Last { start: usize, end: usize },
}

/// The place in the text up to which it was cut.
#[derive(Clone, Copy)]
pub(super) struct Lexer<'t> {
    text: &'t str,
    pos: usize,
    parens: u32,
    /// The `{{` of the action in hand.
    open: usize,
}

/// What to write where another language has an operator.
pub(super) const NO_OPERATORS: &str = "call a function: there are no operators (`add`, `sub`, `eq`, `lt`, `not` …)";

const OPEN: &str = "{{";
const CLOSE: &str = "}}";

pub(super) fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\r' | b'\n')
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// Returns the place of the first `pair` of equal bytes at or behind `from`.
pub(super) fn find_pair(text: &str, byte: u8, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = from;
    loop {
        at += bytes.get(at..)?.iter().position(|&b| b == byte)?;
        if bytes.get(at + 1) == Some(&byte) {
            return Some(at);
        }
        at += 1;
    }
}

impl<'t> Lexer<'t> {
    pub fn new(text: &'t str) -> Self {
        Self { text, pos: 0, parens: 0, open: 0 }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.pos..).unwrap_or("")
    }

    fn starts_with(&self, at: usize, what: &str) -> bool {
        self.text.as_bytes().get(at..).is_some_and(|b| b.starts_with(what.as_bytes()))
    }

    fn skip_space(&mut self) {
        while self.byte(self.pos).is_some_and(is_space) {
            self.pos += 1;
        }
    }

    /// Takes the plain text up to the next action, and the `{{` of that.
    pub fn text(&mut self) -> Faulty<Piece> {
        let start = self.pos;
        let Some(open) = find_pair(self.text, b'{', start) else {
            self.pos = self.text.len();
            return Ok(Piece::Last { start, end: self.pos });
        };
        let mut end = open;
        self.pos = open + OPEN.len();
        if self.byte(self.pos) == Some(b'-') && self.byte(self.pos + 1).is_some_and(is_space) {
            self.pos += 2;
            while end > start && self.byte(end - 1).is_some_and(is_space) {
                end -= 1;
            }
        }
        if self.starts_with(self.pos, "/*") {
            self.comment(open)?;
            return Ok(Piece::Comment { start, end });
        }
        self.parens = 0;
        self.open = open;
        Ok(Piece::Action { start, end, open })
    }

    fn comment(&mut self, open: usize) -> Faulty<()> {
        let start = self.pos;
        let Some(len) = self.text.get(start + 2..).and_then(|t| t.find("*/")) else {
            self.pos = self.text.len();
            return Err(Fault::syntax(start, 2, "unclosed comment").help("end the comment with `*/}}`"));
        };
        self.pos = start + 2 + len + 2;
        if !self.right_delim() {
            return Err(Fault::syntax(start, self.pos - start, "comment ends before closing delimiter")
                .help("write a comment as an action of its own: `{{/* … */}}`"));
        }
        debug_assert!(open < start);
        Ok(())
    }

    /// Takes a `}}`, also one with a trim marker, if one stands here.
    fn right_delim(&mut self) -> bool {
        if self.starts_with(self.pos, CLOSE) {
            self.pos += 2;
            return true;
        }
        let marked = self.byte(self.pos).is_some_and(is_space)
            && self.byte(self.pos + 1) == Some(b'-')
            && self.starts_with(self.pos + 2, CLOSE);
        if marked {
            self.pos += 4;
            self.skip_space();
        }
        marked
    }

    /// Goes to behind the first `}}` at or behind `from`, to go on after an error.
    pub fn resync(&mut self, from: usize) {
        self.pos = find_pair(self.text, b'}', from).map_or(self.text.len(), |at| at + 2);
    }

    /// Takes the next token of an action.
    pub fn token(&mut self) -> Faulty<Token> {
        let before = self.pos;
        while self.byte(self.pos).is_some_and(is_space) {
            self.pos += 1;
        }
        let spaced = self.pos > before;
        let start = self.pos;
        let token = |kind, end| Token { kind, start, end, spaced };
        let marked = spaced && self.byte(start) == Some(b'-') && self.starts_with(start + 1, CLOSE);
        if marked || self.starts_with(start, CLOSE) {
            if self.parens > 0 {
                return Err(Fault::syntax(start, 2, "unclosed left paren").help("write a `)`"));
            }
            self.pos = start + 2 + usize::from(marked);
            let end = self.pos;
            if marked {
                self.skip_space();
            }
            return Ok(token(Kind::RightDelim, end));
        }
        let Some(c) = self.rest().chars().next() else {
            return Err(Fault::syntax(self.open, 2, "unclosed action").help("end the action with `}}`"));
        };
        self.pos += c.len_utf8();
        let kind = match c {
            '=' => Kind::Assign,
            '|' => Kind::Pipe,
            ':' => {
                if self.byte(self.pos) != Some(b'=') {
                    return Err(Fault::syntax(start, 1, "expected `:=`"));
                }
                self.pos += 1;
                Kind::Declare
            }
            '"' => self.quoted(start, b'"', "unterminated quoted string")?,
            '\'' => self.quoted(start, b'\'', "unterminated character constant")?,
            '`' => {
                let Some(len) = self.rest().find('`') else {
                    return Err(
                        Fault::syntax(start, 1, "unterminated raw quoted string").help("write a closing backquote")
                    );
                };
                self.pos += len + 1;
                Kind::RawString
            }
            '$' => self.word(start, Kind::Variable)?,
            '.' if !self.byte(self.pos).is_some_and(|b| b.is_ascii_digit()) => {
                if self.at_terminator() {
                    Kind::Dot
                } else {
                    self.word(start, Kind::Field)?
                }
            }
            '.' | '+' | '-' | '0'..='9' => {
                self.pos = start;
                self.number(start)?
            }
            c if is_word(c) => {
                self.word(start, Kind::Identifier)?;
                keyword(self.text.get(start..self.pos).unwrap_or(""))
            }
            '(' => {
                self.parens += 1;
                Kind::LeftParen
            }
            ')' => {
                let Some(parens) = self.parens.checked_sub(1) else {
                    return Err(Fault::syntax(start, 1, "unexpected right paren"));
                };
                self.parens = parens;
                Kind::RightParen
            }
            ' '..='~' => Kind::Char,
            c => {
                let message = format!("unrecognized character in action: `{}`", c.escape_debug());
                return Err(Fault::syntax(start, c.len_utf8(), message));
            }
        };
        Ok(token(kind, self.pos))
    }

    /// Takes the rest of a string or character in quotes.
    fn quoted(&mut self, start: usize, quote: u8, unterminated: &str) -> Faulty<Kind> {
        loop {
            match self.byte(self.pos) {
                Some(b'\\') if self.byte(self.pos + 1).is_some_and(|b| b != b'\n') => self.pos += 2,
                None | Some(b'\n' | b'\\') => {
                    let fault = Fault::syntax(start, self.pos - start, unterminated);
                    return Err(fault.help(format!("close it with `{}`", char::from(quote))));
                }
                Some(b) if b == quote => break,
                Some(_) => self.pos += 1,
            }
        }
        self.pos += 1;
        Ok(if quote == b'"' { Kind::Str } else { Kind::CharConstant })
    }

    /// Takes the rest of an identifier, field or variable.
    fn word(&mut self, start: usize, kind: Kind) -> Faulty<Kind> {
        let rest = self.rest();
        let ascii = rest.bytes().position(|b| !(b.is_ascii_alphanumeric() || b == b'_')).unwrap_or(rest.len());
        self.pos += match rest.as_bytes().get(ascii) {
            Some(0x80..) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            _ => ascii,
        };
        if self.at_terminator() {
            return Ok(kind);
        }
        let c = self.rest().chars().next().unwrap_or(' ');
        let word = self.text.get(start..self.pos).unwrap_or("");
        let fault = Fault::syntax(self.pos, c.len_utf8(), format!("bad character `{}`", c.escape_debug()));
        Err(match c {
            '-' => fault.help(format!("write `{{{{ index … \"{word}-…\" }}}}`: a name in a template holds no `-`")),
            '+' | '*' | '/' | '<' | '>' | '=' | '!' => fault.help(NO_OPERATORS),
            _ => fault,
        })
    }

    /// Whether what comes next may follow a name.
    fn at_terminator(&self) -> bool {
        match self.byte(self.pos) {
            None | Some(b'.' | b',' | b'|' | b':' | b')' | b'(') => true,
            Some(b'}') => self.byte(self.pos + 1) == Some(b'}'),
            Some(b) => is_space(b),
        }
    }

    /// Takes what looks like a number; whether it is one is for the parser to say.
    fn number(&mut self, start: usize) -> Faulty<Kind> {
        let good = self.scan_number();
        let sign = matches!(self.byte(self.pos), Some(b'+' | b'-'));
        if good && !sign {
            return Ok(Kind::Number);
        }
        if good {
            self.scan_number();
        }
        let syntax = self.text.get(start..self.pos).unwrap_or("");
        Err(Fault::syntax(start, self.pos - start, format!("bad number syntax: `{syntax}`")))
    }

    fn accept(&mut self, set: &[u8]) -> bool {
        let found = self.byte(self.pos).is_some_and(|b| set.contains(&b));
        self.pos += usize::from(found);
        found
    }

    fn scan_number(&mut self) -> bool {
        self.accept(b"+-");
        let mut digits: &[u8] = b"0123456789_";
        if self.accept(b"0") {
            if self.accept(b"xX") {
                digits = b"0123456789abcdefABCDEF_";
            } else if self.accept(b"oO") {
                digits = b"01234567_";
            } else if self.accept(b"bB") {
                digits = b"01_";
            }
        }
        while self.accept(digits) {}
        if self.accept(b".") {
            while self.accept(digits) {}
        }
        let exponent: &[u8] = match digits.len() {
            11 => b"eE",
            23 => b"pP",
            _ => b"",
        };
        if self.accept(exponent) {
            self.accept(b"+-");
            while self.accept(b"0123456789_") {}
        }
        self.accept(b"i");
        match self.rest().chars().next() {
            Some(c) if is_word(c) => {
                self.pos += c.len_utf8();
                false
            }
            _ => true,
        }
    }
}

fn keyword(word: &str) -> Kind {
    match word {
        "block" => Kind::Keyword(Keyword::Block),
        "break" => Kind::Keyword(Keyword::Break),
        "continue" => Kind::Keyword(Keyword::Continue),
        "define" => Kind::Keyword(Keyword::Define),
        "else" => Kind::Keyword(Keyword::Else),
        "end" => Kind::Keyword(Keyword::End),
        "if" => Kind::Keyword(Keyword::If),
        "nil" => Kind::Nil,
        "range" => Kind::Keyword(Keyword::Range),
        "template" => Kind::Keyword(Keyword::Template),
        "true" => Kind::Bool(true),
        "false" => Kind::Bool(false),
        "with" => Kind::Keyword(Keyword::With),
        _ => Kind::Identifier,
    }
}
