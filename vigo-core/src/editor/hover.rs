//! What a thing is, as Markdown.

use super::collect::FileKind;
use super::embedded;
use super::find::Found;
use super::grammar::{self, Expected};
use super::index::Sort;
use super::names::{Names, Symbol};
use super::place::{Place, Side};
use super::show;
use super::workspace::Workspace;
use crate::config::keys::Takes;
use crate::resource::{self, Attr, Kind};
use crate::template::{FIELDS, functions};
use crate::traits;
use crate::when::builtin::{Builtin, ParamKind, Side as Decider};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

/// Places and names that are listed.
const LISTED_MAX: usize = 12;

impl Workspace {
    /// Returns what stands at the byte `at` of a file: its stretch, and what it is, as Markdown.
    pub fn hover(&self, path: &str, at: usize) -> Option<(Range<usize>, String)> {
        let text = self.text(path)?;
        let at = text.floor_char_boundary(at.min(text.len()));
        if let Some((symbol, range)) = self.named_at(path, at).into_iter().next() {
            return Some((range, self.about(&symbol, path)));
        }
        if FileKind::of(path) == FileKind::Template {
            return in_template(text, 0, at);
        }
        let place = Place::of(text, at);
        if place.side == Side::Comment {
            return None;
        }
        let word = text.get(place.word.clone()).unwrap_or_default();
        let context = grammar::context(path, &place);
        if place.side == Side::Key {
            return Some((place.word.clone(), key(&context.expected, word)?));
        }
        if let Some(found) = in_template(text, place.from, at) {
            return Some(found);
        }
        if let Expected::Value(Takes::When) = context.expected {
            return in_when(text, at);
        }
        let doc = match context.expected {
            Expected::Value(Takes::Name(crate::config::keys::NameKind::Type)) => type_doc(word)?,
            Expected::State(decl) if decl.states.contains(&word) => {
                format!("A state of `{}`, of `{}`.", decl.name, decl.states.join("`, `"))
            }
            Expected::Map(_) | Expected::Resource(_) | Expected::Attributes(_) => key(&context.expected, word)?,
            _ => return None,
        };
        Some((place.word.clone(), doc))
    }

    fn about(&self, symbol: &Symbol, path: &str) -> String {
        let found = self.named(symbol);
        let mut doc = format!("**{}** `{}`\n", symbol.kind(), symbol.name());
        match symbol {
            Symbol::Crate(name) => {
                if let Some(krate) = Names::new(self).krate(name) {
                    if !krate.comment.is_empty() {
                        doc.push_str(&format!("\n{}\n", krate.comment));
                    }
                    let names: Vec<String> = krate.resources.iter().map(|r| format!("`{}`", r.name)).collect();
                    doc.push_str(&format!("\n{}\n", listed("Resources", &names)));
                }
            }
            Symbol::Variable(..) => {
                doc.push_str(&self.settings(symbol, path));
                return doc;
            }
            Symbol::Resource(krate, name) => {
                let krate = Names::new(self).krate(krate);
                if let Some(r) = krate.and_then(|k| k.resources.iter().find(|r| r.name == *name)) {
                    let summary = resource::find(&r.type_name).map_or("", |d| d.summary);
                    doc.push_str(&format!("\nof type `{}`: {summary}\n", r.type_name));
                }
            }
            _ => {}
        }
        let place = |f: &Found<'_>| self.place(f);
        let defined: Vec<String> = found.iter().filter(|f| f.is_definition()).map(place).collect();
        if !defined.is_empty() {
            doc.push_str(&format!("\n{}\n", listed("Defined", &defined)));
        }
        let by = |f: &Found<'_>| match &f.mark.sort {
            Sort::Includes(by) => Some(format!("{by} ({})", self.place(f))),
            _ => None,
        };
        let included: Vec<String> = found.iter().filter_map(by).collect();
        if matches!(symbol, Symbol::Crate(_) | Symbol::Role(_)) {
            let nobody = "\nNothing includes it.\n".into();
            doc.push_str(&if included.is_empty() {
                nobody
            } else {
                format!("\n{}\n", listed("Included by", &included))
            });
        }
        let excluded = |f: &Found<'_>| match &f.mark.sort {
            Sort::Excludes(by) => Some(format!("{by} ({})", self.place(f))),
            _ => None,
        };
        let excluded: Vec<String> = found.iter().filter_map(excluded).collect();
        if !excluded.is_empty() {
            doc.push_str(&format!("\n{}\n", listed("Taken out by", &excluded)));
        }
        doc
    }

    /// Returns `file:line` of a place.
    fn place(&self, found: &Found<'_>) -> String {
        let location = found.location();
        format!("`{}:{}`", location.path, line_of(found.file.text(), location.at.start))
    }

    /// Returns what sets a variable, the layer that wins first.
    fn settings(&self, symbol: &Symbol, path: &str) -> String {
        let Symbol::Variable(name, crates) = symbol else { return String::new() };
        let mut all: Vec<_> = Vec::new();
        for (file, f) in self.indexed() {
            for v in f.index().vars.iter().filter(|v| v.name == *name) {
                let krate = f.index().krate(v.krate).map(|k| &k.name);
                let is_seen = krate.is_none_or(|k| crates.as_ref().is_none_or(|of| of.contains(k)));
                // What another crate has by that name is another variable to this one.
                let is_foreign = krate.is_some() && FileKind::of(path) != FileKind::Template && **file != *path;
                if is_seen && !is_foreign {
                    all.push((v.layer, core::cmp::Reverse(file.matches('/').count()), file, f, v));
                }
            }
        }
        all.sort_by_key(|(layer, depth, file, _, v)| (*layer, *depth, (*file).clone(), v.at.start));
        if all.is_empty() {
            return "\nNothing in this tree sets it.\n".into();
        }
        let mut doc = String::from("\nSet, what wins first:\n\n");
        for (_, _, file, f, v) in all.iter().take(LISTED_MAX) {
            let line = line_of(f.text(), f.now(&v.at).start);
            doc.push_str(&format!("- {} — {}, `{file}:{line}`\n", code(&show::shown(&v.value)), v.by));
        }
        if all.len() > LISTED_MAX {
            doc.push_str(&format!("- and {} more\n", all.len() - LISTED_MAX));
        }
        doc
    }
}

