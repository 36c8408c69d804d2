//! A file as it is written again: nodes, and the comments and blank lines between them.

use alloc::vec::Vec;

/// A file.
#[derive(Debug, Default)]
pub(super) struct Tree<'t> {
    pub docs: Vec<Doc<'t>>,
    pub nodes: Vec<Node<'t>>,
    pub slots: Vec<Slot<'t>>,
}

/// One document.
#[derive(Debug, Default)]
pub(super) struct Doc<'t> {
    /// Comments before its `---`.
    pub prelude: Vec<Comment<'t>>,
    /// Whether it has a `---` of its own.
    pub explicit: bool,
    /// What the file or document begins with: it stays on top whatever comes below.
    pub head: Vec<Comment<'t>>,
    /// Whether a blank line parts that from the rest.
    pub head_blank: bool,
    pub root: Option<usize>,
    pub tail: Vec<Comment<'t>>,
}

/// A comment.
#[derive(Clone, Debug)]
pub(super) struct Comment<'t> {
    /// From `#` to the end of its line.
    pub text: &'t str,
    /// Whether a blank line stands above it.
    pub blank: bool,
    /// Blanks between it and what stands before it on its line.
    pub gap: usize,
}

/// A key with its value, or an item of a list.
#[derive(Debug, Default)]
pub(super) struct Slot<'t> {
    pub key: Option<usize>,
    pub value: Option<usize>,
    /// Whether a blank line stands above it.
    pub blank: bool,
    /// Comments on lines of their own above it.
    pub leading: Vec<Comment<'t>>,
    /// The comment behind it: of a collection or a block scalar, on its first line.
    pub trailing: Option<Comment<'t>>,
}

/// A node.
#[derive(Debug)]
pub(super) struct Node<'t> {
    /// Anchor and tag as written.
    pub props: Vec<&'t str>,
    pub kind: Kind<'t>,
}

#[derive(Debug)]
pub(super) enum Kind<'t> {
    Empty,
    /// `*name`.
    Alias(&'t str),
    /// Plain or quoted, as written.
    Scalar(&'t str),
    /// A plain word that takes the place of another.
    Word(&'static str),
    Block(Block<'t>),
    Collection(Collection<'t>),
}

/// A block scalar.
#[derive(Debug)]
pub(super) struct Block<'t> {
    /// `|` or `>`.
    pub style: char,
    /// `+`, `-` or nothing.
    pub chomp: Option<char>,
    /// Its lines without the indent.
    pub lines: Vec<&'t str>,
}

/// A map or list.
#[derive(Debug)]
pub(super) struct Collection<'t> {
    pub is_map: bool,
    pub flow: bool,
    /// A map of one pair inside a list in flow style, without braces.
    pub implicit: bool,
    /// The byte of its line at which it begins.
    pub column: usize,
    pub slots: Vec<usize>,
    /// Comments behind the last slot.
    pub tail: Vec<Comment<'t>>,
}

impl<'t> Tree<'t> {
    pub fn collection(&self, node: usize) -> Option<&Collection<'t>> {
        match &self.nodes.get(node)?.kind {
            Kind::Collection(c) => Some(c),
            _ => None,
        }
    }

    pub fn collection_mut(&mut self, node: usize) -> Option<&mut Collection<'t>> {
        match &mut self.nodes.get_mut(node)?.kind {
            Kind::Collection(c) => Some(c),
            _ => None,
        }
    }
}
