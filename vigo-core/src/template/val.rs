//! A value while a template is rendered: borrowed where it can be, with the secrets that went into it.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;

use super::fuel::{Failure, Fuel};
use super::print;
use crate::limits::TEMPLATE_VALUE_DEPTH_MAX;
use crate::value::{Text, Value};

/// A value on the stack.
#[derive(Clone)]
pub(super) struct Val<'a> {
    pub data: Data<'a>,
    /// The secrets that this was made from, where its texts do not say so themselves: a number, the items of a list.
    pub taint: Option<Arc<str>>,
    /// Whether it is a trait, or was reached from one: what is not there is null.
    pub traits: bool,
}

#[derive(Clone)]
pub(super) enum Data<'a> {
    /// The root: a scope, made a map only when a template wants it whole.
    Root,
    Ref(&'a Value),
    Own(Value),
}

impl<'a> From<Value> for Val<'a> {
    fn from(value: Value) -> Self {
        Self { data: Data::Own(value), taint: None, traits: false }
    }
}

impl<'a> From<&'a Value> for Val<'a> {
    fn from(value: &'a Value) -> Self {
        Self { data: Data::Ref(value), taint: None, traits: false }
    }
}

impl<'a> Val<'a> {
    /// Returns the value; the root was replaced by its map before anything asks for that.
    pub fn value(&self) -> &Value {
        match &self.data {
            Data::Root => &Value::Null,
            Data::Ref(v) => v,
            Data::Own(v) => v,
        }
    }

    pub fn into_value(self) -> Value {
        match self.data {
            Data::Root => Value::Null,
            Data::Ref(v) => v.clone(),
            Data::Own(v) => v,
        }
    }

    /// Returns what Go takes for true: not the zero of its type, not empty.
    pub fn truth(&self) -> bool {
        match &self.data {
            Data::Root => true,
            _ => truth(self.value()),
        }
    }

    /// Returns `child` of this value with what is known of this one.
    pub fn child(&self, child: impl Into<Val<'a>>) -> Self {
        Self { taint: self.taint.clone(), traits: self.traits, ..child.into() }
    }

    /// Returns this value marked as made from the secrets at `path`.
    pub fn tainted(self, path: Option<Arc<str>>) -> Self {
        let Some(path) = path else { return self };
        match self.data {
            Data::Own(Value::Text(text)) => Self { data: Data::Own(Value::Text(text.tainted_by(Some(&path)))), ..self },
            Data::Ref(Value::Text(text)) => {
                Self { data: Data::Own(Value::Text(text.clone().tainted_by(Some(&path)))), ..self }
            }
            data => Self { taint: union(self.taint, Some(&path)), data, traits: self.traits },
        }
    }

    /// Returns the paths of all secrets in this value.
    pub fn secrets(&self, fuel: &mut Fuel) -> Result<Option<Arc<str>>, Failure> {
        let mut found = self.taint.clone();
        collect(self.value(), &mut found, fuel, 0)?;
        Ok(found)
    }

    /// Returns the value as it may leave the template: what is marked from outside is put into its texts.
    pub fn seal(self, fuel: &mut Fuel) -> Result<Value, Failure> {
        match self.taint.clone() {
            None => Ok(self.into_value()),
            Some(path) => seal(self.value(), &path, fuel, 0),
        }
    }
}

pub(super) fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(b) => *b,
        Value::Int(n) => *n != 0,
        Value::Float(f) => *f != 0.0,
        Value::Text(t) => !t.as_str().is_empty(),
        Value::List(l) => !l.is_empty(),
        Value::Map(m) => !m.is_empty(),
    }
}

/// Returns Go's word for the type, as its messages and `%T` have it.
pub(super) fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "float64",
        Value::Text(_) => "string",
        Value::List(_) => "[]interface {}",
        Value::Map(_) => "map[string]interface {}",
    }
}

/// Returns both paths, each once.
pub(super) fn union(a: Option<Arc<str>>, b: Option<&Arc<str>>) -> Option<Arc<str>> {
    match (a, b) {
        (None, b) => b.cloned(),
        (a, None) => a,
        (Some(a), Some(b)) if a == *b => Some(a),
        (Some(a), Some(b)) => {
            let mut text = Text::secret("", a);
            for path in b.split(", ") {
                text = text.tainted_by(Some(&Arc::from(path)));
            }
            text.secret_path().cloned()
        }
    }
}

fn collect(value: &Value, found: &mut Option<Arc<str>>, fuel: &mut Fuel, depth: usize) -> Result<(), Failure> {
    match value {
        Value::Text(text) => {
            if text.secret_path().is_some() {
                *found = union(found.take(), text.secret_path());
            }
            Ok(())
        }
        Value::List(_) | Value::Map(_) if depth >= TEMPLATE_VALUE_DEPTH_MAX => Err(Failure::depth()),
        Value::List(items) => {
            fuel.spend(items.len())?;
            items.iter().try_for_each(|item| collect(item, found, fuel, depth + 1))
        }
        Value::Map(map) => {
            fuel.spend(map.len())?;
            map.values().try_for_each(|item| collect(item, found, fuel, depth + 1))
        }
        _ => Ok(()),
    }
}

fn seal(value: &Value, path: &Arc<str>, fuel: &mut Fuel, depth: usize) -> Result<Value, Failure> {
    if depth >= TEMPLATE_VALUE_DEPTH_MAX {
        return Err(Failure::depth());
    }
    Ok(match value {
        Value::Text(text) => Value::Text(text.clone().tainted_by(Some(path))),
        Value::Int(_) | Value::Float(_) => {
            let mut printed = String::new();
            print::scalar(&mut printed, value);
            Value::Text(Text::secret(printed, path.clone()))
        }
        Value::List(items) => {
            fuel.spend(items.len())?;
            let items: Result<_, _> = items.iter().map(|item| seal(item, path, fuel, depth + 1)).collect();
            Value::List(Arc::new(items?))
        }
        Value::Map(map) => {
            fuel.spend(map.len())?;
            let mut map = BTreeMap::clone(map);
            for value in map.values_mut() {
                *value = seal(value, path, fuel, depth + 1)?;
            }
            Value::Map(Arc::new(map))
        }
        Value::Null | Value::Bool(_) => value.clone(),
    })
}

/// Returns the value for a message, in backticks: a secret by its path, and never more than a line.
pub(super) fn shown(value: &Value) -> String {
    if let Some(path) = value.secret_path() {
        return format!("«secret {path}»");
    }
    let mut printed = String::new();
    match value {
        Value::List(_) | Value::Map(_) => return format!("a {}", value.kind()),
        _ => print::scalar(&mut printed, value),
    }
    let mut line: String = printed.chars().take(60).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.len() < printed.len() {
        line.push('…');
    }
    format!("`{line}`")
}
