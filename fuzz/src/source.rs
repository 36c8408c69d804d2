//! Text to spanned YAML.

use crate::input::text;
use vigo_core::diagnostic::{SourceMap, Span};
use vigo_core::source::{NodeKind, Sources, Tree};

/// Reads the input as a policy file.
///
/// Every node and every label lies inside the text, on character borders; a text that gives no document says why.
pub fn source(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let sources = Sources::read(&Tree::from_texts([("envoys.vgo", text)]));
    for diagnostic in sources.diagnostics() {
        assert!(!diagnostic.message.is_empty(), "a diagnostic without a word");
        for label in &diagnostic.labels {
            inside(sources.map(), label.span, &diagnostic.message);
        }
        sources.map().describe(diagnostic.span());
    }
    // An alias is the node that it stands for, so a walk may meet a node many times: it is cut off.
    let mut steps = 0;
    for file in sources.policy_files() {
        let mut open: Vec<_> = file.documents().collect();
        while let Some(node) = open.pop().filter(|_| steps < 100_000) {
            steps += 1;
            inside(sources.map(), node.span(), node.kind_name());
            assert!(node.line() >= 1 && node.column() >= 1, "lines and columns count from 1");
            let (line, column) = node.text_place();
            assert!(line >= 1 && column >= 1, "lines and columns count from 1");
            match node.kind() {
                NodeKind::Scalar(text, _) => inside(sources.map(), node.part(0, text.len()), text),
                NodeKind::List => open.extend(node.list().into_iter().flatten()),
                NodeKind::Map(map) => {
                    for entry in map.iter() {
                        assert_eq!(entry.key.text(), Some(entry.name), "a key is its text");
                        open.extend([entry.key, entry.value]);
                    }
                }
            }
        }
    }
}

fn inside(map: &SourceMap, span: Span, what: &str) {
    if span == Span::NONE {
        return;
    }
    let text = map.file(span.file).and_then(|f| f.text.get(span.start as usize..span.end as usize));
    assert!(text.is_some(), "`{what}` at {span:?} lies outside the text");
}
