//! Data as variables, traits, templates and `when:` see it.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// A datum: what a variable holds, what a trait is, what a template yields. Clones are cheap.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Value {
    /// YAML `null`; a trait that was looked for and could not be read.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text, with the secrets that went into it.
    Text(Text),
    /// A sequence.
    List(Arc<Vec<Value>>),
    /// A mapping, ordered by key: what is shown, hashed or sent never depends on a hash seed.
    Map(Arc<BTreeMap<Arc<str>, Value>>),
}

/// Text that knows whether a secret went into it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Text {
    text: Arc<str>,
    secret: Option<Arc<str>>,
}

impl Text {
    /// Returns ordinary text.
    pub fn plain(text: impl Into<Arc<str>>) -> Self {
        Self { text: text.into(), secret: None }
    }

    /// Returns text that is, or was made from, the secret at `path` (several paths are joined by `, `).
    pub fn secret(text: impl Into<Arc<str>>, path: impl Into<Arc<str>>) -> Self {
        Self { text: text.into(), secret: Some(path.into()) }
    }

    /// Returns the bytes themselves. For a secret this is the plaintext: show [`Text`] by `Debug` or mask it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the shared text.
    pub fn shared(&self) -> Arc<str> {
        self.text.clone()
    }

    /// Returns the path of the secret that went into this text.
    pub fn secret_path(&self) -> Option<&Arc<str>> {
        self.secret.as_ref()
    }

    /// Returns this text marked by the secret of `other`, if it has one.
    pub fn tainted_by(self, other: Option<&Arc<str>>) -> Self {
        match (&self.secret, other) {
            (_, None) => self,
            (None, Some(path)) => Self { secret: Some(path.clone()), ..self },
            (Some(own), Some(path)) if own.split(", ").any(|p| p == &**path) => self,
            (Some(own), Some(path)) => {
                let joined = alloc::format!("{own}, {path}");
                Self { secret: Some(joined.into()), ..self }
            }
        }
    }
}

impl fmt::Debug for Text {
    /// Shows a secret by its path, never by its text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.secret {
            None => fmt::Debug::fmt(&self.text, f),
            Some(path) => write!(f, "«secret {path}»"),
        }
    }
}

impl Value {
    /// Returns plain text.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(Text::plain(text))
    }

    /// Returns a list of `items`.
    pub fn list(items: impl IntoIterator<Item = Value>) -> Self {
        Self::List(Arc::new(items.into_iter().collect()))
    }

    /// Returns a map of `entries`; a later entry of the same key wins.
    pub fn map<K: Into<Arc<str>>>(entries: impl IntoIterator<Item = (K, Value)>) -> Self {
        // Not collected: each of the many callers would get a sort of its own.
        let mut map = BTreeMap::new();
        map.extend(entries.into_iter().map(|(k, v)| (k.into(), v)));
        Self::Map(Arc::new(map))
    }

    /// Returns the text, if this is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(t) => Some(t.as_str()),
            _ => None,
        }
    }

    /// Returns the number, if this is a whole number.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(n) => Some(*n),
            _ => None,
        }
    }

    /// Returns the entries, if this is a map.
    pub fn as_map(&self) -> Option<&BTreeMap<Arc<str>, Value>> {
        match self {
            Self::Map(m) => Some(m),
            _ => None,
        }
    }

    /// Returns the items, if this is a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(l) => Some(l),
            _ => None,
        }
    }

    /// Returns the value at a dotted path; a number indexes a list.
    pub fn at(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(self, |value, step| match value {
            Self::Map(m) => m.get(step),
            Self::List(l) => l.get(step.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// Returns the word for this kind of value in messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Int(_) => "integer",
            Self::Float(_) => "float",
            Self::Text(_) => "text",
            Self::List(_) => "list",
            Self::Map(_) => "map",
        }
    }

    /// Returns the path of the first secret found in this value, at any depth.
    pub fn secret_path(&self) -> Option<&Arc<str>> {
        match self {
            Self::Text(t) => t.secret_path(),
            Self::List(l) => l.iter().find_map(Self::secret_path),
            Self::Map(m) => m.values().find_map(Self::secret_path),
            _ => None,
        }
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}

impl From<&str> for Value {
    fn from(s: &str) -> Self {
        Self::text(s)
    }
}

impl From<String> for Value {
    fn from(s: String) -> Self {
        Self::text(s)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::List(Arc::new(items))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn debug_never_shows_a_secret() {
        let v = Value::list([Value::Text(Text::secret("hunter2", "db/dsn"))]);
        let shown = format!("{v:?}");
        assert!(!shown.contains("hunter2") && shown.contains("«secret db/dsn»"), "{shown}");
    }

    #[test]
    fn paths_reach_into_maps_and_lists() {
        let v = Value::map([("a", Value::list([Value::map([("b", Value::Int(7))])]))]);
        assert_eq!(v.at("a.0.b"), Some(&Value::Int(7)));
        assert_eq!(v.at("a.1.b"), None);
    }
}
