//! dpkg's database: the status file itself, or what `dpkg-query` makes of it while its journal is open.
//!
//! The file is read rather than asked for: it costs no process, is the same in an image, and a plan can lay its
//! predictions over it. Its format is that of deb-status in dpkg(1); deb822 stanzas.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use memchr::memmem;

/// The database, as text of one of two forms.
#[derive(Clone, Copy, Debug)]
pub(super) enum Database<'a> {
    /// `/var/lib/dpkg/status`.
    Status(&'a [u8]),
    /// Lines of `dpkg-query -W -f` [`QUERY_FORMAT`].
    Query(&'a [u8]),
}

/// The columns of [`Database::Query`]: name, version, wanted state, flag, state, provided names, architecture.
pub(super) const QUERY_FORMAT: &str = "${Package}\\t${Version}\\t${db:Status-Want}\\t${db:Status-Eflag}\\t\
    ${db:Status-Status}\\t${Provides}\\t${Architecture}\\n";

/// What the database says of a package.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Entry<'a> {
    pub(super) version: &'a str,
    pub(super) held: bool,
    pub(super) state: Status<'a>,
    arch: &'a str,
}

/// How far a package is installed: the last word of its status. The wanted state before it (`install`, `hold`) is no
/// part of that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Status<'a> {
    Installed,
    /// Removed, and configuration left.
    ConfigFiles,
    /// Known by name only.
    NotInstalled,
    /// Something between: `unpacked`, `half-installed`, `half-configured`, `triggers-…`.
    Between(&'a str),
}

impl<'a> Status<'a> {
    fn from_word(word: &'a str) -> Self {
        match word {
            // A package that waits for another's triggers is configured and works.
            "installed" | "triggers-awaited" | "triggers-pending" => Self::Installed,
            "config-files" => Self::ConfigFiles,
            "not-installed" => Self::NotInstalled,
            other => Self::Between(other),
        }
    }

    fn rank(self) -> u8 {
        match self {
            Self::Installed => 3,
            Self::Between(_) => 2,
            Self::ConfigFiles => 1,
            Self::NotInstalled => 0,
        }
    }
}

impl<'a> Database<'a> {
    /// Returns the entry of `name`, which may end in `:arch`; of several architectures the one most installed.
    pub(super) fn find(self, name: &str) -> Option<Entry<'a>> {
        let (name, arch) = split_arch(name);
        let entries: Vec<Entry<'a>> = match self {
            Self::Status(text) => stanzas(text, name).filter_map(|(_, s)| stanza_entry(s)).collect(),
            Self::Query(text) => {
                let rows = text
                    .split(|b| *b == b'\n')
                    .filter(|l| l.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'\t')));
                rows.filter_map(row_entry).collect()
            }
        };
        let of_arch = |e: &&Entry<'a>| arch.is_none_or(|a| e.arch == a || (e.arch == "all" && a != "all"));
        entries.iter().filter(of_arch).max_by_key(|e| e.state.rank()).cloned()
    }

    /// Returns an installed package that provides `name`.
    pub(super) fn provider(self, name: &str) -> Option<&'a str> {
        let (name, _) = split_arch(name);
        match self {
            Self::Status(text) => memmem::find_iter(text, b"\nProvides: ").find_map(|at| {
                let line = line_at(text, at + 1);
                if !provides(line.strip_prefix("Provides: ")?, name) {
                    return None;
                }
                let stanza = stanza_around(text, at);
                let installed = stanza_entry(stanza)?.state == Status::Installed;
                if installed { field(stanza, "Package") } else { None }
            }),
            Self::Query(text) => text.split(|b| *b == b'\n').find_map(|row| {
                let provided = str_of(row.split(|b| *b == b'\t').nth(5)?)?;
                let found = provides(provided, name) && row_entry(row)?.state == Status::Installed;
                if found { str_of(row.split(|b| *b == b'\t').next()?) } else { None }
            }),
        }
    }
}

