//! Questions of an editor, answered from a tree.

use super::position::{Encoding, Lines};
use super::tree::Tree;
use gen_lsp_types::{
    BaseSymbolInformation, CodeAction, CodeActionKind, CompletionItem, CompletionItemKind, CompletionList, Contents,
    DocumentHighlight, DocumentSymbol, Documentation, Hover, Location, MarkupContent, MarkupKind, Position,
    PrepareRenamePlaceholder, Range, SymbolInformation, SymbolKind, TextEdit, Uri, WorkspaceEdit,
};
use std::collections::HashMap;
use std::sync::Arc;
use vigo_core::editor::{self, CompletionKind, Outline, OutlineKind, Refusal};
use vigo_core::format;
use vigo_core::source::{Sources, Tree as Source};

/// Names that a search over a tree returns.
const FOUND_MAX: usize = 500;

/// A place in a file of a tree.
pub(super) struct Asked<'t> {
    pub(super) tree: &'t Tree,
    pub(super) path: Arc<str>,
    pub(super) encoding: Encoding,
}

impl<'t> Asked<'t> {
    fn text(&self, path: &str) -> &'t str {
        self.tree.workspace.text(path).map_or("", |text| text)
    }

    fn lines(&self, path: &str) -> Lines<'t> {
        Lines::new(self.text(path), self.encoding)
    }

    fn byte(&self, position: Position) -> usize {
        self.lines(&self.path).byte(position)
    }

    pub(super) fn complete(&self, position: Position) -> CompletionList {
        let lines = self.lines(&self.path);
        let found = self.tree.workspace.complete(&self.path, lines.byte(position));
        let items = found.into_iter().enumerate().map(|(number, c)| CompletionItem {
            kind: Some(match c.kind {
                CompletionKind::Key => CompletionItemKind::Property,
                CompletionKind::Word => CompletionItemKind::Value,
                CompletionKind::Type => CompletionItemKind::Class,
                CompletionKind::Crate => CompletionItemKind::Module,
                CompletionKind::Role => CompletionItemKind::Interface,
                CompletionKind::Environment => CompletionItemKind::EnumMember,
                CompletionKind::Resource => CompletionItemKind::Reference,
                CompletionKind::Variable => CompletionItemKind::Variable,
                CompletionKind::Function => CompletionItemKind::Function,
                CompletionKind::Field => CompletionItemKind::Field,
                CompletionKind::File => CompletionItemKind::File,
            }),
            detail: (!c.detail.is_empty()).then_some(c.detail),
            documentation: (!c.doc.is_empty()).then(|| Documentation::MarkupContent(markdown(c.doc))),
            sort_text: Some(format!("{number:05}")),
            filter_text: Some(c.label.clone()),
            text_edit: Some(TextEdit { range: lines.range(c.replace), new_text: c.text }.into()),
            label: c.label,
            ..CompletionItem::default()
        });
        CompletionList { is_incomplete: false, items: items.collect(), ..CompletionList::default() }
    }

    pub(super) fn hover(&self, position: Position) -> Option<Hover> {
        let (at, text) = self.tree.workspace.hover(&self.path, self.byte(position))?;
        Some(Hover { contents: Contents::MarkupContent(markdown(text)), range: Some(self.lines(&self.path).range(at)) })
    }

    pub(super) fn definition(&self, position: Position) -> Vec<Location> {
        self.locations(&self.tree.workspace.definitions(&self.path, self.byte(position)))
    }

    pub(super) fn references(&self, position: Position, with_definitions: bool) -> Vec<Location> {
        self.locations(&self.tree.workspace.references(&self.path, self.byte(position), with_definitions))
    }

    pub(super) fn highlights(&self, position: Position) -> Vec<DocumentHighlight> {
        let found = self.tree.workspace.highlights(&self.path, self.byte(position));
        self.locations(&found).into_iter().map(|l| DocumentHighlight { range: l.range, kind: None }).collect()
    }

    fn locations(&self, found: &[editor::Location]) -> Vec<Location> {
        let mut lines: HashMap<&str, Lines<'t>> = HashMap::new();
        let mut locations = Vec::with_capacity(found.len());
        for l in found {
            let own = lines.entry(&l.path).or_insert_with(|| self.lines(&l.path));
            locations.push(Location { uri: self.tree.uri(&l.path), range: own.range(l.at.clone()) });
        }
        locations
    }

    pub(super) fn prepare_rename(&self, position: Position) -> Result<PrepareRenamePlaceholder, Refusal> {
        let (at, placeholder) = self.tree.workspace.renamed_at(&self.path, self.byte(position))?;
        Ok(PrepareRenamePlaceholder { range: self.lines(&self.path).range(at), placeholder })
    }

    pub(super) fn rename(&self, position: Position, new: &str) -> Result<WorkspaceEdit, Refusal> {
        let edits = self.tree.workspace.rename(&self.path, self.byte(position), new)?;
        let mut changes: HashMap<Uri, Vec<TextEdit>> = HashMap::new();
        for edits in edits.chunk_by(|a, b| a.location.path == b.location.path) {
            let Some(first) = edits.first() else { continue };
            let lines = self.lines(&first.location.path);
            let edits = edits.iter();
            let edits = edits.map(|e| TextEdit { range: lines.range(e.location.at.clone()), new_text: e.text.clone() });
            changes.insert(self.tree.uri(&first.location.path), edits.collect());
        }
        Ok(WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() })
    }

    pub(super) fn symbols(&self) -> Vec<DocumentSymbol> {
        let lines = self.lines(&self.path);
        self.tree.workspace.outline(&self.path).into_iter().map(|o| symbol(o, &lines)).collect()
    }

    /// Returns what `config fmt` would make of the file.
    pub(super) fn formatted(&self) -> Result<Vec<TextEdit>, String> {
        let text = self.text(&self.path);
        let tree = Source::from_texts([(&*self.path, text)]);
        let sources = Sources::read(&tree).with_tests(&tree);
        if !(sources.diagnostics().is_empty() && sources.test_diagnostics().is_empty()) {
            return Err("there are mistakes in it".into());
        }
        let file = sources.policy_files().chain(sources.test_files()).next();
        let written =
            format::format(file.ok_or("only files of policy are formatted")?).map_err(|why| why.to_string())?;
        let range = self.lines(&self.path).range(0..text.len());
        Ok(if written == text { Vec::new() } else { vec![TextEdit { range, new_text: written }] })
    }

    /// Returns what mends the mistakes in a range, as far as their texts are still those that were checked.
    pub(super) fn fixes(&self, range: Range) -> Vec<CodeAction> {
        let Some(checked) = &self.tree.checked else { return Vec::new() };
        let lines = self.lines(&self.path);
        let (start, end) = (lines.byte(range.start), lines.byte(range.end));
        let mut actions = Vec::new();
        let found = checked.parts.iter().flat_map(|part| part.diagnostics.iter().map(move |d| (&part.map, d)));
        for (map, d) in found {
            let span = d.span();
            let Some(file) = map.file(span.file).filter(|f| *f.path == *self.path) else { continue };
            if (span.start as usize) > end || (span.end as usize) < start || *file.text != *self.text(&self.path) {
                continue;
            }
            for fix in editor::fixes(d, map) {
                let range = lines.range(fix.span.start as usize..fix.span.end as usize);
                let edit = TextEdit { range, new_text: fix.text };
                let changes = HashMap::from([(self.tree.uri(&self.path), vec![edit])]);
                actions.push(CodeAction {
                    title: fix.title,
                    kind: Some(CodeActionKind::QuickFix),
                    is_preferred: Some(true),
                    edit: Some(WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }),
                    ..CodeAction::default()
                });
            }
        }
        actions
    }
}

