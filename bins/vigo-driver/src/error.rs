//! What the system says.

use std::io;

/// Returns what the system says about an error, as a fragment.
pub fn system_text(error: impl Into<io::Error>) -> String {
    let error: io::Error = error.into();
    let mut text = error.to_string();
    if let Some(end) = text.rfind(" (os error") {
        text.truncate(end);
    }
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(first), Some(second)) if second.is_lowercase() => {
            format!("{}{second}{}", first.to_lowercase(), chars.as_str())
        }
        _ => text,
    }
}
