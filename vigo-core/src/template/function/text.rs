//! Text: case, trimming, searching, cutting, joining, quoting, indenting.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::super::fuel::{Failure, Out};
use super::super::val::Val;
use super::super::{print, quote as go};
use super::{Call, expected};
use crate::value::Value;

/// Bytes that a part of a split text is counted for beside its own.
const ITEM_BYTES: usize = 40;
/// The most blanks that lines are indented by.
const INDENT_MAX: i64 = 1000;

type Result<T> = core::result::Result<T, Failure>;

/// Returns the part of the last argument that `part` picks.
fn pick<'a>(call: &mut Call<'_, 'a>, part: fn(&str) -> &str) -> Result<Val<'a>> {
    let part = Value::text(part(call.text(0)?));
    Ok(part.into())
}

fn pick_by<'a>(call: &mut Call<'_, 'a>, part: for<'t> fn(&'t str, &str) -> &'t str) -> Result<Val<'a>> {
    let part = Value::text(part(call.text(1)?, call.text(0)?));
    Ok(part.into())
}

fn ask<'a>(call: &mut Call<'_, 'a>, question: fn(&str, &str) -> bool) -> Result<Val<'a>> {
    Ok(Value::Bool(question(call.text(1)?, call.text(0)?)).into())
}

pub(super) fn upper<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>> {
    let text = call.text(0)?.to_uppercase();
    call.done(text)
}

pub(super) fn lower<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>> {
    let text = call.text(0)?.to_lowercase();
    call.done(text)
}

pub(super) fn title<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>> {
    call.make(|call, out| {
        let mut before = ' ';
        for c in call.text(0)?.chars() {
            // A word goes on over letters, digits and underscores, and over what is beyond ASCII and no blank.
            let inside = before == '_' || before.is_alphanumeric() || !before.is_ascii() && !before.is_whitespace();
            if inside {
                out.char(c);
            } else {
                c.to_uppercase().for_each(|c| out.char(c));
            }
            before = c;
        }
        Ok(())
    })
}

pub(super) fn trim<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>> {
    pick(call, str::trim)
}

/// Returns the part of the second argument that is left without the characters of the first at the given ends.
fn trim_set<'a>(call: &mut Call<'_, 'a>, start: bool, end: bool) -> Result<Val<'a>> {
    let (set, mut text) = (call.text(0)?, call.text(1)?);
    // Looking each character up in a long text would take long.
    let sorted: BTreeSet<char> = if set.len() > 16 { set.chars().collect() } else { BTreeSet::new() };
    let inside = |c: char| if sorted.is_empty() { set.contains(c) } else { sorted.contains(&c) };
    if start {
        text = text.trim_start_matches(inside);
    }
    if end {
        text = text.trim_end_matches(inside);
    }
    Ok(Value::text(text).into())
}

pub(super) fn trim_all<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>> {
    trim_set(call, true, true)
}

pub(super) fn trim_left<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>> {
    trim_set(call, true, false)
}

pub(super) fn trim_right<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>> {
    trim_set(call, false, true)
}

pub(super) fn trim_prefix<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>> {
    pick_by(call, |text, prefix| text.strip_prefix(prefix).unwrap_or(text))
}

pub(super) fn trim_suffix<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>> {
    pick_by(call, |text, suffix| text.strip_suffix(suffix).unwrap_or(text))
}

pub(super) fn contains<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>> {
    ask(call, |text, part| text.contains(part))
}

pub(super) fn has_prefix<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>> {
    ask(call, |text, prefix| text.starts_with(prefix))
}

pub(super) fn has_suffix<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>> {
    ask(call, |text, suffix| text.ends_with(suffix))
}

pub(super) fn replace<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>> {
    call.make(|call, out| {
        let (old, new, text) = (call.text(0)?, call.text(1)?, call.text(2)?);
        let mut done = 0;
        for (at, found) in text.match_indices(old) {
            if out.is_full() {
                break;
            }
            out.str(text.get(done..at).unwrap_or(""));
            out.str(new);
            done = at + found.len();
        }
        out.str(text.get(done..).unwrap_or(""));
        Ok(())
    })
}

pub(super) fn split<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>> {
    let (separator, text) = (call.text(0)?, call.text(1)?);
    let parts: Vec<&str> = match separator {
        "" => text.char_indices().map(|(i, c)| text.get(i..i + c.len_utf8()).unwrap_or("")).collect(),
        _ => text.split(separator).collect(),
    };
    let bytes = text.len() + parts.len() * ITEM_BYTES;
    let parts = Value::list(parts.into_iter().map(Value::text));
    call.fuel.produce(bytes)?;
    Ok(parts.into())
}

pub(super) fn join<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>> {
    call.make(|call, out| {
        let separator = call.text(0)?;
        match call.value(1) {
            Value::List(items) => {
                for (i, item) in items.iter().enumerate() {
                    if out.is_full() {
                        break;
                    }
                    if i > 0 {
                        out.str(separator);
                    }
                    match item {
                        Value::Null => return Err(format!("item {i} of the list is null").into()),
                        _ => print::value(out, item)?,
                    }
                }
                Ok(())
            }
            Value::Map(_) | Value::Null => Err(expected("list", call.value(1))),
            scalar => print::value(out, scalar),
        }
    })
}

/// Puts what each argument prints between quotes, with blanks between them; nulls are left out.
fn quoted<'a>(call: &mut Call<'_, 'a>, write: fn(&mut Out, &str)) -> Result<Val<'a>> {
    let printed = call.args.iter().filter(|arg| *arg.value() != Value::Null).map(|arg| match arg.value() {
        Value::Text(text) => Ok(String::from(text.as_str())),
        other => {
            let out = print::to_string(call.fuel.out(), other)?;
            call.fuel.finish(out)
        }
    });
    let printed = printed.collect::<Result<Vec<String>>>()?;
    call.make(|_, out| {
        for (i, text) in printed.iter().enumerate() {
            if i > 0 {
                out.char(' ');
            }
            write(out, text);
        }
        Ok(())
    })
}

pub(super) fn quote<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>> {
    quoted(call, |out, text| out.str(&go::quote(text, false)))
}

pub(super) fn squote<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>> {
    quoted(call, |out, text| {
        out.char('\'');
        out.str(text);
        out.char('\'');
    })
}

fn indented(call: &Call<'_, '_>, out: &mut Out) -> Result<()> {
    let n = call.int(0)?;
    if !(0..=INDENT_MAX).contains(&n) {
        return Err(format!("can't indent by {n} blanks; at least 0, at most {INDENT_MAX}").into());
    }
    for (i, line) in call.text(1)?.split('\n').enumerate() {
        if out.is_full() {
            break;
        }
        if i > 0 {
            out.char('\n');
        }
        out.repeat(" ", n as usize);
        out.str(line);
    }
    Ok(())
}

pub(super) fn indent<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>> {
    call.make(indented)
}

pub(super) fn nindent<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>> {
    call.make(|call, out| {
        out.char('\n');
        indented(call, out)
    })
}
