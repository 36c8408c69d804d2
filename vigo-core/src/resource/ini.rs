//! `ini`: a key in an INI-like file.

use super::edit::{self, Edit, edit_attributes};
use super::editing::{self, Editor};
use super::lines::Lines;
use super::{Attr, Change, Fields, Instance, Kind, Prepare, Refresh, TypeDecl};
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
    name: "ini",
    aliases: &[],
    summary: "Manages a key in an INI-like file.",
    states: &["present", "absent"],
    attributes: edit_attributes![
        Attr::new("section", Kind::Line, "The section; without it, the keys before the first section are meant.")
            .no_secret(),
        Attr::new("key", Kind::Line, "The key, exactly; `*` with `state: absent` removes the section.")
            .required()
            .no_secret(),
        Attr::new("value", Kind::Line, "The value.").required_in(PRESENT).only_in(PRESENT),
        Attr::new(
            "separator",
            Kind::Line,
            "What stands between key and value of a new line; else what most lines use."
        )
        .only_in(PRESENT)
        .no_secret(),
    ],
    refresh: Refresh::Nothing,
    batch: false,
    identity: |fields| {
        let section = fields.str("section").map(|s| format!("[{s}] ")).unwrap_or_default();
        Some(format!("{}: {section}{}", fields.path("target_path")?, fields.str("key")?).into())
    },
    footprint: edit::footprint,
    check,
    prepare,
};

fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = edit::check(fields);
    if let Some(key) = fields.str("key") {
        let odd = key.is_empty() || key.trim() != &*key || key.contains('=') || key.starts_with(['[', '#', ';']);
        if odd {
            let message = format!("expected a key without `=` and blanks around it, found `{key}`");
            problems.push(Problem::bad_value("key", message));
        }
        if &*key == ALL && fields.state() == "present" {
            problems.push(Problem::bad_value("key", "expected one key with `state: present`, found `*`"));
        }
        if &*key == ALL && fields.state() == "absent" && !fields.is_written("section") {
            problems.push(Problem::bad_value("key", "expected a `section` to remove with `*`, found none"));
        }
    }
    if let Some(section) = fields.str("section")
        && (section.trim().is_empty() || section.trim() != &*section || section.contains(']'))
    {
        let message = format!("expected a section's name without brackets and blanks around it, found `{section}`");
        problems.push(Problem::bad_value("section", message));
    }
    if let Some(separator) = fields.str("separator")
        && separator.is_empty()
    {
        problems.push(Problem::bad_value("separator", "expected a separator such as `=`, found nothing"));
    }
    problems
}

fn prepare(fields: &Fields, _: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let present = fields.state() == "present";
    let spec = Spec {
        section: fields.str("section"),
        key: fields.str("key").unwrap_or_default(),
        value: fields.text("value").filter(|_| present),
        separator: fields.str("separator"),
    };
    Ok(editing::boxed::<Ini>(Edit::read(fields)?, spec))
}

/// All keys of a section, and the section itself.
const ALL: &str = "*";

/// The editor.
struct Ini;

/// What is wanted of a key.
#[derive(Clone, Debug)]
struct Spec {
    section: Option<Arc<str>>,
    key: Arc<str>,
    /// The value; `None` is no key.
    value: Option<Text>,
    separator: Option<Arc<str>>,
}

impl Editor for Ini {
    const TYPE: &'static str = "ini";
    type Spec = Spec;

