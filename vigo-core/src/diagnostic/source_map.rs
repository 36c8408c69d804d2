//! Files, and places in them.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A file of a [`SourceMap`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FileId(pub u32);

/// A stretch of bytes of one file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// Behind the last byte.
    pub end: u32,
}

impl Span {
    /// The place of what stands in no file.
    pub const NONE: Self = Self { file: FileId(u32::MAX), start: 0, end: 0 };

    /// Returns the bytes `start..end` of `file`.
    pub const fn new(file: FileId, start: u32, end: u32) -> Self {
        Self { file, start, end }
    }

    /// Returns the span from the start of `self` to the end of `other`, of the same file.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        debug_assert_eq!(self.file, other.file);
        Self { end: other.end.max(self.end), ..self }
    }

    /// Returns the part of this span that begins `offset` bytes into it and is `len` long.
    #[must_use]
    pub fn part(self, offset: usize, len: usize) -> Self {
        let start = self.start.saturating_add(offset as u32).min(self.end);
        Self { start, end: start.saturating_add(len as u32).min(self.end), ..self }
    }
}

/// A line and column, both from 1; the column counts characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// A file's path and text.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The path relative to the tree, with `/`.
    pub path: Arc<str>,
    /// The whole text.
    pub text: Arc<str>,
}

/// The files that spans point into.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

impl SourceMap {
    /// Adds a file and returns its id.
    pub fn add(&mut self, path: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> FileId {
        let id = FileId(self.files.len() as u32);
        self.files.push(SourceFile { path: path.into(), text: text.into() });
        id
    }

    /// Returns the file of `id`.
    pub fn file(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0 as usize)
    }

    /// Returns all files in the order they were added.
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// Returns the text at `span`; empty when it is out of range.
    pub fn text(&self, span: Span) -> &str {
        self.file(span.file).and_then(|f| f.text.get(span.start as usize..span.end as usize)).unwrap_or("")
    }

    /// Returns line and column of a byte of a file.
    pub fn position(&self, file: FileId, byte: u32) -> Position {
        let Some(f) = self.file(file) else { return Position { line: 1, column: 1 } };
        let mut byte = (byte as usize).min(f.text.len());
        while !f.text.is_char_boundary(byte) {
            byte -= 1;
        }
        let before = &f.text[..byte];
        let line = before.bytes().filter(|&b| b == b'\n').count() as u32 + 1;
        let start = before.rfind('\n').map_or(0, |i| i + 1);
        Position { line, column: before[start..].chars().count() as u32 + 1 }
    }

    /// Returns `path:line:column` of the start of `span`.
    pub fn describe(&self, span: Span) -> String {
        match self.file(span.file) {
            None => String::from("<no file>"),
            Some(f) => {
                let p = self.position(span.file, span.start);
                alloc::format!("{}:{}:{}", f.path, p.line, p.column)
            }
        }
    }
}
