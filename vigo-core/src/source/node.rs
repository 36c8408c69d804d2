//! The nodes of one parsed file.

use super::TreeFile;
use crate::diagnostic::{Diagnostic, FileId, Span};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// One parsed file: its text, and the nodes of its documents in one table.
#[derive(Debug)]
pub struct YamlFile {
    pub(super) id: FileId,
    pub(super) path: Arc<str>,
    pub(super) text: Arc<str>,
    pub(super) nodes: Vec<NodeData>,
    /// Items of sequences; each sequence owns a range.
    pub(super) items: Vec<u32>,
    /// Keys and values of mappings; each mapping owns a range.
    pub(super) entries: Vec<(u32, u32)>,
    /// The root of each document that parsed.
    pub(super) roots: Vec<u32>,
    /// The stretches of the text that did not parse: from, to.
    pub(super) lost: Vec<(u32, u32)>,
    /// What is wrong with the text.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Another one for each text that was parsed.
    pub(super) edition: u64,
}

#[derive(Debug)]
pub(super) struct NodeData {
    pub start: u32,
    pub end: u32,
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
    pub data: Data,
}

#[derive(Debug)]
pub(super) enum Data {
    Scalar { text: TextData, style: ScalarStyle },
    List { from: u32, to: u32 },
    Map { from: u32, to: u32 },
}

#[derive(Debug)]
pub(super) enum TextData {
    /// The scalar's text stands in the source as it is.
    Source { start: u32, end: u32 },
    /// Escapes or folding made another text of it.
    Own(Box<str>),
}

/// How a scalar was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScalarStyle {
    /// Nothing at all stands where a value could.
    Empty,
    /// Bare.
    Plain,
    /// In `'…'`, or with the tag `!!str`.
    Single,
    /// In `"…"`.
    Double,
    /// `|`.
    Literal,
    /// `>`.
    Folded,
}

/// A node of a [`YamlFile`]; an alias is the node that it stands for.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    file: &'a YamlFile,
    id: u32,
}

/// What a node is.
#[derive(Clone, Copy)]
pub enum NodeKind<'a> {
    /// A scalar: its text, after YAML took quotes, escapes and indent away, and how it was written.
    Scalar(&'a str, ScalarStyle),
    /// A sequence.
    List,
    /// A mapping.
    Map(Map<'a>),
}

/// The entries of a mapping, in written order, merged ones last; no two keys have the same text.
#[derive(Clone, Copy)]
pub struct Map<'a> {
    file: &'a YamlFile,
    entries: &'a [(u32, u32)],
}

/// A key with its value.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The key's text.
    pub name: &'a str,
    /// The key, always a scalar.
    pub key: Node<'a>,
    /// The value.
    pub value: Node<'a>,
}

impl YamlFile {
    /// Returns the file's id.
    pub fn id(&self) -> FileId {
        self.id
    }

    /// Returns the file's path, relative to the tree.
    pub fn path(&self) -> &Arc<str> {
        &self.path
    }

    /// Returns the whole text.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Returns the edition: another one wherever the text is another.
    pub(crate) fn edition(&self) -> u64 {
        self.edition
    }

    /// Returns whether it was made of this file, as it is.
    pub(super) fn is_of(&self, file: &TreeFile) -> bool {
        *self.path == *file.path && self.text.as_bytes() == &*file.bytes
    }

    /// Returns the texts that could not be read: documents that are no YAML, or the whole file.
    pub fn lost(&self) -> impl Iterator<Item = &str> {
        self.lost.iter().filter_map(|&(from, to)| self.text.get(from as usize..to as usize))
    }

    /// Returns the root of each document.
    pub fn documents(&self) -> impl Iterator<Item = Node<'_>> {
        self.roots.iter().map(|&id| Node { file: self, id })
    }
}