    fn edit(spec: &Spec, text: &str) -> Result<Option<(String, Change)>, Problem> {
        let mut lines = Lines::of(text);
        let sections = sections(&lines)?;
        let name = spec.section.as_deref();
        let own: Vec<&Section> = sections.iter().filter(|s| s.name.as_deref() == name).collect();
        let field = name.map_or_else(|| String::from(&*spec.key), |name| format!("{name}.{}", spec.key));
        let change = |before: &str, after: &str| editing::change(field.clone(), before, after, Self::secret(spec));
        let Some(value) = &spec.value else {
            let gone: Vec<usize> = match &*spec.key {
                ALL => own.iter().flat_map(|s| s.header..s.body.end).collect(),
                _ => own.iter().flat_map(|s| spec.occurrences(&lines, s)).collect(),
            };
            let Some(last) = gone.last() else { return Ok(None) };
            let before = match &*spec.key {
                ALL => format!("{} lines", gone.len()),
                _ => String::from(spec.pair(lines.get(*last)).map_or("", |p| p.value)),
            };
            let change = change(&before, "absent");
            lines.remove(&gone);
            return Ok(Some((lines.text(), change)));
        };
        let value = value.as_str().trim();
        let found = own.iter().rev().find_map(|s| spec.occurrences(&lines, s).pop());
        if let Some(i) = found {
            let line = lines.get(i);
            let Some(pair) = spec.pair(line) else { return Ok(None) };
            if pair.value == value {
                return Ok(None);
            }
            let separator = if pair.separator.is_empty() { spec.new_separator(&lines) } else { pair.separator.into() };
            // A key without a value often ends with its separator, and the blank after it was cut.
            let changed = format!("{}{separator}{value}", pair.key);
            let change = change(pair.value, value);
            lines.set(i, changed);
            return Ok(Some((lines.text(), change)));
        }
        let change = change("absent", value);
        let line = format!("{}{}{value}", spec.key, spec.new_separator(&lines));
        match own.last() {
            Some(section) => {
                let at = section.end_of_keys(&lines);
                lines.splice(at..at, [line]);
            }
            None => {
                let end = lines.len();
                let blank = (end > 0 && !lines.get(end - 1).trim().is_empty()).then(String::new);
                let header = format!("[{}]", name.unwrap_or_default());
                lines.splice(end..end, blank.into_iter().chain([header, line]));
            }
        }
        Ok(Some((lines.text(), change)))
    }

    fn accepts_missing(spec: &Spec) -> bool {
        spec.value.is_none()
    }

    fn secret(spec: &Spec) -> Option<&Arc<str>> {
        spec.value.as_ref()?.secret_path()
    }
}

/// A section: `name` is `None` for what stands before the first header.
#[derive(Debug)]
struct Section {
    name: Option<String>,
    /// The header's line; for what stands before the first header, 0.
    header: usize,
    /// The lines below the header.
    body: Range<usize>,
}

/// Splits a file at its headers.
fn sections(lines: &Lines<'_>) -> Result<Vec<Section>, Problem> {
    let mut sections = alloc::vec![Section { name: None, header: 0, body: 0..0 }];
    for i in 0..lines.len() {
        if let Some(rest) = lines.get(i).trim_start().strip_prefix('[') {
            let name = match rest.split_once(']') {
                Some((name, rest)) if !name.trim().is_empty() && is_nothing(rest) => name.trim(),
                _ => {
                    let message = format!("expected a section header `[name]` in line {}, found another", i + 1);
                    return Err(Problem::failed(message));
                }
            };
            sections.push(Section { name: Some(name.into()), header: i, body: i + 1..i + 1 });
        } else if let Some(section) = sections.last_mut() {
            section.body.end = i + 1;
        }
    }
    Ok(sections)
}

/// Returns whether the line is blank or a comment.
fn is_nothing(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with(['#', ';'])
}

impl Section {
    /// Returns where a new key goes: below the last line that is neither blank nor a comment, so that what is said of
    /// the next section stays with it.
    fn end_of_keys(&self, lines: &Lines<'_>) -> usize {
        if let Some(last) = self.body.clone().rfind(|&i| !is_nothing(lines.get(i))) {
            return last + 1;
        }
        if self.name.is_some() {
            return self.body.start;
        }
        // Before the first section: below the head of the file, which ends with a blank line.
        let blank = self.body.clone().find(|&i| lines.get(i).trim().is_empty());
        blank.unwrap_or(if self.body.end == lines.len() { self.body.end } else { 0 })
    }
}

/// A line that holds a key, in its parts.
struct Pair<'a> {
    /// The key with what stands before it.
    key: &'a str,
    /// The separator with the blanks around it; empty for a key that stands alone.
    separator: &'a str,
    /// The value without blanks around it.
    value: &'a str,
}

impl Spec {
    fn occurrences(&self, lines: &Lines<'_>, section: &Section) -> Vec<usize> {
        lines.find(section.body.clone(), |line| self.pair(line).is_some())
    }

