//! The text diff of a file-like change.

use super::digest;
use crate::hex;
use crate::value::Text;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

/// A rendered diff is cut here: a report is read by people and stored by servers.
const RENDERED_BYTES_MAX: usize = 64 << 10;

/// Larger texts are shown as sizes and digests.
pub(crate) const DIFFED_BYTES_MAX: usize = 1 << 20;

/// A NUL this early makes a content binary.
const BINARY_LOOK_BYTES: usize = 8 << 10;

/// Unchanged lines shown around a change.
const CONTEXT_LINES: usize = 3;

/// Changed lines beyond which the middle of two texts is shown as replaced whole.
const DISTANCE_MAX: usize = 1000;

/// Line comparisons beyond which the same is done.
const STEPS_MAX: usize = 8_000_000;

/// What a file-like change does to the content of files; rendered as a unified diff by [`Diff::unified`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diff {
    /// The files, in the order of the report.
    pub files: Vec<FileDiff>,
}

/// What a change does to the content of one file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileDiff {
    /// The path as shown.
    pub path: Arc<str>,
    /// What was there.
    pub before: Side,
    /// What will be there.
    pub after: Side,
}

/// One side of a diff.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Side {
    /// There is no file.
    Absent,
    /// The bytes as they are.
    Bytes(Arc<[u8]>),
    /// Text, which may hold a secret.
    Text(Text),
    /// What is known of a content that was not read.
    Digest {
        /// Bytes, where known.
        size: Option<u64>,
        /// SHA-256.
        sha256: [u8; 32],
    },
}

impl From<Text> for Side {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}

impl From<Arc<[u8]>> for Side {
    fn from(bytes: Arc<[u8]>) -> Self {
        Self::Bytes(bytes)
    }
}

impl<T: Into<Self>> From<Option<T>> for Side {
    fn from(content: Option<T>) -> Self {
        content.map_or(Self::Absent, Into::into)
    }
}

impl Side {
    fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Absent => Some(&[]),
            Self::Bytes(bytes) => Some(bytes),
            Self::Text(text) => Some(text.as_str().as_bytes()),
            Self::Digest { .. } => None,
        }
    }

    /// Returns the bytes, where they are text that is not too long to be compared line by line.
    fn text(&self) -> Option<&[u8]> {
        self.bytes().filter(|b| b.len() <= DIFFED_BYTES_MAX && !is_binary(b))
    }

    fn summary(&self) -> String {
        let (size, sha256) = match self {
            Self::Absent => return "absent".into(),
            Self::Digest { size, sha256 } => (*size, *sha256),
            other => {
                let bytes = other.bytes().unwrap_or_default();
                (Some(bytes.len() as u64), digest::sha256(bytes))
            }
        };
        let digest = hex::encode(sha256);
        size.map_or_else(|| format!("sha256 {digest}"), |size| format!("{size} bytes, sha256 {digest}"))
    }
}

/// Returns whether a content is no text: a NUL in the first 8 KiB.
pub(crate) fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().take(BINARY_LOOK_BYTES).any(|&b| b == 0)
}

impl Diff {
    /// Returns the diff of one file; `None` on a side is no file.
    pub fn new(path: Arc<str>, before: impl Into<Side>, after: impl Into<Side>) -> Self {
        Self { files: alloc::vec![FileDiff { path, before: before.into(), after: after.into() }] }
    }

    /// Renders a unified diff: 3 lines of context, at most 64 KiB and a note, secrets masked, control characters
    /// escaped; sizes and digests where a side is binary.
    pub fn unified(&self) -> String {
        let mut out = Rendered { text: String::new(), full: false };
        for file in &self.files {
            file.render(&mut out);
        }
        out.finish()
    }
}

struct Rendered {
    text: String,
    full: bool,
}

impl Rendered {
    /// Adds a line, unless there is no room for it whole.
    fn line(&mut self, line: &str) {
        self.joined("", line);
    }

    /// Adds a line of two parts, likewise.
    fn joined(&mut self, start: &str, rest: &str) {
        self.full |= self.text.len() + start.len() + rest.len() + 1 > RENDERED_BYTES_MAX;
        if !self.full {
            self.text.push_str(start);
            self.text.push_str(rest);
            self.text.push('\n');
        }
    }

