//! What is wrong with a template, or went wrong while one was rendered, and where.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::diagnostic::{Code, Diagnostic, Span};

/// Whose fault an error is: decides whether a resource is skipped for its text or for a secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// The text is no template.
    Syntax,
    /// A function, variable, template, field or trait that does not exist.
    Name,
    /// Data that an action cannot use: a missing key, a null, a wrong type.
    Value,
    /// The template takes more steps, bytes or depth than it may.
    Limit,
    /// A secret that is not to be had.
    Secret,
}

/// An error with its place in the template's text.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub struct TemplateError {
    /// Whose fault it is.
    pub kind: ErrorKind,
    /// What is wrong: a lowercase fragment. Never holds the text of a secret.
    pub message: String,
    /// What to write instead, in the imperative.
    pub help: Option<String>,
    /// First byte of the place, in the template's text.
    pub offset: usize,
    /// Bytes of the place.
    pub len: usize,
    /// Line in the template's text, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl TemplateError {
    /// Returns the code that explains it.
    pub fn code(&self) -> Code {
        if self.kind == ErrorKind::Name { Code::TemplateName } else { Code::Template }
    }

    /// Returns the diagnostic of this error for a template whose text stands verbatim at `text`.
    pub fn diagnostic(&self, text: Span) -> Diagnostic {
        let diagnostic = Diagnostic::new(self.code(), text.part(self.offset, self.len), self.message.clone());
        match &self.help {
            None => diagnostic,
            Some(help) => diagnostic.help(help.clone()),
        }
    }
}

/// A [`TemplateError`] before its line and column are counted.
#[derive(Debug)]
pub(super) struct Fault {
    pub kind: ErrorKind,
    pub message: String,
    pub help: Option<String>,
    pub at: usize,
    pub len: usize,
}

/// Boxed, so that the way without errors stays narrow.
pub(super) type Faulty<T> = Result<T, Box<Fault>>;

impl Fault {
    pub fn new(kind: ErrorKind, at: usize, len: usize, message: impl Into<String>) -> Box<Self> {
        Box::new(Self { kind, message: message.into(), help: None, at, len })
    }

    pub fn syntax(at: usize, len: usize, message: impl Into<String>) -> Box<Self> {
        Self::new(ErrorKind::Syntax, at, len, message)
    }

    pub fn help(mut self: Box<Self>, help: impl Into<String>) -> Box<Self> {
        self.help = Some(help.into());
        self
    }

    /// Counts line and column of each in `text`, and returns them in their order there.
    pub fn place_all(faults: Vec<Self>, text: &str) -> Vec<TemplateError> {
        let mut errors: Vec<_> = faults.into_iter().map(|f| f.place(text)).collect();
        errors.sort_by_key(|e| e.offset);
        errors
    }

    /// Counts line and column in `text`.
    pub fn place(self, text: &str) -> TemplateError {
        let mut offset = self.at.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = text.get(..offset).unwrap_or("");
        let line = before.bytes().filter(|&b| b == b'\n').count() as u32 + 1;
        let start = before.rfind('\n').map_or(0, |i| i + 1);
        let column = before.get(start..).unwrap_or("").chars().count() as u32 + 1;
        let mut end = offset.saturating_add(self.len).min(text.len());
        while !text.is_char_boundary(end) {
            end += 1;
        }
        let len = end - offset;
        TemplateError { kind: self.kind, message: self.message, help: self.help, offset, len, line, column }
    }
}
