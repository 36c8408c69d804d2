//! Looking things up.

use super::fact::{Fact, FactKind, Survey};
use crate::config::{Config, Resource};
use crate::diagnostic::nearest;
use crate::resolve::static_name;
use crate::resource;
use crate::source::{Node, NodeKind};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use hashbrown::HashSet;

/// What is looked for; all that is said must be true of it.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// A part of the name, or of the value of a variable, in any case.
    pub text: Option<String>,
    /// A type: the resources of it.
    pub type_name: Option<String>,
    /// An attribute, and what it is: the resources that have it so.
    pub attribute: Option<(String, Option<String>)>,
    /// One configcrate, with all its uses.
    pub krate: Option<String>,
    /// One variable, likewise.
    pub variable: Option<String>,
    /// One role, likewise.
    pub role: Option<String>,
}

/// Why nothing was looked up.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    /// What nothing is called.
    pub message: String,
    /// The nearest name that something has.
    pub help: Option<String>,
}

impl Survey {
    /// Returns what fits, definitions before uses, by kind and name.
    ///
    /// # Errors
    /// When nothing in the tree, or no type, has a name that is asked for.
    pub fn search(&self, config: &Config<'_>, query: &Query) -> Result<Vec<&Fact>, QueryError> {
        let exact = [
            (FactKind::Configcrate, &query.krate),
            (FactKind::Variable, &query.variable),
            (FactKind::Role, &query.role),
        ];
        for (kind, name) in exact {
            let Some(name) = name else { continue };
            if self.about(kind, name).next().is_none() {
                let known = self.facts.iter().filter(|fact| fact.kind == kind).map(|fact| &*fact.name);
                let message = format!("nothing in the tree is a {} `{}`", kind.word(), name.escape_debug());
                return Err(unknown(message, name, known));
            }
        }
        let resources = resources(config, query)?;
        let wanted: Vec<(FactKind, &str)> =
            exact.iter().filter_map(|(kind, name)| Some((*kind, name.as_deref()?))).collect();
        let text = query.text.as_ref().map(|text| text.to_lowercase());
        let contains = |part: &str, whole: &str| whole.to_lowercase().contains(part);
        let fits = |fact: &&Fact| {
            let named =
                wanted.is_empty() || wanted.iter().any(|(kind, name)| fact.kind == *kind && *fact.name == **name);
            let of_type = resources
                .as_ref()
                .is_none_or(|own| fact.kind == FactKind::Resource && fact.is_definition && own.contains(&*fact.name));
            let said = text
                .as_ref()
                .is_none_or(|part| contains(part, &fact.name) || (fact.is_definition && contains(part, &fact.detail)));
            named && of_type && said
        };
        let mut found: Vec<&Fact> = self.facts.iter().filter(fits).collect();
        found.sort_by(|a, b| {
            (a.kind, &a.name, !a.is_definition, &a.file, a.line).cmp(&(
                b.kind,
                &b.name,
                !b.is_definition,
                &b.file,
                b.line,
            ))
        });
        found.dedup();
        Ok(found)
    }
}

/// Returns the ids of the resources that type and attribute ask for; `None` where neither does.
fn resources(config: &Config<'_>, query: &Query) -> Result<Option<HashSet<String>>, QueryError> {
    if query.type_name.is_none() && query.attribute.is_none() {
        return Ok(None);
    }
    let decl = match &query.type_name {
        None => None,
        Some(name) => Some(resource::find(name).ok_or_else(|| {
            let message = format!("there is no resource type `{}`", name.escape_debug());
            unknown(message, name, resource::types().iter().map(|t| t.name))
        })?),
    };
    let fits = |r: &&Resource<'_>| {
        let own = r.type_name.text().and_then(resource::find);
        let of_type = decl.is_none_or(|decl| own.is_some_and(|own| own.name == decl.name));
        let has = query.attribute.as_ref().is_none_or(|(name, value)| {
            let mut written = r.attributes.iter().filter(|e| e.name == name);
            written.any(|e| value.as_ref().is_none_or(|value| holds(e.value, value)))
        });
        of_type && has
    };
    let id = |krate: &str, r: &Resource<'_>| format!("{krate}/{}", static_name(r));
    let of = |krate| -> Vec<String> {
        let krate: &crate::config::Configcrate<'_> = krate;
        krate.resources.iter().filter(fits).map(|r| id(&krate.name, r)).collect()
    };
    Ok(Some(config.crates.iter().flat_map(of).collect()))
}

/// Returns whether a written value is this text, or a list or map that holds it.
fn holds(node: Node<'_>, value: &str) -> bool {
    match node.kind() {
        NodeKind::Scalar(text, _) => text == value,
        NodeKind::List => node.list().into_iter().flatten().any(|item| holds(item, value)),
        NodeKind::Map(map) => map.iter().any(|e| e.name == value || holds(e.value, value)),
    }
}

fn unknown<'k>(message: String, name: &str, known: impl Iterator<Item = &'k str>) -> QueryError {
    QueryError { message, help: nearest(name, known).map(|near| format!("did you mean `{near}`?")) }
}