/// Returns the status file after packages came or changed their version, and others went.
pub(super) fn rewritten(text: &[u8], comes: &[(&str, &str)], goes: &[&str]) -> Vec<u8> {
    let mut out = text.to_vec();
    for name in comes.iter().map(|(name, _)| *name).chain(goes.iter().copied()) {
        let (plain, arch) = split_arch(name);
        let of_arch =
            |s: &[u8]| arch.is_none() || field(s, "Architecture").is_some_and(|a| Some(a) == arch || a == "all");
        let spans: Vec<(usize, usize)> =
            stanzas(&out, plain).filter(|(_, s)| of_arch(s)).map(|(at, s)| (at, at + s.len())).collect();
        for (start, end) in spans.into_iter().rev() {
            let end = out.get(end..).map_or(end, |rest| end + rest.iter().take_while(|b| **b == b'\n').count());
            out.drain(start..end);
        }
    }
    for (name, version) in comes {
        let (plain, arch) = split_arch(name);
        if !out.is_empty() && !out.ends_with(b"\n\n") {
            out.extend_from_slice(if out.ends_with(b"\n") { b"\n" } else { b"\n\n" });
        }
        let arch = arch.map(|a| format!("Architecture: {a}\n")).unwrap_or_default();
        let stanza = format!("Package: {plain}\nStatus: install ok installed\n{arch}Version: {version}\n\n");
        out.extend_from_slice(stanza.as_bytes());
    }
    out
}

/// Splits `name:arch`; the architecture words that mean any are none.
fn split_arch(name: &str) -> (&str, Option<&str>) {
    match name.split_once(':') {
        Some((name, "any" | "native")) => (name, None),
        Some((name, arch)) => (name, Some(arch)),
        None => (name, None),
    }
}

/// Returns the stanzas of `name`, each with where it starts. Stanzas begin with `Package:` and end at an empty line.
fn stanzas<'a>(text: &'a [u8], name: &str) -> impl Iterator<Item = (usize, &'a [u8])> {
    let needle: String = format!("Package: {name}\n");
    let finder = memmem::Finder::new(needle.as_bytes()).into_owned();
    let mut from = 0;
    core::iter::from_fn(move || {
        loop {
            let at = from + finder.find(text.get(from..)?)?;
            from = at + needle.len();
            if at == 0 || text.get(at - 1) == Some(&b'\n') {
                return Some((at, stanza_from(text, at)));
            }
        }
    })
}

fn stanza_from(text: &[u8], start: usize) -> &[u8] {
    let rest = text.get(start..).unwrap_or(&[]);
    let end = memmem::find(rest, b"\n\n").map_or(rest.len(), |at| at + 1);
    &rest[..end]
}

fn stanza_around(text: &[u8], at: usize) -> &[u8] {
    let start = memmem::rfind(&text[..at], b"\n\n").map_or(0, |at| at + 2);
    stanza_from(text, start)
}

fn stanza_entry(stanza: &[u8]) -> Option<Entry<'_>> {
    let mut words = field(stanza, "Status")?.split(' ');
    let (want, _flag, status) = (words.next()?, words.next()?, words.next()?);
    Some(Entry {
        version: field(stanza, "Version").unwrap_or(""),
        held: want == "hold",
        state: Status::from_word(status),
        arch: field(stanza, "Architecture").unwrap_or(""),
    })
}

fn row_entry(row: &[u8]) -> Option<Entry<'_>> {
    let mut columns = row.split(|b| *b == b'\t').skip(1).map(|c| str_of(c).unwrap_or(""));
    let (version, want, _flag, status) = (columns.next()?, columns.next()?, columns.next()?, columns.next()?);
    let arch = columns.nth(1).unwrap_or("");
    Some(Entry { version, held: want == "hold", state: Status::from_word(status), arch })
}

/// Returns the value of a one-line field.
fn field<'a>(stanza: &'a [u8], name: &str) -> Option<&'a str> {
    stanza.split(|b| *b == b'\n').find_map(|line| {
        let value = line.strip_prefix(name.as_bytes())?.strip_prefix(b":")?;
        str_of(value).map(str::trim)
    })
}

fn line_at(text: &[u8], start: usize) -> &str {
    let rest = text.get(start..).unwrap_or(&[]);
    let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    str_of(&rest[..end]).unwrap_or("")
}

