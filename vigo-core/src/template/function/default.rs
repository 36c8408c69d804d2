//! What to do where a value is missing: `default`, `required`, `coalesce`, `empty`.

use alloc::format;

use super::super::fuel::Failure;
use super::super::val::{Val, shown, truth};
use super::Call;
use crate::value::Value;

pub(super) fn default<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    Ok(call.arg(usize::from(truth(call.value(1)))))
}

pub(super) fn coalesce<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    Ok(call.args.iter().find(|arg| arg.truth()).cloned().unwrap_or_else(|| Value::Null.into()))
}

pub(super) fn empty<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    Ok(Value::Bool(!truth(call.value(0))).into())
}

pub(super) fn required<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    match call.value(1) {
        Value::Null => Err(missing(call)),
        Value::Text(t) if t.as_str().is_empty() => Err(missing(call)),
        _ => Ok(call.arg(1)),
    }
}

fn missing(call: &Call<'_, '_>) -> Failure {
    match call.value(0) {
        Value::Text(t) if t.secret_path().is_none() => t.as_str().into(),
        other => format!("required value is missing: {}", shown(other)).into(),
    }
}
