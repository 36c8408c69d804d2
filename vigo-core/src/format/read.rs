//! Text to a [`Tree`].

use super::tree::{Block, Collection, Comment, Doc, Kind, Node, Slot, Tree};
use crate::limits;
use alloc::vec::Vec;
use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle, options};

/// What the formatter cannot write again: the construct.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Unknown(pub &'static str);

const LOST: Unknown = Unknown("its layout");

/// Reads a text that the parser of policies takes; its lines end in `\n` alone.
pub(super) fn read(text: &str) -> Result<Tree<'_>, Unknown> {
    let options = options! {
        emit_comments: false,
        block_nesting_limit: limits::YAML_DEPTH_MAX,
        flow_nesting_limit: limits::YAML_DEPTH_MAX,
    };
    let mut reader = Reader {
        text,
        tree: Tree::default(),
        cursor: 0,
        newlines: 0,
        gap: Vec::new(),
        frames: Vec::new(),
        last: Token::Start,
        last_slot: None,
    };
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|_| LOST)?;
        reader.event(event, &span)?;
    }
    Ok(reader.tree)
}

/// Returns how many of anchor and tag a node has.
fn count(anchor: usize, has_tag: bool) -> usize {
    usize::from(anchor != 0) + usize::from(has_tag)
}

/// The token before the gap.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Start,
    DocStart,
    Dash,
    Open,
    Other,
}

struct Frame {
    node: usize,
    /// The slot that holds it.
    owner: Option<usize>,
    /// The slot whose value comes next; a key or an item otherwise.
    key: Option<usize>,
}

/// A comment in the gap before the next token.
struct Found<'t> {
    comment: Comment<'t>,
    /// Whether nothing stands before it on its line.
    own_line: bool,
    column: usize,
}

struct Reader<'t> {
    text: &'t str,
    tree: Tree<'t>,
    /// Behind the last token.
    cursor: usize,
    /// Line breaks since the last token or comment.
    newlines: usize,
    gap: Vec<Found<'t>>,
    frames: Vec<Frame>,
    last: Token,
    /// The slot to which the last token belongs.
    last_slot: Option<usize>,
}

impl<'t> Reader<'t> {
    fn event(&mut self, event: Event<'t>, span: &Span) -> Result<(), Unknown> {
        match event {
            Event::DocumentStart(explicit, _) => self.start(explicit),
            Event::DocumentEnd => Ok(()),
            Event::StreamEnd => self.end(),
            Event::Scalar(text, style, anchor, tag) => {
                let props = count(anchor, tag.is_some());
                let is_empty = style == ScalarStyle::Plain && span.byte_range().is_some_and(|r| r.is_empty());
                let slot = self.place(is_empty)?;
                let node = if is_empty {
                    Node { props: self.props(slot, props)?, kind: Kind::Empty }
                } else {
                    self.scalar(&text, style, span, slot, props)?
                };
                self.put(node, slot)
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                let slot = self.place(false)?;
                let at = self.token(slot)?;
                let len = self.rest(at).find(|c: char| c.is_whitespace() || ",[]{}".contains(c));
                let word = self.rest(at).get(..len.unwrap_or(self.text.len() - at)).ok_or(LOST)?;
                self.advance(word.len());
                self.put(Node { props: Vec::new(), kind: Kind::Alias(word) }, slot)
            }
            Event::SequenceStart(style, anchor, tag) => self.open(false, style, count(anchor, tag.is_some())),
            Event::MappingStart(style, anchor, tag) => self.open(true, style, count(anchor, tag.is_some())),
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            _ => Ok(()),
        }
    }

