//! Guarded paths.

use crate::action::AbsPath;
use crate::host::{Problem, ProblemKind};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Vigo's own paths, each with all below it, in lower case.
const GUARDED: &[&str] = &[
    "/usr/local/sbin/vigo",
    "/usr/local/sbin/vigosrv",
    "/usr/local/bin/vigocli",
    "/etc/vigo-envoy",
    "/etc/vigo",
    "/usr/local/etc/vigo-envoy",
    "/var/lib/vigo",
    "/srv/vigo",
    "/library/vigo",
    "c:\\programdata\\vigo",
    "c:\\program files\\vigo",
    "/etc/systemd/system/vigo-envoy.service",
    "/etc/systemd/system/vigo-envoy.service.d",
    "/etc/systemd/system/vigosrv.service",
    "/etc/systemd/system/vigosrv.service.d",
    "/lib/systemd/system/vigo-envoy.service",
    "/lib/systemd/system/vigosrv.service",
    "/usr/lib/systemd/system/vigo-envoy.service",
    "/usr/lib/systemd/system/vigosrv.service",
    "/etc/init.d/vigo-envoy",
    "/etc/init.d/vigosrv",
    "/etc/sv/vigo-envoy",
    "/etc/sv/vigosrv",
    "/etc/service/vigo-envoy",
    "/etc/service/vigosrv",
    "/etc/rc.d/vigo_envoy",
    "/etc/rc.conf.d/vigo_envoy",
    "/etc/rc.d/vigosrv",
    "/usr/local/etc/rc.d/vigo_envoy",
    "/usr/local/etc/rc.d/vigosrv",
    "/library/launchdaemons/vigo-envoy.plist",
    "/library/launchdaemons/vigosrv.plist",
    "/var/svc/manifest/site/vigo-envoy.xml",
    "/var/svc/manifest/site/vigosrv.xml",
];

/// Folders that other names lead to on merged systems: both spellings are one.
const SAME: &[(&str, &str)] = &[("/private/etc/", "/etc/"), ("/private/var/", "/var/"), ("/run/host/", "/")];

/// Refuses a path at or below one of Vigo's own.
///
/// # Errors
/// [`Problem`] of kind `Guarded` that names the path.
pub fn check_write(path: &AbsPath) -> Result<(), Problem> {
    if names_nothing_own(path) {
        return Ok(());
    }
    let folded = folded(path);
    match GUARDED.iter().find(|g| at_or_below(&folded, g)) {
        Some(_) => Err(problem(path, "writes to")),
        None => Ok(()),
    }
}

/// Refuses a path at, below or above one of Vigo's own: for what removes, moves, mounts over or changes a whole tree.
///
/// # Errors
/// [`Problem`] of kind `Guarded` that names the path.
pub fn check_tree(path: &AbsPath) -> Result<(), Problem> {
    let folded = folded(path);
    match GUARDED.iter().find(|g| at_or_below(&folded, g) || at_or_below(g, &folded)) {
        Some(_) => Err(problem(path, "would take away")),
        None => Ok(()),
    }
}

/// Returns whether text names one of Vigo's own paths, or something below.
pub(super) fn named_in(text: &str) -> bool {
    let text = text.to_lowercase().replace(['"', '\''], "");
    let inside = |c: char| c.is_alphanumeric() || "-_./\\".contains(c);
    text.split(|c: char| !inside(c) && c != ':').any(|word| {
        // `C:` belongs to a path, the colon of `host:/path` does not.
        word.match_indices(['/', '\\']).filter_map(|(at, _)| starts(word, at)).any(|path| {
            let path = lexical(path);
            GUARDED.iter().any(|guarded| at_or_below(&path, guarded))
        })
    })
}

/// Returns the path that begins around the separator at `at`, if one does.
fn starts(word: &str, at: usize) -> Option<&str> {
    let (before, path) = word.split_at(at);
    match before.strip_suffix(':') {
        Some(drive) if drive.chars().next_back().is_some_and(char::is_alphabetic) && path.starts_with('\\') => {
            word.get(at - 2..)
        }
        Some(_) => Some(path),
        None => before.is_empty().then_some(path),
    }
}

/// Returns whether a path, written in whatever way, is above one of Vigo's own, or is one.
pub(super) fn holds_own(path: &str) -> bool {
    let path = lexical(&path.to_lowercase());
    GUARDED.iter().any(|guarded| at_or_below(guarded, &path) || at_or_below(&path, guarded))
}

/// Returns an absolute path without `.`, `..` and doubled separators.
fn lexical(path: &str) -> String {
    if !path.starts_with('/') {
        return path.into();
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    format!("/{}", parts.join("/"))
}

/// The word that stands in each of Vigo's own paths.
const WORD: &[u8; 4] = b"vigo";

/// Returns whether a path, unfolded, cannot be at or below one of Vigo's own: the usual one, told from the others by a
/// look at its bytes. Letters beyond ASCII may fold to others.
fn names_nothing_own(path: &AbsPath) -> bool {
    let text = path.as_str();
    text.is_ascii() && !text.as_bytes().windows(WORD.len()).any(|part| part.eq_ignore_ascii_case(WORD))
}

fn folded(path: &AbsPath) -> String {
    let mut folded = path.as_str().to_lowercase();
    for (from, to) in SAME {
        if let Some(rest) = folded.strip_prefix(from) {
            folded = format!("{to}{rest}");
        }
    }
    folded
}

fn at_or_below(path: &str, top: &str) -> bool {
    let separator = if top.contains('\\') { '\\' } else { '/' };
    match path.strip_prefix(top) {
        Some(rest) => rest.is_empty() || rest.starts_with(separator) || top.ends_with(separator),
        None => false,
    }
}

fn problem(path: &AbsPath, what: &str) -> Problem {
    Problem::new(ProblemKind::Guarded, format!("`{path}` {what} Vigo's own files"))
        .help("leave Vigo's binaries, configuration, state and service definitions alone; no flag switches this off")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_stands_in_each_of_the_own_paths() {
        for path in GUARDED {
            assert!(!names_nothing_own(&AbsPath::parse(path).unwrap()), "{path}");
        }
    }

    #[test]
    fn own_paths_are_guarded_and_neighbours_are_not() {
        let cases = [
            ("/etc/vigo", true, true),
            ("/etc/vigo/x", true, true),
            ("/etc/vigox", false, false),
            ("/ETC/Vigo/x", true, true),
            ("/private/etc/vigo/x", true, true),
            ("/etc", false, true),
            ("/", false, true),
            ("/srv", false, true),
            ("/srv/www", false, false),
            ("/etc/systemd/system/vigo-envoy.service.d/x.conf", true, true),
            ("C:\\ProgramData\\Vigo\\state", true, true),
            ("/usr/local/share/vigo/traits.d", false, false),
        ];
        for (text, write, tree) in cases {
            let path = AbsPath::parse(text).unwrap();
            assert_eq!(check_write(&path).is_err(), write, "write {text}");
            assert_eq!(check_tree(&path).is_err(), tree, "tree {text}");
        }
    }
}