/// Returns what a tree holds that has `query` in its name.
pub(super) fn find(tree: &Tree, query: &str, encoding: Encoding) -> Vec<SymbolInformation> {
    let found = tree.workspace.find(query, FOUND_MAX).into_iter().map(|(path, outline)| {
        let text = tree.workspace.text(&path).map_or("", |text| text);
        let range = Lines::new(text, encoding).range(outline.at);
        let base = BaseSymbolInformation {
            name: outline.name,
            kind: kind(outline.kind),
            tags: None,
            container_name: Some(path.to_string()),
        };
        SymbolInformation::new(None, Location { uri: tree.uri(&path), range }, base)
    });
    found.collect()
}

fn symbol(outline: Outline, lines: &Lines<'_>) -> DocumentSymbol {
    let children: Vec<DocumentSymbol> = outline.children.into_iter().map(|o| symbol(o, lines)).collect();
    // Clients refuse a symbol without a name.
    let name = if outline.name.trim().is_empty() { "?".into() } else { outline.name };
    let (range, own) = (lines.range(outline.whole), lines.range(outline.at));
    let children = (!children.is_empty()).then_some(children);
    DocumentSymbol::new(name, Some(outline.detail), kind(outline.kind), None, None, range, own, children)
}

fn kind(kind: OutlineKind) -> SymbolKind {
    match kind {
        OutlineKind::Crate => SymbolKind::Module,
        OutlineKind::Resource => SymbolKind::Object,
        OutlineKind::Role => SymbolKind::Interface,
        OutlineKind::Block => SymbolKind::Namespace,
        OutlineKind::Environment => SymbolKind::EnumMember,
        OutlineKind::Variable => SymbolKind::Variable,
    }
}

fn markdown(value: String) -> MarkupContent {
    MarkupContent { kind: MarkupKind::Markdown, value }
}
