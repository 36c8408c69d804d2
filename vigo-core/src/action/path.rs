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
        if text.split(separator).any(|part| part == "..") {
            return Err(PathError::DotDot);
        }
        if windows {
            let trimmed = if text.len() > 3 { text.trim_end_matches(separator) } else { text };
            return Ok(Self(trimmed.replace('/', "\\").into()));
        }
        let clean = !text.contains("//") && !text.contains("/./") && !text.ends_with("/.");
        if clean && (text.len() == 1 || !text.ends_with('/')) {
            return Ok(Self(text.into()));
        }
        let mut path = String::with_capacity(text.len());
        for part in text.split('/').filter(|p| !p.is_empty() && *p != ".") {
            path.push('/');
            path.push_str(part);
        }
        if path.is_empty() {
            path.push('/');
        }
        Ok(Self(path.into()))
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
        let at = self.0.rfind(self.separator())?;
        let root = if is_windows(&self.0) { 3 } else { 1 };
        if self.0.len() <= root {
            return None;
        }
        Some(Self(self.0[..at.max(root)].trim_end_matches(|c| c == self.separator() && at >= root).into()))
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

    fn separator(&self) -> char {
        if is_windows(&self.0) { '\\' } else { '/' }
    }
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