/// Returns the line of a byte, from 1.
fn line_of(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or_default().matches('\n').count() + 1
}

fn listed(what: &str, names: &[String]) -> String {
    let more = names.len().saturating_sub(LISTED_MAX);
    let shown: Vec<&str> = names.iter().take(LISTED_MAX).map(|n| &**n).collect();
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{what}: {}{rest}", if shown.is_empty() { "none".into() } else { shown.join(", ") })
}

/// Returns a text as code in Markdown, whatever it holds.
fn code(text: &str) -> String {
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

/// Returns what a key is for.
fn key(expected: &Expected, name: &str) -> Option<String> {
    let of_attribute = |decl: Option<&'static resource::TypeDecl>| {
        let decl = decl?;
        if name == "state" && !decl.states.is_empty() {
            let states = decl.states.join("`, `");
            return Some(format!("`state` of `{}`: `{states}`; the first is the default.", decl.name));
        }
        let attr = grammar::attribute(decl, name)?;
        Some(format!("`{}` of `{}`: {}\n\n{}", attr.name, decl.name, kind(attr.kind), attribute(attr)))
    };
    match expected {
        Expected::Map(map) => map.key(name).map(|k| format!("`{name}` of {}\n\n{}", map.name, k.doc)),
        Expected::Resource(decl) => match crate::config::keys::RESOURCE.key(name) {
            Some(k) => Some(format!("`{name}` of a resource\n\n{}", k.doc)),
            None => of_attribute(*decl),
        },
        Expected::Attributes(decl) => of_attribute(*decl),
        Expected::Defaults => match type_doc(name) {
            Some(doc) => Some(doc),
            None => of_attribute(grammar::any_attribute(name).map(|(decl, _)| decl)),
        },
        _ => None,
    }
}

fn type_doc(name: &str) -> Option<String> {
    let decl = resource::find(name)?;
    let mut doc = format!("**{}**: {}\n", decl.name, decl.summary);
    if !decl.states.is_empty() {
        doc.push_str(&format!("\nStates: `{}`; the first is the default.\n", decl.states.join("`, `")));
    }
    let name = |a: &Attr| format!("`{}`{}", a.name, if a.required.is_empty() { "" } else { " (required)" });
    let names: Vec<String> = decl.attributes.iter().map(name).collect();
    doc.push_str(&format!("\nAttributes: {}\n", names.join(", ")));
    Some(doc)
}

