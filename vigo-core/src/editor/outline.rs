//! What a file holds, as a tree of names.

use super::collect::FileKind;
use super::index::Name;
use super::index::Sort;
use super::workspace::Workspace;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

/// Something that a file holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outline {
    /// Its name.
    pub name: String,
    /// A few words beside the name.
    pub detail: String,
    /// What it is.
    pub kind: OutlineKind,
    /// All of it.
    pub whole: Range<usize>,
    /// Its name, inside of that.
    pub at: Range<usize>,
    /// What it holds.
    pub children: Vec<Outline>,
}

/// What something in an outline is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OutlineKind {
    /// A configcrate or usercrate.
    Crate,
    /// A resource.
    Resource,
    /// A role.
    Role,
    /// A match block.
    Block,
    /// An environment.
    Environment,
    /// A variable, of a layer that is no crate's.
    Variable,
}

impl Workspace {
    /// Returns what a file holds, in the order of its text.
    pub fn outline(&self, path: &str) -> Vec<Outline> {
        let Some(file) = self.file(path) else { return Vec::new() };
        let index = file.index();
        let end = file.text().len();
        let entry = |name: &str, detail: &str, kind, whole: &Range<u32>, at: &Range<u32>| {
            let at = file.now(at);
            let whole = file.now(whole);
            // A name lies inside of what it names.
            let whole = whole.start.min(at.start)..whole.end.max(at.end).min(end);
            Outline { name: name.into(), detail: detail.into(), kind, whole, at, children: Vec::new() }
        };
        let mut all = Vec::new();
        for krate in &index.crates {
            let named = index.marks.iter().find(|m| {
                m.sort == Sort::Definition
                    && matches!(&m.name, Name::Crate(n) if *n == krate.name)
                    && within(&m.at, &krate.whole)
            });
            let at = named.map_or(krate.whole.start..krate.whole.start, |m| m.at.clone());
            let mut own = entry(&krate.name, "configcrate", OutlineKind::Crate, &krate.whole, &at);
            let resources = krate.resources.iter();
            own.children =
                resources.map(|r| entry(&r.name, &r.type_name, OutlineKind::Resource, &r.whole, &r.at)).collect();
            all.push(own);
        }
        for (name, what, whole) in &index.others {
            let kind = match *what {
                "role" => OutlineKind::Role,
                "environment" => OutlineKind::Environment,
                _ => OutlineKind::Block,
            };
            let at = if kind == OutlineKind::Block { whole.start..whole.start } else { whole.clone() };
            all.push(entry(name, what, kind, whole, &at));
        }
        if FileKind::of(path) == FileKind::Data || path.ends_with("common.vgo") {
            let vars = index.vars.iter().filter(|v| v.krate.is_none());
            all.extend(vars.map(|v| entry(&v.name, "variable", OutlineKind::Variable, &v.at, &v.at)));
        }
        all.sort_by_key(|o| (o.whole.start, o.whole.end));
        all
    }

    /// Returns what the whole tree holds that has `query` in its name, each with its file: crates, resources, roles and
    /// environments.
    pub fn find(&self, query: &str, max: usize) -> Vec<(Arc<str>, Outline)> {
        let query = query.to_lowercase();
        let mut found = Vec::new();
        for path in self.paths() {
            for mut outline in self.outline(path) {
                let children = core::mem::take(&mut outline.children);
                for one in core::iter::once(outline).chain(children) {
                    if one.name.to_lowercase().contains(&query) && found.len() < max {
                        found.push((path.clone(), one));
                    }
                }
            }
        }
        found
    }
}

fn within(inner: &Range<u32>, outer: &Range<u32>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}
