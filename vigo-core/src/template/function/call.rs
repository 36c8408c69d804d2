//! A call of a function: its arguments, and what a function may use.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;

use super::super::fuel::{Failure, Fuel, Out};
use super::super::scope::Secrets;
use super::super::val::{Val, go_type, shown};
use crate::value::Value;

/// One call: its arguments and what a function may use.
pub(in super::super) struct Call<'c, 'a> {
    pub args: &'c [Val<'a>],
    pub fuel: &'c mut Fuel,
    pub secrets: &'a dyn Secrets,
}

impl<'c, 'a> Call<'c, 'a> {
    pub fn value(&self, i: usize) -> &'c Value {
        self.args.get(i).map_or(&Value::Null, Val::value)
    }

    pub fn arg(&self, i: usize) -> Val<'a> {
        self.args.get(i).cloned().unwrap_or_else(|| Value::Null.into())
    }

    /// Returns argument `i`, which must be text.
    pub fn text(&self, i: usize) -> Result<&'c str, Failure> {
        match self.value(i) {
            Value::Text(t) => Ok(t.as_str()),
            other => Err(expected("string", other)),
        }
    }

    /// Returns argument `i`, which must be a list.
    pub fn list(&self, i: usize) -> Result<&'c [Value], Failure> {
        match self.value(i) {
            Value::List(items) => Ok(items),
            other => Err(expected("list", other)),
        }
    }

    /// Returns argument `i`, which must be a map.
    pub fn map(&self, i: usize) -> Result<&'c BTreeMap<Arc<str>, Value>, Failure> {
        match self.value(i) {
            Value::Map(map) => Ok(map),
            other => Err(expected("map", other)),
        }
    }

    /// Returns argument `i`, which must be a whole number.
    pub fn int(&self, i: usize) -> Result<i64, Failure> {
        match self.value(i) {
            Value::Int(n) => Ok(*n),
            other => Err(expected("int", other)),
        }
    }

    /// Returns the text that `write` makes, paid for.
    pub fn make(&mut self, write: impl FnOnce(&Self, &mut Out) -> Result<(), Failure>) -> Result<Val<'a>, Failure> {
        let mut out = self.fuel.out();
        write(self, &mut out)?;
        Ok(Value::from(self.fuel.finish(out)?).into())
    }

    /// Returns `text`, paid for.
    pub fn done(&mut self, text: String) -> Result<Val<'a>, Failure> {
        self.fuel.produce(text.len())?;
        Ok(Value::from(text).into())
    }
}

/// Returns the failure of an argument of the wrong type.
pub(super) fn expected(wanted: &str, seen: &Value) -> Failure {
    match seen {
        Value::Null => format!("wrong type for value; expected {wanted}; got nil").into(),
        _ => format!("wrong type for value; expected {wanted}; got {} {}", go_type(seen), shown(seen)).into(),
    }
}
