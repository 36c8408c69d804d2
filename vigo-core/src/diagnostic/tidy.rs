//! What a reader gets to see of many diagnostics.

use super::{Diagnostic, FileId, Severity};
use crate::limits::FILE_ERRORS_MAX;
use alloc::format;
use alloc::vec::Vec;
use hashbrown::HashMap;

const NOT_SHOWN: &str = "are not shown";

/// Sorts by place, names each place once for one thing, and keeps the first errors and warnings of each file; the last
/// of them says how many are left out.
pub fn tidy(mut all: Vec<Diagnostic>) -> Vec<Diagnostic> {
    all.sort_by(|a, b| {
        let key = |d: &Diagnostic| (d.span(), d.code);
        key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message))
    });
    all.dedup_by(|later, first| {
        (later.code, later.span(), &later.message) == (first.code, first.span(), &first.message)
    });
    let mut counts: HashMap<(FileId, Severity), usize> = HashMap::new();
    let mut kept: Vec<Diagnostic> = Vec::with_capacity(all.len());
    let mut last: HashMap<(FileId, Severity), usize> = HashMap::new();
    for d in all {
        let key = (d.span().file, d.severity());
        let count = counts.entry(key).or_default();
        *count += 1;
        if *count <= FILE_ERRORS_MAX {
            last.insert(key, kept.len());
            kept.push(d);
        }
    }
    for (key, at) in last {
        let more = counts.get(&key).map_or(0, |n| n.saturating_sub(FILE_ERRORS_MAX));
        let said = |d: &&mut Diagnostic| d.help.iter().any(|h| h.ends_with(NOT_SHOWN));
        if let Some(d) = kept.get_mut(at).filter(|_| more > 0).filter(|d| !said(d)) {
            let what = if key.1 == Severity::Error { "errors" } else { "warnings" };
            d.help.push(format!("{more} more {what} of this file {NOT_SHOWN}"));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::super::{Code, Span};
    use super::*;

    #[test]
    fn a_file_with_very_many_mistakes_shows_the_first_ones_and_their_number() {
        let at = |file, i| Diagnostic::new(Code::UnknownKey, Span::new(FileId(file), i, i + 1), "x");
        let warning = Diagnostic::new(Code::StaysText, Span::new(FileId(0), 900, 901), "y");
        let all = (0..250).rev().map(|i| at(0, i)).chain([at(1, 3), at(1, 3), warning]).collect();
        let kept = tidy(all);
        assert_eq!(kept.len(), FILE_ERRORS_MAX + 2);
        assert_eq!(kept[0].span().start, 0);
        assert_eq!(kept[99].help, ["150 more errors of this file are not shown"]);
        assert!(kept[100].severity() == Severity::Warning && kept[100].help.is_empty());
        assert_eq!(kept[101].span().file, FileId(1));
    }
}
