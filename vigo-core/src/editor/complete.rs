//! What may be written at a place.

use super::collect::FileKind;
use super::embedded;
use super::grammar::{self, Context, Expected};
use super::names::Names;
use super::place::{Entry, Place, Side};
use super::show;
use super::workspace::Workspace;
use crate::config::keys::{self, NameKind, Takes};
use crate::limits::COMPLETIONS_MAX;
use crate::resource::{self, Attr, Kind, TypeDecl};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

/// Something that may be written at a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Completion {
    /// What it is called.
    pub label: String,
    /// What it is.
    pub kind: CompletionKind,
    /// A few words beside the label.
    pub detail: String,
    /// What it is for, as Markdown.
    pub doc: String,
    /// The bytes that are replaced.
    pub replace: Range<usize>,
    /// What stands there then.
    pub text: String,
}

/// What a completion is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum CompletionKind {
    /// A key, or an attribute.
    Key,
    /// A word out of few.
    Word,
    /// A resource type.
    Type,
    /// A configcrate or usercrate.
    Crate,
    /// A role.
    Role,
    /// An environment.
    Environment,
    /// A resource.
    Resource,
    /// A variable, or a part of one.
    Variable,
    /// A builtin of `when:`, or a function of templates.
    Function,
    /// A trait, or another field.
    Field,
    /// A file.
    File,
}

/// Collects what may be written.
pub(super) struct Found {
    pub replace: Range<usize>,
    pub all: Vec<Completion>,
}

impl Found {
    pub fn add(&mut self, kind: CompletionKind, label: &str, detail: impl Into<String>, doc: impl Into<String>) {
        self.add_as(kind, label, label, detail, doc);
    }

    pub fn add_as(
        &mut self,
        kind: CompletionKind,
        label: &str,
        text: &str,
        detail: impl Into<String>,
        doc: impl Into<String>,
    ) {
        if self.all.len() < COMPLETIONS_MAX {
            self.all.push(Completion {
                label: label.into(),
                kind,
                detail: detail.into(),
                doc: doc.into(),
                replace: self.replace.clone(),
                text: text.into(),
            });
        }
    }
}

impl Workspace {
    /// Returns what may be written at the byte `at` of a file, which may be in the middle of a word; the best first.
    pub fn complete(&self, path: &str, at: usize) -> Vec<Completion> {
        let Some(text) = self.text(path) else { return Vec::new() };
        let at = text.floor_char_boundary(at.min(text.len()));
        if FileKind::of(path) == FileKind::Template {
            let head = text.get(..at).unwrap_or_default();
            return embedded::template(self, path, head, at, &[]).unwrap_or_default();
        }
        let place = Place::of(text, at);
        if place.side == Side::Comment {
            return Vec::new();
        }
        let context = grammar::context(path, &place);
        let head = place.head(text, at);
        if place.side != Side::Key {
            // What stands in braces is a template, whatever the place takes.
            if let Some(found) = embedded::template(self, path, head, at, context.resource) {
                return found;
            }
            if let Expected::Value(Takes::When) = context.expected {
                return embedded::when(self, path, head, at);
            }
        }
        let mut found = Found { replace: place.word.clone(), all: Vec::new() };
        if let (Side::Key | Side::Unclear, Expected::Value(Takes::Named(kind, _))) = (place.side, context.expected) {
            self.names_of(&mut found, path, kind);
            let is_key = text.get(place.word.end..).is_some_and(|t| t.trim_start_matches(['"', '\'']).starts_with(':'));
            found.all.iter_mut().filter(|_| !is_key).for_each(|c| c.text.push(':'));
            return found.all;
        }
        match place.side {
            Side::Key => keys_of(&mut found, text, &place, &context),
            Side::Value => self.values_of(&mut found, path, head, &context),
            _ => {
                keys_of(&mut found, text, &place, &context);
                self.values_of(&mut found, path, head, &context);
            }
        }
        found.all
    }