    fn rest(&self, at: usize) -> &'t str {
        self.text.get(at..).unwrap_or_default()
    }

    /// Moves the cursor behind a token of `len` bytes.
    fn advance(&mut self, len: usize) {
        self.cursor += len;
        self.newlines = 0;
        self.last = Token::Other;
    }

    /// Moves the cursor to the next token, over blanks and comments, which are kept in the gap.
    fn significant(&mut self) -> usize {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.cursor) {
                Some(b' ' | b'\t') => self.cursor += 1,
                Some(b'\n') => {
                    self.newlines += 1;
                    self.cursor += 1;
                }
                Some(b'#') if self.cursor == 0 || bytes.get(self.cursor - 1).is_some_and(u8::is_ascii_whitespace) => {
                    self.comment();
                }
                _ => return self.cursor,
            }
        }
    }

    fn comment(&mut self) {
        let rest = self.rest(self.cursor);
        let text = rest.split('\n').next().unwrap_or_default();
        let line = self.text.get(..self.cursor).and_then(|t| t.rfind('\n')).map_or(0, |at| at + 1);
        let before = self.text.get(line..self.cursor).unwrap_or_default();
        let gap = before.len() - before.trim_end_matches([' ', '\t']).len();
        let is_first = self.last == Token::Start && self.gap.is_empty();
        let blank = self.newlines >= 2 || (is_first && self.newlines > 0);
        self.gap.push(Found {
            comment: Comment { text: text.trim_end(), blank, gap },
            own_line: before.trim().is_empty(),
            column: before.len(),
        });
        self.cursor += text.len();
        self.newlines = 0;
    }

    /// Returns what a token begins with; comments before it go to `slot`.
    fn token(&mut self, slot: Option<usize>) -> Result<usize, Unknown> {
        let at = self.significant();
        let after_dash = self.last == Token::Dash;
        for found in core::mem::take(&mut self.gap) {
            match slot.and_then(|s| self.tree.slots.get_mut(s)) {
                Some(slot) if found.own_line || after_dash || slot.trailing.is_some() => {
                    slot.leading.push(found.comment)
                }
                Some(slot) => slot.trailing = Some(found.comment),
                None => self.doc()?.head.push(found.comment),
            }
        }
        Ok(at)
    }

    fn doc(&mut self) -> Result<&mut Doc<'t>, Unknown> {
        self.tree.docs.last_mut().ok_or(LOST)
    }

    fn start(&mut self, explicit: bool) -> Result<(), Unknown> {
        let mut at = self.significant();
        while self.rest(at).starts_with("...") {
            self.advance(3);
            at = self.significant();
        }
        let is_first = self.tree.docs.is_empty();
        let mut doc = Doc { explicit, ..Doc::default() };
        if explicit {
            if !self.rest(at).starts_with("---") {
                return Err(Unknown("a directive"));
            }
            if is_first {
                doc.prelude = self.gap.drain(..).map(|f| f.comment).collect();
            } else {
                self.finish()?;
            }
            self.advance(3);
            self.last = Token::DocStart;
        } else {
            if !is_first {
                self.finish()?;
            }
            self.last = Token::Start;
        }
        self.last_slot = None;
        self.tree.docs.push(doc);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Unknown> {
        let mut at = self.significant();
        while self.rest(at).starts_with("...") {
            self.advance(3);
            at = self.significant();
        }
        if at < self.text.len() {
            return Err(LOST);
        }
        if self.tree.docs.is_empty() {
            self.tree.docs.push(Doc::default());
        }
        self.finish()
    }

    /// Gives the comments behind a document to what they stand in.
    fn finish(&mut self) -> Result<(), Unknown> {
        let root = self.doc()?.root;
        for found in core::mem::take(&mut self.gap) {
            let slot = self.last_slot.and_then(|s| self.tree.slots.get_mut(s));
            match slot {
                Some(slot) if !found.own_line && slot.trailing.is_none() => slot.trailing = Some(found.comment),
                _ => match root.and_then(|root| self.deepest(root, found.column)).filter(|_| found.column > 0) {
                    Some(node) => self.tail(node, found.comment),
                    None => self.doc()?.tail.push(found.comment),
                },
            }
        }
        Ok(())
    }

    /// Returns the deepest block collection at the end of `node` that begins at this column or before it.
    fn deepest(&self, node: usize, column: usize) -> Option<usize> {
        let mut found = None;
        let mut next = Some(node);
        while let Some(node) = next {
            let Some(c) = self.tree.collection(node).filter(|c| !c.flow) else { break };
            if c.column <= column {
                found = Some(node);
            }
            next = c.slots.last().and_then(|s| self.tree.slots.get(*s)?.value);
        }
        found
    }

    fn tail(&mut self, node: usize, comment: Comment<'t>) {
        if let Some(c) = self.tree.collection_mut(node) {
            c.tail.push(comment);
        }
    }

    /// Goes to the next node: makes its slot and reads the sign before it. Returns the slot; the root has none.
    fn place(&mut self, is_empty: bool) -> Result<Option<usize>, Unknown> {
        let Some(frame) = self.frames.last() else { return Ok(None) };
        let (node, key) = (frame.node, frame.key);
        let (is_map, flow) = self.tree.collection(node).map(|c| (c.is_map, c.flow)).ok_or(LOST)?;
        if let Some(slot) = key {
            let at = self.significant();
            if self.rest(at).starts_with(':') {
                self.advance(1);
            } else if !(flow && is_empty) {
                return Err(LOST);
            }
            self.last_slot = Some(slot);
            return Ok(Some(slot));
        }
        let mut at = self.significant();
        if flow && self.rest(at).starts_with(',') {
            self.advance(1);
            at = self.significant();
        }
        let rest = self.rest(at);
        let is_sign = |c: char| rest.strip_prefix(c).is_some_and(|r| r.is_empty() || r.starts_with([' ', '\t', '\n']));
        if is_sign('?') {
            return Err(Unknown("a key with `?`"));
        }
        let is_item = !is_map && !flow;
        if is_item && !is_sign('-') {
            return Err(LOST);
        }
        if is_map && is_empty {
            return Err(Unknown("an empty key"));
        }
        let slot = self.slot(node);
        if is_item {
            self.advance(1);
            self.last = Token::Dash;
        }
        self.last_slot = Some(slot);
        Ok(Some(slot))
    }

    /// Makes a slot of a collection and gives the comments of the gap to whom they belong.
    fn slot(&mut self, node: usize) -> usize {
        let slot = self.tree.slots.len();
        let blank = self.newlines >= 2;
        self.tree.slots.push(Slot { blank, ..Slot::default() });
        let (column, flow, previous) =
            self.tree.collection(node).map_or((0, true, None), |c| (c.column, c.flow, c.slots.last().copied()));
        let closed = previous.and_then(|s| self.tree.slots.get(s)?.value).filter(|_| !flow);
        let mut leading = Vec::new();
        for found in core::mem::take(&mut self.gap) {
            let behind = self.last_slot.and_then(|s| self.tree.slots.get_mut(s)).filter(|s| s.trailing.is_none());
            if !found.own_line
                && self.last == Token::Other
                && leading.is_empty()
                && let Some(behind) = behind
            {
                behind.trailing = Some(found.comment);
            } else if found.own_line
                && leading.is_empty()
                && found.column > column
                && let Some(deep) = closed.and_then(|closed| self.deepest(closed, found.column))
            {
                self.tail(deep, found.comment);
            } else {
                leading.push(found.comment);
            }
        }
        let is_first = previous.is_none();
        if let Some(c) = self.tree.collection_mut(node) {
            c.slots.push(slot);
        }
        if is_first {
            self.lead(leading, blank, slot);
        } else if let Some(slot) = self.tree.slots.get_mut(slot) {
            slot.leading = leading;
        }
        slot
    }

    /// Gives comments above the first slot of a collection to it, or to the item of a list or the document that begins
    /// with it.
    fn lead(&mut self, leading: Vec<Comment<'t>>, blank: bool, first: usize) {
        let mut holder = Some(first);
        for frame in self.frames.iter().rev() {
            // Behind an anchor or a tag it begins on a line of its own.
            if self.tree.nodes.get(frame.node).is_some_and(|n| !n.props.is_empty()) {
                break;
            }
            match frame.owner {
                Some(owner) if self.tree.slots.get(owner).is_some_and(|s| s.key.is_none()) => holder = Some(owner),
                Some(_) => break,
                None => holder = None,
            }
        }
        match holder.and_then(|s| self.tree.slots.get_mut(s)) {
            Some(slot) => slot.leading.extend(leading),
            None => {
                if let Some(doc) = self.tree.docs.last_mut() {
                    doc.head_blank |= blank && !leading.is_empty();
                    doc.head.extend(leading);
                }
            }
        }
    }

    /// Reads anchor and tag, as many as there are. What is empty stands nowhere without them: the gap behind it belongs to
    /// what follows.
    fn props(&mut self, slot: Option<usize>, count: usize) -> Result<Vec<&'t str>, Unknown> {
        let mut props = Vec::new();
        for _ in 0..count {
            let at = self.token(slot)?;
            let rest = self.rest(at);
            if !rest.starts_with(['&', '!']) {
                return Err(LOST);
            }
            let len = rest.find(|c: char| c.is_whitespace() || ",[]{}".contains(c)).unwrap_or(rest.len());
            props.extend(rest.get(..len));
            self.advance(len);
        }
        Ok(props)
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        span: &Span,
        slot: Option<usize>,
        props: usize,
    ) -> Result<Node<'t>, Unknown> {
        let range = span.byte_range().ok_or(LOST)?;
        let props = self.props(slot, props)?;
        let at = self.token(slot)?;
        if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
            let block = self.block(text, at, span, slot)?;
            return Ok(Node { props, kind: Kind::Block(block) });
        }
        if at != range.start {
            return Err(LOST);
        }
        let raw = self.text.get(range).ok_or(LOST)?;
        self.advance(raw.len());
        Ok(Node { props, kind: Kind::Scalar(raw) })
    }

    fn block(&mut self, text: &str, at: usize, span: &Span, slot: Option<usize>) -> Result<Block<'t>, Unknown> {
        let rest = self.rest(at);
        let style = rest.chars().next().filter(|c| matches!(c, '|' | '>')).ok_or(LOST)?;
        let header = rest.split([' ', '\t', '\n', '#']).next().unwrap_or_default();
        let chomp = header.chars().find(|c| matches!(c, '+' | '-'));
        self.advance(header.len());
        // The rest of the header's line: a comment at most.
        let line = self.rest(self.cursor).split('\n').next().unwrap_or_default();
        let (blanks, is_comment) = (line.len() - line.trim_start().len(), line.trim_start().starts_with('#'));
        if is_comment {
            self.cursor += blanks;
            self.comment();
            if let (Some(found), Some(slot)) = (self.gap.pop(), slot.and_then(|s| self.tree.slots.get_mut(s))) {
                match slot.trailing {
                    None => slot.trailing = Some(found.comment),
                    Some(_) => slot.leading.push(found.comment),
                }
            }
        }
        let body_at = at + rest.find('\n').map_or(rest.len(), |i| i + 1);
        let body = self.rest(body_at).split_inclusive('\n');
        // What has line breaks alone has no indent: the lines below belong to others.
        let breaks = text.bytes().all(|b| b == b'\n').then_some(text.len());
        let indent = span.start.col();
        let mut lines: Vec<&'t str> = Vec::new();
        let (mut kept, mut end, mut from) = (0, self.cursor, body_at);
        for line in body.take(breaks.unwrap_or(usize::MAX)) {
            let text = line.trim_end_matches('\n');
            let spaces = text.len() - text.trim_start_matches(' ').len();
            if breaks.is_none() && spaces < text.len() && spaces < indent {
                break;
            }
            let content = if breaks.is_some() { "" } else { text.get(indent.min(spaces)..).unwrap_or_default() };
            lines.push(content);
            let is_line = breaks.is_some() || (chomp == Some('+') && text.len() < line.len());
            if is_line || !content.is_empty() {
                kept = lines.len();
                end = from + text.len();
            }
            from += line.len();
        }
        lines.truncate(kept);
        self.cursor = end;
        self.newlines = 0;
        self.last = Token::Other;
        Ok(Block { style, chomp, lines })
    }

    /// Puts a finished node where it belongs.
    fn put(&mut self, node: Node<'t>, slot: Option<usize>) -> Result<(), Unknown> {
        let id = self.tree.nodes.len();
        self.tree.nodes.push(node);
        self.hold(id, slot)
    }

    fn hold(&mut self, id: usize, slot: Option<usize>) -> Result<(), Unknown> {
        let Some(frame) = self.frames.last_mut() else {
            self.doc()?.root = Some(id);
            return Ok(());
        };
        let is_map = self.tree.collection(frame.node).is_some_and(|c| c.is_map);
        let slot_id = slot.ok_or(LOST)?;
        let slot = self.tree.slots.get_mut(slot_id).ok_or(LOST)?;
        if is_map && frame.key.is_none() {
            slot.key = Some(id);
            frame.key = Some(slot_id);
        } else {
            slot.value = Some(id);
            frame.key = None;
        }
        Ok(())
    }

    fn open(&mut self, is_map: bool, style: StructureStyle, props: usize) -> Result<(), Unknown> {
        let slot = self.place(false)?;
        if self.frames.last().is_some_and(|f| f.key.is_none())
            && self.frames.last().and_then(|f| self.tree.collection(f.node)).is_some_and(|c| c.is_map)
        {
            return Err(Unknown("a key that is no text"));
        }
        let flow = style == StructureStyle::Flow;
        let props = self.props(slot, props)?;
        let mut implicit = false;
        if flow {
            let sign = if is_map { '{' } else { '[' };
            let at = self.significant();
            if self.rest(at).starts_with(sign) {
                self.token(slot)?;
                self.advance(1);
                self.last = Token::Open;
            } else if is_map {
                implicit = true;
            } else {
                return Err(LOST);
            }
        }
        let column = if flow { 0 } else { self.next_column() };
        let kind = Kind::Collection(Collection { is_map, flow, implicit, column, slots: Vec::new(), tail: Vec::new() });
        let id = self.tree.nodes.len();
        self.tree.nodes.push(Node { props, kind });
        self.hold(id, slot)?;
        self.frames.push(Frame { node: id, owner: slot, key: None });
        Ok(())
    }

    /// Returns the column of the next token; the gap before it stays as it is.
    fn next_column(&self) -> usize {
        let mut at = self.cursor;
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(at) {
                Some(b) if b.is_ascii_whitespace() => at += 1,
                Some(b'#') => at += self.rest(at).find('\n').unwrap_or(self.text.len() - at),
                _ => break,
            }
        }
        let line = self.text.get(..at).and_then(|t| t.rfind('\n')).map_or(0, |i| i + 1);
        at - line
    }

    fn close(&mut self) -> Result<(), Unknown> {
        let frame = self.frames.pop().ok_or(LOST)?;
        let (flow, implicit, is_map, is_empty) =
            self.tree.collection(frame.node).map(|c| (c.flow, c.implicit, c.is_map, c.slots.is_empty())).ok_or(LOST)?;
        if !flow || implicit {
            return Ok(());
        }
        let mut at = self.significant();
        if self.rest(at).starts_with(',') {
            self.advance(1);
            at = self.significant();
        }
        if !self.rest(at).starts_with(if is_map { '}' } else { ']' }) {
            return Err(LOST);
        }
        for found in core::mem::take(&mut self.gap) {
            let behind = self.last_slot.and_then(|s| self.tree.slots.get_mut(s)).filter(|s| s.trailing.is_none());
            match behind {
                Some(slot) if !found.own_line && self.last == Token::Other => slot.trailing = Some(found.comment),
                // Inside of what is empty there is no place.
                _ if is_empty => match frame.owner.and_then(|s| self.tree.slots.get_mut(s)) {
                    Some(slot) => slot.leading.push(found.comment),
                    None => self.doc()?.head.push(found.comment),
                },
                _ => self.tail(frame.node, found.comment),
            }
        }
        self.advance(1);
        self.last_slot = frame.owner;
        Ok(())
    }
}
