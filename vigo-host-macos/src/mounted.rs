//! Lines of mount(8): `SOURCE on PATH (TYPE, WORD, …)`.

use alloc::borrow::Cow;
use alloc::vec::Vec;

/// A line of mount(8).
pub(crate) struct Mounted<'a> {
    /// `SOURCE on PATH`; both may hold blanks.
    names: &'a str,
    /// Its type.
    pub(crate) fstype: &'a str,
    /// Its options, in the words that mount takes.
    pub(crate) options: Vec<Cow<'a, str>>,
}

impl<'a> Mounted<'a> {
    /// Reads a line; `None` when it is none.
    pub(crate) fn parse(line: &'a str) -> Option<Self> {
        let (names, words) = line.strip_suffix(')')?.rsplit_once(" (")?;
        let mut words = words.split(", ");
        Some(Self { names, fstype: words.next()?, options: words.map(option).collect() })
    }

    /// Returns what is mounted at this path; `None` when it is mounted elsewhere.
    pub(crate) fn source_at(&self, path: &str) -> Option<&'a str> {
        self.names.strip_suffix(path)?.strip_suffix(" on ")
    }

    /// Returns what is mounted, and where: of several ` on ` the last whose right side is a path counts.
    pub(crate) fn source_and_point(&self) -> Option<(&'a str, &'a str)> {
        let at = self.names.rfind(" on /")?;
        Some((self.names.get(..at)?, self.names.get(at + 4..)?))
    }

    /// Returns whether it has an option.
    pub(crate) fn has(&self, option: &str) -> bool {
        self.options.iter().any(|o| o == option)
    }
}

/// Returns an option as mount takes it, of the word that it shows.
fn option(word: &str) -> Cow<'_, str> {
    match word {
        "read-only" => "ro".into(),
        "synchronous" => "sync".into(),
        "asynchronous" => "async".into(),
        word if word.contains(' ') => word.replace(' ', "-").into(),
        word => word.into(),
    }
}
