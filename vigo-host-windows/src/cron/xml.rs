//! Just enough XML to compare two tasks: which elements there are, and the text in each.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Elements within elements at most.
const DEPTH_MAX: usize = 24;
/// Elements at most.
const ELEMENTS_MAX: usize = 4096;

/// Returns the text of bytes that are UTF-16 or UTF-8, with or without a byte order mark; what is neither is replaced.
pub(super) fn text_of(bytes: &[u8]) -> String {
    let is_wide = bytes.starts_with(&[0xff, 0xfe]) || bytes.get(1) == Some(&0);
    let text = match is_wide {
        true => {
            let (pairs, _) = bytes.as_chunks::<2>();
            let units = pairs.iter().map(|pair| u16::from_le_bytes(*pair));
            char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        false => String::from_utf8_lossy(bytes).into_owned(),
    };
    text.trim_start_matches('\u{feff}').into()
}

/// Returns text as UTF-16 with its byte order mark, as the Task Scheduler reads it.
pub(super) fn wide(text: &str) -> Vec<u8> {
    core::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

/// Returns text as it stands in an element.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}

/// Returns the elements in which no other is, each with the way down to it, `Task/Settings/Enabled`, and its text. `None`
/// when the text is no such document.
pub(super) fn leaves(text: &str) -> Option<Vec<(String, String)>> {
    let mut path: Vec<&str> = Vec::new();
    let mut leaves = Vec::new();
    let mut rest = text.trim();
    // The text since the last tag, and whether that one opened an element.
    let mut opened = None;
    while let Some(at) = rest.find('<') {
        let (content, tag) = rest.split_at(at);
        if let Some(end) = skipped(tag) {
            rest = tag.get(end?..)?;
            continue;
        }
        let end = tag.find('>')?;
        let inside = tag.get(1..end)?;
        rest = tag.get(end + 1..)?;
        match inside.strip_prefix('/') {
            Some(name) => {
                let way = path.join("/");
                (path.pop()? == name.trim()).then_some(())?;
                if opened.take().is_some() {
                    leaves.push((way, unescaped(content.trim())?));
                }
            }
            None => {
                let is_empty = inside.ends_with('/');
                let name = inside.trim_end_matches('/').split_whitespace().next()?;
                path.push(name);
                if is_empty {
                    leaves.push((path.join("/"), String::new()));
                    path.pop();
                    opened = None;
                } else {
                    opened = Some(());
                }
            }
        }
        if path.len() > DEPTH_MAX || leaves.len() > ELEMENTS_MAX {
            return None;
        }
    }
    (path.is_empty() && !leaves.is_empty()).then_some(leaves)
}

/// Returns where a declaration or comment ends that begins here; `Some(None)` is nowhere.
fn skipped(tag: &str) -> Option<Option<usize>> {
    let (begin, end) = [("<?", "?>"), ("<!--", "-->")].into_iter().find(|(begin, _)| tag.starts_with(begin))?;
    Some(tag.get(begin.len()..).and_then(|rest| rest.find(end)).map(|at| begin.len() + at + end.len()))
}

fn unescaped(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let (name, behind) = after.split_once(';').filter(|(name, _)| name.len() <= 8)?;
        out.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            number => {
                let number = number.strip_prefix('#')?;
                let code = match number.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16),
                    None => number.parse(),
                };
                char::from_u32(code.ok()?)?
            }
        });
        rest = behind;
    }
    out.push_str(rest);
    Some(out)
}

/// Returns an element with a text.
pub(super) fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escaped(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_with_their_way_down() {
        let text = "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n<!-- <x> -->\r\n<Task a=\"b\">\r\n  <A><B>x &amp; &#121;&lt;</B>\r\n<C /></A><D></D></Task>\r\n";
        let expected = [("Task/A/B", "x & y<"), ("Task/A/C", ""), ("Task/D", "")];
        let expected: Vec<(String, String)> = expected.map(|(a, b)| (a.into(), b.into())).into();
        assert_eq!(leaves(text), Some(expected));
    }

    #[test]
    fn what_is_no_document_is_none() {
        for text in [
            "",
            "x",
            "<",
            "<a",
            "<a>",
            "<a></b>",
            "</a>",
            "<a>&</a>",
            "<a>&nope;</a>",
            "<a>&#x110000;</a>",
            "<!--",
            "<>",
            "< ></ >",
        ] {
            assert_eq!(leaves(text), None, "{text}");
        }
        assert_eq!(leaves(&"<a>".repeat(100_000)), None);
    }

    #[test]
    fn both_encodings_are_read() {
        assert_eq!(text_of(&wide("<a>é</a>")), "<a>é</a>");
        assert_eq!(text_of(&wide("<a>")[2..]), "<a>");
        assert_eq!(text_of("\u{feff}<a>".as_bytes()), "<a>");
        assert_eq!(text_of(b"<a>\xff"), "<a>\u{fffd}");
        assert_eq!(text_of(&[0xff, 0xfe, 0x00, 0xd8, 0x41]), "\u{fffd}");
    }

    #[test]
    fn texts_come_back_as_they_were() {
        for text in ["a < b && c > \"d\" 'e'", "", "]]>"] {
            let seen = leaves(&element("a", text)).unwrap();
            assert_eq!(seen, [("a".into(), text.into())]);
        }
    }
}
