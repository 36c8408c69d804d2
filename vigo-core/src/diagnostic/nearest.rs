//! The nearest known name to a word that is not known.

use alloc::vec::Vec;

/// Returns the name nearest to `word` by edits (insert, delete, replace, swap of neighbours), if it is near enough to
/// be what was meant: at most a third of the word's length, and always less than the whole of either. The first of
/// equals wins. Where none is, the one name that begins with the word or has it as a part: `path` is near to
/// `target_path`, `user` to `username`.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let full = word;
    let mut longer = Longer::None;
    let letters_of_word = letters(word);
    let word: Vec<char> = word.chars().take(128).collect();
    let limit = (word.len() / 3).max(1);
    let mut best: Option<(usize, &'a str)> = None;
    for name in known {
        longer = longer.or(full, name);
        // An edit changes at most two letters of the set: most names are far away at first sight.
        if (letters_of_word ^ letters(name)).count_ones() as usize > 2 * limit {
            continue;
        }
        let chars: Vec<char> = name.chars().take(128).collect();
        if chars.len().abs_diff(word.len()) > limit {
            continue;
        }
        let d = distance(&word, &chars, limit);
        let is_near = d == 0 || (d <= limit && d < word.len().min(chars.len()));
        if is_near && best.is_none_or(|(least, _)| d < least) {
            best = Some((d, name));
        }
    }
    match (best, longer) {
        (Some((_, name)), _) | (None, Longer::One(name)) => Some(name),
        (None, Longer::None | Longer::Many) => None,
    }
}

/// The names of which a word is a part.
#[derive(Clone, Copy)]
enum Longer<'a> {
    None,
    One(&'a str),
    Many,
}

impl<'a> Longer<'a> {
    /// Letters of a word that is looked for in longer ones.
    const LETTERS_MIN: usize = 3;

    fn or(self, word: &str, name: &'a str) -> Self {
        let is_part = word.len() >= Self::LETTERS_MIN
            && word.len() < name.len()
            && (name.starts_with(word) || name.split(['_', '-', '.', '/']).any(|part| part == word));
        match self {
            other if !is_part => other,
            Self::None => Self::One(name),
            Self::One(first) if first == name => self,
            Self::One(_) | Self::Many => Self::Many,
        }
    }
}

/// Returns the set of the letters of a word, as bits.
fn letters(word: &str) -> u64 {
    word.chars().take(128).fold(0, |set, c| set | 1 << (u32::from(c) & 63))
}

/// Optimal string alignment distance; something above `limit` where it is more than that.
fn distance(a: &[char], b: &[char], limit: usize) -> usize {
    let width = b.len() + 1;
    let mut before: Vec<usize> = alloc::vec![0; width];
    let mut last: Vec<usize> = (0..width).collect();
    for (i, &x) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(width);
        row.push(i + 1);
        for (j, &y) in b.iter().enumerate() {
            let mut d = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && x == b[j - 1] && a[i - 1] == y {
                d = d.min(before[j - 1] + 1);
            }
            row.push(d);
        }
        // What is far in two rows stays far.
        if row.iter().chain(&last).all(|&d| d > limit) {
            return limit + 1;
        }
        before = last;
        last = row;
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant_and_nothing_else() {
        let known = ["nginx", "postgres", "motd"];
        assert_eq!(nearest("ngnix", known), Some("nginx"));
        assert_eq!(nearest("postgers", known), Some("postgres"));
        assert_eq!(nearest("apache", known), None);
    }

    #[test]
    fn a_part_of_one_name_means_it() {
        let known = ["target_path", "username", "update_password", "mode"];
        assert_eq!((nearest("path", known), nearest("user", known)), (Some("target_path"), Some("username")));
        assert_eq!((nearest("word", known), nearest("up", known)), (None, None));
        assert_eq!(nearest("site", ["site-a", "site-b"]), None);
        assert_eq!(nearest("mod", known), Some("mode"));
    }

    #[test]
    fn another_letter_is_another_name() {
        let known = ["a", "ab", "ip"];
        assert_eq!((nearest("g", known), nearest("i", known)), (None, None));
        assert_eq!(nearest("ap", known), Some("ab"));
        assert_eq!((nearest("ac", ["a"]), nearest("a", known), nearest("", [""])), (None, Some("a"), Some("")));
    }
}
