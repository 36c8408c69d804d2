//! A tree of texts to policies and diagnostics.

use crate::input::text;
use vigo_core::config::Config;
use vigo_core::diagnostic::{SourceMap, Span};
use vigo_core::resolve::{self, Resolved};
use vigo_core::source::{Sources, Tree};

/// Begins a file: its path stands behind, on the same line.
const FILE: &str = "=== ";

/// Reads the input as the files of a tree, each behind a line `=== path`, validates it and resolves two hosts.
///
/// Every label lies inside its file, and every index of a policy inside its table.
pub fn config(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let mut files: Vec<(&str, &str)> = Vec::new();
    for part in text.split(FILE).filter(|part| !part.is_empty()) {
        let (path, content) = part.split_once('\n').unwrap_or(("envoys.vgo", part));
        if !files.iter().any(|(other, _)| *other == path) {
            files.push((path, content));
        }
    }
    let sources = Sources::read(&Tree::from_texts(files));
    let config = Config::read(&sources);
    for diagnostic in resolve::check(&config) {
        assert!(!diagnostic.message.is_empty(), "a diagnostic without a word");
        for label in &diagnostic.labels {
            inside(sources.map(), label.span, &diagnostic.message);
        }
    }
    for environment in [None, Some("production")] {
        if let Ok(resolved) = resolve::resolve(&config, "web-1.example.com", environment) {
            indices(&resolved);
        }
    }
}

fn indices(resolved: &Resolved) {
    let bundle = &resolved.bundle;
    assert!(bundle.crates.iter().all(|c| (c.scope as usize) < bundle.scopes.len()), "a scope out of range");
    assert!(bundle.resources.iter().all(|r| (r.krate as usize) < bundle.crates.len()), "a crate out of range");
    assert!(bundle.resources.iter().all(|r| (r.place.file as usize) < bundle.files.len()), "a file out of range");
    let count = bundle.resources.len() as u32;
    assert!(bundle.edges.iter().all(|e| e.from < count && e.to < count && e.from != e.to), "an edge out of range");
    let mut ids: Vec<&str> = bundle.resources.iter().map(|r| &*r.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), bundle.resources.len(), "two resources of one id");
}

fn inside(map: &SourceMap, span: Span, what: &str) {
    if span == Span::NONE {
        return;
    }
    let text = map.file(span.file).and_then(|f| f.text.get(span.start as usize..span.end as usize));
    assert!(text.is_some(), "`{what}` at {span:?} lies outside the text");
}
