//! Just enough XML to compare two tasks: which elements there are, and the text in each.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Elements within elements at most.
const DEPTH_MAX: usize = 24;
/// Elements at most.
const ELEMENTS_MAX: usize = 4096;
/// A name at most: each element has those of all it stands in.
const NAME_BYTES_MAX: usize = 64;

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

/// Returns the elements, each with the way down to it, `Task/Settings/Enabled`, and its text, which is empty where others
/// stand in it. Attributes do not count. `None` when the text is no such document.
pub(super) fn elements(text: &str) -> Option<Vec<(String, String)>> {
    let mut path: Vec<&str> = Vec::new();
    let mut elements = Vec::new();
    let mut rest = text;
    // The text since the last tag, and whether that one opened an element.
    let (mut said, mut is_opened) = (String::new(), false);
    while let Some(at) = rest.find('<') {
        let (content, tag) = rest.split_at(at);
        said.push_str(&unescaped(content)?);
        if let Some(end) = skipped(tag) {
            rest = tag.get(end?..)?;
            continue;
        }
        let end = tag_end(tag)?;
        let inside = tag.get(1..end)?;
        rest = tag.get(end + 1..)?;
        let said = core::mem::take(&mut said);
        let said = said.trim();
        match inside.strip_prefix('/') {
            Some(name) => {
                let way = path.join("/");
                (path.pop()? == name.trim_end() && (is_opened || said.is_empty())).then_some(())?;
                elements.push((way, said.into()));
                is_opened = false;
            }
            None => {
                let is_second = path.is_empty() && !elements.is_empty();
                (said.is_empty() && !is_second).then_some(())?;
                let bare = inside.strip_suffix('/');
                path.push(name_of(bare.unwrap_or(inside))?);
                is_opened = bare.is_none();
                if !is_opened {
                    elements.push((path.join("/"), String::new()));
                    path.pop();
                }
            }
        }
        if path.len() > DEPTH_MAX || elements.len() > ELEMENTS_MAX {
            return None;
        }
    }
    let is_whole = path.is_empty() && !elements.is_empty() && said.trim().is_empty() && rest.trim().is_empty();
    is_whole.then_some(elements)
}

/// Returns where a tag ends that begins here: at the first `>` that is not in quotation marks.
fn tag_end(tag: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in tag.bytes().enumerate().skip(1) {
        match byte {
            b'<' => return None,
            b'>' if quote.is_none() => return Some(at),
            b'"' | b'\'' if quote.is_none() => quote = Some(byte),
            byte if quote == Some(byte) => quote = None,
            _ => {}
        }
    }
    None
}

/// Returns the name in a tag: a letter first, which a document type and a section of characters have not, and of no name
/// space but the document's own.
fn name_of(inside: &str) -> Option<&str> {
    let name = inside.split([' ', '\t', '\r', '\n']).next()?;
    let is_first = |c: char| c.is_alphabetic() || c == '_';
    (name.len() <= NAME_BYTES_MAX && name.starts_with(is_first) && !name.contains(':')).then_some(name)
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
        let expected = [("Task/A/B", "x & y<"), ("Task/A/C", ""), ("Task/A", ""), ("Task/D", ""), ("Task", "")];
        let expected: Vec<(String, String)> = expected.map(|(a, b)| (a.into(), b.into())).into();
        assert_eq!(elements(text), Some(expected));
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
            "<a>x<b/></a>",
            "<a><b/>x</a>",
            "<a></a>x",
            "<a/><a/>",
            "x<a/>",
            "<!DOCTYPE a><a/>",
            "<a><![CDATA[x]]></a>",
            "<a>&am<!-- -->p;</a>",
            "<a x='<'/>",
            "<x:a/>",
            "<a x='>",
        ] {
            assert_eq!(elements(text), None, "{text}");
        }
        assert_eq!(elements(&"<a>".repeat(100_000)), None);
        assert_eq!(elements(&format!("<{}/>", "a".repeat(65))), None);
    }

    #[test]
    fn comments_and_attributes_hide_nothing_of_a_text() {
        for (text, seen) in [
            ("<a>evil<!-- -->good</a>", "evilgood"),
            ("<a>good<?x y?>evil</a>", "goodevil"),
            ("<a x='>evil'>good</a>", "good"),
            ("<a\nx=\"'>\" >good</a\t>", "good"),
        ] {
            assert_eq!(elements(text), Some(alloc::vec![("a".into(), seen.into())]), "{text}");
        }
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
            let seen = elements(&element("a", text)).unwrap();
            assert_eq!(seen, [("a".into(), text.into())]);
        }
    }
}
