//! Our tree of YAML files of other people's making, against what two other implementations make of them: `yaml_serde`
//! (libyaml) here and now, PyYAML by its recorded events (`yaml/record.py`).
//!
//! Structure, keys, texts and styles are the same; where they are not, it is on purpose, and [`DIFFERENT`] says why.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that fails")]

use serde_yaml::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use vigo_core::source::{self, Node, NodeKind, ScalarStyle, Sources};

/// Files that we refuse, or read otherwise, on purpose: path, a part of what we say, why.
const DIFFERENT: &[(&str, &str, &str)] = &[
    (
        "cloud-init/cloud-config-add-apt-repos.yaml",
        "E0202: key `apt` is written twice in one map",
        "YAML wants keys to be unique; PyYAML takes the last one, and half of what somebody wrote is lost without a word",
    ),
    (
        "cloud-init/cloud-config-write-files.yaml",
        "E0207: `!!binary` is a YAML tag that has no meaning here",
        "a policy has text, numbers, booleans and null; bytes go into files as `content` that a template decodes",
    ),
];

/// A tree without places: what all three can be compared as.
#[derive(Clone, PartialEq, Debug)]
enum Tree {
    /// Text and style: `:` plain, `'`, `"`, `|`, `>`.
    Scalar(String, char),
    List(Vec<Tree>),
    Map(Vec<(Tree, Tree)>),
}

fn corpus() -> Vec<PathBuf> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                Some(e) if e == "yaml" => found.push(path),
                None => walk(&path, found),
                Some(_) => {}
            }
        }
    }
    let mut found = Vec::new();
    walk(&root(), &mut found);
    found.sort();
    assert!(found.len() >= 200, "{}", found.len());
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/yaml/corpus")
}

fn name(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/")
}

/// What we make of a text: its documents, or the first thing that is wrong with it.
fn ours(text: &str) -> Result<Vec<Tree>, String> {
    let sources = Sources::read(&source::Tree::from_texts([("file.vgo", text)]));
    if let Some(d) = sources.diagnostics().first() {
        return Err(format!("{}: {}", d.code, d.message));
    }
    Ok(sources.policy_files().next().unwrap().documents().map(ours_of).collect())
}

fn ours_of(node: Node<'_>) -> Tree {
    match node.kind() {
        NodeKind::Scalar(text, style) => Tree::Scalar(
            text.to_owned(),
            match style {
                ScalarStyle::Empty | ScalarStyle::Plain => ':',
                ScalarStyle::Single => '\'',
                ScalarStyle::Double => '"',
                ScalarStyle::Literal => '|',
                ScalarStyle::Folded => '>',
            },
        ),
        NodeKind::List => Tree::List(node.list().unwrap().map(ours_of).collect()),
        NodeKind::Map(map) => Tree::Map(map.iter().map(|e| (ours_of(e.key), ours_of(e.value))).collect()),
    }
}

/// Reads recorded events, writes aliases out and merges what merge keys name, as our tree does.
struct Events<'a> {
    lines: std::iter::Peekable<std::str::Lines<'a>>,
    anchors: BTreeMap<&'a str, Tree>,
}

impl<'a> Events<'a> {
    fn documents(text: &'a str) -> Vec<Tree> {
        let mut events = Self { lines: text.lines().peekable(), anchors: BTreeMap::new() };
        let mut documents = Vec::new();
        while let Some(line) = events.lines.next() {
            assert_eq!(line, "+DOC");
            events.anchors.clear();
            documents.push(events.node());
            assert_eq!(events.lines.next(), Some("-DOC"));
        }
        documents
    }

