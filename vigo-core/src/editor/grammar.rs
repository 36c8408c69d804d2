//! What may stand at a place.

use super::place::{Entry, Place, Step};
use crate::config::keys::{self, Takes};
use crate::policy_test;
use crate::resource::{self, Attr, TypeDecl};

/// What may stand at a place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expected {
    /// A map with these keys.
    Map(&'static keys::Place),
    /// A resource: what every one may have, and the attributes of its type, if it says which.
    Resource(Option<&'static TypeDecl>),
    /// Attributes and `state`, of a type if it is known.
    Attributes(Option<&'static TypeDecl>),
    /// Defaults of a crate.
    Defaults,
    /// What a key takes.
    Value(Takes),
    /// A state of the type.
    State(&'static TypeDecl),
    /// The value of an attribute, or an item of it.
    Attribute(&'static Attr),
    /// Anything, or nothing.
    Free,
}

/// What stands at a place, and of what type the resource is in which it does.
pub(super) struct Context<'t> {
    pub expected: Expected,
    /// The resource's own keys.
    pub resource: &'t [Entry<'t>],
}

/// Returns what may stand at a place of a file.
pub(super) fn context<'t>(path: &str, place: &'t Place<'_>) -> Context<'t> {
    let mut walk = Context { expected: Expected::Free, resource: &[] };
    let of_test = path.ends_with(".test.vgo").then_some(&policy_test::keys::FILE);
    let Some(root) = of_test.or_else(|| keys::of_file(path)) else { return walk };
    walk.expected = Expected::Map(root);
    for step in &place.path {
        walk.expected = match step {
            Step::Item => walk.item(),
            Step::Key(key, entries) => walk.key(key, entries),
        };
    }
    if let Expected::Resource(_) = walk.expected {
        walk.resource = &place.entries;
        walk.expected = Expected::Resource(type_of(walk.resource));
    }
    walk
}

/// Returns the type that a resource says it is of.
fn type_of(entries: &[Entry<'_>]) -> Option<&'static TypeDecl> {
    entries.iter().find(|(key, _)| *key == "type").and_then(|(_, name)| resource::find(name))
}

/// Returns the attribute that a type calls so.
pub(super) fn attribute(decl: &TypeDecl, name: &str) -> Option<&'static Attr> {
    decl.attributes.iter().find(|a| a.name == name || a.aliases.contains(&name))
}

impl<'t> Context<'t> {
    fn item(&self) -> Expected {
        match self.expected {
            Expected::Value(Takes::Resources) => Expected::Resource(None),
            Expected::Value(Takes::List(place) | Takes::Case(place)) => Expected::Map(place),
            Expected::Value(Takes::Names(kind)) => Expected::Value(Takes::Name(kind)),
            Expected::Value(Takes::Texts | Takes::Globs) => Expected::Value(Takes::Text),
            Expected::Value(takes @ Takes::DataFiles) => Expected::Value(takes),
            Expected::Attribute(..) => self.expected,
            _ => Expected::Free,
        }
    }

    fn of_place(&self, place: &keys::Place, key: &str) -> Expected {
        match place.key(key).map(|k| k.takes) {
            Some(Takes::Map(inner)) => Expected::Map(inner),
            Some(Takes::Attributes) => Expected::Attributes(type_of(self.resource)),
            Some(Takes::Defaults) => Expected::Defaults,
            Some(takes) => Expected::Value(takes),
            None => Expected::Free,
        }
    }

    fn key(&mut self, key: &str, entries: &'t [Entry<'t>]) -> Expected {
        match self.expected {
            Expected::Map(place) => self.of_place(place, key),
            Expected::Value(Takes::Named(_, place)) => Expected::Map(place),
            Expected::Value(Takes::Match) => Expected::Attributes(type_of(self.resource)),
            Expected::Resource(_) => {
                self.resource = entries;
                let decl = type_of(entries);
                match keys::RESOURCE.key(key) {
                    Some(_) => self.of_place(&keys::RESOURCE, key),
                    None => of_attribute(decl, key),
                }
            }
            Expected::Attributes(decl) => of_attribute(decl, key),
            Expected::Defaults => match resource::find(key) {
                Some(decl) => Expected::Attributes(Some(decl)),
                None => match keys::RESOURCE.key(key) {
                    Some(_) => self.of_place(&keys::RESOURCE, key),
                    None => any_attribute(key).map_or(Expected::Free, |(_, attr)| Expected::Attribute(attr)),
                },
            },
            _ => Expected::Free,
        }
    }
}

fn of_attribute(decl: Option<&'static TypeDecl>, key: &str) -> Expected {
    let Some(decl) = decl else { return Expected::Free };
    if key == "state" && !decl.states.is_empty() {
        return Expected::State(decl);
    }
    attribute(decl, key).map_or(Expected::Free, Expected::Attribute)
}

/// Returns the attribute of the first type that calls one so.
pub(super) fn any_attribute(name: &str) -> Option<(&'static TypeDecl, &'static Attr)> {
    resource::types().iter().find_map(|decl| Some((*decl, attribute(decl, name)?)))
}
