//! What is rendered at publish: names, types, edge keys and the templates in `when:`.

use crate::diagnostic::{Code, Diagnostic};
use crate::secret;
use crate::source::Node;
use crate::value::Value;
use alloc::borrow::Cow;
use alloc::string::String;

/// The data that a template sees at publish.
pub(super) struct PublishData<'d> {
    /// `.Vars`.
    pub vars: &'d Value,
    /// `.Item` and `.Each`.
    pub item: Option<&'d Value>,
    /// `.Index`.
    pub index: i64,
    /// `.Outer`.
    pub outer: Option<&'d Value>,
    /// `.User`.
    pub user: Option<&'d str>,
}

/// Returns the text of `node`, rendered where it has a template.
pub(super) fn text<'a>(node: Node<'a>, what: &str, data: &PublishData<'_>) -> Result<Cow<'a, str>, Diagnostic> {
    let written = node.text().unwrap_or_default();
    if let Some(found) = secret::find(written).first() {
        let span = node.part(found.start, found.end - found.start);
        return Err(misplaced(span, what));
    }
    if !written.contains("{{") {
        return Ok(Cow::Borrowed(written));
    }
    let text: String = value(written, data).map_err(|message| Diagnostic::new(Code::Template, node.span(), message))?;
    if secret::is_marked(&text) {
        return Err(misplaced(node.span(), what));
    }
    Ok(Cow::Owned(text))
}

fn misplaced(span: crate::diagnostic::Span, what: &str) -> Diagnostic {
    Diagnostic::new(Code::SecretMisplaced, span, alloc::format!("a secret cannot stand in `{what}`"))
}