    fn node(&mut self) -> Tree {
        let line = self.lines.next().unwrap();
        let (word, mut rest) = line.split_once(' ').unwrap_or((line, ""));
        if word == "=ALI" {
            return self.anchors[&rest[1..]].clone();
        }
        let anchor = rest.strip_prefix('&').map(|r| r.split_once(' ').unwrap_or((r, "")));
        if let Some((_, after)) = anchor {
            rest = after;
        }
        let mut tag = None;
        if let Some(after) = rest.strip_prefix('<') {
            let (before, after) = after.split_once('>').unwrap();
            (tag, rest) = (Some(before), after.trim_start());
        }
        let tree = match word {
            "=VAL" => {
                let text: String = serde_json::from_str(&rest[1..]).unwrap();
                let style = rest.chars().next().unwrap();
                // `!!str` makes of a plain scalar what quotes make of it.
                let quoted = style == ':' && tag == Some("tag:yaml.org,2002:str");
                Tree::Scalar(text, if quoted { '\'' } else { style })
            }
            "+SEQ" => Tree::List(self.until("-SEQ")),
            "+MAP" => {
                let children = self.until("-MAP");
                merged(children.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect())
            }
            other => panic!("event `{other}`"),
        };
        if let Some((name, _)) = anchor {
            self.anchors.insert(name, tree.clone());
        }
        tree
    }

    fn until(&mut self, end: &str) -> Vec<Tree> {
        let mut children = Vec::new();
        while *self.lines.peek().unwrap() != end {
            children.push(self.node());
        }
        self.lines.next();
        children
    }
}

/// Puts what `<<` names behind what is written; what is there already stays.
fn merged(entries: Vec<(Tree, Tree)>) -> Tree {
    let (merges, mut entries): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|(key, _)| *key == Tree::Scalar("<<".into(), ':'));
    let maps = merges.into_iter().flat_map(|(_, value)| match value {
        Tree::List(items) => items,
        other => vec![other],
    });
    for map in maps {
        let Tree::Map(more) = map else { panic!("a merge of {map:?}") };
        for (key, value) in more {
            if !entries.iter().any(|(k, _)| text_of(k) == text_of(&key)) {
                entries.push((key, value));
            }
        }
    }
    Tree::Map(entries)
}

fn text_of(tree: &Tree) -> &str {
    let Tree::Scalar(text, _) = tree else { panic!("a key that is {tree:?}") };
    text
}

/// Returns where two trees differ.
fn difference(ours: &Tree, theirs: &Tree, at: &str) -> Option<String> {
    match (ours, theirs) {
        (Tree::List(a), Tree::List(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(i, (a, b))| difference(a, b, &format!("{at}[{i}]")))
        }
        (Tree::Map(a), Tree::Map(b)) if a.len() == b.len() => a.iter().zip(b).find_map(|((k, a), (l, b))| {
            difference(k, l, &format!("{at} key")).or_else(|| difference(a, b, &format!("{at}.{}", text_of(k))))
        }),
        (a, b) if a == b => None,
        (a, b) => Some(format!("at `{at}`: we have {a:?}, they have {b:?}")),
    }
}

/// Returns where a value of `yaml_serde` is not what our tree has.
fn not_meant(ours: &Tree, value: &Value, at: &str) -> Option<String> {
    let same = match (ours, value) {
        (Tree::List(items), Value::Sequence(values)) if items.len() == values.len() => {
            return items.iter().zip(values).enumerate().find_map(|(i, (a, b))| not_meant(a, b, &format!("{at}[{i}]")));
        }
        (Tree::Map(entries), Value::Mapping(map)) if entries.len() == map.len() => {
            return entries.iter().find_map(|(key, item)| {
                // Their keys have types, ours are texts.
                let found = map.iter().find(|(k, _)| not_meant(key, k, "").is_none());
                let path = format!("{at}.{}", text_of(key));
                match found {
                    Some((_, value)) => not_meant(item, value, &path),
                    None => Some(format!("`{path}` is ours alone")),
                }
            });
        }
        (Tree::Scalar(text, _), Value::String(value)) => text == value,
        (Tree::Scalar(text, ':'), Value::Bool(value)) => text.eq_ignore_ascii_case(&value.to_string()),
        (Tree::Scalar(text, ':'), Value::Null) => matches!(&**text, "" | "~" | "null" | "Null" | "NULL"),
        (Tree::Scalar(text, ':'), Value::Number(value)) => {
            let digits = text.trim_start_matches('+').replace('_', "");
            let radix = |prefix: &str, radix| i64::from_str_radix(digits.strip_prefix(prefix)?, radix).ok();
            let whole = digits.parse().ok().or_else(|| radix("0x", 16)).or_else(|| radix("0o", 8));
            whole.is_some_and(|n: i64| value.as_i64() == Some(n)) || digits.parse().ok() == value.as_f64()
        }
        _ => false,
    };
    (!same).then(|| format!("at `{at}`: we have {ours:?}, they have {value:?}"))
}

