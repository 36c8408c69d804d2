//! Lists and maps: Go's `index`, `slice`, `len`, and the helpers.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::super::fuel::{Failure, Fuel};
use super::super::print::to_string;
use super::super::val::{Data, Val, go_type, shown, union};
use super::{Call, expected};
use crate::limits::TEMPLATE_VALUE_DEPTH_MAX;
use crate::value::{Text, Value};

/// Bytes that an item of a list that a template makes is counted for.
const ITEM_BYTES: usize = 40;

/// Reads an index into something of `len` items.
fn position(index: &Value, len: usize) -> Result<usize, Failure> {
    match index {
        Value::Int(n) => match usize::try_from(*n) {
            Ok(at) if at <= len => Ok(at),
            _ => Err(format!("index out of range: {n}").into()),
        },
        Value::Null => Err("cannot index slice/array with nil".into()),
        other => Err(format!("cannot index slice/array with type {}", go_type(other)).into()),
    }
}

pub(super) fn index<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    let mut item = call.arg(0);
    if *item.value() == Value::Null {
        return Err("index of untyped nil".into());
    }
    for key in call.args.iter().skip(1) {
        let key = key.value();
        item = match &item.data {
            Data::Ref(Value::List(items)) => {
                let at = position(key, items.len())?;
                item.child(items.get(at).ok_or_else(|| out_of_range(at))?)
            }
            Data::Ref(Value::Map(map)) => match map.get(map_key(key)?) {
                Some(value) => item.child(value),
                None => item.child(Value::Null),
            },
            _ => {
                let inner = match item.value() {
                    Value::List(items) => {
                        let at = position(key, items.len())?;
                        items.get(at).cloned().ok_or_else(|| out_of_range(at))?
                    }
                    Value::Map(map) => map.get(map_key(key)?).cloned().unwrap_or_default(),
                    Value::Text(text) => {
                        let at = position(key, text.as_str().len())?;
                        let byte = text.as_str().as_bytes().get(at).ok_or_else(|| out_of_range(at))?;
                        let taint = union(item.taint.clone(), text.secret_path());
                        item = Val { taint, ..Value::Int(i64::from(*byte)).into() };
                        continue;
                    }
                    Value::Null => return Err("index of nil pointer".into()),
                    other => return Err(format!("can't index item of type {}", go_type(other)).into()),
                };
                item.child(inner)
            }
        };
    }
    Ok(item)
}

fn out_of_range(at: usize) -> Failure {
    format!("index out of range: {at}").into()
}

fn map_key(key: &Value) -> Result<&str, Failure> {
    match key {
        Value::Text(t) => Ok(t.as_str()),
        Value::Null => Err("value is nil; should be of type string".into()),
        other => Err(format!("value has type {}; should be string", go_type(other)).into()),
    }
}

pub(super) fn slice<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    let len = match call.value(0) {
        Value::Null => return Err("slice of untyped nil".into()),
        Value::Text(_) if call.args.len() == 4 => return Err("cannot 3-index slice a string".into()),
        Value::Text(t) => t.as_str().len(),
        Value::List(items) => items.len(),
        other => return Err(format!("can't slice item of type {}", go_type(other)).into()),
    };
    let mut bounds = [0, len, len];
    for (bound, arg) in bounds.iter_mut().zip(call.args.iter().skip(1)) {
        *bound = position(arg.value(), len)?;
    }
    let [from, to, max] = bounds;
    if from > to {
        return Err(format!("invalid slice index: {from} > {to}").into());
    }
    if to > max {
        return Err(format!("invalid slice index: {to} > {max}").into());
    }
    match call.value(0) {
        Value::List(items) => {
            let items: Vec<Value> = items.get(from..to).unwrap_or(&[]).to_vec();
            call.fuel.produce(items.len() * ITEM_BYTES)?;
            Ok(Value::from(items).into())
        }
        _ => {
            let part = call.text(0)?.get(from..to);
            let part = part.ok_or_else(|| format!("slice {from}:{to} cuts a character in two"))?;
            let part = Value::text(part);
            call.fuel.produce(to - from)?;
            Ok(part.into())
        }
    }
}

pub(super) fn len<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    let n = match call.value(0) {
        Value::Text(t) => t.as_str().len(),
        Value::List(items) => items.len(),
        Value::Map(map) => map.len(),
        Value::Null => return Err("len of nil pointer".into()),
        other => return Err(format!("len of type {}", go_type(other)).into()),
    };
    Ok(Value::Int(n as i64).into())
}

