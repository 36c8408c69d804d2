//! What a verb answers.

use serde_json::Value;

/// An answer, in both forms.
pub(crate) struct Answer {
    /// For programs: what the server said.
    pub(crate) json: Value,
    /// For people.
    pub(crate) text: String,
    /// For people, on standard error: what is wrong or doubtful, as `vigo_driver::diagnostics_json` has it.
    pub(crate) diagnostics: Vec<Value>,
    /// The exit status.
    pub(crate) status: u8,
}

impl Answer {
    /// Returns an answer that is a yes.
    pub(crate) fn new(json: Value, text: impl Into<String>) -> Self {
        Self { json, text: text.into(), diagnostics: Vec::new(), status: 0 }
    }
}
