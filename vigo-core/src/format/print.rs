//! A [`Tree`] to text.

use super::scalar;
use super::tree::{Block, Collection, Comment, Kind, Node, Slot, Tree};
use alloc::string::String;
use alloc::vec::Vec;

/// Columns of a line, where flow style can choose.
const WIDTH: usize = 120;

/// Blanks of one level.
const STEP: usize = 2;

/// Writes the whole file.
pub(super) fn print(tree: &Tree<'_>) -> String {
    let mut printer = Printer { tree, out: String::new(), kept: None };
    for (i, doc) in tree.docs.iter().enumerate() {
        printer.comments(&doc.prelude, 0, i == 0);
        if doc.explicit || i > 0 {
            printer.out.push_str("---\n");
        }
        let is_top = printer.out.is_empty();
        printer.comments(&doc.head, 0, is_top || doc.explicit || i > 0);
        if doc.head_blank && !doc.head.is_empty() {
            printer.blank_line();
        }
        if let Some(root) = doc.root {
            printer.root(root);
        }
        let is_top = printer.out.is_empty();
        printer.comments(&doc.tail, 0, is_top);
    }
    printer.out
}

struct Printer<'p, 't> {
    tree: &'p Tree<'t>,
    out: String,
    /// Where the last block scalar with `+` ends: an empty line there is a part of its text.
    kept: Option<usize>,
}

impl<'p, 't> Printer<'p, 't> {
    fn pad(&mut self, indent: usize) {
        self.out.extend(core::iter::repeat_n(' ', indent));
    }

    /// Writes an empty line, where it parts and says nothing.
    fn blank_line(&mut self) {
        if self.kept != Some(self.out.len()) {
            self.out.push('\n');
        }
    }

