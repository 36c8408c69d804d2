//! The tree of a test: the one that all share, or another with its `files` in it; and what is said of it.

use super::case::CodeExpectation;
use super::run::Failure;
use crate::diagnostic::{Diagnostic, Severity, SourceMap};
use crate::source::{Node, Tree, TreeFile};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Returns the tree with the texts of `files` in it; `None` takes a file out.
pub(super) fn with_files(tree: &Tree, files: &[(&str, Option<&str>)]) -> Tree {
    let mut all: Vec<TreeFile> =
        tree.files.iter().filter(|f| files.iter().all(|(path, _)| **path != *f.path)).cloned().collect();
    let texts = files.iter().filter_map(|(path, text)| Some((*path, (*text)?)));
    all.extend(Tree::from_texts(texts).files);
    Tree { files: all }
}

/// Returns what does not hold: diagnostics that are missing, and errors that are not expected.
pub(super) fn judge(
    expected: &[CodeExpectation<'_>],
    node: Node<'_>,
    found: &[Diagnostic],
    map: &SourceMap,
) -> Vec<Failure> {
    let mut failures = Vec::new();
    for wanted in expected {
        if !found.iter().any(|d| matches(wanted, d, map)) {
            let mut seen: Vec<String> = found.iter().filter(|d| d.code == wanted.code).map(|d| told(d, map)).collect();
            if seen.is_empty() {
                seen = found.iter().map(|d| told(d, map)).collect();
            }
            failures.push(Failure::new(wanted.node, "diagnostics", described(wanted), some(&seen)));
        }
    }
    let others = found.iter().filter(|d| d.severity() == Severity::Error);
    let others: Vec<String> =
        others.filter(|d| !expected.iter().any(|wanted| matches(wanted, d, map))).map(|d| told(d, map)).collect();
    if !others.is_empty() {
        failures.push(Failure::new(node, "diagnostics", "no other error", some(&others)));
    }
    failures
}

/// Returns the errors among what was found, for a test that expects none.
pub(super) fn errors(found: &[Diagnostic], map: &SourceMap) -> Option<String> {
    let errors: Vec<String> = found.iter().filter(|d| d.severity() == Severity::Error).map(|d| told(d, map)).collect();
    (!errors.is_empty()).then(|| some(&errors))
}

fn matches(wanted: &CodeExpectation<'_>, d: &Diagnostic, map: &SourceMap) -> bool {
    let span = d.span();
    let is_there = |wanted: Option<Node<'_>>| match wanted.and_then(Node::text) {
        Some(path) => map.file(span.file).is_some_and(|f| *f.path == *path),
        None => true,
    };
    let says = |wanted: Option<Node<'_>>| wanted.and_then(Node::text).is_none_or(|part| d.message.contains(part));
    wanted.code == d.code
        && is_there(wanted.file)
        && wanted.line.is_none_or(|line| map.position(span.file, span.start).line == line)
        && says(wanted.message)
}

fn described(wanted: &CodeExpectation<'_>) -> String {
    let mut text = wanted.code.to_string();
    if let Some(file) = wanted.file.and_then(Node::text) {
        text = format!("{text} in `{}`", file.escape_debug());
    }
    if let Some(line) = wanted.line {
        text = format!("{text} in line {line}");
    }
    if let Some(message) = wanted.message.and_then(Node::text) {
        text = format!("{text} that says `{}`", message.escape_debug());
    }
    text
}

/// Returns a diagnostic in one line.
pub(super) fn told(d: &Diagnostic, map: &SourceMap) -> String {
    match map.file(d.span().file) {
        Some(_) => format!("{} at {}: {}", d.code, map.describe(d.span()), d.message),
        None => format!("{}: {}", d.code, d.message),
    }
}

/// Returns the first few.
fn some(all: &[String]) -> String {
    const SHOWN_MAX: usize = 3;
    let shown = all.iter().take(SHOWN_MAX).cloned().collect::<Vec<_>>().join("; ");
    match all.len().checked_sub(SHOWN_MAX) {
        _ if all.is_empty() => "none".into(),
        Some(more) if more > 0 => format!("{shown}; and {more} more"),
        _ => shown,
    }
}