    fn finish(mut self) -> String {
        if self.full {
            self.text.push_str(&format!("… cut after {} KiB\n", RENDERED_BYTES_MAX >> 10));
        }
        self.text
    }
}

impl FileDiff {
    fn render(&self, out: &mut Rendered) {
        let shown = |side: &Side| match side {
            Side::Absent => "/dev/null".into(),
            _ => shown_line(self.path.as_bytes()),
        };
        out.joined("--- ", &shown(&self.before));
        out.joined("+++ ", &shown(&self.after));
        let secret = |side: &Side| match side {
            Side::Text(text) => text.secret_path().cloned(),
            _ => None,
        };
        if let Some(path) = secret(&self.after).or(secret(&self.before)) {
            return out.line(&format!("(differs) «secret {path}»"));
        }
        match (self.before.text(), self.after.text()) {
            (Some(before), Some(after)) => hunks(before, after, out),
            _ => {
                out.line(&format!("-{}", self.before.summary()));
                out.line(&format!("+{}", self.after.summary()));
            }
        }
    }
}

fn hunks(before: &[u8], after: &[u8], out: &mut Rendered) {
    let (a, b) = (lines(before), lines(after));
    let edits = edits(&a, &b);
    let mut rest = edits.as_slice();
    while let Some(first) = rest.first() {
        let apart = |pair: &[Edit]| pair[1].before.start - pair[0].before.end > 2 * CONTEXT_LINES;
        let count = rest.windows(2).position(apart).map_or(rest.len(), |at| at + 1);
        let (hunk, others) = rest.split_at(count);
        rest = others;
        let last = hunk.last().unwrap_or(first);
        let lead = first.before.start.min(CONTEXT_LINES);
        let tail = (a.len() - last.before.end).min(CONTEXT_LINES);
        let range = |start: usize, end: usize| {
            let (start, end) = (start - lead, end + tail);
            let first = if start == end { start } else { start + 1 };
            if end - start == 1 { format!("{first}") } else { format!("{first},{}", end - start) }
        };
        let old = range(first.before.start, last.before.end);
        let new = range(first.after.start, last.after.end);
        out.line(&format!("@@ -{old} +{new} @@"));
        let mut at = first.before.start - lead;
        for edit in hunk {
            a[at..edit.before.start].iter().for_each(|l| shown(out, " ", l));
            a[edit.before.clone()].iter().for_each(|l| shown(out, "-", l));
            b[edit.after.clone()].iter().for_each(|l| shown(out, "+", l));
            at = edit.before.end;
        }
        a[at..at + tail].iter().for_each(|l| shown(out, " ", l));
        if out.full {
            return;
        }
    }
}

fn shown(out: &mut Rendered, sign: &str, line: &[u8]) {
    if out.full {
        return;
    }
    let body = line.strip_suffix(b"\n");
    out.joined(sign, &shown_line(body.unwrap_or(line)));
    if body.is_none() {
        out.line("\\ No newline at end of file");
    }
}

/// Returns a line without what a terminal would act on.
fn shown_line(line: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(line);
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~' | b'\t');
    if text.bytes().all(is_plain) || !text.chars().any(|c| c.is_control() && c != '\t') {
        return text;
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c.is_control() && c != '\t' {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown.into()
}

/// Returns the lines with their line feeds.
fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|&b| b == b'\n').collect()
}

/// Lines `before` of the one text are replaced by lines `after` of the other.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Edit {
    before: Range<usize>,
    after: Range<usize>,
}

/// Returns the edits that lead from `a` to `b`: few, and in order (E. Myers, "An O(ND) Difference Algorithm and Its
/// Variations", 1986). Texts that differ too much are answered by one edit.
fn edits(a: &[&[u8]], b: &[&[u8]]) -> Vec<Edit> {
    let lead = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[lead..], &b[lead..]);
    let tail = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[..a.len() - tail], &b[..b.len() - tail]);
    if a.is_empty() && b.is_empty() {
        return Vec::new();
    }
    if a.is_empty() || b.is_empty() {
        return alloc::vec![Edit { before: lead..lead + a.len(), after: lead..lead + b.len() }];
    }
    let (a, b) = numbered(a, b);
    let mut edits = shortest(&a, &b).unwrap_or_else(|| alloc::vec![Edit { before: 0..a.len(), after: 0..b.len() }]);
    for edit in &mut edits {
        edit.before = edit.before.start + lead..edit.before.end + lead;
        edit.after = edit.after.start + lead..edit.after.end + lead;
    }
    edits
}

