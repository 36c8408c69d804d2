//! Files to cases.

use super::case::{Case, CodeExpectation, Configcrates, Expect, ResourceExpectation, VariableExpectation};
use super::keys;
use super::matcher::Matcher;
use crate::config::{self, Reader, is_extension};
use crate::diagnostic::{Code, Diagnostic, Severity, tidy};
use crate::resolve;
use crate::source::{Map, Node, Sources};
use crate::time::Timestamp;
use crate::traits::{TraitSet, check_path};
use crate::value::Value;
use crate::when::Context;
use crate::when::words::{DISTROS, FAMILIES};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use hashbrown::HashMap;

/// The system of a machine of which nothing is said.
const USUAL_SYSTEM: &str = "debian";

/// Noon of a Thursday: 2026-01-01.
const USUAL_TIME: Timestamp = Timestamp::from_epoch_secs(1_767_268_800);

/// Reads the tests of [`Sources::with_tests`], by file, then as written.
///
/// What is wrong with them comes beside: tests of a file with errors are not to be trusted.
pub fn read(sources: &Sources) -> (Vec<Case<'_>>, Vec<Diagnostic>) {
    let mut reader = Reader::default();
    let mut cases = Vec::new();
    for file in sources.test_files() {
        let mut names: HashMap<&str, Node<'_>> = HashMap::new();
        for root in file.documents().filter(|d| !d.is_null()) {
            for e in reader.map(root, file.path()).into_iter().flat_map(Map::iter) {
                match e.name {
                    "tests" => {
                        for item in reader.list(e.value, "tests") {
                            let Some(case) = case(&mut reader, sources, file.path(), item) else { continue };
                            if let Some(first) = names.insert(case.name, case.node) {
                                let message = format!("test `{}` is there twice", case.name.escape_debug());
                                let d = Diagnostic::new(Code::DuplicateName, case.node.span(), message);
                                reader.report(d.label(first.span(), "first here").help("give it a name of its own"));
                            }
                            cases.push(case);
                        }
                    }
                    name if is_extension(name) => {}
                    _ => reader.unknown_key(e, &keys::FILE),
                }
            }
        }
    }
    let found = sources.test_diagnostics().iter().cloned().chain(reader.diagnostics);
    // What a variable's value would be warned of says nothing about a test.
    (cases, tidy(found.filter(|d| d.severity() == Severity::Error).collect()))
}

fn case<'a>(reader: &mut Reader, sources: &'a Sources, file: &'a Arc<str>, node: Node<'a>) -> Option<Case<'a>> {
    let map = reader.map(node, "a test")?;
    let mut case = Case {
        file,
        name: "",
        node,
        hostname: None,
        environment: None,
        system: Some(USUAL_SYSTEM),
        traits: Value::default(),
        at: USUAL_TIME,
        files: Vec::new(),
        expect: Expect::default(),
    };
    for e in map.iter() {
        match e.name {
            "name" => {
                case.node = e.value;
                case.name = reader.text(e.value, "name").unwrap_or_default();
            }
            "hostname" => case.hostname = hostname(reader, e.value).map(|name| (name, e.value)),
            "environment" => case.environment = reader.name(e.value, "an environment").map(|_| e.value),
            "os" | "traits" | "traits_file" => {}
            "at" => case.at = at(reader, e.value).unwrap_or(case.at),
            "files" => case.files = files(reader, e.value),
            "expect" => case.expect = expect(reader, e.value),
            _ => reader.unknown_key(e, &keys::TEST),
        }
    }
    (case.system, case.traits) = machine(reader, sources, map);
    let mut missing = Vec::new();
    for key in ["name", "expect"] {
        if map.get(key).is_none_or(Node::is_null) && Reader::misspelt(map, key, keys::TEST.names()).is_none() {
            missing.push(format!("`{key}`"));
        }
    }
    let only_diagnostics = case.expect.diagnostics.is_some() && !case.expect.asks_host();
    if map.get("hostname").is_none()
        && !only_diagnostics
        && Reader::misspelt(map, "hostname", keys::TEST.names()).is_none()
    {
        missing.push("`hostname`".into());
    }
    if !missing.is_empty() {
        let d = Diagnostic::new(Code::MissingKey, node.span(), format!("a test needs {}", missing.join(" and ")));
        reader.report(d.help("write `{name: …, hostname: …, expect: {…}}`"));
    }
    Some(case)
}

fn hostname(reader: &mut Reader, node: Node<'_>) -> Option<String> {
    let text = reader.text(node, "hostname")?;
    match resolve::hostname(text) {
        Ok(name) => Some(name),
        Err(why) => {
            let message = format!("`{}` is no hostname: {why}", text.escape_debug());
            reader.report(Diagnostic::new(Code::BadValue, node.span(), message));
            None
        }
    }
}

