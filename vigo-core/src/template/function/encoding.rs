//! Other spellings of data: `b64enc`, `b64dec`, `sha256sum`, `toJson`, `toYaml`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use sha2::{Digest, Sha256};

use super::super::float::format_float;
use super::super::fuel::{Failure, Out};
use super::super::val::{Val, shown};
use super::{Call, yaml};
use crate::base64;
use crate::limits::TEMPLATE_VALUE_DEPTH_MAX;
use crate::value::Value;

pub(super) fn b64enc<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    let letters = base64::encode(call.text(0)?);
    call.done(letters)
}

/// Decodes as Go's `base64.StdEncoding` does: full groups with padding, line breaks ignored.
fn decode(text: &str) -> Option<Vec<u8>> {
    let letters: Vec<u8> = text.bytes().filter(|b| !matches!(b, b'\n' | b'\r')).collect();
    base64::decode(letters)
}

pub(super) fn b64dec<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    let text = call.text(0)?;
    let bytes = decode(text).ok_or_else(|| format!("{} is no Base64", shown(call.value(0))))?;
    let text = String::from_utf8(bytes).map_err(|_| format!("Base64 {} holds no UTF-8", shown(call.value(0))))?;
    call.done(text)
}

pub(super) fn sha256sum<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    let mut out = String::with_capacity(64);
    for b in Sha256::digest(call.text(0)?.as_bytes()) {
        let _ = write!(out, "{b:02x}");
    }
    call.done(out)
}

pub(super) fn to_json<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    call.make(|call, out| json(out, call.value(0), 0))
}

pub(super) fn to_yaml<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    call.make(|call, out| yaml::write(out, call.value(0)))
}

fn json(out: &mut Out, value: &Value, depth: usize) -> Result<(), Failure> {
    match value {
        Value::List(_) | Value::Map(_) if depth >= TEMPLATE_VALUE_DEPTH_MAX => return Err(Failure::depth()),
        _ if out.is_full() => {}
        Value::Null => out.str("null"),
        Value::Float(f) => number(out, *f)?,
        Value::Text(t) => json_text(out, t.as_str()),
        Value::List(items) => {
            out.char('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.char(',');
                }
                json(out, item, depth + 1)?;
            }
            out.char(']');
        }
        Value::Map(map) => {
            out.char('{');
            for (i, (key, item)) in map.iter().enumerate() {
                if i > 0 {
                    out.char(',');
                }
                json_text(out, key);
                out.char(':');
                json(out, item, depth + 1)?;
            }
            out.char('}');
        }
        Value::Bool(_) | Value::Int(_) => super::super::print::scalar(out, value),
    }
    Ok(())
}

/// Writes a float as JavaScript does: without an exponent from 1e-6 up to 1e21.
pub(super) fn number(out: &mut Out, f: f64) -> Result<(), Failure> {
    if !f.is_finite() {
        return Err(format!("`{f}` is no number in JSON or YAML").into());
    }
    let plain = f == 0.0 || (1e-6..1e21).contains(&f.abs());
    let text = format_float(f, if plain { b'f' } else { b'e' }, None);
    // `1e-07` is written `1e-7`.
    out.str(&text.replace("e-0", "e-"));
    Ok(())
}

pub(super) fn json_text(out: &mut Out, text: &str) {
    out.char('"');
    for c in text.chars() {
        match c {
            '"' => out.str("\\\""),
            '\\' => out.str("\\\\"),
            '\n' => out.str("\\n"),
            '\r' => out.str("\\r"),
            '\t' => out.str("\\t"),
            '\0'..='\x1f' | '\x7f' | '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.char(c),
        }
    }
    out.char('"');
}