/// Replaces each distinct line by a number, so that comparing two is one instruction.
fn numbered(a: &[&[u8]], b: &[&[u8]]) -> (Vec<u32>, Vec<u32>) {
    let mut numbers = hashbrown::HashMap::with_capacity(a.len() + b.len());
    let mut number = |line| {
        let next = numbers.len() as u32;
        *numbers.entry(line).or_insert(next)
    };
    let a = a.iter().map(|line| number(*line)).collect();
    (a, b.iter().map(|line| number(*line)).collect())
}

fn shortest(a: &[u32], b: &[u32]) -> Option<Vec<Edit>> {
    let (n, m) = (a.len() as isize, b.len() as isize);
    let limit = DISTANCE_MAX.min(a.len() + b.len()) as isize;
    // `reach[k + limit + 1]` is the furthest line of `a` on diagonal k; one more on either side is never reached.
    let mut reach = alloc::vec![0isize; 2 * limit as usize + 3];
    let at = |k: isize| (k + limit + 1) as usize;
    let mut history: Vec<Vec<isize>> = Vec::new();
    let mut steps = 0;
    for d in 0..=limit {
        for k in (-d..=d).step_by(2) {
            let down = k == -d || (k != d && reach[at(k - 1)] < reach[at(k + 1)]);
            let start = if down { reach[at(k + 1)] } else { reach[at(k - 1)] + 1 };
            let mut x = start;
            while x < n && x - k < m && a[x as usize] == b[(x - k) as usize] {
                x += 1;
            }
            steps += (x - start) as usize + 1;
            if steps > STEPS_MAX {
                return None;
            }
            reach[at(k)] = x;
            if x >= n && x - k >= m {
                return Some(walk_back(&history, n, m));
            }
        }
        history.push(reach[at(-d)..=at(d)].to_vec());
    }
    None
}

