//! What is wrong, as the protocol says it.

use super::check::{Checked, Part};
use super::position::{Encoding, Lines};
use super::tree::Tree;
use gen_lsp_types::{
    Code, CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location, Message,
    PublishDiagnosticsParams, Range, Uri,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use vigo_core::diagnostic::{self, FileId, Severity, Span};

/// Where the codes are explained.
const EXPLAINED_AT: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/src/diagnostics/");

/// Takes what a check has found: returns what is to be said, of every file concerned and of those that are mended.
pub(super) fn publish(tree: &mut Tree, checked: Box<Checked>, encoding: Encoding) -> Vec<PublishDiagnosticsParams> {
    let mut found: BTreeMap<Arc<str>, Vec<Diagnostic>> = BTreeMap::new();
    for part in &checked.parts {
        let mut writer = Writer { tree, part, encoding, lines: HashMap::new() };
        for d in &part.diagnostics {
            // What is wrong with no file in particular is said of the first.
            let file = part.map.file(d.span().file).or_else(|| part.map.file(FileId(0)));
            if let Some(file) = file {
                found.entry(file.path.clone()).or_default().push(writer.diagnostic(d));
            }
        }
    }
    let mended: Vec<Arc<str>> = tree.published.iter().filter(|path| !found.contains_key(*path)).cloned().collect();
    tree.published = found.keys().cloned().collect();
    found.extend(mended.into_iter().map(|path| (path, Vec::new())));
    let said = found.into_iter().map(|(path, diagnostics)| PublishDiagnosticsParams {
        uri: tree.uri(&path),
        version: None,
        diagnostics,
    });
    let said = said.collect();
    tree.checked = Some(checked);
    said
}

struct Writer<'t> {
    tree: &'t Tree,
    part: &'t Part,
    encoding: Encoding,
    lines: HashMap<FileId, Lines<'t>>,
}

impl<'t> Writer<'t> {
    fn diagnostic(&mut self, d: &diagnostic::Diagnostic) -> Diagnostic {
        let mut text = d.message.clone();
        let label = d.labels.first().map_or("", |l| &l.text);
        if !label.is_empty() {
            text.push_str(&format!(": {label}"));
        }
        for help in &d.help {
            text.push_str(&format!("\nhelp: {help}"));
        }
        let related = d.labels.iter().skip(1).filter_map(|label| {
            let message = if label.text.is_empty() { "here" } else { &label.text };
            Some(DiagnosticRelatedInformation { location: self.location(label.span)?, message: message.into() })
        });
        let related: Vec<_> = related.collect();
        let code = d.code.to_string();
        Diagnostic {
            range: self.location(d.span()).map_or(Range::default(), |l| l.range),
            severity: Some(match d.severity() {
                Severity::Error => DiagnosticSeverity::Error,
                Severity::Warning => DiagnosticSeverity::Warning,
            }),
            code_description: Some(CodeDescription { href: Uri(format!("{EXPLAINED_AT}{code}.md")) }),
            code: Some(Code::String(code)),
            source: Some("vigo".into()),
            message: Message::String(text),
            tags: None,
            related_information: (!related.is_empty()).then_some(related),
            data: None,
        }
    }

    fn location(&mut self, span: Span) -> Option<Location> {
        let file = self.part.map.file(span.file)?;
        let encoding = self.encoding;
        let lines = self.lines.entry(span.file).or_insert_with(|| Lines::new(&file.text, encoding));
        let range = lines.range(span.start as usize..span.end as usize);
        Some(Location { uri: self.tree.uri(&file.path), range })
    }
}
