//! pkgin's sources: lines of repositories.conf.

use super::package::{PROGRAM, in_the_way};
use crate::sources::Sources;
use alloc::format;
use alloc::string::String;
use vigo_core::resource::repository::Want;

/// The sources of pkgin.
pub(super) static REPOSITORIES: Sources = Sources {
    os: "netbsd",
    path: "/usr/pkg/etc/pkgin/repositories.conf",
    check: |_| Ok(()),
    write,
    refresh: Some((PROGRAM, &["-y", "update"])),
    classify: in_the_way,
};

/// Puts the line below its mark, or where the same URL stands already without one.
fn write(want: &Want, found: Option<&str>) -> Option<String> {
    if found.is_none() && !want.present {
        return None;
    }
    let off = if want.enabled { "" } else { "#" };
    let url = want.repo.as_str().trim();
    let whole = if want.present { format!("# vigo: {}\n{off}{url}\n", want.id) } else { String::new() };
    let text = found.unwrap_or_default();
    let mark = format!("# vigo: {}", want.id);
    let mut out = String::with_capacity(text.len() + whole.len());
    let mut written = false;
    let mut put = |out: &mut String| {
        if !written {
            out.push_str(&whole);
            written = true;
        }
    };
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        if line.trim_end() == mark {
            lines.next();
            put(&mut out);
        } else if want.present && line.trim() == url && !text.lines().any(|line| line.trim_end() == mark) {
            // Written by hand: it becomes ours, and is there once.
            put(&mut out);
        } else {
            out.push_str(line);
        }
    }
    if want.present && !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    put(&mut out);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::resource::repository::Format;
    use vigo_core::value::Text;

    fn want(present: bool, enabled: bool) -> Want {
        Want {
            id: "own".into(),
            present,
            repo: Text::plain("https://b/All\n"),
            key: None,
            fingerprints: alloc::vec::Vec::new(),
            enabled,
            format: Format::Auto,
            gpgcheck: true,
            priority: None,
        }
    }

    #[test]
    fn a_line_stands_below_its_mark_and_others_stay() {
        let ours = "# vigo: own\nhttps://b/All\n";
        let main = "# the main one\nhttps://a/All\n";
        let cases = [
            ("no file", None, Some(ours.into())),
            ("added", Some(main.into()), Some(format!("{main}{ours}"))),
            ("no line end", Some("https://a".into()), Some(format!("https://a\n{ours}"))),
            ("there", Some(format!("{ours}{main}")), Some(format!("{ours}{main}"))),
            ("another URL", Some(format!("# vigo: own\nhttps://old\n{main}")), Some(format!("{ours}{main}"))),
            ("by hand", Some(format!("https://b/All\n{main}")), Some(format!("{ours}{main}"))),
            ("another's mark", Some(format!("# vigo: owner\n{main}")), Some(format!("# vigo: owner\n{main}{ours}"))),
        ];
        for (name, found, expected) in cases {
            let seen = write(&want(true, true), found.as_deref());
            assert_eq!(seen, expected, "{name}");
            assert_eq!(write(&want(true, true), seen.as_deref()), seen, "{name}, again");
        }
        assert_eq!(write(&want(true, false), None).as_deref(), Some("# vigo: own\n#https://b/All\n"));
        assert_eq!(write(&want(false, true), Some(&format!("{main}{ours}"))).as_deref(), Some(main));
        assert_eq!(write(&want(false, true), Some(main)).as_deref(), Some(main));
        assert_eq!(write(&want(false, true), None), None);
    }
}
