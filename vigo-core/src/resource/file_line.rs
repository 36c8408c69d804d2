//! `file_line`: one line in a file.

use super::edit::{self, Edit, edit_attributes};
use super::editing::{self, Editor};
use super::lines::{self, Lines, Position, Region};
use super::{Attr, Change, Fields, Instance, Kind, Prepare, Refresh, TypeDecl};
use crate::host::{Problem, ProblemKind};
use crate::value::Text;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use regex::Regex;

/// The declaration.
pub static DECL: TypeDecl = TypeDecl {
    name: "file_line",
    aliases: &[],
    summary: "Manages one line in a file.",
    states: &["present", "absent"],
    attributes: edit_attributes![
        Attr::new("line", Kind::Line, "The whole line, without line break.").required_in(&["present"]),
        Attr::new("match_pattern", Kind::Regex, "Lines that match are replaced by `line`, or removed.").no_secret(),
        lines::POSITION.only_in(&["present"]),
        Attr::new(
            "multiple",
            Kind::Choice(&["all", "first", "error"]),
            "What to do when several lines match `match_pattern`.",
        )
        .default("all"),
        lines::REGION_START,
        lines::REGION_END,
    ],
    refresh: Refresh::Nothing,
    batch: false,
    identity,
    footprint: edit::footprint,
    check,
    prepare,
};

/// Returns path, region and line: several lines of a file are several resources.
fn identity(fields: &Fields) -> Option<Arc<str>> {
    let what = match (fields.text("match_pattern"), fields.text("line")) {
        (Some(pattern), _) => pattern,
        (None, Some(line)) => line,
        (None, None) => return None,
    };
    // The text of a secret must not become a name.
    let what = what.secret_path().map_or_else(|| String::from(what.as_str()), |path| format!("«secret {path}»"));
    let region = fields.str("region_start").map(|start| format!("{start} ")).unwrap_or_default();
    Some(format!("{}: {region}{what}", fields.path("target_path")?).into())
}

fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = edit::check(fields);
    let absent = fields.state() == "absent";
    if absent && !fields.is_written("line") && !fields.is_written("match_pattern") {
        let message = "type `file_line` needs `line` or `match_pattern`";
        problems.push(Problem::new(ProblemKind::MissingAttribute, message));
    }
    if absent && fields.choice("multiple") == Some("first") {
        let message =
            "expected `all` or `error` with `state: absent`, found `first`, which removes one more on each run";
        problems.push(Problem::bad_value("multiple", message));
    }
    if !fields.is_pending("position") {
        problems.extend(Position::read(fields).err());
    }
    problems
}

fn prepare(fields: &Fields, _: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let spec = Spec {
        present: fields.state() == "present",
        line: fields.text("line"),
        pattern: fields.regex("match_pattern"),
        position: Position::read(fields)?,
        multiple: fields.choice("multiple").unwrap_or("all"),
        region: Region::read(fields),
    };
    Ok(editing::boxed::<FileLine>(Edit::read(fields)?, spec))
}

/// The editor.
struct FileLine;

/// What is wanted of a line.
#[derive(Clone, Debug)]
struct Spec {
    present: bool,
    line: Option<Text>,
    pattern: Option<Regex>,
    position: Position,
    multiple: &'static str,
    region: Region,
}

impl Editor for FileLine {
    const TYPE: &'static str = "file_line";
    type Spec = Spec;

    fn edit(spec: &Spec, text: &str) -> Result<Option<(String, Change)>, Problem> {
        let mut lines = Lines::of(text);
        let region = spec.region.find(&lines)?;
        let matches = |line: &str| spec.pattern.as_ref().is_some_and(|regex| regex.is_match(line));
        let equals = |line: &str| spec.line.as_ref().is_some_and(|wanted| wanted.as_str() == line);
        if spec.multiple == "error" {
            let count = lines.find(region.clone(), matches).len();
            if count > 1 {
                let pattern = spec.pattern.as_ref().map_or("", Regex::as_str);
                return Err(Problem::failed(format!("expected one line that matches `{pattern}`, found {count}")));
            }
        }
        let change = |before: &str, after| editing::change("line", before, after, Self::secret(spec));
        if !spec.present {
            let gone = lines.find(region, |line| equals(line) || matches(line));
            let Some(first) = gone.first() else { return Ok(None) };
            let change = change(&several(lines.get(*first), gone.len()), "absent");
            lines.remove(&gone);
            return Ok(Some((lines.text(), change)));
        }
        let line = spec.line.as_ref().map_or("", Text::as_str);
        let there = region.clone().any(|i| equals(lines.get(i)));
        let mut others = lines.find(region.clone(), |line| matches(line) && !equals(line));
        match spec.multiple {
            "all" if !others.is_empty() => {}
            _ if there => return Ok(None),
            _ => others.truncate(1),
        }
        let Some(first) = others.first() else {
            let at = spec.position.find(&lines, region);
            lines.splice(at..at, [line]);
            return Ok(Some((lines.text(), change("absent", line))));
        };
        let change = change(&several(lines.get(*first), others.len()), line);
        others.iter().for_each(|&i| lines.set(i, line));
        Ok(Some((lines.text(), change)))
    }

