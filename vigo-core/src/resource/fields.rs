//! A resource's attributes after rendering.

use super::kind::{self, Kind};
use super::{Attr, TypeDecl};
use crate::action::AbsPath;
use crate::bundle::Place;
use crate::time::Duration;
use crate::value::{Text, Value};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The attributes of one resource, by name: rendered, and checked by [`super::check`] before a type reads them.
///
/// The typed readers return `None` for an attribute that is not written, not known yet, or not of that kind (which the
/// check has reported); a declared default counts as written by them.
#[derive(Clone, Debug)]
pub struct Fields {
    /// The type.
    pub decl: &'static TypeDecl,
    /// `crate/name`.
    pub id: Arc<str>,
    /// The resource's own name, without its crate.
    pub name: Arc<str>,
    /// Where the resource begins.
    pub place: Place,
    /// Whether the resource runs only when triggered.
    pub handler: bool,
    /// The attributes, as written.
    pub items: Vec<Field>,
}

/// One attribute.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name.
    pub name: Arc<str>,
    /// Its value.
    pub value: FieldValue,
    /// Where its value stands.
    pub place: Place,
}

/// An attribute's value.
#[derive(Clone, Debug)]
pub enum FieldValue {
    /// Written, but it holds a template or secret that is not rendered yet.
    Pending,
    /// This is it.
    Known(Datum),
}

/// A rendered value, not typed yet.
#[derive(Clone, PartialEq, Debug)]
pub enum Datum {
    /// A scalar.
    Scalar {
        /// Its text.
        text: Text,
        /// Whether it may be a number, boolean or null where a value of any type stands: written bare, or yielded by a
        /// template as such.
        plain: bool,
    },
    /// A sequence.
    List(Vec<Datum>),
    /// A mapping, in written order.
    Map(Vec<(Arc<str>, Datum)>),
}

impl Datum {
    /// Returns the datum of a value that a template yielded.
    pub fn from_value(value: &Value) -> Self {
        let plain = |text: alloc::string::String| Self::Scalar { text: Text::plain(text), plain: true };
        match value {
            Value::Null => plain("null".into()),
            Value::Bool(b) => plain(alloc::format!("{b}")),
            Value::Int(n) => plain(alloc::format!("{n}")),
            Value::Float(x) => plain(alloc::format!("{x}")),
            Value::Text(t) => Self::Scalar { text: t.clone(), plain: false },
            Value::List(l) => Self::List(l.iter().map(Self::from_value).collect()),
            Value::Map(m) => Self::Map(m.iter().map(|(k, v)| (k.clone(), Self::from_value(v))).collect()),
        }
    }

    /// Returns the path of a secret that is in it, as [`Value::secret_path`] does.
    pub fn secret_path(&self) -> Option<&Arc<str>> {
        match self {
            Self::Scalar { text, .. } => text.secret_path(),
            Self::List(items) => items.iter().find_map(Self::secret_path),
            Self::Map(entries) => {
                let secrets = entries.iter().filter_map(|(key, value)| Some((key, value.secret_path()?)));
                secrets.min_by_key(|(key, _)| *key).map(|(_, path)| path)
            }
        }
    }

    /// Returns the value, typed as variables are: a bare scalar is a boolean, null, or a number where printing that
    /// gives the same text back.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Scalar { text, plain: true } if text.secret_path().is_none() => typed(text),
            Self::Scalar { text, .. } => Value::Text(text.clone()),
            Self::List(items) => Value::list(items.iter().map(Self::to_value)),
            Self::Map(entries) => Value::map(entries.iter().map(|(k, v)| (k.clone(), v.to_value()))),
        }
    }
}

fn typed(text: &Text) -> Value {
    let t = text.as_str();
    match t {
        "null" | "~" | "Null" | "NULL" => return Value::Null,
        _ if t.eq_ignore_ascii_case("true") => return Value::Bool(true),
        _ if t.eq_ignore_ascii_case("false") => return Value::Bool(false),
        _ => {}
    }
    if let Ok(n) = t.parse::<i64>()
        && alloc::format!("{n}") == t
    {
        return Value::Int(n);
    }
    if t.contains('.')
        && let Ok(x) = t.parse::<f64>()
        && x.is_finite()
        && alloc::format!("{x}") == t
    {
        return Value::Float(x);
    }
    Value::Text(text.clone())
}

impl Fields {
    /// Returns the attribute as written, without its default.
    pub fn get(&self, name: &str) -> Option<&Field> {
        self.items.iter().find(|f| &*f.name == name)
    }

