//! Whole schemas.

use super::shape::{object, word};
use super::{places, resource};
use crate::config::keys::{self, Place};
use crate::policy_test::keys as tests;
use crate::value::Value;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// A kind of file of a tree.
#[derive(Debug)]
pub struct FileKind {
    /// What it is called.
    pub name: &'static str,
    /// Where such files are, as globs relative to the root of the tree.
    pub globs: &'static [&'static str],
    /// The keys at its top.
    pub place: &'static Place,
}

static KINDS: &[FileKind] = &[
    FileKind { name: "configcrate", globs: &["configcrates/**/*.vgo", "usercrates/**/*.vgo"], place: &keys::CRATE },
    FileKind { name: "claims", globs: &["configcrates/**/compliance.vgo"], place: &keys::CLAIMS },
    FileKind { name: "roles", globs: &["roles.vgo", "roles/**/*.vgo"], place: &keys::ROLE_FILE },
    FileKind { name: "envoys", globs: &["**/*.vgo"], place: &keys::MATCH_FILE },
    FileKind { name: "common", globs: &["**/common.vgo"], place: &keys::COMMON },
    FileKind { name: "environments", globs: &["**/environments.vgo"], place: &keys::ENVIRONMENTS_FILE },
    FileKind { name: "compliance", globs: &["**/compliance.vgo"], place: &keys::WAIVERS_FILE },
    FileKind { name: "tests", globs: &["**/*.test.vgo"], place: &tests::FILE },
];

impl FileKind {
    /// Returns all kinds.
    pub fn all() -> &'static [Self] {
        KINDS
    }

    /// Returns the kind of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        KINDS.iter().find(|k| k.name == name)
    }
}

/// Returns the schema of one document of a file: of this kind, or of any.
pub fn schema(kind: Option<&FileKind>) -> Value {
    let mut defs: BTreeMap<String, Value> = BTreeMap::new();
    let chosen: Vec<&FileKind> = kind.map_or_else(|| KINDS.iter().collect(), |kind| alloc::vec![kind]);
    let tops: Vec<Value> = chosen.iter().map(|kind| places::define(&mut defs, kind.place, true)).collect();
    if chosen.iter().any(|kind| core::ptr::eq(kind.place, &keys::CRATE)) {
        resource::define(&mut defs);
    }
    let title = match kind {
        Some(kind) => alloc::format!("Vigo: {}", kind.name),
        None => "Vigo: any file of a tree".into(),
    };
    let nothing = object([("type", word("null"))]);
    object([
        ("$schema", word("https://json-schema.org/draft/2020-12/schema")),
        ("title", Value::from(title)),
        ("$defs", Value::map(defs)),
        ("anyOf", Value::list(tops.into_iter().chain([nothing]))),
    ])
}

#[cfg(test)]
mod tests_of_references {
    use super::*;

    fn references(value: &Value, into: &mut Vec<String>) {
        match value {
            Value::Map(map) => {
                for (key, value) in map.iter() {
                    match value.as_str().filter(|_| &**key == "$ref") {
                        Some(name) => into.push(name.trim_start_matches("#/$defs/").into()),
                        None => references(value, into),
                    }
                }
            }
            Value::List(items) => items.iter().for_each(|item| references(item, into)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        for kind in FileKind::all().iter().map(Some).chain([None]) {
            let schema = schema(kind);
            let defs = schema.at("$defs").and_then(Value::as_map).expect("definitions");
            assert!(defs.values().all(|def| *def != Value::Null), "{kind:?}");
            let mut names = Vec::new();
            references(&schema, &mut names);
            let lost: Vec<_> = names.iter().filter(|name| !defs.contains_key(&***name)).collect();
            assert!(lost.is_empty(), "{kind:?}: {lost:?}");
        }
    }
}
