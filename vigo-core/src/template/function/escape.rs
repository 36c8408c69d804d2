//! Escapes for other languages: `html`, `js`, `urlquery`.

use core::fmt::Write;

use super::super::fuel::{Failure, Out};
use super::super::print;
use super::super::quote::is_print;
use super::super::val::Val;
use super::Call;
use crate::value::Value;

/// Prints the arguments, each of which must be there, and lets `write` escape what was printed.
fn escape<'a>(call: &mut Call<'_, 'a>, write: fn(&mut Out, &str)) -> Result<Val<'a>, Failure> {
    if call.args.iter().any(|arg| *arg.value() == Value::Null) {
        return Err("nothing to escape: value is null".into());
    }
    let mut printed = call.fuel.out();
    print::sprint(&mut printed, call.args)?;
    let printed = call.fuel.finish(printed)?;
    call.make(|_, out| {
        write(out, &printed);
        Ok(())
    })
}

pub(super) fn html<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    escape(call, |out, text| {
        for c in text.chars() {
            match c {
                '\0' => out.char('\u{fffd}'),
                '"' => out.str("&#34;"),
                '\'' => out.str("&#39;"),
                '&' => out.str("&amp;"),
                '<' => out.str("&lt;"),
                '>' => out.str("&gt;"),
                _ => out.char(c),
            }
        }
    })
}

pub(super) fn js<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    escape(call, |out, text| {
        for c in text.chars() {
            match c {
                '\\' => out.str("\\\\"),
                '\'' => out.str("\\'"),
                '"' => out.str("\\\""),
                '<' | '>' | '&' | '=' | '\0'..='\x1f' => {
                    let _ = write!(out, "\\u{:04X}", u32::from(c));
                }
                _ if c.is_ascii() || is_print(c) => out.char(c),
                _ => {
                    let _ = write!(out, "\\u{:04X}", u32::from(c));
                }
            }
        }
    })
}

pub(super) fn urlquery<'a>(call: &mut Call<'_, 'a>) -> Result<Val<'a>, Failure> {
    escape(call, |out, text| {
        for b in text.bytes() {
            match b {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.char(char::from(b)),
                b' ' => out.char('+'),
                _ => {
                    let _ = write!(out, "%{b:02X}");
                }
            }
        }
    })
}
