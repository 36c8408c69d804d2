//! `blockinfile`: a marked block in a file.

use super::edit::{self, Edit, INLINE_BYTES_MAX, edit_attributes};
use super::editing::{self, Editor};
use super::lines::{self, Lines, Position};
use super::{Attr, Change, Fields, Instance, Kind, Prepare, Refresh, TypeDecl, digest};
use crate::host::Problem;
use crate::value::Text;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

const PRESENT: &[&str] = &["present"];

/// The declaration.
pub static DECL: TypeDecl = TypeDecl {
    name: "blockinfile",
    aliases: &[],
    summary: "Manages a marked block in a file.",
    states: &["present", "absent"],
    attributes: edit_attributes![
        Attr::new("block_content", Kind::LongText, "What stands between the markers; a final newline is added.")
            .required_in(PRESENT)
            .only_in(PRESENT),
        Attr::new("label", Kind::Line, "Tells blocks of one file apart.").default("managed").no_secret(),
        Attr::new("marker_begin", Kind::Line, "The line before the block.")
            .default("# BEGIN {label} - managed by vigo")
            .no_secret(),
        Attr::new("marker_end", Kind::Line, "The line after the block.")
            .default("# END {label} - managed by vigo")
            .no_secret(),
        lines::POSITION.only_in(PRESENT),
    ],
    refresh: Refresh::Nothing,
    batch: false,
    identity: |fields| Some(format!("{}: {}", fields.path("target_path")?, fields.str("label")?).into()),
    footprint: edit::footprint,
    check,
    prepare,
};

fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = edit::check(fields);
    if !fields.is_pending("position") {
        problems.extend(Position::read(fields).err());
    }
    if let Some(content) = fields.text("block_content")
        && content.as_str().len() > INLINE_BYTES_MAX
    {
        let message = format!("expected at most 1 MiB, found {} bytes", content.as_str().len());
        problems.push(Problem::bad_value("block_content", message));
    }
    if ["label", "marker_begin", "marker_end"].iter().any(|name| fields.is_pending(name)) {
        return problems;
    }
    let markers = Markers::read(fields);
    for (name, marker) in [("marker_begin", &markers.begin), ("marker_end", &markers.end)] {
        if marker.trim().is_empty() {
            problems.push(Problem::bad_value(name, "expected a line that marks the block, found a blank one"));
        }
    }
    if markers.begin == markers.end {
        let message = format!("expected another line than `marker_begin`, found `{}`", markers.end);
        problems.push(Problem::bad_value("marker_end", message));
    }
    if let Some(content) = fields.text("block_content")
        && content.as_str().lines().any(|line| line == markers.begin || line == markers.end)
    {
        problems.push(Problem::bad_value("block_content", "expected a block without its own markers, found one in it"));
    }
    problems
}

fn prepare(fields: &Fields, _: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let present = fields.state() == "present";
    let spec = Spec {
        content: fields.text("block_content").filter(|_| present),
        markers: Markers::read(fields),
        position: Position::read(fields)?,
    };
    Ok(editing::boxed::<BlockInFile>(Edit::read(fields)?, spec))
}

/// The editor.
struct BlockInFile;

/// What is wanted of a block.
#[derive(Clone, Debug)]
struct Spec {
    /// What is in it; `None` is no block.
    content: Option<Text>,
    markers: Markers,
    position: Position,
}

#[derive(Clone, Debug)]
struct Markers {
    begin: String,
    end: String,
}

impl Markers {
    fn read(fields: &Fields) -> Self {
        let label = fields.str("label").unwrap_or_default();
        let marker = |name| fields.str(name).unwrap_or_default().replace("{label}", &label);
        Self { begin: marker("marker_begin"), end: marker("marker_end") }
    }

    /// Returns the lines from one marker to the other, both included.
    fn find(&self, lines: &Lines<'_>) -> Result<Option<Range<usize>>, Problem> {
        let begins = lines.find(0..lines.len(), |line| line == self.begin);
        let ends = lines.find(0..lines.len(), |line| line == self.end);
        match (&*begins, &*ends) {
            ([], []) => Ok(None),
            ([begin], [end]) if begin < end => Ok(Some(*begin..*end + 1)),
            ([_], [_]) => {
                Err(Problem::failed(format!("expected `{}` before `{}`, found it after", self.begin, self.end)))
            }
            _ => {
                let found = format!("{} times and `{}` {} times", begins.len(), self.end, ends.len());
                Err(Problem::failed(format!("expected one pair of markers, found `{}` {found}", self.begin)))
            }
        }
    }
}

impl Editor for BlockInFile {
    const TYPE: &'static str = "blockinfile";
    type Spec = Spec;