/// Follows the furthest points back from the ends of both texts; `history[d]` holds diagonals -d to d.
fn walk_back(history: &[Vec<isize>], n: isize, m: isize) -> Vec<Edit> {
    let (mut x, mut y) = (n, m);
    let mut edits: Vec<Edit> = Vec::new();
    for (d, row) in history.iter().enumerate().rev() {
        let (d, k) = (d as isize, x - y);
        let row_at = |k: isize| if k.abs() <= d { row[(k + d) as usize] } else { -1 };
        // The step that leads onto this diagonal was taken from distance d, which has diagonals of d's parity only.
        let down = k == -(d + 1) || (k != d + 1 && row_at(k - 1) < row_at(k + 1));
        let before = if down { k + 1 } else { k - 1 };
        let (from_x, from_y) = (row_at(before), row_at(before) - before);
        let (to_x, to_y) = if down { (from_x, from_y + 1) } else { (from_x + 1, from_y) };
        let step = Edit { before: from_x as usize..to_x as usize, after: from_y as usize..to_y as usize };
        match edits.last_mut() {
            Some(next) if next.before.start == step.before.end && next.after.start == step.after.end => {
                next.before.start = step.before.start;
                next.after.start = step.after.start;
            }
            _ => edits.push(step),
        }
        (x, y) = (from_x, from_y);
    }
    edits.reverse();
    edits
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    fn unified(before: &str, after: &str) -> String {
        Diff::new("/etc/x".into(), Text::plain(before), Text::plain(after)).unified()
    }

    #[test]
    fn hunks_have_context_and_ranges() {
        let ten: String = (1..=10).map(|n| format!("{n}\n")).collect();
        let cases = [
            ("one line changed", "a\nb\nc\n", "a\nB\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"),
            ("appended", "a\n", "a\nb\n", "@@ -1 +1,2 @@\n a\n+b\n"),
            ("from nothing", "", "a\n", "@@ -0,0 +1 @@\n+a\n"),
            ("no final newline", "a", "a\n", "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"),
            ("carriage return shown", "a\n", "a\r\n", "@@ -1 +1 @@\n-a\n+a\\r\n"),
            ("escape sequences do not reach the terminal", "", "\u{1b}[2J\n", "@@ -0,0 +1 @@\n+\\u{1b}[2J\n"),
            (
                "far changes are two hunks",
                &ten,
                &ten.replace("1\n2", "2").replace("10", "ten"),
                "@@ -1,4 +1,3 @@\n-1\n 2\n 3\n 4\n@@ -7,4 +6,4 @@\n 7\n 8\n 9\n-10\n+ten\n",
            ),
        ];
        for (name, before, after, expected) in cases {
            assert_eq!(unified(before, after), format!("--- /etc/x\n+++ /etc/x\n{expected}"), "{name}");
        }
    }

    #[test]
    fn secrets_and_binaries_are_not_shown() {
        let secret = Diff::new("/p".into(), Text::plain("old\n"), Text::secret("hunter2\n", "db/dsn")).unified();
        assert_eq!(secret, "--- /p\n+++ /p\n(differs) «secret db/dsn»\n");
        let binary: Arc<[u8]> = Arc::from(&b"\0"[..]);
        let shown = Diff::new("/p".into(), None::<Text>, binary).unified();
        let digest = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
        assert_eq!(shown, format!("--- /dev/null\n+++ /p\n-absent\n+1 bytes, sha256 {digest}\n"));
    }

    #[test]
    fn long_diffs_are_cut_with_a_note() {
        let long: String = (0..100_000).map(|n| format!("{n}\n")).collect();
        let shown = unified("", &long);
        assert!(shown.len() < RENDERED_BYTES_MAX + 100);
        assert!(shown.ends_with("… cut after 64 KiB\n"), "{}", &shown[shown.len() - 40..]);
    }

    /// Applies the edits, to see that they lead to the other text.
    fn applied<'a>(a: &[&'a [u8]], b: &[&'a [u8]], edits: &[Edit]) -> Vec<&'a [u8]> {
        let mut out = Vec::new();
        let mut at = 0;
        for e in edits {
            out.extend_from_slice(&a[at..e.before.start]);
            out.extend_from_slice(&b[e.after.clone()]);
            at = e.before.end;
        }
        out.extend_from_slice(&a[at..]);
        out
    }

    proptest! {
        #[test]
        fn edits_lead_from_one_text_to_the_other(a in "([abc]\n){0,30}", b in "([abc]\n){0,30}") {
            let (la, lb) = (lines(a.as_bytes()), lines(b.as_bytes()));
            let found = edits(&la, &lb);
            prop_assert_eq!(applied(&la, &lb, &found), lb.clone());
            // Never more than deleting all and inserting all; and none for equal texts.
            prop_assert_eq!(found.is_empty(), a == b);
            let changed: usize = found.iter().map(|e| e.before.len() + e.after.len()).sum();
            prop_assert_eq!(changed, la.len() + lb.len() - 2 * common(&la, &lb), "not the shortest");
        }

        #[test]
        fn any_bytes_render(a in proptest::collection::vec(any::<u8>(), 0..300), b in proptest::collection::vec(any::<u8>(), 0..300)) {
            let shown = Diff::new("/x".into(), Side::Bytes(a.into()), Side::Bytes(b.into())).unified().to_string();
            prop_assert!(shown.starts_with("--- /x\n+++ /x\n"));
        }
    }

    /// Length of the longest common subsequence, the slow and obvious way.
    fn common(a: &[&[u8]], b: &[&[u8]]) -> usize {
        let mut row = alloc::vec![0; b.len() + 1];
        for x in a {
            let mut diagonal = 0;
            for (j, y) in b.iter().enumerate() {
                let above = row[j + 1];
                row[j + 1] = if x == y { diagonal + 1 } else { above.max(row[j]) };
                diagonal = above;
            }
        }
        row[b.len()]
    }
}
