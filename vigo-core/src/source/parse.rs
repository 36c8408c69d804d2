//! Parser events to nodes.

use super::node::{Data, NodeData, ScalarStyle, TextData, YamlFile};
use super::trap;
use crate::diagnostic::{Code, Diagnostic, FileId, Span};
use crate::limits;
use crate::secret;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use granit_parser as yaml;
use granit_parser::Event;
use hashbrown::HashMap;

/// Parses `text`; a document that cannot be parsed is left out and the next one read.
pub(super) fn parse(id: FileId, path: Arc<str>, text: Arc<str>) -> YamlFile {
    if text.len() > limits::FILE_BYTES_MAX {
        let message = format!("`{path}` has {} bytes, at most {} are read", text.len(), limits::FILE_BYTES_MAX);
        let d = Diagnostic::new(Code::YamlLimit, Span::new(id, 0, 0), message).help("split it into several files");
        return YamlFile { diagnostics: alloc::vec![d], ..unread(id, path, text) };
    }
    if let Some(at) = secret::reserved(&text) {
        let span = Span::new(id, at as u32, at as u32 + 4);
        let d = Diagnostic::new(Code::Yaml, span, "a character that Vigo reserves for itself")
            .help("remove the invisible character");
        return YamlFile { diagnostics: alloc::vec![d], ..unread(id, path, text) };
    }
    let nodes = Vec::with_capacity(text.len() / 12);
    let file = YamlFile { nodes, lost: Vec::new(), ..unread(id, path, text.clone()) };
    let mut builder = Builder {
        file,
        source: &text,
        frames: Vec::new(),
        pending: Vec::new(),
        anchors: HashMap::new(),
        sizes: HashMap::new(),
        expanded: 0,
        root: None,
        diagnostics: Vec::new(),
    };
    builder.run();
    YamlFile { diagnostics: builder.diagnostics, ..builder.file }
}

/// Returns a file of which nothing can be read.
pub(super) fn unread(id: FileId, path: Arc<str>, text: Arc<str>) -> YamlFile {
    let lost = alloc::vec![(0, text.len() as u32)];
    YamlFile {
        id,
        path,
        text,
        nodes: Vec::new(),
        items: Vec::new(),
        entries: Vec::new(),
        roots: Vec::new(),
        lost,
        diagnostics: Vec::new(),
        edition: 0,
    }
}

struct Frame {
    node: u32,
    /// Where the children of this collection begin in [`Builder::pending`].
    base: usize,
    map: bool,
    anchor: usize,
    /// Nodes in this collection, with its aliases written out.
    size: u64,
}

struct Builder<'t> {
    file: YamlFile,
    source: &'t str,
    frames: Vec<Frame>,
    pending: Vec<u32>,
    /// Anchors of the current document: the node, and its size once it is complete.
    anchors: HashMap<usize, (u32, Option<u64>)>,
    /// Sizes of the mappings that a merge may copy, by node: anchored ones.
    sizes: HashMap<u32, u64>,
    expanded: u64,
    root: Option<u32>,
    diagnostics: Vec<Diagnostic>,
}

