//! The table of file systems, fstab(5): reading it, and editing one line of it.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// A line of the table, its fields without escapes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// What is mounted.
    pub device: String,
    /// Where; `none` for swap.
    pub path: String,
    /// Its type.
    pub fstype: String,
    /// Options, separated by commas.
    pub options: String,
    /// Whether dump(8) saves it.
    pub dump: u32,
    /// When fsck(8) checks it.
    pub pass: u32,
}

/// Returns the lines that are no comments.
pub fn lines(text: &[u8]) -> Vec<Line> {
    text.split(|&b| b == b'\n').filter_map(|line| parse(core::str::from_utf8(line).ok()?)).collect()
}

/// Returns the table with `new` in place of the first line for which `is` says yes, and without the others of them; at
/// the end, if there is none. Without `new` all of them go. Everything else stays byte for byte.
pub fn edited(text: &[u8], is: impl Fn(&Line) -> bool, new: Option<&Line>) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 128);
    let mut new = new;
    for whole in text.split_inclusive(|&b| b == b'\n') {
        let bytes = whole.strip_suffix(b"\n").unwrap_or(whole);
        let old = core::str::from_utf8(bytes).ok().and_then(|line| Some((line, parse(line)?)));
        let Some((line, old)) = old.filter(|(_, old)| is(old)) else {
            out.extend_from_slice(whole);
            continue;
        };
        if let Some(new) = new.take() {
            out.extend_from_slice(
                if old == *new { bytes.to_vec() } else { rewritten(line, new).into_bytes() }.as_slice(),
            );
            out.extend_from_slice(&whole[bytes.len()..]);
        }
    }
    if let Some(new) = new {
        if out.last().is_some_and(|&b| b != b'\n') {
            out.push(b'\n');
        }
        out.extend_from_slice(fields(new).join(" ").as_bytes());
        out.push(b'\n');
    }
    out
}

/// Returns a field as the table holds it.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (i, c) in text.chars().enumerate() {
        match c {
            ' ' | '\t' | '\n' | '\\' => out.push_str(&format!("\\{:03o}", u32::from(c))),
            '#' if i == 0 => out.push_str("\\043"),
            c => out.push(c),
        }
    }
    out
}

/// Takes the octal escapes out of a field of the table, or of one of the kernel's.
pub fn unescape(field: &str) -> String {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let octal = |b: &u8| (b'0'..=b'7').contains(b);
        match tail {
            [a @ b'0'..=b'3', b, c, tail @ ..] if first == b'\\' && octal(b) && octal(c) => {
                bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = tail;
            }
            _ => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn parse(line: &str) -> Option<Line> {
    let mut fields = line.split_ascii_whitespace();
    let device = fields.next().filter(|f| !f.starts_with('#'))?;
    let (path, fstype) = (fields.next()?, fields.next()?);
    let options = fields.next().unwrap_or("defaults");
    let mut number = || fields.next().and_then(|f| f.parse().ok()).unwrap_or(0);
    Some(Line {
        device: unescape(device),
        path: unescape(path),
        fstype: unescape(fstype),
        options: unescape(options),
        dump: number(),
        pass: number(),
    })
}

fn fields(line: &Line) -> [String; 6] {
    let [device, path, fstype, options] = [&line.device, &line.path, &line.fstype, &line.options].map(|f| escape(f));
    [device, path, fstype, options, line.dump.to_string(), line.pass.to_string()]
}

/// Puts new fields into a line, with the blanks and what follows the fields as they are.
fn rewritten(line: &str, new: &Line) -> String {
    let mut out = String::with_capacity(line.len() + 32);
    let mut rest = line;
    for field in fields(new) {
        let start = rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
        let (gap, tail) = rest.split_at(rest.len() - start.len());
        let tail = tail.find(|c: char| c.is_ascii_whitespace()).map_or("", |at| &tail[at..]);
        out.push_str(if gap.is_empty() && !out.is_empty() { " " } else { gap });
        out.push_str(&field);
        rest = tail;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(device: &str, path: &str) -> Line {
        Line {
            device: device.into(),
            path: path.into(),
            fstype: "ext4".into(),
            options: "defaults".into(),
            dump: 0,
            pass: 2,
        }
    }

    #[test]
    fn one_line_is_edited() {
        let at = |text: &str, new: Option<&Line>| {
            String::from_utf8(edited(text.as_bytes(), |l| l.path == "/a b", new)).unwrap()
        };
        let new = line("/dev/x", "/a b");
        let cases = [
            ("empty", "", "/dev/x /a\\040b ext4 defaults 0 2\n"),
            ("no final newline", "#", "#\n/dev/x /a\\040b ext4 defaults 0 2\n"),
            ("the same", "/dev/x\t/a\\040b   ext4 defaults 0 2", "/dev/x\t/a\\040b   ext4 defaults 0 2"),
            ("another", " /dev/y\t/a\\040b\text4  ro 0  0 # c\nz", " /dev/x\t/a\\040b\text4  defaults 0  2 # c\nz"),
            ("short", "/dev/y /a\\040b xfs\n", "/dev/x /a\\040b ext4 defaults 0 2\n"),
            (
                "twice",
                "/dev/x /a\\040b ext4 defaults 0 2\n#\n/dev/y /a\\040b xfs\n",
                "/dev/x /a\\040b ext4 defaults 0 2\n#\n",
            ),
        ];
        for (name, before, after) in cases {
            assert_eq!(at(before, Some(&new)), after, "{name}");
        }
        assert_eq!(at("#\n/dev/y /a\\040b xfs\n/dev/z /a xfs", None), "#\n/dev/z /a xfs");
    }

    #[test]
    fn escapes_are_octal() {
        for (plain, field) in [("a b", "a\\040b"), ("a\\040b", "a\\134040b"), ("#x#", "\\043x#"), ("ü", "ü")] {
            assert_eq!(escape(plain), field);
            assert_eq!(unescape(field), plain);
        }
        for odd in ["\\", "\\0", "\\04", "\\999", "\\777"] {
            assert_eq!(unescape(odd), odd, "{odd}");
        }
    }

    proptest! {
        #[test]
        fn editing_twice_is_editing_once_and_other_lines_stay(
            text in "((/dev/[a-c]|#|UUID=x) {1,2}/[a-c]\t?( ext4| swap ro)( 0 1)?( #.)?\r?\n|[^\n]{0,8}\n){0,6}",
            present: bool,
        ) {
            let new = line("/dev/new", "/a");
            let is = |l: &Line| l.path == "/a";
            let once = edited(text.as_bytes(), is, present.then_some(&new));
            prop_assert_eq!(&edited(&once, is, present.then_some(&new)), &once);
            let other = |l: &&[u8]| !l.is_empty() && !core::str::from_utf8(l).ok().and_then(parse).is_some_and(|l| is(&l));
            let old = text.as_bytes().split(|&b| b == b'\n').filter(other);
            let left = once.split(|&b| b == b'\n').filter(other);
            prop_assert!(old.eq(left));
            prop_assert_eq!(lines(&once).iter().filter(|l| is(l)).count(), usize::from(present));
        }
        #[test]
        fn any_field_comes_back(text in "\\PC{1,20}") {
            prop_assert_eq!(unescape(&escape(&text)), text);
        }
    }
}