    fn values_of(&self, found: &mut Found, path: &str, head: &str, context: &Context<'_>) {
        match context.expected {
            Expected::Value(takes) => self.takes(found, path, takes),
            Expected::State(decl) => {
                for (i, state) in decl.states.iter().enumerate() {
                    found.add(CompletionKind::Word, state, if i == 0 { "the default" } else { "" }, "");
                }
            }
            Expected::Attribute(attr) => match attr.kind {
                Kind::Bool => booleans(found),
                Kind::Choice(words) => {
                    for word in words {
                        let detail = if attr.default == Some(word) { "the default" } else { "" };
                        found.add(CompletionKind::Word, word, detail, "");
                    }
                }
                _ if attr.name == "source" => {
                    // The path as a whole is written again: a `/` ends no word.
                    let typed = head.rsplit([',', '[', ' ']).next().unwrap_or_default();
                    for file in self.paths().filter(|p| p.starts_with("templates/") && p.starts_with(typed)) {
                        found.add(CompletionKind::File, file, "", "");
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }

    fn takes(&self, found: &mut Found, path: &str, takes: Takes) {
        match takes {
            Takes::Bool => booleans(found),
            Takes::Name(kind) | Takes::Names(kind) => self.names_of(found, path, kind),
            Takes::DataFiles => {
                let is_data = |p: &&Arc<str>| {
                    FileKind::of(p) == FileKind::Data && [".yaml", ".yml", ".json"].iter().any(|end| p.ends_with(end))
                };
                for file in self.paths().filter(is_data) {
                    found.add(CompletionKind::File, file, "", "");
                }
            }
            Takes::VariablePath => {
                for (name, by) in self.variables(path) {
                    found.add(CompletionKind::Variable, &name, by, "");
                }
            }
            _ => {}
        }
    }

    fn names_of(&self, found: &mut Found, path: &str, kind: NameKind) {
        let names = Names::new(self);
        match kind {
            NameKind::Crate | NameKind::AnyCrate | NameKind::Usercrate => {
                for krate in names.crates() {
                    let user = krate.name.strip_prefix("user:");
                    let label = match (kind, user) {
                        (NameKind::Crate, Some(_)) => continue,
                        (NameKind::Usercrate, None) => continue,
                        (NameKind::Usercrate, Some(user)) => user,
                        _ => &krate.name,
                    };
                    let count = format!("{} resources", krate.resources.len());
                    found.add(CompletionKind::Crate, label, count, krate.comment.clone());
                }
            }
            NameKind::Role => self.others(found, "role", CompletionKind::Role),
            NameKind::Environment => {
                for name in self.environments() {
                    found.add(CompletionKind::Environment, &name, "", "");
                }
            }
            NameKind::Reference => {
                let own: Vec<&str> =
                    self.index(path).into_iter().flat_map(|(i, _)| &i.crates).map(|k| &*k.name).collect();
                for krate in names.crates().iter().filter(|k| own.contains(&&*k.name)) {
                    for resource in &krate.resources {
                        found.add(CompletionKind::Resource, &resource.name, &*resource.type_name, "");
                    }
                }
                for krate in names.crates().iter().filter(|k| !own.contains(&&*k.name)) {
                    found.add(CompletionKind::Crate, &krate.name, "a whole crate", krate.comment.clone());
                }
                for krate in names.crates().iter().filter(|k| !own.contains(&&*k.name)) {
                    for resource in &krate.resources {
                        let label = format!("{}/{}", krate.name, resource.name);
                        found.add(CompletionKind::Resource, &label, &*resource.type_name, "");
                    }
                }
            }
            NameKind::Type => {
                for decl in resource::types() {
                    found.add(CompletionKind::Type, decl.name, "", decl.summary);
                }
            }
            NameKind::Resource => {
                for krate in names.crates() {
                    for resource in &krate.resources {
                        let label = format!("{}/{}", krate.name, resource.name);
                        found.add(CompletionKind::Resource, &label, &*resource.type_name, "");
                    }
                }
            }
        }
    }

    fn others(&self, found: &mut Found, kind: &str, as_kind: CompletionKind) {
        for (path, file) in self.indexed() {
            for (name, _, _) in file.index().others.iter().filter(|(_, what, _)| *what == kind) {
                found.add(as_kind, name, &**path, "");
            }
        }
    }

    /// Returns the environments that the tree knows, sorted.
    pub(super) fn environments(&self) -> Vec<Arc<str>> {
        let marks = self.indexed().flat_map(|(_, f)| &f.index().marks);
        let mut names: Vec<Arc<str>> = marks
            .filter_map(|m| match &m.name {
                super::index::Name::Environment(name) => Some(name.clone()),
                _ => None,
            })
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// Returns the variables that may be used in a file, each with what sets it first: those of hosts, and of its own
    /// crates; in a template those of all crates.
    pub(super) fn variables(&self, path: &str) -> BTreeMap<Arc<str>, String> {
        let mut found = BTreeMap::new();
        let is_template = FileKind::of(path) == FileKind::Template;
        let mut entries: Vec<_> = self
            .indexed()
            .flat_map(|(file, f)| f.index().vars.iter().map(move |v| (file, v)))
            .filter(|(file, v)| v.krate.is_none() || is_template || ***file == *path)
            .collect();
        entries.sort_by_key(|(_, v)| v.layer);
        for (_, v) in entries {
            found.entry(v.name.clone()).or_insert_with(|| format!("{}, {}", show::shown(&v.value), v.by));
        }
        found
    }
}

fn booleans(found: &mut Found) {
    found.add(CompletionKind::Word, "true", "", "");
    found.add(CompletionKind::Word, "false", "", "");
}

fn keys_of(found: &mut Found, text: &str, place: &Place<'_>, context: &Context<'_>) {
    let behind = text.get(place.word.end..).unwrap_or_default();
    let has_colon = behind.trim_start_matches(['"', '\'', ' ']).starts_with(':');
    let mut adder = Keys { found, entries: &place.entries, colon: if has_colon { "" } else { ": " } };
    match context.expected {
        Expected::Map(map) => map.keys.iter().for_each(|k| adder.key(k)),
        Expected::Resource(decl) => {
            let first = ["type", "name"].into_iter().filter_map(|name| keys::RESOURCE.key(name));
            first.for_each(|k| adder.key(k));
            adder.attributes(decl);
            let rest = keys::RESOURCE.keys.iter().filter(|k| !matches!(k.name, "type" | "name"));
            rest.for_each(|k| adder.key(k));
        }
        Expected::Attributes(decl) => adder.attributes(decl),
        Expected::Defaults => {
            for decl in resource::types() {
                adder.found.add_as(
                    CompletionKind::Type,
                    decl.name,
                    &format!("{}:", decl.name),
                    "defaults of a type",
                    decl.summary,
                );
            }
            for name in ["retries", "retry_delay", "timeout", "compliance"] {
                keys::RESOURCE.key(name).into_iter().for_each(|k| adder.key(k));
            }
            let mut seen: Vec<&str> = Vec::new();
            for attr in resource::types().iter().flat_map(|d| d.attributes) {
                if !seen.contains(&attr.name) {
                    seen.push(attr.name);
                    adder.attribute(attr);
                }
            }
        }
        _ => {}
    }
}

struct Keys<'f> {
    found: &'f mut Found,
    /// What is written already.
    entries: &'f [Entry<'f>],
    colon: &'static str,
}

impl Keys<'_> {
    fn is_written(&self, name: &str) -> bool {
        self.entries.iter().any(|(key, _)| *key == name)
    }

    fn key(&mut self, key: &keys::Key) {
        if self.is_written(key.name) {
            return;
        }
        let below = matches!(
            key.takes,
            Takes::Variables
                | Takes::Map(_)
                | Takes::List(_)
                | Takes::Named(..)
                | Takes::Resources
                | Takes::Defaults
                | Takes::Attributes
                | Takes::Match
                | Takes::Case(_)
                | Takes::Controls
        );
        let colon = if below { self.colon.trim_end() } else { self.colon };
        self.found.add_as(CompletionKind::Key, key.name, &format!("{}{colon}", key.name), "", key.doc);
    }

    fn attributes(&mut self, decl: Option<&'static TypeDecl>) {
        let Some(decl) = decl else { return };
        let state = self.entries.iter().find(|(key, _)| *key == "state").map(|(_, value)| *value);
        let state = state.or(decl.states.first().copied()).unwrap_or_default();
        let needed = |attr: &&Attr| attr.required.contains(&"*") || attr.required.contains(&state);
        decl.attributes.iter().filter(needed).for_each(|attr| self.attribute(attr));
        if !decl.states.is_empty() && !self.is_written("state") {
            let text = format!("state{}", self.colon);
            self.found.add_as(
                CompletionKind::Key,
                "state",
                &text,
                "",
                format!("One of `{}`.", decl.states.join("`, `")),
            );
        }
        let rest = decl.attributes.iter().filter(|a| !needed(a) && a.takes_in(state));
        rest.for_each(|attr| self.attribute(attr));
    }

    fn attribute(&mut self, attr: &Attr) {
        if self.is_written(attr.name) || attr.aliases.iter().any(|alias| self.is_written(alias)) {
            return;
        }
        let text = format!("{}{}", attr.name, self.colon);
        self.found.add_as(
            CompletionKind::Key,
            attr.name,
            &text,
            super::hover::kind(attr.kind),
            super::hover::attribute(attr),
        );
    }
}
