//! `replace`: a regular expression's matches in a file, replaced.

use super::edit::{self, EDITED_BYTES_MAX, Edit};
use super::editing::{self, Editor};
use super::lines::{self, Lines, Region};
use super::{Attr, Change, Fields, Instance, Kind, Prepare, Refresh, TypeDecl};
use crate::host::Problem;
use crate::value::Text;
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use regex::{Captures, Regex};

/// The declaration.
pub static DECL: TypeDecl = TypeDecl {
    name: "replace",
    aliases: &[],
    summary: "Replaces what a regular expression matches in a file.",
    states: &["present"],
    attributes: &[
        edit::TARGET_PATH,
        Attr::new("pattern", Kind::Regex, "A regular expression over the whole text; `^` and `$` are at each line.")
            .required()
            .no_secret(),
        Attr::new(
            "replacement",
            Kind::Text,
            "What each match becomes; `$1`, `${name}` are groups, `$$` is a dollar sign.",
        )
        .required(),
        lines::REGION_START,
        lines::REGION_END,
        Attr::new("missing_ok", Kind::Bool, "Whether a missing file is all right.").default("false"),
        edit::OWNER,
        edit::GROUP,
        edit::MODE,
        edit::SECONTEXT,
        edit::BACKUP,
        edit::VALIDATE,
        edit::FOLLOW,
        edit::MAKE_PARENTS,
        edit::SHOW_DIFF,
    ],
    refresh: Refresh::Nothing,
    batch: false,
    identity: |fields| {
        let region = fields.str("region_start").map(|start| format!("{start} ")).unwrap_or_default();
        Some(format!("{}: {region}{}", fields.path("target_path")?, fields.str("pattern")?).into())
    },
    footprint: edit::footprint,
    check,
    prepare,
};

fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = edit::check(fields);
    if fields.is_written("make_parents") {
        problems.push(Problem::conflict("make_parents", "has no meaning for a type that makes no file"));
    }
    let (Some(pattern), Some(replacement)) = (fields.regex("pattern"), fields.text("replacement")) else {
        return problems;
    };
    for group in groups(replacement.as_str()) {
        let known = match group.parse::<usize>() {
            Ok(number) => number < pattern.captures_len(),
            Err(_) => pattern.capture_names().flatten().any(|name| name == group),
        };
        // A secret with a dollar sign in it must not be shown.
        if !known && replacement.secret_path().is_none() {
            let message = format!("expected a group of `pattern`, found `${group}`");
            problems.push(
                Problem::bad_value("replacement", message).help("write `$$` for a dollar sign, `${1}x` for a group"),
            );
        }
    }
    problems
}

/// Returns the groups that a replacement names, as the regex library reads it: the longest run of word characters.
fn groups(replacement: &str) -> Vec<&str> {
    let mut groups = Vec::new();
    let mut rest = replacement;
    while let Some((_, after)) = rest.split_once('$') {
        if let Some(after) = after.strip_prefix('$') {
            rest = after;
        } else if let Some((name, after)) = after.strip_prefix('{').and_then(|r| r.split_once('}')) {
            groups.push(name);
            rest = after;
        } else {
            let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
            groups.extend((end > 0).then_some(&after[..end]));
            rest = &after[end..];
        }
    }
    groups
}

fn prepare(fields: &Fields, _: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let written = fields.str("pattern").unwrap_or_default();
    let regex = regex::RegexBuilder::new(&written).multi_line(true).size_limit(1 << 20).build();
    let pattern = regex
        .map_err(|_| Problem::bad_value("pattern", format!("expected a regular expression, found `{written}`")))?;
    let spec = Spec {
        pattern,
        replacement: fields.text("replacement").unwrap_or_default(),
        region: Region::read(fields),
        missing_ok: fields.flag("missing_ok"),
    };
    Ok(editing::boxed::<Replace>(Edit::read(fields)?, spec))
}

/// The editor.
struct Replace;

/// What is wanted of the matches.
#[derive(Clone, Debug)]
struct Spec {
    pattern: Regex,
    replacement: Text,
    region: Region,
    missing_ok: bool,
}

