//! What a template is rendered from.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;

use crate::value::{Text, Value};

/// The fields of the root, in the order of [`FIELDS`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Field {
    /// `.Each`: the `{key, value}` of a `foreach` over a map.
    Each,
    /// `.Envoy`: what the assignment says of the envoy.
    Envoy,
    /// `.Index`: the place in a `foreach`.
    Index,
    /// `.Item`: the item of a `foreach`.
    Item,
    /// `.Outer`: in a stamped crate, the crate's item.
    Outer,
    /// `.Traits`: the envoy's facts. What is not there is null.
    Traits,
    /// `.User`: the user of a usercrate.
    User,
    /// `.Vars`: the variables as the resource's crate sees them.
    Vars,
}

/// The root's fields by name, sorted.
pub const FIELDS: [(&str, Field); 8] = [
    ("Each", Field::Each),
    ("Envoy", Field::Envoy),
    ("Index", Field::Index),
    ("Item", Field::Item),
    ("Outer", Field::Outer),
    ("Traits", Field::Traits),
    ("User", Field::User),
    ("Vars", Field::Vars),
];

/// The data of one rendering: borrowed, so that one costs nothing for each of thousands of resources.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    fields: [Option<&'a Value>; FIELDS.len()],
    /// The whole root, in place of the fields.
    data: Option<&'a Value>,
    pub(super) secrets: &'a dyn Secrets,
}

impl<'a> Scope<'a> {
    /// Returns a scope without any field.
    pub fn new(secrets: &'a dyn Secrets) -> Self {
        Self { fields: [None; FIELDS.len()], data: None, secrets }
    }

    /// Returns a scope whose root is `data` itself.
    pub fn over(data: &'a Value, secrets: &'a dyn Secrets) -> Self {
        Self { data: Some(data), ..Self::new(secrets) }
    }

    /// Sets a field of the root.
    #[must_use]
    pub fn with(mut self, field: Field, value: &'a Value) -> Self {
        if let Some(place) = self.fields.get_mut(field as usize) {
            *place = Some(value);
        }
        self
    }

    pub(super) fn get(&self, name: &str) -> Option<(&'a Value, bool)> {
        if let Some(data) = self.data {
            return data.as_map()?.get(name).map(|v| (v, false));
        }
        let (_, field) = FIELDS.iter().find(|(n, _)| *n == name)?;
        let value = (*self.fields.get(*field as usize)?)?;
        Some((value, *field == Field::Traits))
    }

    /// Returns what may have been meant by a field `name` of the root that is not there.
    pub(super) fn hint(&self, name: &str) -> Option<String> {
        let vars = self.fields.get(Field::Vars as usize).copied().flatten().and_then(Value::as_map);
        match name {
            "Item" | "Each" | "Index" => Some(format!("use `.{name}` in a resource or crate with `foreach`")),
            "Outer" => Some(String::from("use `.Outer` in a crate with `foreach`")),
            "User" => Some(String::from("use `.User` in a usercrate")),
            _ if vars.is_some_and(|vars| vars.contains_key(name)) => Some(format!("write `.Vars.{name}`")),
            _ => None,
        }
    }

    /// Returns the names of the fields that are there.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        let keys = self.data.and_then(Value::as_map).into_iter().flat_map(|m| m.keys().map(|k| &**k));
        let fields = self.fields;
        keys.chain(
            FIELDS.iter().filter(move |(_, f)| fields.get(*f as usize).is_some_and(Option::is_some)).map(|f| f.0),
        )
    }

    /// Returns the root as one value.
    pub(super) fn root(&self) -> Value {
        match self.data {
            Some(data) => data.clone(),
            None => {
                let set = self.fields.iter().zip(FIELDS).filter_map(|(v, (name, _))| Some((name, (*v)?)));
                Value::map(set.map(|(name, v)| (name, v.clone())))
            }
        }
    }
}

/// Where `{{ secret "path" }}` finds the secrets: they are fetched before a run, see [`super::Template::secret_paths`].
pub trait Secrets {
    /// Returns the secret at `path`, marked by it, or `None` if it was not to be had.
    fn secret(&self, path: &str) -> Option<Text>;

    /// Returns why a secret whose marker stands in the data was not to be had: a template that uses it fails. `None` lets
    /// markers stand for what is filled in later.
    fn withheld(&self, _path: &str) -> Option<String> {
        None
    }
}

/// No secret at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSecrets;

impl Secrets for NoSecrets {
    fn secret(&self, _path: &str) -> Option<Text> {
        None
    }
}

impl Secrets for BTreeMap<Arc<str>, Text> {
    fn secret(&self, path: &str) -> Option<Text> {
        self.get(path).cloned()
    }
}
