//! Globs over relative paths.

/// Returns whether `path` (relative, `/` between components) is meant by `glob`: `*` and `?` stay within a component,
/// `**` does not. A glob without `/` is matched against each component, so that it also means all below a directory of
/// that name.
pub(super) fn matches(glob: &str, path: &str) -> bool {
    let glob = glob.trim_end_matches('/');
    match glob.contains('/') {
        true => {
            let glob = glob.trim_start_matches('/');
            let ends = path.char_indices().filter(|(_, c)| *c == '/').map(|(at, _)| at);
            whole(glob, path) || ends.into_iter().any(|end| whole(glob, &path[..end]))
        }
        false => path.split('/').any(|part| whole(glob, part)),
    }
}

/// Matches without recursion: on a mismatch the last `*` takes one byte more, and when it may not, the last `**`.
fn whole(glob: &str, path: &str) -> bool {
    let (g, p) = (glob.as_bytes(), path.as_bytes());
    let (mut i, mut j) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    let mut stars: Option<(usize, usize)> = None;
    loop {
        if g[i..].starts_with(b"**") {
            i += 2;
            // `**/` also means no directory at all.
            if g.get(i) == Some(&b'/') && (j == 0 || p.get(j - 1) == Some(&b'/')) {
                i += 1;
            }
            (stars, star) = (Some((i, j)), None);
            continue;
        }
        match (g.get(i), p.get(j)) {
            (None, None) => return true,
            (Some(b'*'), _) => {
                i += 1;
                star = Some((i, j));
                continue;
            }
            (Some(b'?'), Some(c)) if *c != b'/' => {
                // One character, not one byte.
                let width = path[j..].chars().next().map_or(1, char::len_utf8);
                (i, j) = (i + 1, j + width);
                continue;
            }
            (Some(a), Some(b)) if a == b && *a != b'?' => {
                (i, j) = (i + 1, j + 1);
                continue;
            }
            _ => {}
        }
        match (star, stars) {
            (Some((after, from)), _) if p.get(from).is_some_and(|c| *c != b'/') => {
                star = Some((after, from + 1));
                (i, j) = (after, from + 1);
            }
            (_, Some((after, from))) if from < p.len() => {
                (stars, star) = (Some((after, from + 1)), None);
                (i, j) = (after, from + 1);
            }
            _ => return false,
        }
        // A `*` may stop inside a character only to go on.
        while !path.is_char_boundary(j) {
            j += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn globs_mean_names_or_whole_paths() {
        let cases = [
            ("*.bak", "a/b/x.bak", true),
            ("*.bak", "x.bak.d/y", false),
            (".git", ".git/config", true),
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
            ("*é", "aéé", true),
            ("*a*b*c", "xxaxxbxxbxxc", true),
            ("*a*b*c", "xxaxxbxx", false),
            ("", "x", false),
        ];
        for (glob, path, expected) in cases {
            assert_eq!(matches(glob, path), expected, "{glob} {path}");
        }
    }

    proptest! {
        #[test]
        fn any_glob_ends(glob in "[*?aé/]{0,12}", path in "[aé/]{0,24}") {
            matches(&glob, &path);
            prop_assert!(matches(&path.replace('/', "_"), &path.replace('/', "_")) || path.is_empty());
        }
    }
}