    /// Returns whether the attribute is written.
    pub fn is_written(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Returns whether the attribute is written and not rendered yet.
    pub fn is_pending(&self, name: &str) -> bool {
        self.get(name).is_some_and(|f| matches!(f.value, FieldValue::Pending))
    }

    /// Returns where the attribute's value stands; where it is not written, where the resource begins.
    pub fn place(&self, name: &str) -> Place {
        self.get(name).map_or(self.place, |f| f.place)
    }

    /// Returns the written value.
    pub fn datum(&self, name: &str) -> Option<&Datum> {
        match &self.get(name)?.value {
            FieldValue::Pending => None,
            FieldValue::Known(datum) => Some(datum),
        }
    }

    fn read<T>(&self, name: &str, read: impl Fn(&Datum) -> Option<T>) -> Option<T> {
        match self.get(name) {
            Some(Field { value: FieldValue::Known(datum), .. }) => read(datum),
            Some(_) => None,
            None => {
                let default = self.decl.attribute(name)?.default?;
                read(&Datum::Scalar { text: Text::plain(default), plain: true })
            }
        }
    }

    /// Returns the text of a scalar.
    pub fn scalar(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Field { value: FieldValue::Known(Datum::Scalar { text, .. }), .. }) => Some(text.as_str()),
            Some(_) => None,
            None => self.decl.attribute(name)?.default,
        }
    }

    /// Returns `state`; the type's first when it is not written.
    pub fn state(&self) -> &str {
        match self.datum("state") {
            Some(Datum::Scalar { text, .. }) => text.as_str(),
            _ => self.decl.states.first().copied().unwrap_or(""),
        }
    }

    /// Returns text, which may hold a secret.
    pub fn text(&self, name: &str) -> Option<Text> {
        self.read(name, |d| kind::text(d).ok().cloned())
    }

    /// Returns text that is shown and compared: a secret is refused in it by the check of names and paths.
    pub fn str(&self, name: &str) -> Option<Arc<str>> {
        self.read(name, |d| kind::text(d).ok().map(Text::shared))
    }

    /// Returns a path.
    pub fn path(&self, name: &str) -> Option<AbsPath> {
        match self.get(name) {
            Some(Field { value: FieldValue::Known(Datum::Scalar { text, .. }), .. }) => {
                AbsPath::shares(text.shared()).ok()
            }
            Some(_) => None,
            None => AbsPath::parse(self.decl.attribute(name)?.default?).ok(),
        }
    }

    /// Returns a boolean.
    pub fn bool(&self, name: &str) -> Option<bool> {
        self.scalar(name).and_then(|t| kind::bool(t).ok())
    }

    /// Returns a boolean that is false when it is not written.
    pub fn flag(&self, name: &str) -> bool {
        self.bool(name).unwrap_or(false)
    }

    /// Returns an integer.
    pub fn int(&self, name: &str) -> Option<i64> {
        self.scalar(name).and_then(|t| kind::integer(t, i64::MIN, i64::MAX).ok())
    }

    /// Returns permission bits.
    pub fn mode(&self, name: &str) -> Option<u32> {
        self.scalar(name).and_then(|t| kind::mode(t).ok())
    }

    /// Returns a size in MiB.
    pub fn size_mb(&self, name: &str) -> Option<u64> {
        self.scalar(name).and_then(|t| kind::size_mb(t).ok())
    }

    /// Returns a duration.
    pub fn duration(&self, name: &str) -> Option<Duration> {
        self.scalar(name).and_then(|t| kind::duration(t).ok())
    }

    /// Returns the word of a choice.
    pub fn choice(&self, name: &str) -> Option<&'static str> {
        let Attr { kind: Kind::Choice(words), .. } = self.decl.attribute(name)? else { return None };
        self.scalar(name).and_then(|t| kind::choice(t, words).ok())
    }

    /// Returns a list's items.
    pub fn list(&self, name: &str) -> Option<Vec<Text>> {
        self.read(name, |d| kind::list(d).ok())
    }

    /// Returns a list's items as plain words.
    pub fn words(&self, name: &str) -> Option<Vec<Arc<str>>> {
        Some(self.list(name)?.iter().map(Text::shared).collect())
    }

    /// Returns a map's entries.
    pub fn map(&self, name: &str) -> Option<BTreeMap<Arc<str>, Text>> {
        self.read(name, |d| kind::map(d).ok())
    }

    /// Returns a compiled regular expression.
    pub fn regex(&self, name: &str) -> Option<regex::Regex> {
        self.read(name, |d| kind::regex(d).ok())
    }

    /// Returns a value of any type.
    pub fn value(&self, name: &str) -> Option<Value> {
        self.read(name, |d| Some(d.to_value()))
    }
}