    /// Returns the line's parts, if it is about the key.
    fn pair<'a>(&self, line: &'a str) -> Option<Pair<'a>> {
        let indent = line.len() - line.trim_start().len();
        let rest = line[indent..].strip_prefix(&*self.key)?;
        let key = &line[..indent + self.key.len()];
        let after = rest.trim_start();
        let blank = rest.len() - after.len();
        let own = self.separator.as_deref().map(str::trim).unwrap_or_default();
        let sign = [own, "=", ":"].into_iter().find(|sign| !sign.is_empty() && after.starts_with(sign));
        let parted = match sign {
            Some(sign) => blank + sign.len(),
            None if after.is_empty() => 0,
            // A separator of blanks parts key and value itself.
            None if blank > 0 && own.is_empty() && self.separator.is_some() => blank,
            None => return None,
        };
        let value = rest[parted..].trim();
        let lead = rest[parted..].len() - rest[parted..].trim_start().len();
        let separator = &rest[..parted + if value.is_empty() { 0 } else { lead }];
        Some(Pair { key, separator, value })
    }

    /// Returns the separator of a new line: as written, or as most lines of the file have it.
    fn new_separator(&self, lines: &Lines<'_>) -> String {
        if let Some(written) = &self.separator {
            return String::from(&**written);
        }
        let mut counts: Vec<(&str, usize)> = Vec::new();
        for i in 0..lines.len() {
            let line = lines.get(i);
            if is_nothing(line) || line.trim_start().starts_with('[') {
                continue;
            }
            let Some(at) = line.find(['=', ':']) else { continue };
            let start = line[..at].trim_end().len();
            let value = line[at + 1..].trim_start();
            if value.is_empty() || start == 0 {
                continue;
            }
            let separator = &line[start..line.len() - value.len()];
            match counts.iter().position(|(known, _)| *known == separator) {
                Some(i) => counts[i].1 += 1,
                None if counts.len() < 64 => counts.push((separator, 1)),
                None => {}
            }
        }
        let most = counts.iter().rev().max_by_key(|(_, count)| *count);
        String::from(most.map_or("=", |(separator, _)| separator))
    }
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
            ("plain", &[("key", "k"), ("value", "")], ""),
            ("no value", &[("key", "k")], "type `ini` needs `value`"),
            ("all of a section", &[("key", "*"), ("section", "s"), ("state", "absent")], ""),
            (
                "all of nothing",
                &[("key", "*"), ("state", "absent")],
                "attribute `key`: expected a `section` to remove with `*`, found none",
            ),
            (
                "all present",
                &[("key", "*"), ("value", "v")],
                "attribute `key`: expected one key with `state: present`, found `*`",
            ),
            (
                "key with a sign",
                &[("key", "a=b"), ("value", "v")],
                "attribute `key`: expected a key without `=` and blanks around it, found `a=b`",
            ),
            (
                "brackets",
                &[("key", "k"), ("value", "v"), ("section", "[s]")],
                "attribute `section`: expected a section's name without brackets and blanks around it, found `[s]`",
            ),
        ];
        for (name, attributes, expected) in cases {
            let attributes: Vec<_> = [("target_path", "/etc/x")].iter().chain(*attributes).copied().collect();
            assert_eq!(checked(&DECL, &attributes).join("; "), *expected, "{name}");
        }
    }

    #[test]
    fn keys_are_set_and_removed() {
        let s = ("section", "s");
        let (k, v) = (("key", "k"), ("value", "2"));
        let gone = ("state", "absent");
        let cases: Edits<'_> = &[
            ("there", "[s]\nk = 2 \n", &[s, k, v], Ok("[s]\nk = 2 \n")),
            ("changed keeps its separator", "[s]\n\tk : 1\nx=1\n", &[s, k, v], Ok("[s]\n\tk : 2\nx=1\n")),
            ("comment after the value is value", "[s]\nk=2 ; two\n", &[s, k, v], Ok("[s]\nk=2\n")),
            ("the last counts", "[s]\nk=1\nk=3\n", &[s, k, v], Ok("[s]\nk=1\nk=2\n")),
            ("only in its section", "[t]\nk=1\n[s]\na=1\n", &[s, k, v], Ok("[t]\nk=1\n[s]\na=1\nk=2\n")),
            (
                "new below the keys",
                "[s]\na = 1\n# about t\n\n[t]\nb = 1\n",
                &[s, k, v],
                Ok("[s]\na = 1\nk = 2\n# about t\n\n[t]\nb = 1\n"),
            ),
            ("new section", "[t]\na=1\n", &[s, k, v], Ok("[t]\na=1\n\n[s]\nk=2\n")),
            ("new section after a blank", "a: 1\n\n", &[s, k, v], Ok("a: 1\n\n[s]\nk: 2\n")),
            ("into nothing", "", &[s, k, v], Ok("[s]\nk=2\n")),
            ("before sections", "a=1\n\n[s]\nk=1\n", &[k, v], Ok("a=1\nk=2\n\n[s]\nk=1\n")),
            ("below the head", "# head\n\n[s]\n", &[k, v], Ok("# head\nk=2\n\n[s]\n")),
            ("no head", "[s]\n", &[k, v], Ok("k=2\n[s]\n")),
            ("no sections at all", "# head\n", &[k, v], Ok("# head\nk=2\n")),
            ("a longer key is another", "kk=1\nk2=1\nk k=1\n", &[k, v], Ok("kk=1\nk2=1\nk k=1\nk=2\n")),
            ("a comment is no key", "#k=1\n;k=1\n", &[k, v], Ok("#k=1\n;k=1\nk=2\n")),
            ("alone", "[s]\nk\na = 1\n", &[s, k, v], Ok("[s]\nk = 2\na = 1\n")),
            ("no value", "[s]\nk =\n", &[s, k, v], Ok("[s]\nk =2\n")),
            ("written separator", "a = 1\n", &[k, v, ("separator", ": ")], Ok("a = 1\nk: 2\n")),
            ("blank separator", "k  1\nb 1\n", &[k, v, ("separator", " ")], Ok("k  2\nb 1\n")),
            ("own sign", "k => 1\n", &[k, v, ("separator", " => ")], Ok("k => 2\n")),
            ("carriage returns and open end", "[s]\r\na=1", &[s, k, v], Ok("[s]\r\na=1\r\nk=2")),
            ("quoted section", "[s \"x\"] # c\nk=1\n", &[("section", "s \"x\""), k, v], Ok("[s \"x\"] # c\nk=2\n")),
            ("continued value", "[s]\na = 1\n  2\n", &[s, k, v], Ok("[s]\na = 1\n  2\nk = 2\n")),
            ("absent", "[s]\nk=1\n# c\nk = 2\n[t]\nk=3\n", &[s, k, gone], Ok("[s]\n# c\n[t]\nk=3\n")),
            ("absent already", "[s]\n", &[s, k, gone], Ok("[s]\n")),
            ("section absent", "a=1\n[s]\nk=1\n[t]\nb=1\n[s]\n", &[s, ("key", "*"), gone], Ok("a=1\n[t]\nb=1\n")),
            ("bad header", "[s\nk=1\n", &[s, k, v], Err("expected a section header `[name]` in line 1, found another")),
            (
                "words after",
                "a=1\n[s] x\n",
                &[s, k, v],
                Err("expected a section header `[name]` in line 2, found another"),
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
                Err(message) => assert_eq!(run.failure.as_deref(), Some(*message), "{name}"),
            }
        }
    }

    #[test]
    fn a_secret_value_is_not_shown() {
        let mut disk = Disk::new();
        disk.file("/d/x", "[db]\npass = hunter1\n");
        let attributes = [
            ("target_path", plain("/d/x")),
            ("section", plain("db")),
            ("key", plain("pass")),
            ("value", secret("hunter2")),
        ];
        let run = disk.run_data(&DECL, &attributes);
        assert_eq!(run.changed(), ["db.pass: (differs) → «secret db/dsn»"]);
        assert!(!format!("{run:?}").contains("hunter"), "{run:?}");
        assert_eq!(disk.read("/d/x").as_deref(), Some("[db]\npass = hunter2\n"));
    }

    proptest! {
        #[test]
        fn a_second_edit_changes_nothing_and_other_lines_stay(
            text in "(\u{feff})?(([ks] ?[=:]? ?[12]?|\\[[st]\\]|[#;]k=1|)\r?\n){0,8}(k=1)?",
            section in proptest::option::of("[st]"),
            value in proptest::option::of("[12]?"),
            separator in proptest::option::of("=| = |: | "),
        ) {
            let spec = Spec {
                section: section.as_deref().map(Arc::from),
                key: "k".into(),
                value: value.as_deref().map(Text::plain),
                separator: separator.as_deref().map(Arc::from),
            };
            let after = Ini::edit(&spec, &text).unwrap().map_or(text.clone(), |(after, _)| after);
            prop_assert_eq!(Ini::edit(&spec, &after).unwrap().map(|(t, _)| t), None, "{:?}", after);
            let others = |text: &str| -> Vec<String> {
                let lines = text.trim_start_matches('\u{feff}').lines();
                lines.filter(|l| !l.starts_with('k') && !l.is_empty() && !l.starts_with('[')).map(ToString::to_string).collect()
            };
            prop_assert_eq!(others(&after), others(&text));
        }
    }
}