    fn edit(spec: &Spec, text: &str) -> Result<Option<(String, Change)>, Problem> {
        let mut lines = Lines::of(text);
        let found = spec.markers.find(&lines)?;
        let inside = found.clone().map(|all| all.start + 1..all.end - 1);
        // The block's own lines must not decide how its lines should end.
        found.iter().for_each(|all| lines.end_like(all.start));
        let change = |before: Option<&Range<usize>>, after: Option<&Text>, lines: &Lines<'_>| {
            let old: Option<Vec<&str>> = before.map(|range| range.clone().map(|i| lines.get(i)).collect());
            let shown = |text: Option<String>| {
                text.map_or_else(|| "absent".into(), |t| digest::short(&digest::sha256(t.as_bytes())))
            };
            let before = shown(old.map(|lines| lines.join("\n")));
            let after = shown(after.map(|text| text.as_str().lines().collect::<Vec<_>>().join("\n")));
            editing::change("block", &before, &after, Self::secret(spec))
        };
        match (&spec.content, found, inside) {
            (None, Some(all), inside) => {
                let change = change(inside.as_ref(), None, &lines);
                lines.splice(all, [""; 0]);
                Ok(Some((lines.text(), change)))
            }
            (Some(content), Some(_), Some(inside)) => {
                let wanted = content.as_str();
                let same = wanted.lines().eq(inside.clone().map(|i| lines.get(i)));
                if same && lines.ends_alike(inside.clone()) {
                    return Ok(None);
                }
                let change = if same {
                    Change::new("block", "other line ends", "line ends of the markers")
                } else {
                    change(Some(&inside), Some(content), &lines)
                };
                lines.splice(inside, wanted.lines());
                Ok(Some((lines.text(), change)))
            }
            (Some(content), ..) => {
                let change = change(None, Some(content), &lines);
                let at = spec.position.find(&lines, 0..lines.len());
                let markers = &spec.markers;
                let block = [&*markers.begin].into_iter().chain(content.as_str().lines()).chain([&*markers.end]);
                lines.splice(at..at, block);
                Ok(Some((lines.text(), change)))
            }
            (None, ..) => Ok(None),
        }
    }

    fn accepts_missing(spec: &Spec) -> bool {
        spec.content.is_none()
    }

    fn secret(spec: &Spec) -> Option<&Arc<str>> {
        spec.content.as_ref()?.secret_path()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::rig::{Attributes, Checks, Disk, checked, plain, secret};
    use proptest::prelude::*;
    use regex::Regex;

    const B: &str = "# BEGIN managed - managed by vigo";
    const E: &str = "# END managed - managed by vigo";

    #[test]
    fn attributes_are_checked() {
        let cases: Checks<'_> = &[
            ("plain", &[("block_content", "x")], ""),
            ("nothing", &[], "type `blockinfile` needs `block_content`"),
            ("absent", &[("state", "absent"), ("label", "x")], ""),
            (
                "absent with content",
                &[("state", "absent"), ("block_content", "x")],
                "attribute `block_content`: has no meaning with `state: absent`",
            ),
            (
                "marker in content",
                &[("block_content", "a\n# END managed - managed by vigo\nb")],
                "attribute `block_content`: expected a block without its own markers, found one in it",
            ),
            (
                "equal markers",
                &[("block_content", ""), ("marker_begin", "#"), ("marker_end", "#")],
                "attribute `marker_end`: expected another line than `marker_begin`, found `#`",
            ),
            (
                "blank marker",
                &[("block_content", ""), ("marker_begin", " ")],
                "attribute `marker_begin`: expected a line that marks the block, found a blank one",
            ),
        ];
        for (name, attributes, expected) in cases {
            let attributes: Vec<_> = [("target_path", "/etc/x")].iter().chain(*attributes).copied().collect();
            assert_eq!(checked(&DECL, &attributes).join("; "), *expected, "{name}");
        }
    }

    #[test]
    fn blocks_are_put_replaced_and_removed() {
        let cases: &[(&str, String, Attributes<'_>, Result<String, &str>)] = &[
            ("appended", "a\n".into(), &[("block_content", "x\ny\n")], Ok(format!("a\n{B}\nx\ny\n{E}\n"))),
            ("into nothing", "".into(), &[("block_content", "x")], Ok(format!("{B}\nx\n{E}\n"))),
            ("open end", "a".into(), &[("block_content", "x")], Ok(format!("a\n{B}\nx\n{E}"))),
            ("carriage returns", "a\r\n".into(), &[("block_content", "x\n")], Ok(format!("a\r\n{B}\r\nx\r\n{E}\r\n"))),
            (
                "before",
                "a\nb\n".into(),
                &[("block_content", "x"), ("position", "before:^b")],
                Ok(format!("a\n{B}\nx\n{E}\nb\n")),
            ),
            (
                "replaced where it is",
                format!("a\n{B}\nold\n{E}\nb\n"),
                &[("block_content", "x"), ("position", "begin")],
                Ok(format!("a\n{B}\nx\n{E}\nb\n")),
            ),
            ("emptied", format!("{B}\nold\n{E}\n"), &[("block_content", "")], Ok(format!("{B}\n{E}\n"))),
            (
                "other line ends",
                format!("a\n{B}\nx\r\n{E}\n"),
                &[("block_content", "x")],
                Ok(format!("a\n{B}\nx\n{E}\n")),
            ),
            ("removed", format!("a\n{B}\nold\n{E}\nb\n"), &[("state", "absent")], Ok("a\nb\n".into())),
            ("not there", "a\n".into(), &[("state", "absent")], Ok("a\n".into())),
            (
                "another label stays",
                format!("{B}\nold\n{E}\n"),
                &[("block_content", "x"), ("label", "l"), ("marker_begin", "<{label}>"), ("marker_end", "</{label}>")],
                Ok(format!("{B}\nold\n{E}\n<l>\nx\n</l>\n")),
            ),
            (
                "no end",
                format!("{B}\nold\n"),
                &[("block_content", "x")],
                Err(
                    "expected one pair of markers, found `# BEGIN managed - managed by vigo` 1 times and `# END managed - \
                     managed by vigo` 0 times",
                ),
            ),
            (
                "nested",
                format!("{B}\n{B}\n{E}\n{E}\n"),
                &[("state", "absent")],
                Err(
                    "expected one pair of markers, found `# BEGIN managed - managed by vigo` 2 times and `# END managed - \
                     managed by vigo` 2 times",
                ),
            ),
            (
                "backwards",
                format!("{E}\n{B}\n"),
                &[("state", "absent")],
                Err(
                    "expected `# BEGIN managed - managed by vigo` before `# END managed - managed by vigo`, found it after",
                ),
            ),
        ];
        for (name, before, attributes, expected) in cases {
            let mut disk = Disk::new();
            disk.file("/d/x", before);
            let attributes: Vec<_> = [("target_path", "/d/x")].iter().chain(*attributes).copied().collect();
            let run = disk.run(&DECL, &attributes);
            match expected {
                Ok(after) => {
                    assert_eq!(run.failure, None, "{name}");
                    assert_eq!(disk.read("/d/x").as_ref(), Some(after), "{name}");
                }
                Err(message) => assert_eq!(run.failure.as_deref(), Some(*message), "{name}"),
            }
        }
    }

    #[test]
    fn a_secret_block_is_not_shown() {
        let mut disk = Disk::new();
        let attributes =
            [("target_path", plain("/d/x")), ("block_content", secret("pass hunter2")), ("create", plain("true"))];
        let run = disk.run_data(&DECL, &attributes);
        assert_eq!(run.changed(), ["state: absent → present", "block: (differs) → «secret db/dsn»"]);
        assert!(!format!("{run:?}").contains("hunter"), "{run:?}");
        assert_eq!(disk.node("/d/x").map(|n| n.meta.mode), Some(0o600));
    }

    proptest! {
        #[test]
        fn a_second_edit_changes_nothing_and_all_around_stays(
            before in "([ab]{0,2}\r?\n){0,4}",
            after in "([ab]{0,2}\r?\n){0,4}[ab]{0,2}",
            old in proptest::option::of("([xy]{0,2}\r?\n){0,3}"),
            new in proptest::option::of("([xy]{0,2}\n){0,3}[xy]{0,2}"),
            position in 0..3usize,
        ) {
            let marked = |old: &String| format!("{B}\n{old}{E}\n");
            let text = format!("{before}{}{after}", old.as_ref().map(marked).unwrap_or_default());
            let position = match position {
                0 => Position::End,
                1 => Position::Begin,
                _ => Position::After(Regex::new("^a").unwrap()),
            };
            let markers = Markers { begin: B.into(), end: E.into() };
            let spec = Spec { content: new.as_deref().map(Text::plain), markers, position };
            let done = BlockInFile::edit(&spec, &text).unwrap().map_or(text.clone(), |(t, _)| t);
            prop_assert_eq!(BlockInFile::edit(&spec, &done).unwrap().map(|(t, _)| t), None);
            if old.is_some() && new.is_some() {
                prop_assert!(done.starts_with(&before) && done.ends_with(&after), "{:?}", done);
            }
            let others = |text: &str| -> Vec<String> {
                let lines = text.split_inclusive('\n').map(|l| l.trim_end_matches(['\r', '\n']));
                lines.filter(|l| l.contains(['a', 'b'])).filter(|l| !l.starts_with('#')).map(Into::into).collect()
            };
            prop_assert_eq!(others(&done), others(&text));
        }
    }
}