impl<'t> Builder<'t> {
    fn run(&mut self) {
        let options = yaml::options! {
            emit_unresolved_aliases: true,
            emit_comments: false,
            block_nesting_limit: limits::YAML_DEPTH_MAX,
            flow_nesting_limit: limits::YAML_DEPTH_MAX,
        };
        let mut parser = yaml::Parser::new_from_str_with_options(self.source, options);
        // What this document began with, to take it back when it breaks, and where.
        let mut begin = (0, 0, 0);
        let mut from = 0;
        let mut broken: Option<u32> = None;
        while let Some(event) = parser.next_event() {
            let result = match event {
                Ok((Event::DocumentStart(..), span)) => {
                    self.reset();
                    from = self.span(&span).start;
                    self.file.lost.extend(broken.take().map(|start| (start, from)));
                    begin = (self.file.nodes.len(), self.file.items.len(), self.file.entries.len());
                    Ok(())
                }
                Ok((Event::DocumentEnd, _)) => {
                    if let Some(root) = self.root.take() {
                        self.file.roots.push(root);
                    }
                    Ok(())
                }
                Ok((event, span)) => self.event(event, &span),
                Err(e) => Err(trap::scan_error(self.file.id, self.source, &e)),
            };
            if let Err(d) = result {
                // What the parser trips over behind a trap is the same mistake.
                let again = |last: &Diagnostic| trap::is_trap(last.code) && self.same_line(last.span(), d.span());
                if !self.diagnostics.last().is_some_and(again) {
                    self.diagnostics.push(d);
                }
                self.file.nodes.truncate(begin.0);
                self.file.items.truncate(begin.1);
                self.file.entries.truncate(begin.2);
                self.reset();
                broken = broken.or(Some(from));
                if !matches!(parser.proceed_next_document(), Ok(true)) {
                    break;
                }
            }
            if self.diagnostics.len() >= limits::FILE_ERRORS_MAX || self.file.nodes.len() > limits::FILE_NODES_MAX {
                let end = Span::new(self.file.id, 0, 0);
                let message = if self.diagnostics.len() >= limits::FILE_ERRORS_MAX {
                    format!(
                        "more than {} errors in `{}`: the rest is not read",
                        limits::FILE_ERRORS_MAX,
                        self.file.path
                    )
                } else {
                    format!("more than {} YAML nodes in `{}`", limits::FILE_NODES_MAX, self.file.path)
                };
                self.diagnostics.push(Diagnostic::new(Code::YamlLimit, end, message));
                broken = broken.or(Some(from));
                break;
            }
        }
        self.file.lost.extend(broken.map(|start| (start, self.source.len() as u32)));
    }

    fn same_line(&self, a: Span, b: Span) -> bool {
        let (from, to) = (a.start.min(b.start) as usize, a.start.max(b.start) as usize);
        self.source.get(from..to).is_some_and(|between| !between.contains('\n'))
    }

    fn reset(&mut self) {
        self.frames.clear();
        self.pending.clear();
        self.anchors.clear();
        self.sizes.clear();
        self.expanded = 0;
        self.root = None;
    }

    fn span(&self, span: &yaml::Span) -> Span {
        let range = span.byte_range().unwrap_or(0..0);
        Span::new(self.file.id, range.start as u32, range.end as u32)
    }

