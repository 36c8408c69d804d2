//! Absolute paths of a managed machine.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

/// An absolute path: `/…` on unix, `X:\…` or `\\…` on Windows. No NUL, no `..`, at most 4096 bytes; without doubled or
/// trailing separators.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AbsPath(Arc<str>);

/// Why a text is no absolute path.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PathError {
    /// It does not start at a root.
    #[error("expected an absolute path")]
    Relative,
    /// It holds a `..` component.
    #[error("expected a path without `..`")]
    DotDot,
    /// It holds a control character.
    #[error("expected a path without control characters")]
    Control,
    /// It is longer than 4096 bytes.
    #[error("expected a path of at most 4096 bytes")]
    TooLong,
}

impl AbsPath {
    /// Parses a path.
    ///
    /// # Errors
    /// [`PathError`], when `text` is not absolute, too long, or holds `..` or a control character.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        Self::cleaned(text)?.map_or_else(|| Ok(Self(text.into())), Ok)
    }

    /// Parses a path whose text is shared where it is clean as it stands.
    ///
    /// # Errors
    /// As [`AbsPath::parse`].
    pub fn shares(text: Arc<str>) -> Result<Self, PathError> {
        Self::cleaned(&text)?.map_or_else(|| Ok(Self(text)), Ok)
    }

    /// Returns the path of a text that is not clean as it stands.
    fn cleaned(text: &str) -> Result<Option<Self>, PathError> {
        if is_usual(text) {
            return Ok(None);
        }
        if Self::check(text)? {
            let separator = |c: char| c == '/' || c == '\\';
            let trimmed = if text.len() > 3 { text.trim_end_matches(separator) } else { text };
            return Ok(Some(Self(trimmed.replace('/', "\\").into())));
        }
        if text.len() == 1 || text.split('/').skip(1).all(|part| !part.is_empty() && part != ".") {
            return Ok(None);
        }
        let mut path = String::with_capacity(text.len());
        for part in text.split('/').filter(|p| !p.is_empty() && *p != ".") {
            path.push('/');
            path.push_str(part);
        }
        if path.is_empty() {
            path.push('/');
        }
        Ok(Some(Self(path.into())))
    }

    /// Says whether `text` is an absolute path, and returns whether it is one of Windows.
    ///
    /// # Errors
    /// As [`AbsPath::parse`].
    pub fn check(text: &str) -> Result<bool, PathError> {
        if is_usual(text) {
            return Ok(false);
        }
        if text.len() > 4096 {
            return Err(PathError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(PathError::Control);
        }
        let windows = is_windows(text);
        if !windows && !text.starts_with('/') {
            return Err(PathError::Relative);
        }
        let separator = |c: char| c == '/' || (windows && c == '\\');
        match text.split(separator).any(|part| part == "..") {
            true => Err(PathError::DotDot),
            false => Ok(windows),
        }
    }

    /// Returns the path of a constant, which is clean as it stands.
    ///
    /// # Panics
    /// In debug builds, when it is not.
    pub fn known(text: &'static str) -> Self {
        debug_assert_eq!(Self::parse(text).as_ref().map(Self::as_str), Ok(text));
        Self(text.into())
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the shared text.
    pub fn shared(&self) -> Arc<str> {
        self.0.clone()
    }

    /// Returns the path above, or `None` at a root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        above(&self.0, self.separator()).map(|text| Self(text.into()))
    }

    /// Returns the texts of the paths above, the nearest first.
    pub fn above(&self) -> impl Iterator<Item = &str> {
        let separator = self.separator();
        core::iter::successors(Some(&*self.0), move |path| above(path, separator)).skip(1)
    }

    /// Returns the last component; empty at a root.
    pub fn name(&self) -> &str {
        self.0.rsplit(self.separator()).next().unwrap_or("")
    }

    /// Returns the path of `name` (one or several components, relative) below this one.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        let s = self.separator();
        let mut path = String::from(self.0.trim_end_matches(s));
        path.push(s);
        path.push_str(name.trim_start_matches(s));
        Self(path.into())
    }

    /// Returns whether this path lies below `other`, or is it.
    pub fn is_at_or_below(&self, other: &Self) -> bool {
        match self.0.strip_prefix(&*other.0) {
            None => false,
            Some(rest) => rest.is_empty() || other.0.ends_with(self.separator()) || rest.starts_with(self.separator()),
        }
    }

    /// Returns whether it is a path of Windows.
    pub fn is_windows(&self) -> bool {
        is_windows(&self.0)
    }

    fn separator(&self) -> char {
        if is_windows(&self.0) { '\\' } else { '/' }
    }
}

