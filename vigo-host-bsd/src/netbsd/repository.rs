//! pkgin's sources: lines of repositories.conf.

use super::package::{PROGRAM, in_the_way};
use crate::sources;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Ran};
use vigo_core::host::{HostFacts, Problem};
use vigo_core::resource::repository::{By, KeyForm, Layout, Want};

/// The sources of pkgin.
pub(super) struct Lines;

/// The adapter.
pub(super) static REPOSITORIES: By<Lines> = By(Lines);

impl Layout for Lines {
    const NAME: &'static str = "pkgin";
    const KEY: KeyForm = KeyForm::Raw;

    fn check(&self, want: &Want) -> Result<(), Problem> {
        sources::check(want, Self::NAME)
    }

    fn source(&self, _: &Want) -> AbsPath {
        AbsPath::known("/usr/pkg/etc/pkgin/repositories.conf")
    }

    fn key(&self, _: &Want) -> Option<AbsPath> {
        None
    }

    fn write(&self, want: &Want, found: Option<&str>) -> Option<String> {
        write(want, found)
    }

    fn refresh(&self, _: &Want, _: &HostFacts) -> Vec<Command> {
        alloc::vec![Command::change(PROGRAM, ["-y", "update"])]
    }

    fn classify(&self, ran: &Ran) -> Option<Problem> {
        in_the_way(ran)
    }
}

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
            lines.next_if(|line| is_source(line));
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

/// Returns whether a line may be the source below a mark, in force or not: somebody may have taken it away, and what comes
/// then is another's.
fn is_source(line: &str) -> bool {
    let line = line.trim();
    let url = line.strip_prefix('#').unwrap_or(line);
    !url.is_empty() && !url.contains(char::is_whitespace) && url.contains('/')
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
            ("mark alone", Some(format!("# vigo: own\n\n{main}")), Some(format!("{ours}\n{main}"))),
            ("mark before a comment", Some(format!("# vigo: own\n{main}")), Some(format!("{ours}{main}"))),
            (
                "two marks",
                Some("# vigo: own\n# vigo: b\nhttps://c/\n".into()),
                Some(format!("{ours}# vigo: b\nhttps://c/\n")),
            ),
            ("off", Some("# vigo: own\n#https://b/All\n".into()), Some(ours.into())),
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