    fn event(&mut self, event: Event<'t>, at: &yaml::Span) -> Result<(), Diagnostic> {
        match event {
            Event::Scalar(text, style, anchor, tag) => self.scalar(text, style, anchor, tag.as_deref(), at),
            Event::SequenceStart(_, anchor, tag) => self.open(false, anchor, tag.as_deref(), at),
            Event::MappingStart(_, anchor, tag) => self.open(true, anchor, tag.as_deref(), at),
            Event::SequenceEnd | Event::MappingEnd => self.close(at),
            Event::Alias(id) => self.alias(id, at),
            Event::UnresolvedAlias(name) => {
                let span = self.span(at);
                self.diagnostics.push(trap::unknown_alias(span, &name));
                // It goes on as the text that was meant, so that nothing else is said of it.
                let node = self.add(at, Data::Scalar { text: as_written(span), style: ScalarStyle::Single });
                self.child(node, 1);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn add(&mut self, at: &yaml::Span, data: Data) -> u32 {
        let span = self.span(at);
        let node = NodeData {
            start: span.start,
            end: span.end,
            line: at.start.line() as u32,
            column: at.start.col() as u32 + 1,
            data,
        };
        self.file.nodes.push(node);
        self.file.nodes.len() as u32 - 1
    }

    /// Hands a finished node to the collection that it stands in.
    fn child(&mut self, node: u32, size: u64) {
        match self.frames.last_mut() {
            Some(frame) => {
                frame.size += size;
                self.pending.push(node);
            }
            None => self.root = Some(node),
        }
    }

    fn scalar(
        &mut self,
        text: Cow<'t, str>,
        style: yaml::ScalarStyle,
        anchor: usize,
        tag: Option<&yaml::Tag>,
        at: &yaml::Span,
    ) -> Result<(), Diagnostic> {
        let span = self.span(at);
        let empty = matches!(style, yaml::ScalarStyle::Plain) && span.start == span.end;
        let mut style = match style {
            yaml::ScalarStyle::Plain if empty => ScalarStyle::Empty,
            yaml::ScalarStyle::Plain => ScalarStyle::Plain,
            yaml::ScalarStyle::SingleQuoted => ScalarStyle::Single,
            yaml::ScalarStyle::DoubleQuoted => ScalarStyle::Double,
            yaml::ScalarStyle::Literal => ScalarStyle::Literal,
            yaml::ScalarStyle::Folded => ScalarStyle::Folded,
        };
        let mut meant = None;
        if let Some(tag) = tag {
            match tag.core_suffix() {
                Some("str") if matches!(style, ScalarStyle::Empty | ScalarStyle::Plain) => style = ScalarStyle::Single,
                Some("int" | "float" | "bool" | "null") if !empty => style = ScalarStyle::Plain,
                Some("str" | "int" | "float" | "bool" | "null") => {}
                _ => {
                    let d = trap::tag(self.file.id, tag, at, span, text.is_empty());
                    // A negation goes on as the text that was meant.
                    meant = text.is_empty().then(|| as_written(d.span()));
                    self.diagnostics.push(d);
                    style = ScalarStyle::Single;
                }
            }
        }
        if text.len() > limits::SCALAR_BYTES_MAX {
            let message = format!("a text of {} bytes, at most {} are read", text.len(), limits::SCALAR_BYTES_MAX);
            return Err(Diagnostic::new(Code::YamlLimit, span, message));
        }
        if style == ScalarStyle::Plain
            && let Some(d) = trap::plain(self.source, span, &text)
        {
            self.diagnostics.push(d);
            meant = Some(TextData::Own(text.split("{{").next().unwrap_or_default().into()));
        }
        let text = match text {
            _ if meant.is_some() => meant.unwrap_or(TextData::Own("".into())),
            _ if empty => TextData::Own("".into()),
            Cow::Borrowed(text) => match (text.as_ptr() as usize).checked_sub(self.source.as_ptr() as usize) {
                Some(start) if self.source.get(start..start + text.len()) == Some(text) => {
                    TextData::Source { start: start as u32, end: (start + text.len()) as u32 }
                }
                _ => TextData::Own(text.into()),
            },
            Cow::Owned(text) => {
                if secret::reserved(&text).is_some() {
                    return Err(Diagnostic::new(Code::Yaml, span, "a character that Vigo reserves for itself"));
                }
                TextData::Own(text.into())
            }
        };
        let node = self.add(at, Data::Scalar { text, style });
        if anchor != 0 {
            self.anchors.insert(anchor, (node, Some(1)));
        }
        self.child(node, 1);
        Ok(())
    }

    fn open(&mut self, map: bool, anchor: usize, tag: Option<&yaml::Tag>, at: &yaml::Span) -> Result<(), Diagnostic> {
        let span = self.span(at);
        if let Some(tag) = tag
            && !tag.is_yaml_core_schema_tag(if map { "map" } else { "seq" })
        {
            let d = trap::tag(self.file.id, tag, at, span, false);
            self.diagnostics.push(d);
        }
        if self.frames.len() >= limits::YAML_DEPTH_MAX {
            let message = format!("nested deeper than {} levels", limits::YAML_DEPTH_MAX);
            return Err(Diagnostic::new(Code::YamlLimit, span, message).help("make it flatter"));
        }
        let data = if map { Data::Map { from: 0, to: 0 } } else { Data::List { from: 0, to: 0 } };
        let node = self.add(at, data);
        if anchor != 0 {
            self.anchors.insert(anchor, (node, None));
        }
        self.frames.push(Frame { node, base: self.pending.len(), map, anchor, size: 1 });
        Ok(())
    }

    fn close(&mut self, at: &yaml::Span) -> Result<(), Diagnostic> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        let end = self.span(at).end;
        let mut size = frame.size;
        let start = self.file.nodes.get(frame.node as usize).map_or(0, |n| n.start);
        let data = if frame.map {
            let from = self.file.entries.len() as u32;
            match self.entries(frame.base)? {
                Some(added) => {
                    size += added;
                    Data::Map { from, to: self.file.entries.len() as u32 }
                }
                // A template that was not quoted goes on as the text that was meant.
                None => Data::Scalar { text: TextData::Source { start, end }, style: ScalarStyle::Single },
            }
        } else {
            let from = self.file.items.len() as u32;
            self.file.items.extend(self.pending.drain(frame.base..));
            Data::List { from, to: self.file.items.len() as u32 }
        };
        if let Some(node) = self.file.nodes.get_mut(frame.node as usize) {
            // A block collection ends where the next token begins: cut the blank space off.
            let text = self.source.get(node.start as usize..end as usize).unwrap_or_default();
            node.end = node.start + text.trim_end().len() as u32;
            node.data = data;
        }
        if frame.anchor != 0 {
            self.anchors.insert(frame.anchor, (frame.node, Some(size)));
            self.sizes.insert(frame.node, size);
        }
        self.child(frame.node, size);
        Ok(())
    }

    fn alias(&mut self, id: usize, at: &yaml::Span) -> Result<(), Diagnostic> {
        let span = self.span(at);
        match self.anchors.get(&id) {
            Some(&(node, Some(size))) => {
                self.expand(size, span)?;
                self.child(node, size);
                Ok(())
            }
            _ => Err(Diagnostic::new(Code::Alias, span, "an alias that stands inside its own anchor")
                .at("would contain itself")
                .help("write the value out")),
        }
    }

    fn expand(&mut self, size: u64, span: Span) -> Result<(), Diagnostic> {
        self.expanded = self.expanded.saturating_add(size);
        if self.expanded <= limits::ALIAS_NODES_MAX {
            return Ok(());
        }
        let message = format!("the aliases of this document stand for more than {} nodes", limits::ALIAS_NODES_MAX);
        let d = Diagnostic::new(Code::YamlLimit, span, message).at("this one is too much");
        Err(d.help("write what is needed once; each alias counts with all that it stands for"))
    }

    /// Makes entries of the keys and values behind `base`; returns the nodes that merge keys added, or nothing where
    /// this is no map but a template.
    fn entries(&mut self, base: usize) -> Result<Option<u64>, Diagnostic> {
        let first = self.file.entries.len();
        let mut merges: Vec<(u32, u32)> = Vec::new();
        let pairs: Vec<(u32, u32)> = self
            .pending
            .get(base..)
            .unwrap_or_default()
            .chunks_exact(2)
            .map(|pair| (pair.first().copied().unwrap_or(0), pair.last().copied().unwrap_or(0)))
            .collect();
        self.pending.truncate(base);
        let mut seen = Seen::new(pairs.len());
        for (key, value) in pairs {
            match self.key(key) {
                Key::Text => {}
                Key::Merge => {
                    merges.push((key, value));
                    continue;
                }
                Key::Bad(d) => {
                    let is_template = d.code == Code::UnquotedTemplate;
                    self.diagnostics.push(d);
                    if is_template {
                        self.file.entries.truncate(first);
                        return Ok(None);
                    }
                    continue;
                }
            }
            if let Some(earlier) = seen.insert(&self.file, key) {
                let d = duplicate(&self.file, key, earlier);
                self.diagnostics.push(d);
                continue;
            }
            self.file.entries.push((key, value));
        }
        let mut added = 0;
        for (i, (key, value)) in merges.iter().copied().enumerate() {
            if i > 0 {
                let d = duplicate(&self.file, key, merges.first().map_or(key, |m| m.0))
                    .help("write one `<<` with a list: `<<: [*a, *b]`");
                self.diagnostics.push(d);
                continue;
            }
            added += self.merge(value, &mut seen)?;
        }
        debug_assert!(self.file.entries.len() >= first);
        Ok(Some(added))
    }

    /// Says what kind of key a node is.
    fn key(&self, key: u32) -> Key {
        let Some(node) = self.file.nodes.get(key as usize) else { return Key::Text };
        let span = Span::new(self.file.id, node.start, node.end);
        match &node.data {
            Data::Scalar { style: ScalarStyle::Empty, .. } => {
                let d = Diagnostic::new(Code::Yaml, span, "a key is missing before `:`");
                Key::Bad(d.help("write the key, or quote the `:` if it is text"))
            }
            Data::Scalar { style: ScalarStyle::Plain, .. } if key_text(&self.file, key) == "<<" => Key::Merge,
            Data::Scalar { .. } => Key::Text,
            _ => Key::Bad(trap::key(self.source, span)),
        }
    }

    fn merge(&mut self, value: u32, seen: &mut Seen) -> Result<u64, Diagnostic> {
        let mut sources: Vec<u32> = Vec::new();
        let mut bad = None;
        match self.file.nodes.get(value as usize).map(|n| &n.data) {
            Some(Data::Map { .. }) => sources.push(value),
            Some(&Data::List { from, to }) => {
                for &item in self.file.items.get(from as usize..to as usize).unwrap_or_default() {
                    match self.file.nodes.get(item as usize).map(|n| &n.data) {
                        Some(Data::Map { .. }) => sources.push(item),
                        _ => bad = Some(item),
                    }
                }
            }
            _ => bad = Some(value),
        }
        if let Some(node) = bad.and_then(|id| self.file.nodes.get(id as usize)) {
            let span = Span::new(self.file.id, node.start, node.end);
            let d = Diagnostic::new(Code::Yaml, span, "`<<` merges maps, this is none")
                .help("write `<<: *name` or `<<: [*a, *b]`, with anchors on maps");
            self.diagnostics.push(d);
        }
        let mut added = 0;
        for source in sources {
            let Some(node) = self.file.nodes.get(source as usize) else { continue };
            let &Data::Map { from, to } = &node.data else { continue };
            let span = Span::new(self.file.id, node.start, node.end);
            let size = self.sizes.get(&source).copied().unwrap_or(u64::from(to - from));
            added += size;
            self.expand(size, span)?;
            for i in from..to {
                let Some(&(key, value)) = self.file.entries.get(i as usize) else { continue };
                if seen.insert(&self.file, key).is_none() {
                    self.file.entries.push((key, value));
                }
            }
        }
        Ok(added)
    }
}

/// What stands where a key does.
enum Key {
    Text,
    Merge,
    Bad(Diagnostic),
}

/// Returns the source at `span` as a text.
fn as_written(span: Span) -> TextData {
    TextData::Source { start: span.start, end: span.end }
}

/// The keys of one mapping, compared by text: a list while they are few.
struct Seen {
    few: Vec<u32>,
    many: Option<HashMap<String, u32>>,
}

impl Seen {
    fn new(keys: usize) -> Self {
        Self { few: Vec::with_capacity(keys.min(16)), many: (keys > 16).then(HashMap::new) }
    }

    /// Adds a key and returns the earlier one of the same text, if there is one.
    fn insert(&mut self, file: &YamlFile, key: u32) -> Option<u32> {
        let text = key_text(file, key);
        if self.many.is_none() && self.few.len() >= 16 {
            self.many = Some(self.few.drain(..).map(|k| (String::from(key_text(file, k)), k)).collect());
        }
        match &mut self.many {
            Some(many) => match many.get(text) {
                Some(&earlier) => Some(earlier),
                None => {
                    many.insert(text.into(), key);
                    None
                }
            },
            None => {
                let earlier = self.few.iter().copied().find(|&k| key_text(file, k) == text);
                if earlier.is_none() {
                    self.few.push(key);
                }
                earlier
            }
        }
    }
}

fn key_text(file: &YamlFile, key: u32) -> &str {
    match file.nodes.get(key as usize).map(|n| &n.data) {
        Some(Data::Scalar { text: TextData::Source { start, end }, .. }) => {
            file.text.get(*start as usize..*end as usize).unwrap_or_default()
        }
        Some(Data::Scalar { text: TextData::Own(text), .. }) => text,
        _ => "",
    }
}

fn duplicate(file: &YamlFile, key: u32, earlier: u32) -> Diagnostic {
    let span = |id: u32| file.nodes.get(id as usize).map_or(Span::NONE, |n| Span::new(file.id, n.start, n.end));
    Diagnostic::new(Code::DuplicateKey, span(key), format!("key `{}` is written twice in one map", key_text(file, key)))
        .at("again here")
        .label(span(earlier), "first here")
        .help("keep one of the two, with what stands below both")
}
