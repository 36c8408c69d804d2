//! Comparisons, with Go's rules: only like is compared with like.

use super::super::fuel::Failure;
use super::super::val::{Val, go_type};
use super::Call;
use crate::value::Value;
use alloc::format;
use core::cmp::Ordering;

const BAD_TYPE: &str = "invalid type for comparison";
const INCOMPATIBLE: &str = "incompatible types for comparison";

fn equal(a: &Value, b: &Value) -> Result<bool, Failure> {
    Ok(match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Null, _) | (_, Value::Null) => false,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Text(a), Value::Text(b)) => a.as_str() == b.as_str(),
        (Value::List(_) | Value::Map(_), Value::List(_) | Value::Map(_)) => {
            return Err(format!("non-comparable types {} and {}", go_type(a), go_type(b)).into());
        }
        _ => return Err(incompatible(a, b)),
    })
}

fn incompatible(a: &Value, b: &Value) -> Failure {
    let failure = Failure::from(format!("{INCOMPATIBLE}: {} and {}", go_type(a), go_type(b)));
    match (a, b) {
        (Value::Text(_), Value::Int(_)) | (Value::Int(_), Value::Text(_)) => {
            failure.help("make both numbers with `int`, or both text with `print`")
        }
        _ => failure,
    }
}

/// Orders two values; `None` where one is not a number, as no comparison with that holds.
fn order(a: &Value, b: &Value) -> Result<Option<Ordering>, Failure> {
    Ok(match (a, b) {
        (Value::Null | Value::List(_) | Value::Map(_), _) => return Err(bad_type(a)),
        (_, Value::Null | Value::List(_) | Value::Map(_)) => return Err(bad_type(b)),
        (Value::Bool(_), Value::Bool(_)) => return Err(bad_type(a)),
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::Text(a), Value::Text(b)) => Some(a.as_str().cmp(b.as_str())),
        _ => return Err(incompatible(a, b)),
    })
}

fn bad_type(value: &Value) -> Failure {
    format!("{BAD_TYPE}: {}", go_type(value)).into()
}

fn answer<'a>(b: bool) -> Result<Val<'a>, Failure> {
    Ok(Value::Bool(b).into())
}

pub(super) fn eq<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    for other in call.args.iter().skip(1) {
        if equal(call.value(0), other.value())? {
            return answer(true);
        }
    }
    answer(false)
}

pub(super) fn ne<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    answer(!equal(call.value(0), call.value(1))?)
}

pub(super) fn lt<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    answer(order(call.value(0), call.value(1))? == Some(Ordering::Less))
}

pub(super) fn le<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    answer(matches!(order(call.value(0), call.value(1))?, Some(Ordering::Less | Ordering::Equal)))
}

// Go has these two as the opposites of the two above, so that both hold of what is not a number.

pub(super) fn gt<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    answer(!matches!(order(call.value(0), call.value(1))?, Some(Ordering::Less | Ordering::Equal)))
}

pub(super) fn ge<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    answer(order(call.value(0), call.value(1))? != Some(Ordering::Less))
}