/// Returns what the machine says of itself: its system, and traits over those of the system.
fn machine(reader: &mut Reader, sources: &Sources, case: Map<'_>) -> (Option<&'static str>, Value) {
    let (system, mut given) = match (case.get("os"), case.get("traits_file")) {
        (os, Some(node)) => {
            if let Some(os) = os {
                let d = Diagnostic::new(Code::Shape, os.span(), "a test has `os` or `traits_file`, not both");
                reader.report(d.label(node.span(), "the traits of the file begin here").help("take `os` out"));
            }
            (None, traits_file(reader, sources, node).unwrap_or_default())
        }
        (Some(node), None) => (reader.text(node, "os").and_then(|name| system(reader, node, name)), Value::default()),
        (None, None) => (Some(USUAL_SYSTEM), Value::default()),
    };
    if let Some(node) = case.get("traits") {
        if let Some(map) = reader.map(node, "traits") {
            declared(reader, map, "");
        }
        given = over(&given, &config::value(reader, node));
    }
    if given != Value::Null
        && let Err(why) = TraitSet::from_value(given.clone())
    {
        let node = case.get("traits").or(case.get("traits_file"));
        let span = node.map_or(crate::diagnostic::Span::NONE, Node::span);
        reader.report(Diagnostic::new(Code::BadValue, span, format!("these are no traits: {why}")));
    }
    (system, given)
}

/// Returns the family or distribution of this name.
fn system(reader: &mut Reader, node: Node<'_>, name: &str) -> Option<&'static str> {
    let known = || FAMILIES.into_iter().chain(DISTROS.iter().map(|(distro, _)| *distro));
    let found = known().find(|known| known.eq_ignore_ascii_case(name));
    if found.is_none() {
        let message = format!("unknown operating system `{}`", name.escape_debug());
        let d = Diagnostic::new(Code::UnknownName, node.span(), message);
        let near = d.clone().did_you_mean(name, known());
        reader.report(match near.help.is_empty() {
            true => d.help("write a family such as `debian`, `redhat` or `openbsd`, or a distribution"),
            false => near,
        });
    }
    found
}

fn traits_file(reader: &mut Reader, sources: &Sources, node: Node<'_>) -> Option<Value> {
    let path = reader.text(node, "traits_file")?;
    let Some(file) = sources.test_data_file(path) else {
        let message = format!("file `{}` of `traits_file` is not in the tree", path.escape_debug());
        let d = Diagnostic::new(Code::UnknownName, node.span(), message);
        reader.report(d.help("name it relative to the root of the tree"));
        return None;
    };
    let root = file.documents().next()?;
    reader.map(root, path).map(|_| config::value(reader, root))
}

/// Reports the traits that do not exist.
fn declared(reader: &mut Reader, map: Map<'_>, above: &str) {
    for e in map.iter() {
        let path = if above.is_empty() { String::from(e.name) } else { format!("{above}.{}", e.name) };
        match check_path(&path) {
            Ok(()) => {
                if let Some(map) = e.value.map() {
                    declared(reader, map, &path);
                }
            }
            Err(why) => {
                let d = Diagnostic::new(Code::UnknownName, e.key.span(), why.message);
                reader.report(match why.help {
                    Some(help) => d.help(help),
                    None => d,
                });
            }
        }
    }
}

/// Lays `upper` over `lower`: maps are merged, the rest is replaced.
pub(super) fn over(lower: &Value, upper: &Value) -> Value {
    let (Value::Map(old), Value::Map(new)) = (lower, upper) else { return upper.clone() };
    let mut merged = (**old).clone();
    for (key, value) in new.iter() {
        let value = merged.get(key).map_or_else(|| value.clone(), |old| over(old, value));
        merged.insert(key.clone(), value);
    }
    Value::map(merged)
}

fn at(reader: &mut Reader, node: Node<'_>) -> Option<Timestamp> {
    let text = reader.text(node, "at")?;
    let time = time(text);
    if time.is_none() {
        let message = format!("`at` takes a local time, found `{}`", text.escape_debug());
        reader.report(Diagnostic::new(Code::BadValue, node.span(), message).help("write it as `2026-12-31T23:59`"));
    }
    time
}

/// Reads `2026-12-31T23:59`, also with a blank for the `T`, and with seconds.
fn time(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once(['T', ' '])?;
    let number = |digits: &str, len: usize| {
        (digits.len() == len && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse::<i64>().ok())?
    };
    let mut parts = date.splitn(3, '-');
    let (year, month, day) = (number(parts.next()?, 4)?, number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let mut parts = time.splitn(3, ':');
    let (hour, minute) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let second = parts.next().map_or(Some(0), |s| number(s, 2))?;
    Timestamp::from_utc([year, month, day], [hour, minute, second])
}

fn files<'a>(reader: &mut Reader, node: Node<'a>) -> Vec<(&'a str, Option<&'a str>)> {
    let mut files = Vec::new();
    for e in reader.map(node, "files").into_iter().flat_map(Map::iter) {
        let is_path = !e.name.is_empty() && !e.name.split('/').any(|part| matches!(part, "" | "." | ".."));
        if !is_path {
            let message = format!("`{}` is no path in the tree", e.name.escape_debug());
            let d = Diagnostic::new(Code::BadValue, e.key.span(), message);
            reader.report(d.help("name it relative to the root of the tree"));
        } else if e.value.is_null() {
            files.push((e.name, None));
        } else if let Some(text) = e.value.text() {
            files.push((e.name, Some(text)));
        } else {
            reader.shape(e.value, e.name, "the text of the file, or nothing");
        }
    }
    files
}

fn expect<'a>(reader: &mut Reader, node: Node<'a>) -> Expect<'a> {
    let mut expect = Expect::default();
    for e in reader.map(node, "expect").into_iter().flat_map(Map::iter) {
        match e.name {
            "unassigned" => expect.unassigned = reader.bool(e.value, e.name).map(|b| (b, e.value)),
            "match" => expect.pattern = reader.text(e.value, e.name).map(|_| e.value),
            "environment" => expect.environment = Some(e.value),
            "configcrates" => expect.configcrates = configcrates(reader, e.value),
            "resources" => expect.resources = resources(reader, e.value),
            "variables" => expect.variables = variables(reader, e.value),
            "order" => expect.order = order(reader, e.value),
            "diagnostics" => expect.diagnostics = Some((codes(reader, e.value), e.key)),
            "snapshot" => expect.snapshot = reader.bool(e.value, e.name).filter(|b| *b).map(|_| e.value),
            _ => reader.unknown_key(e, &keys::EXPECT),
        }
    }
    expect
}