/// Returns what an attribute is for, with when it is needed and what an absent one means.
pub(super) fn attribute(attr: &Attr) -> String {
    let mut doc = String::from(attr.doc);
    match attr.required {
        [] => {}
        ["*"] => doc.push_str("\n\nRequired."),
        states => doc.push_str(&format!("\n\nRequired in state `{}`.", states.join("`, `"))),
    }
    if !attr.states.is_empty() {
        doc.push_str(&format!("\n\nIn state `{}` only.", attr.states.join("`, `")));
    }
    if let Some(default) = attr.default {
        doc.push_str(&format!("\n\nDefault: {}", code(default)));
    }
    if !attr.aliases.is_empty() {
        doc.push_str(&format!("\n\nAlso written `{}`.", attr.aliases.join("`, `")));
    }
    doc
}

/// Returns what an attribute takes, in a few words.
pub(super) fn kind(kind: Kind) -> String {
    String::from(match kind {
        Kind::Text | Kind::LongText => "text",
        Kind::Line => "one line",
        Kind::Name => "a name",
        Kind::Path => "an absolute path",
        Kind::Bool => "`true` or `false`",
        Kind::Integer(min, max) => return format!("a whole number from {min} to {max}"),
        Kind::Mode => "an octal mode",
        Kind::Size => "a size in MiB, or with `K`, `M`, `G`, `T`",
        Kind::Duration => "a time such as `30s`",
        Kind::Choice(words) => return format!("`{}`", words.join("`, `")),
        Kind::List => "a list",
        Kind::Map => "a map",
        Kind::Regex => "a regular expression",
        Kind::Command => "a command",
        Kind::Any => "any value",
    })
}

/// Returns how a builtin is called.
pub(super) fn call(builtin: &Builtin) -> String {
    let params: Vec<&str> = builtin.params.iter().map(|p| p.name).collect();
    if params.is_empty() { builtin.name.into() } else { format!("{}({})", builtin.name, params.join(", ")) }
}

/// Returns what a builtin says, and who decides it.
pub(super) fn builtin(builtin: &Builtin) -> String {
    let by = match builtin.side() {
        Decider::Server => "the server, at publish",
        Decider::Name => "the name that the machine enrolled with",
        Decider::Traits => "the machine's traits, at the start of a run",
        Decider::Look => "a look at the machine, at the resource's turn",
        Decider::Clock => "the machine's clock, at the start of a run",
    };
    let bounds = builtin.params.iter().filter_map(|p| match p.kind {
        ParamKind::Int(min, max) => Some(format!(" `{}` is {min} to {max}.", p.name)),
        _ => None,
    });
    let bounds: String = bounds.collect();
    format!("True where {}.{bounds}\n\nDecided by {by}. Example: `{}`", builtin.doc, builtin.example)
}

/// Returns the name around a byte: letters, digits and `_`.
fn name_at(text: &str, at: usize) -> Range<usize> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let start = text.get(..at).unwrap_or_default().trim_end_matches(is_name).len();
    let rest = text.get(at..).unwrap_or_default();
    start..at + (rest.len() - rest.trim_start_matches(is_name).len())
}

/// Returns what a function, keyword or field of a template is, if a template is open before the byte `at`.
fn in_template(text: &str, from: usize, at: usize) -> Option<(Range<usize>, String)> {
    embedded::open_action(text.get(from..at)?)?;
    let range = name_at(text, at);
    let word = text.get(range.clone())?;
    let before = text.get(..range.start)?;
    if !before.ends_with('.') {
        let keyword =
            embedded::KEYWORDS.iter().find(|(name, _)| *name == word).map(|(_, doc)| format!("`{word}`\n\n{doc}"));
        let function = || functions().iter().find(|f| f.name == word).map(|f| format!("`{}`\n\n{}", f.usage, f.doc));
        return Some((range, keyword.or_else(function)?));
    }
    let chain = before.get(before.trim_end_matches(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.')).len()..)?;
    let steps: Vec<&str> = chain.split('.').filter(|step| !step.is_empty()).chain([word]).collect();
    let doc = match steps.as_slice() {
        [_] if FIELDS.iter().any(|(name, _)| *name == word) => {
            embedded::FIELD_DOCS.iter().find(|(name, _)| *name == word).map(|(_, doc)| format!("`.{word}`\n\n{doc}"))?
        }
        ["Traits", rest @ ..] => {
            let path = rest.join(".");
            format!("trait `{path}`: {}", traits::declared(&path)?.word())
        }
        _ => return None,
    };
    Some((range, doc))
}

fn in_when(text: &str, at: usize) -> Option<(Range<usize>, String)> {
    let range = name_at(text, at);
    let found = Builtin::find(text.get(range.clone())?)?;
    Some((range, format!("`{}`\n\n{}", call(found), builtin(found))))
}
