//! What is needed of a property list without reading all of it: strings and booleans of known keys.

/// Returns whether the job of this file has the label: by its `Label`, or where there is none by the file's name.
/// Labels compare without case.
pub(crate) fn has_label(content: &[u8], file_stem: &str, label: &str) -> bool {
    if content.starts_with(b"bplist") {
        return binary_holds(content, label)
            || (!binary_holds(content, "Label") && file_stem.eq_ignore_ascii_case(label));
    }
    match value(content, "Label") {
        Some(Value::Text(text)) => text.eq_ignore_ascii_case(label.as_bytes()),
        _ => file_stem.eq_ignore_ascii_case(label),
    }
}

/// Returns whether the job says of itself that it is disabled; a binary file is not asked.
pub(crate) fn is_disabled(content: &[u8]) -> bool {
    !content.starts_with(b"bplist") && matches!(value(content, "Disabled"), Some(Value::True))
}

enum Value<'a> {
    Text(&'a [u8]),
    True,
    Other,
}

/// Returns the value after the first `<key>` of this name in an XML property list.
fn value<'a>(content: &'a [u8], key: &str) -> Option<Value<'a>> {
    let mut rest = content;
    loop {
        rest = after(rest, b"<key>")?;
        let end = find(rest, b"</key>")?;
        let (name, tail) = rest.split_at(end);
        rest = tail;
        if name.trim_ascii() != key.as_bytes() {
            continue;
        }
        let tag = after(rest, b"</key>")?.trim_ascii_start();
        return Some(match tag.strip_prefix(b"<string>") {
            Some(text) => Value::Text(text.get(..find(text, b"</string>")?)?.trim_ascii()),
            None if tag.starts_with(b"<true/>") || tag.starts_with(b"<true />") => Value::True,
            None => Value::Other,
        });
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|w| w == needle)
}

fn after<'a>(haystack: &'a [u8], needle: &[u8]) -> Option<&'a [u8]> {
    haystack.get(find(haystack, needle)? + needle.len()..)
}

/// Returns whether a binary property list holds a string object equal to `text` (a marker with its length, then the
/// bytes), in any case.
fn binary_holds(content: &[u8], text: &str) -> bool {
    let bytes = text.as_bytes();
    let Ok(length) = u8::try_from(bytes.len()) else { return false };
    let is_marked = |at: usize| match length {
        0..=14 => at >= 1 && content.get(at - 1) == Some(&(0x50 | length)),
        _ => at >= 3 && content.get(at - 3..at) == Some(&[0x5f, 0x10, length]),
    };
    !bytes.is_empty()
        && content.windows(bytes.len()).enumerate().any(|(at, w)| w.eq_ignore_ascii_case(bytes) && is_marked(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &[u8] = b"<?xml version=\"1.0\"?>\n<plist><dict>\n<key>Disabled</key>\n<true/>\n<key>Label</key>\n \
        <string>com.example.Food</string>\n<key>ProgramArguments</key><array><string>Label</string></array></dict></plist>";

    #[test]
    fn the_label_counts_and_not_the_files_name() {
        let binary = b"bplist00\xd1\x01\x02\x55Label\x5f\x10\x10com.example.food\x08\x0b";
        let cases: [(&str, &[u8], &str, &str, bool); 8] = [
            ("its label", XML, "other", "com.example.food", true),
            ("its name is not its label", XML, "food", "food", false),
            ("a part of its label", XML, "other", "com.example", false),
            ("no label", b"<plist><dict></dict></plist>", "food", "Food", true),
            ("cut", b"<plist><key>Label</key><string>fo", "food", "food", true),
            ("binary", binary, "other", "com.example.food", true),
            ("binary, a part", binary, "other", "example.food", false),
            ("binary, by name only", binary, "food", "food", false),
        ];
        for (name, content, stem, label, expected) in cases {
            assert_eq!(has_label(content, stem, label), expected, "{name}");
        }
        assert!(is_disabled(XML));
        assert!(!is_disabled(b"<key>Disabled</key><false/>") && !is_disabled(b""));
    }
}
