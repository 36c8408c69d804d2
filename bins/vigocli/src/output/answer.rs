//! What a verb answers.

use serde_json::Value;

/// An answer, in both forms.
pub(crate) struct Answer {
    /// For programs: what the server said.
    pub(crate) json: Value,
    /// For people.
    pub(crate) text: String,
    /// For people, on standard error: what is doubtful.
    pub(crate) notes: String,
    /// The exit status.
    pub(crate) status: u8,
}

impl Answer {
    /// Returns an answer that is a yes.
    pub(crate) fn new(json: Value, text: impl Into<String>) -> Self {
        Self { json, text: text.into(), notes: String::new(), status: 0 }
    }
}