impl Editor for Replace {
    const TYPE: &'static str = "replace";
    type Spec = Spec;

    fn edit(spec: &Spec, text: &str) -> Result<Option<(String, Change)>, Problem> {
        // Where all lines end with CRLF, patterns see LF: `$`, `.` and `\n` mean what they mean elsewhere.
        let (bom, body) = text.strip_prefix('\u{feff}').map_or(("", text), |rest| ("\u{feff}", rest));
        let crlf = body.contains("\r\n") && !body.replace("\r\n", "").contains(['\r', '\n']);
        let body: Cow<'_, str> = if crlf { body.replace("\r\n", "\n").into() } else { body.into() };
        let lines = Lines::of(&body);
        let region = spec.region.find(&lines)?;
        let (start, end) = (offset(&body, region.start), offset(&body, region.end));
        let Some((middle, first, after, count)) = replaced(spec, &body[start..end])? else { return Ok(None) };
        let whole = format!("{}{middle}{}", &body[..start], &body[end..]);
        let whole = if crlf { whole.replace('\n', "\r\n") } else { whole };
        let times = if count == 1 { String::new() } else { format!(" ({count} matches)") };
        let change = editing::change("text", &format!("{first}{times}"), &after, Self::secret(spec));
        Ok(Some((format!("{bom}{whole}"), change)))
    }

    fn accepts_missing(spec: &Spec) -> bool {
        spec.missing_ok
    }

    fn secret(spec: &Spec) -> Option<&Arc<str>> {
        spec.replacement.secret_path()
    }
}

/// Returns where line `line` begins.
fn offset(text: &str, line: usize) -> usize {
    text.split_inclusive('\n').take(line).map(str::len).sum()
}

