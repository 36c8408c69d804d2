//! Snapshots: what a host got when somebody last looked at it, in a file beside the test.

use super::case::Case;
use super::run::Failure;
use super::show;
use super::world::World;
use crate::bundle::{BundleResource, EdgeKind};
use crate::converge::Foreseen;
use crate::resource::Datum;
use crate::source::{Node, Tree};
use crate::when::Expr;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What begins the part of one test.
const HEAD: &str = "== ";

const PREAMBLE: &str =
    "# What hosts get, by test. `vigocli config test --update` writes this: read what changes before you keep it.\n";

/// The snapshots of a tree: of each test file those of its tests.
#[derive(Debug, Default)]
pub struct Snapshots<'t> {
    files: BTreeMap<&'t str, BTreeMap<&'t str, &'t str>>,
}

impl<'t> Snapshots<'t> {
    /// Finds those in `tree`; a file that is none holds nothing.
    pub fn read(tree: &'t Tree) -> Self {
        let mut files = BTreeMap::new();
        for file in &tree.files {
            if let Some(test) = file.path.strip_suffix(".snap").filter(|path| path.ends_with(".test.vgo"))
                && let Ok(text) = core::str::from_utf8(&file.bytes)
            {
                files.insert(test, parts(text));
            }
        }
        Self { files }
    }

    /// Returns the texts of the files that differ from those of the tree when each case has the text beside it; paths are
    /// relative to the tree. What a file holds of other tests stays where `whole` is false.
    pub fn updated(&self, new: &[(&Case<'_>, &str)], whole: bool) -> Vec<(String, String)> {
        let mut files: BTreeMap<&str, BTreeMap<String, &str>> = BTreeMap::new();
        for (case, text) in new {
            files.entry(case.file).or_default().insert(title(case), text);
        }
        let mut changed = Vec::new();
        for (file, mut parts) in files {
            let old = self.files.get(file);
            if !whole {
                for (title, text) in old.into_iter().flatten() {
                    parts.entry((*title).into()).or_insert(text);
                }
            }
            let same = old.is_some_and(|old| {
                old.len() == parts.len() && old.iter().all(|(title, text)| parts.get(*title) == Some(text))
            });
            if !same {
                let text: String = parts.iter().map(|(title, text)| format!("\n{HEAD}{title}\n{text}")).collect();
                changed.push((format!("{file}.snap"), format!("{PREAMBLE}{text}")));
            }
        }
        changed
    }

    /// Returns what is not as it was.
    pub(super) fn differs(&self, case: &Case<'_>, node: Node<'_>, text: &str) -> Option<Failure> {
        let title = title(case);
        let Some(old) = self.files.get(&**case.file).and_then(|parts| parts.get(&*title)) else {
            let expected = format!("one in {}.snap", case.file);
            return Some(Failure::new(node, "snapshot", expected, "none; write it with `--update`"));
        };
        let (expected, found) = show::first_difference(old, text)?;
        Some(Failure::new(node, "snapshot", expected, found))
    }
}

fn title(case: &Case<'_>) -> String {
    format!("{}", case.name.escape_debug())
}

fn parts(text: &str) -> BTreeMap<&str, &str> {
    let mut parts = BTreeMap::new();
    let starts = text.match_indices(HEAD).map(|(at, _)| at);
    let heads: Vec<usize> = starts.filter(|&at| at == 0 || text.get(..at).is_some_and(|t| t.ends_with('\n'))).collect();
    for (i, &at) in heads.iter().enumerate() {
        let end = heads.get(i + 1).copied().unwrap_or(text.len());
        let part = text.get(at + HEAD.len()..end).unwrap_or_default();
        let (title, body) = part.split_once('\n').unwrap_or((part, ""));
        // A blank line parts one from the next.
        let body = if end == text.len() { body } else { body.strip_suffix('\n').unwrap_or(body) };
        parts.insert(title, body);
    }
    parts
}

/// Returns what a host gets, as text: one line for what is one line.
pub(super) fn text(world: &World) -> String {
    let class = &world.resolved.class;
    let mut out = format!("class {class}\n");
    for krate in &world.crates {
        out.push_str(&format!("configcrate {krate}\n"));
    }
    let edges = edges(world);
    for (resource, foreseen) in world.all() {
        self::resource(&mut out, &edges, resource, foreseen);
    }
    out
}

/// What each resource needs and notifies, by its index.
type Edges<'w> = BTreeMap<usize, Vec<(&'static str, &'w str)>>;

fn edges(world: &World) -> Edges<'_> {
    let mut edges = Edges::new();
    let id = |index: u32| world.bundle.resources.get(index as usize).map_or("", |r| &*r.id);
    for edge in &world.bundle.edges {
        let (at, what) = match edge.kind {
            EdgeKind::Requires => (edge.to, ("needs", id(edge.from))),
            EdgeKind::Notifies => (edge.from, ("notifies", id(edge.to))),
            EdgeKind::Order => continue,
        };
        edges.entry(at as usize).or_default().push(what);
    }
    edges.values_mut().for_each(|of| of.sort_unstable());
    edges
}

fn resource(out: &mut String, edges: &Edges<'_>, resource: &BundleResource, foreseen: &Foreseen) {
    let what = if resource.handler { ", a handler" } else { "" };
    out.push_str(&format!("{} ({}{what})\n", resource.id.escape_debug(), resource.type_name));
    match &foreseen.condition {
        Expr::True => {}
        Expr::False => out.push_str("  skipped\n"),
        other => out.push_str(&format!("  when {other}\n")),
    }
    for (word, id) in edges.get(&foreseen.resource).into_iter().flatten() {
        out.push_str(&format!("  {word} {}\n", id.escape_debug()));
    }
    match &foreseen.fields {
        None => {}
        Some(Err(problem)) => out.push_str(&format!("  fails: {}\n", problem.message.escape_debug())),
        Some(Ok(fields)) => {
            let mut items: Vec<_> =
                fields.items.iter().filter_map(|f| Some((&f.name, fields.datum(&f.name)?))).collect();
            items.sort_by_key(|(name, _)| *name);
            for (name, datum) in items {
                out.push_str(&format!("  {}:", name.escape_debug()));
                self::datum(out, datum, 2);
            }
        }
    }
}

/// Writes a value behind its key: on the same line, or indented below.
fn datum(out: &mut String, datum: &Datum, indent: usize) {
    let pad = " ".repeat(indent + 2);
    match datum {
        Datum::Scalar { text, .. } if text.as_str().contains('\n') => {
            out.push('\n');
            for line in text.as_str().lines() {
                out.push_str(format!("{pad}| {}", line.escape_debug()).trim_end());
                out.push('\n');
            }
            if !text.as_str().ends_with('\n') {
                out.push_str(&format!("{pad}(no line break at the end)\n"));
            }
        }
        Datum::Scalar { text, .. } => out.push_str(&format!(" {}\n", text.as_str().escape_debug())),
        Datum::List(items) => {
            out.push('\n');
            for item in items {
                out.push_str(&format!("{pad}-"));
                self::datum(out, item, indent + 2);
            }
        }
        Datum::Map(entries) => {
            out.push('\n');
            for (key, value) in entries {
                out.push_str(&format!("{pad}{}:", key.escape_debug()));
                self::datum(out, value, indent + 2);
            }
        }
    }
}