/// Holds each file against `compare`, and the files that differ against the list.
fn held(compare: impl Fn(&str, &Path, &[Tree]) -> Option<String>) {
    let mut wrong = Vec::new();
    let mut unused: BTreeSet<&str> = DIFFERENT.iter().map(|(file, ..)| *file).collect();
    for path in corpus() {
        let (name, text) = (name(&path), fs::read_to_string(&path).unwrap());
        let said = match ours(&text) {
            Ok(trees) => compare(&text, &path, &trees),
            Err(said) => Some(said),
        };
        let known = DIFFERENT.iter().find(|(file, ..)| *file == name);
        match (said, known) {
            (None, _) => {}
            (Some(said), Some((file, part, _))) if said.contains(part) => {
                unused.remove(file);
            }
            (Some(said), _) => wrong.push(format!("{name}: {said}")),
        }
    }
    wrong.extend(unused.iter().map(|file| format!("{file}: is in the list, and differs no more")));
    assert!(wrong.is_empty(), "{} of the corpus:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn files_of_others_have_the_structure_that_pyyaml_sees() {
    held(|_, path, trees| {
        let recorded = fs::read_to_string(path.with_extension("events")).unwrap();
        let theirs = Events::documents(&recorded);
        if trees.len() != theirs.len() {
            return Some(format!("we have {} documents, they have {}", trees.len(), theirs.len()));
        }
        trees.iter().zip(&theirs).enumerate().find_map(|(i, (a, b))| difference(a, b, &format!("{i}:")))
    });
}

#[test]
fn files_of_others_have_the_values_that_yaml_serde_sees() {
    held(|text, _, trees| {
        let documents = serde_yaml::Deserializer::from_str(text).map(|d| {
            let mut value = <Value as serde::Deserialize>::deserialize(d).map_err(|e| e.to_string())?;
            value.apply_merge().map_err(|e| e.to_string())?;
            Ok(value)
        });
        let theirs: Vec<Value> = match documents.collect::<Result<_, String>>() {
            Ok(values) => values,
            Err(said) => return Some(format!("they say {said}")),
        };
        if trees.len() != theirs.len() {
            return Some(format!("we have {} documents, they have {}", trees.len(), theirs.len()));
        }
        trees.iter().zip(&theirs).enumerate().find_map(|(i, (a, b))| not_meant(a, b, &format!("{i}:")))
    });
}

#[test]
fn a_difference_is_seen() {
    let one = |text: &str| ours(text).unwrap().remove(0);
    assert_eq!(difference(&one("a: [1, 2]"), &one("{a: [1, 2]}"), ""), None);
    for (a, b) in [("a: 1", "a: 2"), ("a: 1", "a: '1'"), ("a: 1", "b: 1"), ("[1]", "[1, 1]"), ("a: [b]", "a: {b: c}")] {
        assert!(difference(&one(a), &one(b), "").is_some(), "{a} {b}");
    }
    for (a, b) in [("a: 1", "a: 2"), ("a: x", "a: true"), ("a: 'null'", "a: null"), ("a: 1", "{a: 1, b: 2}")] {
        assert!(not_meant(&one(a), &serde_yaml::from_str(b).unwrap(), "").is_some(), "{a} {b}");
    }
}

#[test]
fn recorded_events_are_read() {
    let recorded = "+DOC\n+MAP\n=VAL :\"a\"\n+MAP &x <!y>\n=VAL :\"k\"\n=VAL \"\"v\\n\"\n-MAP\n=VAL :\"b\"\n+MAP\n\
                    =VAL :\"<<\"\n=ALI *x\n=VAL :\"k\"\n+SEQ\n-SEQ\n-MAP\n-MAP\n-DOC\n";
    assert_eq!(Events::documents(recorded), ours("a: &x {k: \"v\\n\"}\nb: {<<: *x, k: []}").unwrap());
    assert_eq!(Events::documents("+DOC\n=VAL <tag:yaml.org,2002:str> :\"1\"\n-DOC\n"), ours("!!str 1").unwrap());
}
