//! The name that selects a policy.

use crate::limits::HOSTNAME_BYTES_MAX;
use alloc::string::String;

/// Why a text is no hostname.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HostnameError {
    /// There is nothing.
    #[error("it is empty")]
    Empty,
    /// It is longer than DNS allows.
    #[error("it has {0} bytes, expected at most {HOSTNAME_BYTES_MAX}")]
    TooLong(usize),
    /// No hostname has this character, and no glob matches it.
    #[error("expected letters, digits, `-`, `.` and `_`, found `{}`", .0.escape_debug())]
    Character(char),
    /// Two dots in a row, or one at an end: in a path it would lead elsewhere.
    #[error("expected something between its dots, and no dot at its ends")]
    Label,
}

/// Returns a hostname as match blocks see it, in lower case.
///
/// # Errors
/// [`HostnameError`], for what no machine is named.
pub fn hostname(text: &str) -> Result<String, HostnameError> {
    if text.is_empty() {
        return Err(HostnameError::Empty);
    }
    if text.len() > HOSTNAME_BYTES_MAX {
        return Err(HostnameError::TooLong(text.len()));
    }
    match text.chars().find(|c| !c.is_alphanumeric() && !"-._".contains(*c)) {
        Some(c) => Err(HostnameError::Character(c)),
        None if text.split('.').any(str::is_empty) => Err(HostnameError::Label),
        None => Ok(text.to_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_machine_is_named_is_refused() {
        let cases = [
            ("WEB-01.Acme.com", Ok("web-01.acme.com")),
            ("bücher_1", Ok("bücher_1")),
            ("", Err(HostnameError::Empty)),
            ("(none)", Err(HostnameError::Character('('))),
            ("a b", Err(HostnameError::Character(' '))),
            ("a/../b", Err(HostnameError::Character('/'))),
            ("..", Err(HostnameError::Label)),
            (".a", Err(HostnameError::Label)),
            ("a..b", Err(HostnameError::Label)),
            ("localhost.", Err(HostnameError::Label)),
            ("a\u{fffd}", Err(HostnameError::Character('\u{fffd}'))),
        ];
        for (text, expected) in cases {
            assert_eq!(hostname(text), expected.map(String::from), "{text}");
        }
        assert!(hostname(&"a".repeat(HOSTNAME_BYTES_MAX)).is_ok());
        assert_eq!(hostname(&"a".repeat(254)), Err(HostnameError::TooLong(254)));
    }
}