/// Returns the text with all matches replaced, the first match that changes and what it becomes, and how many change;
/// `None` when none does.
fn replaced<'a>(spec: &Spec, text: &'a str) -> Result<Option<(String, &'a str, String, usize)>, Problem> {
    let mut out = String::new();
    let (mut at, mut first, mut count) = (0, None, 0);
    let groups = |captures: &Captures<'_>| {
        let mut new = String::new();
        captures.expand(spec.replacement.as_str(), &mut new);
        new
    };
    for captures in spec.pattern.captures_iter(text) {
        let Some(found) = captures.get(0) else { continue };
        let new = groups(&captures);
        out.push_str(&text[at..found.start()]);
        out.push_str(&new);
        at = found.end();
        if new != found.as_str() {
            count += 1;
            first.get_or_insert((found.as_str(), new));
        }
        if out.len() as u64 > EDITED_BYTES_MAX {
            return Err(Problem::failed("expected at most 16 MiB after the replacement, found more"));
        }
    }
    out.push_str(&text[at..]);
    Ok(first.filter(|_| out != text).map(|(before, after)| (out, before, after, count)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::rig::{Checks, Disk, Edits, checked, plain, secret};
    use proptest::prelude::*;

    #[test]
    fn attributes_are_checked() {
        let cases: Checks<'_> = &[
            ("plain", &[("pattern", "a(b)(?P<n>c)"), ("replacement", "$1${n}$$")], ""),
            ("nothing", &[], "type `replace` needs `pattern`, `replacement`"),
            (
                "no such group",
                &[("pattern", "a(b)"), ("replacement", "$1x")],
                "attribute `replacement`: expected a group of `pattern`, found `$1x`",
            ),
            (
                "no such number",
                &[("pattern", "a"), ("replacement", "$1")],
                "attribute `replacement`: expected a group of `pattern`, found `$1`",
            ),
            (
                "look-around",
                &[("pattern", "(?=a)"), ("replacement", "")],
                "attribute `pattern`: expected a regular expression, found `(?=a)`: look-around, including look-ahead and \
                 look-behind, is not supported",
            ),
            (
                "create",
                &[("pattern", "a"), ("replacement", ""), ("create", "true")],
                "type `replace` has no attribute `create`",
            ),
        ];
        for (name, attributes, expected) in cases {
            let attributes: Vec<_> = [("target_path", "/etc/x")].iter().chain(*attributes).copied().collect();
            assert_eq!(checked(&DECL, &attributes).join("; "), *expected, "{name}");
        }
    }

    #[test]
    fn matches_are_replaced() {
        let cases: Edits<'_> = &[
            ("no match", "a\n", &[("pattern", "x"), ("replacement", "y")], Ok("a\n")),
            ("groups", "port=80\n", &[("pattern", r"^(\w+)=\d+$"), ("replacement", "${1}=443")], Ok("port=443\n")),
            ("all matches", "a b a\n", &[("pattern", "a"), ("replacement", "c")], Ok("c b c\n")),
            ("removed", "a\nb\nc\n", &[("pattern", "^b\n"), ("replacement", "")], Ok("a\nc\n")),
            ("each line has ends", "a\nab\n", &[("pattern", "^a$"), ("replacement", "x")], Ok("x\nab\n")),
            (
                "carriage returns",
                "a\r\nb\r\n",
                &[("pattern", "^a$\n"), ("replacement", "x\ny\n")],
                Ok("x\r\ny\r\nb\r\n"),
            ),
            ("mixed ends stay", "a\r\nb\n", &[("pattern", "b"), ("replacement", "c")], Ok("a\r\nc\n")),
            ("open end", "a", &[("pattern", "a"), ("replacement", "b")], Ok("b")),
            ("dollar", "a", &[("pattern", "a"), ("replacement", "$$1")], Ok("$1")),
            (
                "in a region",
                "a\n[x]\na\n[y]\na\n",
                &[("pattern", "a"), ("replacement", "b"), ("region_start", r"^\[x"), ("region_end", r"^\[")],
                Ok("a\n[x]\nb\n[y]\na\n"),
            ),
            (
                "its own result",
                "a\n",
                &[("pattern", "a"), ("replacement", "aa")],
                Err("expected an edit that leaves its own result alone, found one that changes it again"),
            ),
            (
                "region",
                "a\n",
                &[("pattern", "a"), ("replacement", "b"), ("region_end", "^x")],
                Err("expected a line that matches `region_end` `^x`, found none"),
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
                }
                Err(message) => {
                    assert_eq!(run.failure.as_deref(), Some(*message), "{name}");
                    assert_eq!(disk.read("/d/x").as_deref(), Some(*before), "{name}");
                }
            }
        }
    }

    #[test]
    fn a_missing_file_is_said_or_accepted() {
        let mut disk = Disk::new();
        let attributes = [("target_path", "/d/x"), ("pattern", "a"), ("replacement", "b")];
        let run = disk.run(&DECL, &attributes);
        assert_eq!(run.failure.as_deref(), Some("expected a file at `/d/x`, found nothing"));
        let attributes = [("target_path", "/d/x"), ("pattern", "a"), ("replacement", "b"), ("missing_ok", "true")];
        assert_eq!(disk.run(&DECL, &attributes).failure, None);
    }

    #[test]
    fn a_secret_replacement_is_not_shown() {
        let mut disk = Disk::new();
        disk.file("/d/x", "pass=old\n");
        let attributes =
            [("target_path", plain("/d/x")), ("pattern", plain("^pass=.*")), ("replacement", secret("pass=hunter2"))];
        let run = disk.run_data(&DECL, &attributes);
        assert_eq!(disk.read("/d/x").as_deref(), Some("pass=hunter2\n"));
        assert!(!format!("{run:?}").contains("hunter"), "{run:?}");
    }

    proptest! {
        #[test]
        fn what_does_not_match_stays(text in "(\u{feff})?([abk]{0,3}\r?\n){0,6}[abk]{0,3}") {
            let spec = Spec {
                pattern: Regex::new("(?m)k+").unwrap(),
                replacement: Text::plain("z"),
                region: Region::default(),
                missing_ok: false,
            };
            let after = Replace::edit(&spec, &text).unwrap().map_or(text.clone(), |(after, _)| after);
            prop_assert_eq!(Replace::edit(&spec, &after).unwrap().map(|(t, _)| t), None);
            let mut squeezed = text.clone();
            while squeezed.contains("kk") {
                squeezed = squeezed.replace("kk", "k");
            }
            prop_assert_eq!(after, squeezed.replace('k', "z"));
        }
    }
}