    fn accepts_missing(spec: &Spec) -> bool {
        !spec.present
    }

    fn secret(spec: &Spec) -> Option<&Arc<str>> {
        spec.line.as_ref()?.secret_path()
    }
}

fn several(first: &str, count: usize) -> String {
    if count == 1 { first.into() } else { format!("{first} (and {} more lines)", count - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::rig::{Checks, Disk, Edits, checked, plain, secret};
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[test]
    fn attributes_are_checked() {
        let cases: Checks<'_> = &[
            ("plain", &[("line", "x")], ""),
            ("nothing", &[], "type `file_line` needs `line`"),
            ("absent without both", &[("state", "absent")], "type `file_line` needs `line` or `match_pattern`"),
            ("two lines", &[("line", "a\nb")], "attribute `line`: expected one line, without line breaks"),
            (
                "position",
                &[("line", "a"), ("position", "middle")],
                "attribute `position`: expected `end`, `begin`, `after:<regex>` or `before:<regex>`, found `middle`",
            ),
            (
                "position's regex",
                &[("line", "a"), ("position", "after:(")],
                "attribute `position`: expected a regular expression, found `(`",
            ),
            (
                "one more on each run",
                &[("match_pattern", "a"), ("state", "absent"), ("multiple", "first")],
                "attribute `multiple`: expected `all` or `error` with `state: absent`, found `first`, which removes one more \
                 on each run",
            ),
        ];
        for (name, attributes, expected) in cases {
            let attributes: Vec<_> = [("target_path", "/etc/x")].iter().chain(*attributes).copied().collect();
            assert_eq!(checked(&DECL, &attributes).join("; "), *expected, "{name}");
        }
    }

    #[test]
    fn lines_are_put_replaced_and_removed() {
        let cases: Edits<'_> = &[
            ("there", "a\nb\n", &[("line", "b")], Ok("a\nb\n")),
            ("appended", "a\n", &[("line", "b")], Ok("a\nb\n")),
            ("appended to an open end", "a", &[("line", "b")], Ok("a\nb")),
            ("into nothing", "", &[("line", "b")], Ok("b\n")),
            ("with carriage returns", "a\r\n", &[("line", "b")], Ok("a\r\nb\r\n")),
            ("not a part of a line", "ab\n", &[("line", "b")], Ok("ab\nb\n")),
            ("begin", "a\n", &[("line", "b"), ("position", "begin")], Ok("b\na\n")),
            ("after the last", "a1\na2\nc\n", &[("line", "b"), ("position", "after:^a")], Ok("a1\na2\nb\nc\n")),
            ("before the first", "c\na1\na2\n", &[("line", "b"), ("position", "before:^a")], Ok("c\nb\na1\na2\n")),
            ("after nothing", "a\n", &[("line", "b"), ("position", "after:x")], Ok("a\nb\n")),
            ("replaced", "#p 1\nx\n", &[("line", "p 2"), ("match_pattern", "^#?p ")], Ok("p 2\nx\n")),
            ("all replaced", "p 1\np 2\np 3\n", &[("line", "p 2"), ("match_pattern", "^p ")], Ok("p 2\np 2\np 2\n")),
            (
                "the first replaced",
                "p 1\np 3\n",
                &[("line", "p 2"), ("match_pattern", "^p "), ("multiple", "first")],
                Ok("p 2\np 3\n"),
            ),
            (
                "the first is left alone when the line is there",
                "p 1\np 2\n",
                &[("line", "p 2"), ("match_pattern", "^p "), ("multiple", "first")],
                Ok("p 1\np 2\n"),
            ),
            (
                "several are an error",
                "p 1\np 3\n",
                &[("line", "p 2"), ("match_pattern", "^p "), ("multiple", "error")],
                Err("expected one line that matches `^p `, found 2"),
            ),
            ("absent", "a\nb\na\n", &[("line", "a"), ("state", "absent")], Ok("b\n")),
            ("absent by pattern", "a1\nb\na2", &[("match_pattern", "^a"), ("state", "absent")], Ok("b")),
            ("nothing to remove", "b\n", &[("line", "a"), ("state", "absent")], Ok("b\n")),
            (
                "in a region",
                "a\n[x]\nc\n[y]\na\n",
                &[("line", "a"), ("region_start", r"^\[x\]"), ("region_end", r"^\[")],
                Ok("a\n[x]\nc\na\n[y]\na\n"),
            ),
            (
                "no region",
                "a\n",
                &[("line", "a"), ("region_start", r"^\[x\]")],
                Err(r"expected a line that matches `region_start` `^\[x\]`, found none"),
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
                    assert_eq!(disk.read("/d/x").as_deref(), Some(*after), "{name}");
                    assert_eq!(run.ops.is_empty(), before == after, "{name}");
                }
                Err(message) => assert_eq!(run.failure.as_deref(), Some(*message), "{name}"),
            }
        }
    }

    #[test]
    fn missing_files_are_made_when_asked() {
        let mut disk = Disk::new();
        let run = disk.run(&DECL, &[("target_path", "/d/x"), ("line", "a")]);
        assert_eq!(run.failure.as_deref(), Some("expected a file at `/d/x`, found nothing"));
        assert_eq!(disk.run(&DECL, &[("target_path", "/d/x"), ("line", "a"), ("state", "absent")]).failure, None);
        let run = disk.run(&DECL, &[("target_path", "/d/x"), ("line", "a"), ("create", "true"), ("mode", "0600")]);
        assert_eq!(run.changed(), ["state: absent → present", "line: absent → a"]);
        assert_eq!(disk.read("/d/x").as_deref(), Some("a\n"));
    }

    #[test]
    fn links_are_followed_and_other_text_refused() {
        let mut disk = Disk::new();
        disk.file("/d/real", "a\n");
        disk.link("/etc/l", "/d/real");
        disk.run(&DECL, &[("target_path", "/etc/l"), ("line", "b")]);
        assert_eq!(disk.read("/d/real").as_deref(), Some("a\nb\n"));
        assert_eq!(disk.read("/etc/l").as_deref(), Some(""));
        disk.bytes("/d/x", b"a\n\xff\n");
        let run = disk.run(&DECL, &[("target_path", "/d/x"), ("line", "b")]);
        assert_eq!(run.failure.as_deref(), Some("expected UTF-8 text in `/d/x`, found another byte at 2"));
        let run = disk.run(&DECL, &[("target_path", "/d"), ("line", "b")]);
        assert_eq!(run.failure.as_deref(), Some("expected a file at `/d`, found a directory"));
    }

    #[test]
    fn a_secret_line_is_not_shown() {
        let mut disk = Disk::new();
        disk.file("/d/x", "pass hunter1\n");
        let attributes =
            [("target_path", plain("/d/x")), ("line", secret("pass hunter2")), ("match_pattern", plain("^pass "))];
        let run = disk.run_data(&DECL, &attributes);
        assert_eq!(run.changed(), ["line: (differs) → «secret db/dsn»"]);
        assert_eq!(run.notes, ["mode 0644 lets others read «secret db/dsn»"]);
        assert!(!format!("{run:?}").contains("hunter"), "{run:?}");
        assert_eq!(disk.node("/d/x").map(|n| n.meta.mode), Some(0o644));
    }

    proptest! {
        #[test]
        fn a_second_edit_changes_nothing_and_other_lines_stay(
            text in "(\u{feff})?([abk]{0,2}\r?\n){0,8}[abk]{0,2}",
            present: bool,
            multiple in 0..2usize,
            pattern: bool,
            position in 0..4usize,
        ) {
            let position = match position {
                0 => Position::End,
                1 => Position::Begin,
                2 => Position::After(Regex::new("^a").unwrap()),
                _ => Position::Before(Regex::new("^a").unwrap()),
            };
            let spec = Spec {
                present,
                line: Some(Text::plain("k=1")),
                pattern: pattern.then(|| Regex::new("^k").unwrap()),
                position,
                multiple: if present { ["all", "first"][multiple] } else { "all" },
                region: Region::default(),
            };
            let after = FileLine::edit(&spec, &text).unwrap().map_or(text.clone(), |(after, _)| after);
            prop_assert_eq!(FileLine::edit(&spec, &after).unwrap().map(|(t, _)| t), None);
            let others = |text: &str| -> Vec<String> {
                text.trim_start_matches('\u{feff}').lines().filter(|l| !l.starts_with('k')).map(ToString::to_string).collect()
            };
            prop_assert_eq!(others(&after), others(&text));
            prop_assert_eq!(after.starts_with('\u{feff}'), text.starts_with('\u{feff}'));
            if present {
                prop_assert!(after.contains("k=1"));
            }
            let crlf_only = text.contains("\r\n") && !text.replace("\r\n", "").contains('\n');
            if crlf_only {
                prop_assert!(!after.replace("\r\n", "").contains('\n'));
            }
        }
    }
}
