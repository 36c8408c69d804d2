//! Text to text: the formatter.

use crate::input::text;
use vigo_core::source::{Sources, Tree};

/// Formats the input as a configcrate and as a match file. What is formatted stays the same a second time.
pub fn format(data: &[u8]) {
    let Some(text) = text(data) else { return };
    for path in ["configcrates/a.vgo", "envoys.vgo"] {
        let Some(once) = formatted(path, text) else { continue };
        assert_eq!(formatted(path, &once).as_deref(), Some(&*once), "not the same a second time");
    }
}

fn formatted(path: &str, text: &str) -> Option<String> {
    let sources = Sources::read(&Tree::from_texts([(path, text)]));
    let file = sources.policy_files().next()?;
    vigo_core::format::format(file).ok()
}