fn configcrates<'a>(reader: &mut Reader, node: Node<'a>) -> Configcrates<'a> {
    let mut crates = Configcrates::default();
    let Some(map) = node.map() else {
        crates.contains = reader.texts(node, "configcrates");
        return crates;
    };
    for e in map.iter() {
        match e.name {
            "contains" => crates.contains = reader.texts(e.value, e.name),
            "exactly" => crates.exactly = Some((reader.texts(e.value, e.name), e.key)),
            "absent" => crates.absent = reader.texts(e.value, e.name),
            _ => reader.unknown_key(e, &keys::CONFIGCRATES),
        }
    }
    crates
}

fn resources<'a>(reader: &mut Reader, node: Node<'a>) -> Vec<ResourceExpectation<'a>> {
    let plain = |id, node| ResourceExpectation {
        id,
        node,
        absent: false,
        type_name: None,
        runs: None,
        outcome: None,
        operations: None,
        depends_on: Vec::new(),
        notify: Vec::new(),
        attributes: Vec::new(),
    };
    let mut all = Vec::new();
    if node.list().is_some() {
        for item in reader.texts(node, "resources") {
            all.push(plain(item.text().unwrap_or_default(), item));
        }
    } else {
        for e in reader.map(node, "resources").into_iter().flat_map(Map::iter) {
            let mut resource = plain(e.name, e.key);
            for e in reader.map(e.value, "a resource of a test").into_iter().flat_map(Map::iter) {
                match e.name {
                    "absent" => resource.absent = reader.bool(e.value, "absent").unwrap_or(false),
                    "type" => resource.type_name = reader.text(e.value, "type").map(|_| e.value),
                    "runs" => resource.runs = reader.when(e.value, Context::Resource).map(|expr| (expr, e.value)),
                    "outcome" => resource.outcome = outcome(reader, e.value),
                    "operations" => resource.operations = Some((reader.texts(e.value, e.name), e.key)),
                    "depends_on" => resource.depends_on = reader.texts(e.value, e.name),
                    "notify" => resource.notify = reader.texts(e.value, e.name),
                    _ => {
                        let matcher = Matcher::read(reader, e.value, e.name);
                        resource.attributes.extend(matcher.map(|matcher| (e.key, matcher, e.value)));
                    }
                }
            }
            all.push(resource);
        }
    }
    for resource in &all {
        if !resource.id.contains('/') {
            let message = format!("`{}` is no resource", resource.id.escape_debug());
            let d = Diagnostic::new(Code::InvalidName, resource.node.span(), message);
            reader.report(d.help("write `crate/name`"));
        }
    }
    all
}

const OUTCOMES: &[&str] = &["changed", "ok", "skipped", "failed", "unknown", "blocked"];