/// Returns whether a text is a clean path of unix at first sight: printable ASCII, no component that is empty or begins
/// with a dot.
fn is_usual(text: &str) -> bool {
    let mut last = 0;
    for &byte in text.as_bytes() {
        let ok = match last {
            0 => byte == b'/',
            b'/' => matches!(byte, b' '..=b'-' | b'0'..=b'~'),
            _ => matches!(byte, b' '..=b'~'),
        };
        if !ok {
            return false;
        }
        last = byte;
    }
    last != 0 && (last != b'/' || text.len() == 1) && text.len() <= 4096
}

fn above(path: &str, separator: char) -> Option<&str> {
    let at = path.rfind(separator)?;
    let root = if is_windows(path) { 3 } else { 1 };
    if path.len() <= root {
        return None;
    }
    Some(path.get(..at.max(root))?.trim_end_matches(|c| c == separator && at >= root))
}

fn is_windows(text: &str) -> bool {
    let b = text.as_bytes();
    text.starts_with("\\\\")
        || (b.len() >= 3 && b[0].is_ascii_alphabetic() && b[1] == b':' && (b[2] == b'\\' || b[2] == b'/'))
}

impl fmt::Display for AbsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AbsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn parses_and_cleans() {
        let cases = [
            ("/etc//x/", Ok("/etc/x")),
            ("/", Ok("/")),
            ("//", Ok("/")),
            ("/a/./b", Ok("/a/b")),
            ("C:/x/y", Ok("C:\\x\\y")),
            ("etc", Err(PathError::Relative)),
            ("", Err(PathError::Relative)),
            ("/a/../b", Err(PathError::DotDot)),
            ("/a\0", Err(PathError::Control)),
        ];
        for (text, expected) in cases {
            let seen = AbsPath::parse(text);
            assert_eq!(seen.as_ref().map(AbsPath::as_str).map_err(|e| *e), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_usual_at_first_sight_is_clean() {
        for (text, usual) in [
            ("/", true),
            ("/etc/a b~", true),
            ("/etc/.x", false),
            ("/etc/x.", true),
            ("/etc//x", false),
            ("/etc/", false),
            ("/etc/\u{7f}", false),
            ("/etc/é", false),
            ("", false),
            ("etc", false),
        ] {
            assert_eq!(is_usual(text), usual, "{text:?}");
            if usual {
                assert_eq!(AbsPath::parse(text).map(|p| p.to_string()).as_deref(), Ok(text));
            }
        }
        assert!(!is_usual(&alloc::format!("/{}", "a".repeat(4096))));
    }

    #[test]
    fn paths_above_are_the_parents() {
        for text in ["/a/b/c", "/", "C:\\a\\b", "\\\\é\\b", "\\\\é"] {
            let path = AbsPath::parse(text).unwrap();
            let parents = core::iter::successors(path.parent(), AbsPath::parent).map(|p| p.to_string());
            assert!(path.above().map(String::from).eq(parents), "{text}");
        }
    }

    #[test]
    fn parents_and_prefixes() {
        let p = |s: &str| AbsPath::parse(s).unwrap();
        assert_eq!(p("/a/b").parent(), Some(p("/a")));
        assert_eq!(p("/a").parent(), Some(p("/")));
        assert_eq!(p("/").parent(), None);
        assert_eq!(p("C:\\a").parent(), Some(p("C:\\")));
        assert_eq!(p("C:\\").parent(), None);
        assert!(p("/a/b").is_at_or_below(&p("/a")) && p("/a").is_at_or_below(&p("/")));
        assert!(!p("/ab").is_at_or_below(&p("/a")));
        assert_eq!(p("/").join("x").as_str(), "/x");
    }
}