impl<'a> Node<'a> {
    fn data(self) -> Option<&'a NodeData> {
        self.file.nodes.get(self.id as usize)
    }

    /// Returns the file in which the node stands.
    pub fn file(self) -> &'a YamlFile {
        self.file
    }

    /// Returns where the node stands.
    pub fn span(self) -> Span {
        self.data().map_or(Span::NONE, |d| Span::new(self.file.id, d.start, d.end))
    }

    /// Returns the line, from 1.
    pub fn line(self) -> u32 {
        self.data().map_or(1, |d| d.line)
    }

    /// Returns the column in characters, from 1.
    pub fn column(self) -> u32 {
        self.data().map_or(1, |d| d.column)
    }

    /// Returns what the node is.
    pub fn kind(self) -> NodeKind<'a> {
        match self.data().map(|d| &d.data) {
            Some(Data::Scalar { text, style }) => NodeKind::Scalar(self.text_of(text), *style),
            Some(Data::List { .. }) => NodeKind::List,
            Some(&Data::Map { from, to }) => NodeKind::Map(Map {
                file: self.file,
                entries: self.file.entries.get(from as usize..to as usize).unwrap_or_default(),
            }),
            None => NodeKind::Scalar("", ScalarStyle::Empty),
        }
    }

    fn text_of(self, text: &'a TextData) -> &'a str {
        match text {
            &TextData::Source { start, end } => self.file.text.get(start as usize..end as usize).unwrap_or_default(),
            TextData::Own(text) => text,
        }
    }

    /// Returns the text and style, if this is a scalar.
    pub fn scalar(self) -> Option<(&'a str, ScalarStyle)> {
        match self.kind() {
            NodeKind::Scalar(text, style) => Some((text, style)),
            _ => None,
        }
    }

    /// Returns the text, if this is a scalar.
    pub fn text(self) -> Option<&'a str> {
        self.scalar().map(|(text, _)| text)
    }

    /// Returns the entries, if this is a mapping.
    pub fn map(self) -> Option<Map<'a>> {
        match self.kind() {
            NodeKind::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Returns the items, if this is a sequence.
    pub fn list(self) -> Option<impl ExactSizeIterator<Item = Node<'a>> + Clone> {
        let &Data::List { from, to } = &self.data()?.data else { return None };
        let items = self.file.items.get(from as usize..to as usize).unwrap_or_default();
        let file = self.file;
        Some(items.iter().map(move |&id| Node { file, id }))
    }

    /// Returns whether this is nothing, or a bare `null`.
    pub fn is_null(self) -> bool {
        match self.scalar() {
            Some((_, ScalarStyle::Empty)) => true,
            Some((text, ScalarStyle::Plain)) => matches!(text, "" | "~" | "null" | "Null" | "NULL"),
            _ => false,
        }
    }

    /// Returns the word for this kind of node in messages.
    pub fn kind_name(self) -> &'static str {
        match self.kind() {
            NodeKind::Scalar(_, ScalarStyle::Empty) => "nothing",
            NodeKind::Scalar(..) if self.is_null() => "null",
            NodeKind::Scalar(..) => "text",
            NodeKind::List => "a list",
            NodeKind::Map(_) => "a map",
        }
    }

    /// Returns whether this stands in for an alias, a tag or a template without quotes, of which is told already.
    pub fn is_trap(self) -> bool {
        let span = self.span();
        let source = self.file.text.get(span.start as usize..span.end as usize).unwrap_or_default();
        let is_text = matches!(self.scalar(), Some((_, ScalarStyle::Single)));
        is_text && (source.starts_with(['*', '{']) || source.starts_with('!') && !source.starts_with("!!"))
    }

    /// Returns line and column of the first character of a scalar's text: behind the quote, or in the first line of a
    /// block.
    pub fn text_place(self) -> (u32, u32) {
        let (line, column) = (self.line(), self.column());
        match self.scalar() {
            Some((_, ScalarStyle::Single | ScalarStyle::Double)) if self.is_quoted() => (line, column + 1),
            Some((text, ScalarStyle::Literal | ScalarStyle::Folded)) => {
                // The node begins at the first line that is not blank.
                let blank = text.bytes().take_while(|&b| b == b'\n').count().min(text.len().saturating_sub(1));
                (line.saturating_sub(blank as u32).max(1), column)
            }
            _ => (line, column),
        }
    }

    /// Returns the span of `len` bytes from `start` of a scalar's text, as far as they stand in the source as they are;
    /// else the whole scalar's.
    pub fn part(self, start: usize, len: usize) -> Span {
        match self.data().map(|d| &d.data) {
            Some(Data::Scalar { text: TextData::Source { start: from, end }, .. }) => {
                Span::new(self.file.id, *from, *end).part(start, len)
            }
            Some(Data::Scalar { text: TextData::Own(text), style: ScalarStyle::Literal }) => {
                self.part_of_block(text, start, len).unwrap_or(self.span())
            }
            _ => self.span(),
        }
    }

    /// The lines of a literal block stand in the source one by one, behind an indent.
    fn part_of_block(self, text: &str, start: usize, len: usize) -> Option<Span> {
        let data = self.data()?;
        let before = text.get(..start)?;
        let lines = before.bytes().filter(|&b| b == b'\n').count();
        let column = start - before.rfind('\n').map_or(0, |i| i + 1);
        // The node begins at the first line that is not blank.
        let down = lines.checked_sub(text.bytes().take_while(|&b| b == b'\n').count())?;
        let indent = data.column.checked_sub(1)?;
        let mut line = data.start.checked_sub(indent)? as usize;
        for _ in 0..down {
            line += self.file.text.get(line..)?.find('\n')? + 1;
        }
        let at = line + indent as usize + column;
        let rest = text.get(start..)?.split('\n').next()?.len();
        let end = at + len.min(rest);
        let same = self.file.text.get(at..end) == text.get(start..start + (end - at));
        same.then(|| Span::new(self.file.id, at as u32, end as u32))
    }

    /// Returns the stretches of a scalar's text that stand in the source as they are: where each begins in the text, and
    /// its span. They are the whole text, the lines of a literal block, or nothing where quotes or folding made another
    /// text of it.
    pub fn stretches(self) -> Vec<(usize, Span)> {
        let Some(data) = self.data() else { return Vec::new() };
        match &data.data {
            Data::Scalar { text: TextData::Source { start, end }, .. } => {
                alloc::vec![(0, Span::new(self.file.id, *start, *end))]
            }
            Data::Scalar { text: TextData::Own(text), style: ScalarStyle::Literal } => {
                self.lines_of_block(data, text).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    fn lines_of_block(self, data: &NodeData, text: &str) -> Option<Vec<(usize, Span)>> {
        let indent = data.column.checked_sub(1)? as usize;
        let mut line = (data.start as usize).checked_sub(indent)?;
        // The node begins at the first line that is not blank.
        let mut at = text.bytes().take_while(|&b| b == b'\n').count();
        let mut found = Vec::new();
        for own in text.get(at..)?.split('\n') {
            let from = line + indent;
            if !own.is_empty() && self.file.text.get(from..from + own.len()) == Some(own) {
                found.push((at, Span::new(self.file.id, from as u32, (from + own.len()) as u32)));
            }
            at += own.len() + 1;
            match self.file.text.get(line..).and_then(|rest| rest.find('\n')) {
                Some(end) => line += end + 1,
                None => break,
            }
        }
        Some(found)
    }

    fn is_quoted(self) -> bool {
        let start = self.span().start as usize;
        self.file.text.as_bytes().get(start).is_some_and(|b| matches!(b, b'"' | b'\''))
    }
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            NodeKind::Scalar(text, ScalarStyle::Empty | ScalarStyle::Plain) => f.write_str(text),
            NodeKind::Scalar(text, _) => write!(f, "{text:?}"),
            NodeKind::List => f.debug_list().entries(self.list().into_iter().flatten()).finish(),
            NodeKind::Map(map) => f.debug_map().entries(map.iter().map(|e| (e.key, e.value))).finish(),
        }
    }
}

impl<'a> Map<'a> {
    /// Returns the entries.
    pub fn iter(self) -> impl ExactSizeIterator<Item = Entry<'a>> + Clone {
        let file = self.file;
        self.entries.iter().map(move |&(key, value)| {
            let key = Node { file, id: key };
            Entry { name: key.text().unwrap_or_default(), key, value: Node { file, id: value } }
        })
    }

    /// Returns the value of `name`.
    pub fn get(self, name: &str) -> Option<Node<'a>> {
        self.iter().find(|e| e.name == name).map(|e| e.value)
    }

    /// Returns how many entries there are.
    pub fn len(self) -> usize {
        self.entries.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(self) -> bool {
        self.entries.is_empty()
    }
}
