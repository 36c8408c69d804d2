//! A mistake and what is said of it.

use super::{Code, Severity, Span, nearest};
use alloc::string::String;
use alloc::vec::Vec;

/// A mistake (or a doubt) about something that was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    /// The stable code: what `explain` looks up.
    pub code: Code,
    /// One sentence that says what is wrong: lowercase, no full stop, values in backticks.
    pub message: String,
    /// The places concerned; the first is the primary one.
    pub labels: Vec<Label>,
    /// What to write instead, in the imperative.
    pub help: Vec<String>,
    /// The name that is said not to exist: nothing is said of it where it stands in a text that could not be read.
    pub about: Option<String>,
}

/// A place that a diagnostic points at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is to be said of it; may be empty.
    pub text: String,
}

impl Diagnostic {
    /// Returns a diagnostic of `code` about the text at `span`.
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        let label = Label { span, text: String::new() };
        Self { code, message: printable(message.into()), labels: alloc::vec![label], help: Vec::new(), about: None }
    }

    /// Says `text` of the primary place.
    #[must_use]
    pub fn at(mut self, text: impl Into<String>) -> Self {
        if let Some(label) = self.labels.first_mut() {
            label.text = printable(text.into());
        }
        self
    }

    /// Adds a second place.
    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: printable(text.into()) });
        self
    }

    /// Says which name is missed.
    #[must_use]
    pub fn about(mut self, name: impl Into<String>) -> Self {
        self.about = Some(name.into());
        self
    }

    /// Adds a help line.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(printable(text.into()));
        self
    }

    /// Adds a "did you mean" line when one of `known` is near to `word`.
    #[must_use]
    pub fn did_you_mean<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest(word, known) {
            Some(name) => self.help(alloc::format!("did you mean `{name}`?")),
            None => self,
        }
    }

    /// Returns the primary place.
    pub fn span(&self) -> Span {
        self.labels.first().map_or(Span::NONE, |l| l.span)
    }

    /// Returns whether this is an error or a warning.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// Returns `text` with what a terminal would obey (control characters, changes of direction) as escapes.
fn printable(text: String) -> String {
    let obeyed = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.contains(obeyed) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if obeyed(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_diagnostic_is_obeyed_by_a_terminal() {
        let d = Diagnostic::new(Code::BadValue, Span::NONE, "found `\u{1b}[2J`")
            .help("a\nb")
            .at("\u{202e}x")
            .label(Span::NONE, "\0");
        assert_eq!(d.message, "found `\\u{1b}[2J`");
        assert_eq!((&*d.help[0], &*d.labels[0].text, &*d.labels[1].text), ("a\\nb", "\\u{202e}x", "\\u{0}"));
    }
}
