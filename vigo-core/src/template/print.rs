//! Values as Go prints them with `%v`.

use alloc::string::String;
use core::fmt::Write;

use super::float::format_float;
use super::fuel::{Failure, Out};
use super::val::Val;
use crate::limits::TEMPLATE_VALUE_DEPTH_MAX;
use crate::value::Value;

/// Prints a value that is no list and no map.
pub(super) fn scalar(out: &mut impl Write, value: &Value) {
    let _ = match value {
        Value::Null | Value::List(_) | Value::Map(_) => out.write_str("<nil>"),
        Value::Bool(b) => write!(out, "{b}"),
        Value::Int(n) => write!(out, "{n}"),
        Value::Float(f) => out.write_str(&format_float(*f, b'g', None)),
        Value::Text(t) => out.write_str(t.as_str()),
    };
}

/// Prints any value.
pub(super) fn value(out: &mut Out, value: &Value) -> Result<(), Failure> {
    nested(out, value, 0)
}

fn nested(out: &mut Out, value: &Value, depth: usize) -> Result<(), Failure> {
    match value {
        Value::List(_) | Value::Map(_) if depth >= TEMPLATE_VALUE_DEPTH_MAX => return Err(Failure::depth()),
        // Every item takes room but the empty text in a list, and that a blank: what is printed bounds the work.
        _ if out.is_full() => {}
        Value::List(items) => {
            out.char('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.char(' ');
                }
                nested(out, item, depth + 1)?;
            }
            out.char(']');
        }
        Value::Map(map) => {
            out.str("map[");
            for (i, (key, item)) in map.iter().enumerate() {
                if i > 0 {
                    out.char(' ');
                }
                out.str(key);
                out.char(':');
                nested(out, item, depth + 1)?;
            }
            out.char(']');
        }
        _ => scalar(out, value),
    }
    Ok(())
}

/// Prints `args` as Go's `Sprint`: a blank between two operands of which neither is text.
pub(super) fn sprint(out: &mut Out, args: &[Val<'_>]) -> Result<(), Failure> {
    let mut before_text = true;
    for arg in args {
        let text = matches!(arg.value(), Value::Text(_));
        if !text && !before_text {
            out.char(' ');
        }
        value(out, arg.value())?;
        before_text = text;
    }
    Ok(())
}

/// Prints `args` as Go's `Sprintln`: blanks between all, and a newline.
pub(super) fn sprintln(out: &mut Out, args: &[Val<'_>]) -> Result<(), Failure> {
    for (i, arg) in args.iter().enumerate() {
        if i > 0 {
            out.char(' ');
        }
        value(out, arg.value())?;
    }
    out.char('\n');
    Ok(())
}

/// Returns the value as text.
pub(super) fn to_string(out: Out, value: &Value) -> Result<Out, Failure> {
    let mut out = out;
    self::value(&mut out, value)?;
    Ok(out)
}

/// Appends `c` as hexadecimal digits, at least `width` of them.
pub(super) fn hex(out: &mut String, c: u32, width: usize) {
    let _ = write!(out, "{c:0width$x}");
}
