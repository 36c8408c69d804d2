//! What is needed of a job's property list, launchd.plist(5): its label, and whether it says of itself that it is disabled.

use crate::property_list::{Binary, Bplist, Plist};
use alloc::string::String;
use vigo_core::resource::service::BootState;

/// What a job says of itself.
struct Job {
    /// `None` where it has no label that is a text.
    label: Option<String>,
    boot: BootState,
}

/// Returns whether the job of this file has the label: by its `Label`, or where there is none, or the file is no property
/// list, by the file's name. Labels compare without case.
pub(crate) fn has_label(content: &[u8], file_stem: &str, label: &str) -> bool {
    let own = job(content).and_then(|job| job.label);
    own.as_deref().unwrap_or(file_stem).eq_ignore_ascii_case(label)
}

/// Returns whether the job starts at boot as long as nobody says otherwise; `None` when the file is no property list.
pub(crate) fn boot(content: &[u8]) -> Option<BootState> {
    job(content).map(|job| job.boot)
}

fn job(content: &[u8]) -> Option<Job> {
    let (label, is_disabled) = match content.starts_with(b"bplist") {
        true => {
            let list = Bplist::parse(content)?;
            let map = list.top().filter(|top| matches!(top, Binary::Map(..)))?;
            let label = match list.get(map, "Label") {
                Some(Binary::Text(text)) => Some(String::from_utf8_lossy(text).into_owned()),
                Some(Binary::Wide(text)) => Some(wide(text)),
                _ => None,
            };
            (label, list.get(map, "Disabled") == Some(Binary::True))
        }
        false => {
            let text = String::from_utf8_lossy(content);
            let map = Plist::parse(text.trim_start_matches('\u{feff}')).filter(|list| matches!(list, Plist::Map(_)))?;
            let label = map.field("Label").and_then(Plist::text).map(String::from);
            (label, map.field("Disabled") == Some(&Plist::Bool(true)))
        }
    };
    Some(Job { label, boot: if is_disabled { BootState::Disabled } else { BootState::Enabled } })
}

fn wide(text: &[u8]) -> String {
    let (pairs, _) = text.as_chunks::<2>();
    let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const XML: &[u8] = b"<?xml version=\"1.0\"?>\n<plist><dict>\n<key>Disabled</key>\n<true/>\n<key>Label</key>\n \
        <string>com.example.Food</string>\n<key>ProgramArguments</key><array><string>Label</string></array></dict></plist>";

    /// `{Disabled: true, Label: label, Program: program}`, as Python's `plistlib` orders it.
    fn binary(label: &[u8], program: &[u8]) -> Vec<u8> {
        let objects: [&[u8]; 7] =
            [&[0xd3, 1, 2, 3, 4, 5, 6], b"\x58Disabled", b"\x55Label", b"\x57Program", &[9], label, program];
        let mut out = b"bplist00".to_vec();
        let mut offsets = Vec::new();
        for object in objects {
            offsets.push(out.len() as u8);
            out.extend_from_slice(object);
        }
        let table = out.len() as u8;
        out.extend(offsets);
        out.extend([0, 0, 0, 0, 0, 0, 1, 1]);
        for number in [7, 0, table] {
            out.extend([0, 0, 0, 0, 0, 0, 0, number]);
        }
        out
    }

    #[test]
    fn the_label_counts_and_not_the_files_name() {
        let food = binary(b"\x5f\x10\x10com.example.food", b"\x5f\x10\x10com.example.idle");
        let wide = binary(b"\x64\0f\0\xf6\0o\0d", b"\x51x");
        let cut = &food[..food.len() - 1];
        let nested = b"<plist><dict><key>A</key><dict><key>Label</key><string>food</string></dict></dict></plist>";
        let cases: [(&str, &[u8], &str, &str, bool); 14] = [
            ("its label", XML, "other", "com.example.food", true),
            ("its name is not its label", XML, "food", "food", false),
            ("a part of its label", XML, "other", "com.example", false),
            ("no label", b"<plist><dict></dict></plist>", "food", "Food", true),
            ("a label of something in it", nested, "other", "food", false),
            (
                "a label that is a comment",
                b"<plist><dict><!--<key>Label</key><string>b</string>--></dict></plist>",
                "a",
                "b",
                false,
            ),
            ("escaped", b"<plist><dict><key>Label</key><string>a&amp;b</string></dict></plist>", "x", "a&b", true),
            ("cut", b"<plist><key>Label</key><string>fo", "food", "food", true),
            ("binary", &food, "other", "com.example.food", true),
            ("binary, a part", &food, "other", "example.food", false),
            ("binary, by name only", &food, "food", "food", false),
            ("binary, a text of something else", &food, "other", "com.example.idle", false),
            ("binary, letters beyond ASCII", &wide, "other", "f\u{f6}od", true),
            ("binary, cut", cut, "food", "food", true),
        ];
        for (name, content, stem, label, expected) in cases {
            assert_eq!(has_label(content, stem, label), expected, "{name}");
        }
    }

    #[test]
    fn only_what_is_true_disables() {
        let of = |disabled: &str| alloc::format!("<plist><dict>{disabled}</dict></plist>");
        for (text, expected) in [
            ("", BootState::Enabled),
            ("<key>Disabled</key><true />", BootState::Disabled),
            ("<key>Disabled</key><false/>", BootState::Enabled),
            ("<key>Disabled</key><string>true</string>", BootState::Enabled),
            ("<!-- <key>Disabled</key><true/> -->", BootState::Enabled),
            ("<key>KeepAlive</key><dict><key>Disabled</key><true/></dict>", BootState::Enabled),
        ] {
            assert_eq!(boot(of(text).as_bytes()), Some(expected), "{text}");
        }
        assert_eq!(boot(XML), Some(BootState::Disabled));
        let food = binary(b"\x54food", b"\x51x");
        assert_eq!(boot(&food), Some(BootState::Disabled));
        for broken in [&b""[..], b"<plist><dict>", b"<plist><true/></plist>", &food[..food.len() - 1], b"bplist00"] {
            assert_eq!(boot(broken), None);
        }
    }
}
