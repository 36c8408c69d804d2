//! Globs over relative paths.

use crate::host::Problem;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use regex::Regex;

/// The paths that stay when a directory is purged.
#[derive(Clone, Debug)]
pub struct Globs(Regex);

impl Globs {
    /// Returns what any of `globs` means: `*` and `?` stay within a component, `**` does not. A glob without `/` is for
    /// names at any depth; all below a directory that is meant is meant too.
    pub(super) fn new(globs: &[Arc<str>]) -> Result<Option<Self>, Problem> {
        if globs.is_empty() {
            return Ok(None);
        }
        let any: alloc::vec::Vec<String> = globs.iter().map(|glob| pattern(glob)).collect();
        let whole = format!("^(?:{})(?:/|$)", any.join("|"));
        match regex::RegexBuilder::new(&whole).dot_matches_new_line(true).size_limit(1 << 20).build() {
            Ok(regex) => Ok(Some(Self(regex))),
            Err(_) => {
                Err(Problem::bad_value("ignore", "expected fewer or shorter globs, which compile to at most 1 MiB"))
            }
        }
    }

    /// Returns whether a relative path is meant.
    pub(super) fn matches(&self, path: &str) -> bool {
        self.0.is_match(path)
    }
}

fn pattern(glob: &str) -> String {
    let glob = glob.trim_end_matches('/');
    let mut out = String::from(if glob.contains('/') { "" } else { "(?:.*/)?" });
    let mut rest = glob.trim_start_matches('/');
    while let Some(c) = rest.chars().next() {
        let (token, regex) = match c {
            '*' if rest.starts_with("**/") => ("**/", "(?:.*/)?"),
            '*' if rest.starts_with("**") => ("**", ".*"),
            '*' => ("*", "[^/]*"),
            '?' => ("?", "[^/]"),
            _ => ("", ""),
        };
        match token {
            "" => out.push_str(&regex::escape(&rest[..c.len_utf8()])),
            _ => out.push_str(regex),
        }
        rest = &rest[token.len().max(c.len_utf8())..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(glob: &str, path: &str) -> bool {
        Globs::new(&[glob.into()]).unwrap().unwrap().matches(path)
    }

    #[test]
    fn globs_mean_names_or_whole_paths() {
        let cases = [
            ("*.bak", "a/b/x.bak", true),
            ("*.bak", "x.bak.d/y", false),
            (".git", ".git/config", true),
            (".git", "agit", false),
            ("a/*.conf", "a/x.conf", true),
            ("a/*.conf", "a/b/x.conf", false),
            ("a/**", "a/b/c", true),
            ("a/**/c", "a/c", true),
            ("a/**/c", "a/b/b/c", true),
            ("a/**/c", "a/bc", false),
            ("local/d", "local/d/below", true),
            ("/top", "top", true),
            ("top/", "x/top", true),
            ("?", "é", true),
            ("*a*b*c", "xxaxxbxxbxxc", true),
            ("*a*b*c", "xxaxxbxx", false),
            ("[a]", "a", false),
        ];
        for (glob, path, expected) in cases {
            assert_eq!(matches(glob, path), expected, "{glob} {path}");
        }
    }

    proptest! {
        #[test]
        fn a_path_means_itself(path in "[ -~é]{1,24}") {
            let name = path.replace(['*', '?', '/'], "_");
            let longer = format!("{name}_");
            prop_assert!(matches(&name, &name));
            prop_assert!(!matches(&name, &longer));
        }
    }
}