fn outcome<'a>(reader: &mut Reader, node: Node<'a>) -> Option<Node<'a>> {
    let text = reader.text(node, "outcome")?;
    if OUTCOMES.contains(&text) {
        return Some(node);
    }
    let message = format!("`outcome` takes one of {}, found `{}`", OUTCOMES.join(", "), text.escape_debug());
    let d = Diagnostic::new(Code::BadValue, node.span(), message);
    reader.report(d.did_you_mean(text, OUTCOMES.iter().copied()));
    None
}

fn variables<'a>(reader: &mut Reader, node: Node<'a>) -> Vec<VariableExpectation<'a>> {
    let mut all = Vec::new();
    for e in reader.map(node, "variables").into_iter().flat_map(Map::iter) {
        let (krate, path) = e.name.split_once('/').map_or((None, e.name), |(krate, path)| (Some(krate), path));
        all.push(VariableExpectation { krate, path, node: e.key, value: config::value(reader, e.value) });
    }
    all
}

fn order<'a>(reader: &mut Reader, node: Node<'a>) -> Vec<(Vec<&'a str>, Node<'a>)> {
    let mut all = Vec::new();
    for item in reader.list(node, "order") {
        let names: Vec<&str> = match item.list() {
            Some(_) => reader.texts(item, "order").into_iter().filter_map(Node::text).collect(),
            None => {
                let Some(text) = reader.text(item, "order") else { continue };
                text.split(" before ").map(str::trim).collect()
            }
        };
        if names.len() < 2 || names.iter().any(|name| name.is_empty()) {
            let d = Diagnostic::new(Code::BadValue, item.span(), "an order takes two resources or more");
            reader.report(d.help("write `crate/one before crate/two`, or a list of them"));
            continue;
        }
        all.push((names, item));
    }
    all
}

fn codes<'a>(reader: &mut Reader, node: Node<'a>) -> Vec<CodeExpectation<'a>> {
    let mut all = Vec::new();
    for item in reader.list(node, "diagnostics") {
        let plain = |code, node| CodeExpectation { code, node, file: None, line: None, message: None };
        let Some(map) = item.map() else {
            all.extend(code(reader, item).map(|code| plain(code, item)));
            continue;
        };
        let Some(written) = map.get("code") else {
            let d = Diagnostic::new(Code::MissingKey, item.span(), "an expected diagnostic needs `code`");
            reader.report(d.help("write `{code: E0103, message: …}`"));
            continue;
        };
        let Some(code) = code(reader, written) else { continue };
        let mut expected = plain(code, item);
        for e in map.iter() {
            match e.name {
                "code" => {}
                "file" => expected.file = reader.text(e.value, e.name).map(|_| e.value),
                "line" => expected.line = reader.count(e.value, e.name, u32::MAX),
                "message" => expected.message = reader.text(e.value, e.name).map(|_| e.value),
                _ => reader.unknown_key(e, &keys::DIAGNOSTIC),
            }
        }
        all.push(expected);
    }
    all
}

/// Returns the code that is written as `E0103` or `unknown-name`.
fn code(reader: &mut Reader, node: Node<'_>) -> Option<Code> {
    let text = reader.text(node, "code")?;
    let found = Code::ALL.iter().copied().find(|c| c.slug() == text || c.to_string().eq_ignore_ascii_case(text));
    if found.is_none() {
        let message = format!("unknown code `{}`", text.escape_debug());
        let d = Diagnostic::new(Code::UnknownName, node.span(), message);
        reader.report(d.did_you_mean(text, Code::ALL.iter().map(|c| c.slug())));
    }
    found
}

impl Expect<'_> {
    /// Returns whether something is said of the host, not only of the tree.
    pub(super) fn asks_host(&self) -> bool {
        let crates = &self.configcrates;
        self.unassigned.is_some()
            || self.pattern.is_some()
            || self.environment.is_some()
            || !(crates.contains.is_empty() && crates.absent.is_empty() && crates.exactly.is_none())
            || !(self.resources.is_empty() && self.variables.is_empty() && self.order.is_empty())
            || self.snapshot.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_times_exist() {
        let cases = [
            ("2026-01-01T12:00", Some((2026, 1, 1, 12, 0, 3))),
            ("2024-02-29 23:59:58", Some((2024, 2, 29, 23, 59, 3))),
            ("2026-02-29T00:00", None),
            ("2026-13-01T00:00", None),
            ("2026-01-01T24:00", None),
            ("2026-01-01", None),
            ("26-01-01T00:00", None),
            ("2026-01-01T1:00", None),
        ];
        for (text, expected) in cases {
            let found = time(text).map(|t| t.civil(0)).map(|c| (c.year, c.month, c.day, c.hour, c.minute, c.weekday));
            assert_eq!(found, expected, "{text}");
        }
        assert_eq!(time("2026-01-01T12:00"), Some(USUAL_TIME));
    }
}