/// Makes sure that a list or map around `value` is not too deep: what is deep is dropped, compared, printed by recursion.
fn check_depth(value: &Value, depth: usize, fuel: &mut Fuel) -> Result<(), Failure> {
    match value {
        Value::List(_) | Value::Map(_) if depth + 1 >= TEMPLATE_VALUE_DEPTH_MAX => Err(Failure::depth()),
        Value::List(items) => {
            fuel.spend(items.len())?;
            items.iter().try_for_each(|item| check_depth(item, depth + 1, fuel))
        }
        Value::Map(map) => {
            fuel.spend(map.len())?;
            map.values().try_for_each(|item| check_depth(item, depth + 1, fuel))
        }
        _ => Ok(()),
    }
}

pub(super) fn list<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    call.fuel.produce(call.args.len() * ITEM_BYTES)?;
    let mut items = Vec::with_capacity(call.args.len());
    for arg in call.args {
        check_depth(arg.value(), 1, call.fuel)?;
        items.push(arg.value().clone());
    }
    Ok(Value::from(items).into())
}

pub(super) fn dict<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    if call.args.len() % 2 == 1 {
        return Err("last key has no value".into());
    }
    call.fuel.produce(call.args.len() * ITEM_BYTES)?;
    let mut map = BTreeMap::new();
    let mut taint = None;
    for pair in call.args.chunks_exact(2) {
        let [key, value] = pair else { continue };
        let Value::Text(name) = key.value() else { return Err(expected("string", key.value())) };
        taint = union(taint, name.secret_path());
        check_depth(value.value(), 1, call.fuel)?;
        map.insert(name.shared(), value.value().clone());
    }
    Ok(Val::from(Value::Map(Arc::new(map))).tainted(taint))
}

pub(super) fn has_key<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    Ok(Value::Bool(call.map(0)?.contains_key(call.text(1)?)).into())
}

pub(super) fn lookup<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    for key in call.args.iter().skip(1) {
        let Value::Text(key) = key.value() else { return Err(expected("string", key.value())) };
        if let Some(value) = call.map(0)?.get(key.as_str()) {
            return Ok(value.clone().into());
        }
    }
    call.map(0)?;
    Ok(Value::Null.into())
}

pub(super) fn keys<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    let mut keys = BTreeSet::new();
    for i in 0..call.args.len() {
        let map = call.map(i)?;
        let len = map.len();
        keys.extend(map.keys().cloned());
        call.fuel.spend(len)?;
        call.fuel.produce(len * ITEM_BYTES)?;
    }
    Ok(Value::list(keys.into_iter().map(Value::text)).into())
}

pub(super) fn first<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    Ok(call.list(0)?.first().cloned().unwrap_or_default().into())
}

pub(super) fn last<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    Ok(call.list(0)?.last().cloned().unwrap_or_default().into())
}

pub(super) fn sort_alpha<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    let items = call.list(0)?;
    call.fuel.produce(items.len() * ITEM_BYTES)?;
    let mut texts = Vec::with_capacity(items.len());
    for item in items {
        let text = match item {
            Value::Text(text) => text.clone(),
            Value::Null => return Err("an item is null".into()),
            other => {
                let path = Val::from(other).secrets(call.fuel)?;
                let printed = to_string(call.fuel.out(), other)?;
                Text::plain(call.fuel.finish(printed)?).tainted_by(path.as_ref())
            }
        };
        call.fuel.spend(1 + text.as_str().len() / 32)?;
        texts.push(text);
    }
    texts.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    Ok(Value::list(texts.into_iter().map(Value::Text)).into())
}

pub(super) fn uniq<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    let items = call.list(0)?;
    let mut seen = BTreeSet::new();
    let mut kept = Vec::new();
    let mut bytes = 0;
    for item in items {
        // Two values are the same if they are of one type and print alike.
        let printed = match item {
            Value::Text(text) => text.shared(),
            Value::List(_) | Value::Map(_) => {
                return Err(format!("can't compare items: {} is among them", shown(item)).into());
            }
            other => {
                let mut printed = alloc::string::String::new();
                super::super::print::scalar(&mut printed, other);
                printed.into()
            }
        };
        bytes += ITEM_BYTES + printed.len();
        if seen.insert((item.kind(), printed)) {
            kept.push(item.clone());
        }
    }
    call.fuel.spend(bytes / 32)?;
    call.fuel.produce(kept.len() * ITEM_BYTES)?;
    Ok(Value::from(kept).into())
}
