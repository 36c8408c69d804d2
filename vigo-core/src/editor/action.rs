//! Mistakes that mend themselves: the name that was meant.

use crate::diagnostic::{Code, Diagnostic, SourceMap, Span};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What a diagnostic's help says to write, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fix {
    /// What it does, for people.
    pub title: String,
    /// What is replaced.
    pub span: Span,
    /// What stands there then.
    pub text: String,
}

/// Returns what can be written in the place of a diagnostic's mistake: the names that its help says.
pub fn fixes(diagnostic: &Diagnostic, map: &SourceMap) -> Vec<Fix> {
    let span = diagnostic.span();
    let mut found: Vec<Fix> = Vec::new();
    // Some say it behind what they expected.
    let said = diagnostic.message.rsplit_once("; ").map(|(_, said)| said);
    for help in diagnostic.help.iter().map(|h| &**h).chain(said) {
        let meant = help.strip_prefix("did you mean `").and_then(|rest| rest.strip_suffix("`?"));
        let ours = || help.strip_prefix("write `").and_then(|rest| rest.strip_suffix('`'));
        let Some(meant) = meant.or_else(|| ours().filter(|_| is_word_for_word(diagnostic))) else { continue };
        let Some(wrong) = wrong_word(diagnostic, map.text(span), meant) else { continue };
        let written = map.text(span);
        // The word must stand there once, or nobody knows which is meant.
        let mut places = written.match_indices(&*wrong).map(|(at, _)| at);
        let (Some(at), None) = (places.next(), places.next()) else { continue };
        found.push(Fix {
            title: format!("write `{meant}` instead of `{wrong}`"),
            span: span.part(at, wrong.len()),
            text: meant.into(),
        });
    }
    found
}

/// Returns whether such a diagnostic's help says what is to stand where the mistake does.
fn is_word_for_word(diagnostic: &Diagnostic) -> bool {
    matches!(diagnostic.code, Code::UnknownKey | Code::UnknownAttribute | Code::UnknownType | Code::OldWord)
        || (diagnostic.code == Code::BadValue && diagnostic.message.contains("`true` or `false`, found"))
}

/// Returns the word that is wrong: the one that the message is about and that stands in the text.
fn wrong_word(diagnostic: &Diagnostic, written: &str, meant: &str) -> Option<String> {
    let about = diagnostic.about.as_deref();
    let said = diagnostic.message.split('`').skip(1).step_by(2);
    let words = about.into_iter().chain(said);
    let mut words = words.filter(|w| !w.is_empty() && *w != meant && written.contains(*w));
    words.next().map(String::from)
}