/// Returns whether a `Provides:` list names `name`, with or without a version.
fn provides(list: &str, name: &str) -> bool {
    list.split(',').any(|item| item.split([' ', '(', ':']).find(|part| !part.is_empty()) == Some(name))
}

fn str_of(bytes: &[u8]) -> Option<&str> {
    core::str::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STATUS: &[u8] = b"Package: food\nStatus: hold ok installed\nArchitecture: all\nVersion: 1.0\n\
Provides: eatable (= 1), meal:any\nDescription: x\n Package: trap\n .\n\n\
Package: libx\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2\n\n\
Package: libx\nStatus: deinstall ok config-files\nArchitecture: i386\nVersion: 3\n\n\
Package: half\nStatus: install reinstreq half-installed\nArchitecture: all\nVersion: 4\nProvides: dish\n";

    #[test]
    fn names_are_found_whole_and_by_architecture() {
        let seen = |name: &str| {
            let entry = Database::Status(STATUS).find(name)?;
            Some((entry.version, entry.held, entry.state))
        };
        let cases = [
            ("food", Some(("1.0", true, Status::Installed))),
            ("food:amd64", Some(("1.0", true, Status::Installed))),
            ("libx", Some(("2", false, Status::Installed))),
            ("libx:any", Some(("2", false, Status::Installed))),
            ("libx:i386", Some(("3", false, Status::ConfigFiles))),
            ("half", Some(("4", false, Status::Between("half-installed")))),
            ("foo", None),
            ("trap", None),
            ("", None),
        ];
        for (name, expected) in cases {
            assert_eq!(seen(name), expected, "{name}");
        }
    }

    #[test]
    fn only_what_is_installed_provides() {
        let cases = [("eatable", Some("food")), ("meal", Some("food")), ("eat", None), ("dish", None)];
        for (name, expected) in cases {
            assert_eq!(Database::Status(STATUS).provider(name), expected, "{name}");
        }
    }

    #[test]
    fn the_query_says_the_same_as_the_file() {
        let query = b"food\t1.0\thold\tok\tinstalled\teatable (= 1), meal:any\tall\n\
libx\t2\tinstall\tok\tinstalled\t\tamd64\nlibx\t3\tdeinstall\tok\tconfig-files\t\ti386\n\
half\t4\tinstall\treinstreq\thalf-installed\tdish\tall\n";
        for name in ["food", "food:amd64", "libx", "libx:i386", "half", "foo", "trap", "eatable", "meal", "dish"] {
            let (file, query) = (Database::Status(STATUS), Database::Query(query));
            assert_eq!(file.find(name), query.find(name), "{name}");
            assert_eq!(file.provider(name), query.provider(name), "{name}");
        }
    }

    #[test]
    fn a_rewritten_file_holds_what_came_and_not_what_went() {
        let text = rewritten(STATUS, &[("food", "1.1"), ("new", "5"), ("libx:i386", "3")], &["half"]);
        let db = Database::Status(&text);
        let version = |name: &str| db.find(name).filter(|e| e.state == Status::Installed).map(|e| e.version);
        assert_eq!(version("food"), Some("1.1"));
        assert_eq!(version("new"), Some("5"));
        assert_eq!(version("libx:i386"), Some("3"));
        assert_eq!(version("libx:amd64"), Some("2"));
        assert_eq!(db.find("half"), None);
        assert_eq!(Database::Status(&rewritten(b"", &[("a", "1")], &[])).find("a").map(|e| e.version), Some("1"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(text in proptest::collection::vec(any::<u8>(), 0..200), name in "[a-z:]{0,4}") {
            for db in [Database::Status(&text), Database::Query(&text)] {
                let _ = (db.find(&name), db.provider(&name));
            }
            let _ = rewritten(&text, &[(&name, "1")], &["a"]);
        }

        #[test]
        fn cut_and_spliced_databases_are_read_without_panic(cut in 0..STATUS.len(), from in 0..STATUS.len()) {
            let mut text = STATUS[..cut].to_vec();
            text.extend_from_slice(&STATUS[from..]);
            let db = Database::Status(&text);
            for name in ["food", "libx:i386", "half", "dish"] {
                let _ = (db.find(name), db.provider(name));
            }
        }
    }
}
