//! The texts that an editor holds.

use super::position::{Encoding, Lines};
use gen_lsp_types::{TextDocumentContentChangeEvent as Change, Uri};

/// A document that is open.
#[derive(Debug)]
pub(super) struct Document {
    /// How the client calls it.
    pub(super) uri: Uri,
    pub(super) version: i32,
    pub(super) text: String,
}

impl Document {
    /// Makes the changes, one after the other.
    pub(super) fn change(&mut self, version: i32, changes: &[Change], encoding: Encoding) {
        self.version = version;
        for change in changes {
            match change {
                Change::TextDocumentContentChangeWholeDocument(whole) => self.text.clone_from(&whole.text),
                Change::TextDocumentContentChangePartial(part) => {
                    let lines = Lines::new(&self.text, encoding);
                    let (start, end) = (lines.byte(part.range.start), lines.byte(part.range.end));
                    self.text.replace_range(start..end.max(start), &part.text);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn changes_follow_each_other() {
        let mut document = Document { uri: Uri("file:///a".into()), version: 1, text: "one\ntwö\n".into() };
        let at = |from: (u32, u32), to: (u32, u32), text: &str| {
            let position = |(line, character)| json!({ "line": line, "character": character });
            json!({ "range": { "start": position(from), "end": position(to) }, "text": text })
        };
        let changes =
            json!([at((1, 2), (1, 3), "o"), at((0, 0), (1, 0), ""), at((0, 3), (9, 9), "!"), at((0, 2), (0, 1), "?"),]);
        let changes: Vec<Change> = serde_json::from_value(changes).expect("changes");
        document.change(2, &changes, Encoding::Utf16);
        assert_eq!((&*document.text, document.version), ("tw?o!", 2));
        let whole: Vec<Change> = serde_json::from_value(json!([{ "text": "new" }])).expect("a change");
        document.change(3, &whole, Encoding::Utf16);
        assert_eq!(document.text, "new");
    }
}
