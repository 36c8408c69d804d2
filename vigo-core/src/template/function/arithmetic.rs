//! Whole numbers: `add`, `sub`, `mul`, `div`, `mod`, `int`.

use alloc::format;

use super::super::fuel::Failure;
use super::super::val::{Val, shown};
use super::{Call, expected};
use crate::value::Value;

/// Reads an operand: a whole number, or text that is one (as many traits and variables are).
fn operand(value: &Value) -> Result<i64, Failure> {
    match value {
        Value::Int(n) => Ok(*n),
        Value::Float(f) => whole(*f)
            .ok_or_else(|| Failure::from(format!("`{f}` is no whole number")).help("cut the fraction off with `int`")),
        Value::Text(t) => parse(t.as_str()).ok_or_else(|| format!("{} is no whole number", shown(value)).into()),
        other => Err(expected("int", other)),
    }
}

fn parse(text: &str) -> Option<i64> {
    text.trim().parse().ok()
}

fn whole(f: f64) -> Option<i64> {
    let n = f as i64;
    (n as f64 == f && n != i64::MAX).then_some(n)
}

type Operation = fn(i64, i64) -> Option<i64>;

fn fold<'a>(call: &Call<'_, 'a>, operation: Operation) -> Result<Val<'a>, Failure> {
    let mut total = operand(call.value(0))?;
    for arg in call.args.iter().skip(1) {
        total = operation(total, operand(arg.value())?).ok_or("integer overflow")?;
    }
    Ok(Value::Int(total).into())
}

pub(super) fn add<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    fold(call, i64::checked_add)
}

pub(super) fn sub<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    fold(call, i64::checked_sub)
}

pub(super) fn mul<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    fold(call, i64::checked_mul)
}

fn divide<'a>(call: &Call<'_, 'a>, operation: Operation) -> Result<Val<'a>, Failure> {
    match operand(call.value(1))? {
        0 => Err("division by zero".into()),
        _ => fold(call, operation),
    }
}

pub(super) fn div<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    divide(call, i64::checked_div)
}

pub(super) fn modulo<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    divide(call, i64::checked_rem)
}

pub(super) fn int<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    let value = call.value(0);
    let n = match value {
        Value::Int(n) => *n,
        Value::Bool(b) => i64::from(*b),
        Value::Float(f) if f.is_finite() && f.abs() < 9.2e18 => *f as i64,
        Value::Text(t) => {
            let text = t.as_str().trim();
            let float = || text.parse::<f64>().ok().filter(|f| f.is_finite() && f.abs() < 9.2e18).map(|f| f as i64);
            parse(text).or_else(float).ok_or_else(|| Failure::from(format!("{} is no number", shown(value))))?
        }
        other => return Err(expected("number", other)),
    };
    Ok(Value::Int(n).into())
}