    fn comments(&mut self, comments: &[Comment<'_>], indent: usize, mut is_first: bool) {
        for comment in comments {
            if comment.blank && !is_first {
                self.blank_line();
            }
            is_first = false;
            self.pad(indent);
            self.out.push_str(comment.text);
            self.out.push('\n');
        }
    }

    fn root(&mut self, root: usize) {
        let Some(node) = self.tree.nodes.get(root) else { return };
        match &node.kind {
            Kind::Collection(c) if !self.fits(root, 0) => {
                if !node.props.is_empty() {
                    self.out.push_str(&node.props.join(" "));
                    self.out.push('\n');
                }
                self.block_collection(c, 0, false);
            }
            _ => {
                self.value(root, None, 0, true);
            }
        }
    }

    /// Writes a collection in block style, each slot on lines of its own; the first one behind a dash, where that holds it.
    fn block_collection(&mut self, c: &Collection<'_>, indent: usize, is_held: bool) {
        for (i, slot) in c.slots.iter().filter_map(|s| self.tree.slots.get(*s)).enumerate() {
            if i > 0 || !is_held {
                let mut above = slot.leading.clone();
                if !c.is_map {
                    self.behind_dash(slot, indent, &mut above);
                }
                self.comments(&above, indent, i == 0);
                // The first of a collection stands at its top, whatever stood there before.
                if slot.blank && (i > 0 || !above.is_empty()) {
                    self.blank_line();
                }
            }
            if c.is_map { self.entry(slot, indent) } else { self.item(slot, indent) }
        }
        self.comments(&c.tail, indent, false);
    }

    fn entry(&mut self, slot: &Slot<'_>, indent: usize) {
        self.pad(indent);
        self.key(slot);
        self.value_of(slot, indent, false);
    }

    fn key(&mut self, slot: &Slot<'_>) {
        let Some(node) = slot.key.and_then(|k| self.tree.nodes.get(k)) else { return };
        for prop in &node.props {
            self.out.push_str(prop);
            self.out.push(' ');
        }
        match &node.kind {
            Kind::Alias(name) => {
                self.out.push_str(name);
                self.out.push(' ');
            }
            Kind::Scalar(raw) => self.out.push_str(&scalar::normal(raw)),
            Kind::Word(word) => self.out.push_str(word),
            _ => {}
        }
        self.out.push(':');
    }

    /// Returns the collection of an item that begins on the item's own line.
    fn held(&self, slot: &Slot<'_>, indent: usize) -> Option<&'p Collection<'t>> {
        let value = slot.value?;
        match self.tree.nodes.get(value)? {
            Node { props, kind: Kind::Collection(c) } if props.is_empty() && !self.fits(value, indent + STEP) => {
                Some(c)
            }
            _ => None,
        }
    }

    /// Collects the comments for which there is no place behind the dash of an item.
    fn behind_dash(&self, slot: &Slot<'t>, indent: usize, above: &mut Vec<Comment<'t>>) {
        let Some(c) = self.held(slot, indent) else { return };
        above.extend(slot.trailing.clone());
        if let Some(first) = c.slots.first().and_then(|s| self.tree.slots.get(*s)) {
            above.extend(first.leading.iter().cloned());
            if !c.is_map {
                self.behind_dash(first, indent + STEP, above);
            }
        }
    }

    fn item(&mut self, slot: &Slot<'_>, indent: usize) {
        if let Some(c) = self.held(slot, indent) {
            let from = self.out.len();
            self.block_collection(c, indent + STEP, true);
            // The first line begins with the dash.
            let dash = from + indent;
            if self.out.get(from..dash + STEP).is_some_and(|t| t.bytes().all(|b| b == b' ')) {
                self.out.replace_range(dash..=dash, "-");
            }
            return;
        }
        self.pad(indent);
        self.out.push('-');
        self.value_of(slot, indent, true);
    }

    fn value_of(&mut self, slot: &Slot<'_>, indent: usize, is_item: bool) {
        match slot.value {
            Some(value) => {
                if !self.value(value, slot.trailing.as_ref(), indent, is_item) {
                    self.trailing(slot.trailing.as_ref());
                    self.out.push('\n');
                }
            }
            None => {
                self.trailing(slot.trailing.as_ref());
                self.out.push('\n');
            }
        }
    }

    fn trailing(&mut self, comment: Option<&Comment<'_>>) {
        if let Some(comment) = comment {
            self.pad(comment.gap.max(1));
            self.out.push_str(comment.text);
        }
    }

    fn column(&self) -> usize {
        let line = self.out.rfind('\n').map_or(0, |i| i + 1);
        self.out.get(line..).map_or(0, |line| line.chars().count())
    }

    /// Writes what stands behind `:` or `-`, or the root; returns whether its line has been ended.
    fn value(&mut self, id: usize, trailing: Option<&Comment<'_>>, indent: usize, _is_item: bool) -> bool {
        let Some(node) = self.tree.nodes.get(id) else { return false };
        let is_root = self.column() == 0;
        for prop in &node.props {
            self.blank(is_root);
            self.out.push_str(prop);
        }
        match &node.kind {
            Kind::Empty => false,
            Kind::Alias(text) => {
                self.blank(is_root);
                self.out.push_str(text);
                is_root && self.end()
            }
            Kind::Word(text) => {
                self.blank(is_root);
                self.out.push_str(text);
                false
            }
            Kind::Scalar(raw) => {
                self.blank(is_root);
                let text = scalar::normal(raw);
                for (i, line) in text.lines().enumerate() {
                    if i == 0 {
                        self.out.push_str(line);
                        continue;
                    }
                    self.out.push('\n');
                    let line = line.trim_start_matches([' ', '\t']);
                    if !line.is_empty() {
                        self.pad(indent + STEP);
                        self.out.push_str(line);
                    }
                }
                is_root && self.end()
            }
            Kind::Block(block) => {
                self.blank(is_root);
                self.block(block, trailing, indent, is_root);
                true
            }
            Kind::Collection(c) => {
                let at = self.column() + 1;
                if self.fits(id, at) {
                    self.blank(is_root);
                    self.flow(id);
                    return is_root && self.end();
                }
                self.trailing(trailing);
                self.out.push('\n');
                self.block_collection(c, indent + STEP, false);
                true
            }
        }
    }

    fn end(&mut self) -> bool {
        self.out.push('\n');
        true
    }

    fn blank(&mut self, is_root: bool) {
        if !is_root || self.column() > 0 {
            self.out.push(' ');
        }
    }

    fn block(&mut self, block: &Block<'_>, trailing: Option<&Comment<'_>>, indent: usize, is_root: bool) {
        self.out.push(block.style);
        // Below an empty text, the next comment would be its first line, where nothing is less indented.
        if block.lines.iter().find(|l| !l.is_empty()).map_or(is_root, |l| l.starts_with(' ')) {
            self.out.push('2');
        }
        self.out.extend(block.chomp);
        self.trailing(trailing);
        self.out.push('\n');
        for line in &block.lines {
            if !line.is_empty() {
                self.pad(indent + STEP);
                self.out.push_str(line);
            }
            self.out.push('\n');
        }
        if block.chomp == Some('+') {
            self.kept = Some(self.out.len());
        }
    }

    /// Returns whether a node is in flow style and can stay so from this column on.
    fn fits(&self, id: usize, column: usize) -> bool {
        if !self.tree.collection(id).is_some_and(|c| c.flow) {
            return false;
        }
        let mut left = WIDTH.saturating_sub(column);
        self.measure(id, &mut left).is_some()
    }

    /// Takes the width of a node in flow style from what is left; nothing when it has no place on one line.
    fn measure(&self, id: usize, left: &mut usize) -> Option<()> {
        let mut take = |n: usize| {
            *left = left.checked_sub(n)?;
            Some(())
        };
        let node = self.tree.nodes.get(id)?;
        for prop in &node.props {
            take(prop.chars().count() + 1)?;
        }
        match &node.kind {
            Kind::Empty => Some(()),
            Kind::Alias(text) => take(text.chars().count() + 1),
            Kind::Word(text) => take(text.len()),
            Kind::Scalar(raw) if raw.contains(['\n', '\r']) => None,
            Kind::Scalar(raw) => take(scalar::normal(raw).chars().count()),
            Kind::Block(_) => None,
            Kind::Collection(c) => {
                take(2)?;
                if !c.tail.is_empty() {
                    return None;
                }
                for (i, slot) in c.slots.iter().filter_map(|s| self.tree.slots.get(*s)).enumerate() {
                    if !slot.leading.is_empty() || slot.trailing.is_some() {
                        return None;
                    }
                    let signs = if i > 0 { 2 } else { 0 } + if c.is_map { 2 } else { 0 };
                    *left = left.checked_sub(signs)?;
                    slot.key.map_or(Some(()), |key| self.measure(key, left))?;
                    slot.value.map_or(Some(()), |value| self.measure(value, left))?;
                }
                Some(())
            }
        }
    }

    fn flow(&mut self, id: usize) {
        let Some(Node { kind: Kind::Collection(c), .. }) = self.tree.nodes.get(id) else { return };
        let signs = match (c.is_map, c.implicit) {
            (true, true) => ("", ""),
            (true, false) => ("{", "}"),
            (false, _) => ("[", "]"),
        };
        self.out.push_str(signs.0);
        for (i, slot) in c.slots.iter().filter_map(|s| self.tree.slots.get(*s)).enumerate() {
            if i > 0 {
                self.out.push_str(", ");
            }
            let value = slot.value.and_then(|v| Some((v, self.tree.nodes.get(v)?)));
            if c.is_map {
                self.key(slot);
                match value {
                    // A key alone says the same.
                    Some((_, Node { props, kind: Kind::Empty })) if props.is_empty() && !c.implicit => {
                        self.out.truncate(self.out.len() - 1);
                    }
                    _ => self.out.push(' '),
                }
            }
            let Some((value, node)) = value else { continue };
            for (i, prop) in node.props.iter().enumerate() {
                self.out.push_str(prop);
                if i + 1 < node.props.len() || !matches!(node.kind, Kind::Empty) {
                    self.out.push(' ');
                }
            }
            match &node.kind {
                Kind::Scalar(raw) => self.out.push_str(&scalar::normal(raw)),
                Kind::Word(text) => self.out.push_str(text),
                Kind::Alias(text) => self.out.push_str(text),
                Kind::Collection(_) => self.flow(value),
                Kind::Empty | Kind::Block(_) => {}
            }
        }
        self.out.push_str(signs.1);
    }
}
