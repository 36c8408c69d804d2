//! Go's literals: interpreted and raw strings, characters, numbers.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::value::Value;

/// Returns what the Go string literal `text`, quotes included, stands for.
pub(super) fn unquote(text: &str) -> Result<Cow<'_, str>, String> {
    let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or("");
    if text.starts_with('`') {
        return Ok(if inner.contains('\r') { inner.replace('\r', "").into() } else { inner.into() });
    }
    if !inner.contains('\\') {
        return Ok(inner.into());
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(rest.get(..at).unwrap_or("").as_bytes());
        let (escaped, len) = escape(rest.get(at + 1..).unwrap_or(""), b'"')?;
        match escaped {
            Escaped::Byte(b) => bytes.push(b),
            Escaped::Char(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        rest = rest.get(at + 1 + len..).unwrap_or("");
    }
    bytes.extend_from_slice(rest.as_bytes());
    match String::from_utf8(bytes) {
        Ok(s) => Ok(s.into()),
        Err(_) => Err(format!("string literal {text} is no UTF-8")),
    }
}

enum Escaped {
    Byte(u8),
    Char(char),
}

/// Reads what stands behind a backslash; returns its meaning and length.
fn escape(rest: &str, quote: u8) -> Result<(Escaped, usize), String> {
    let bytes = rest.as_bytes();
    let first = bytes.first().copied().unwrap_or(b'?');
    let simple = |b| Ok((Escaped::Byte(b), 1));
    let number = |from: usize, len: usize, radix: u32| {
        let digits = rest.get(from..from + len).filter(|d| d.bytes().all(|b| char::from(b).is_digit(radix)));
        digits.and_then(|d| u32::from_str_radix(d, radix).ok())
    };
    let bad = || format!("invalid escape `\\{}`", rest.chars().next().unwrap_or(' ').escape_debug());
    match first {
        b'a' => simple(7),
        b'b' => simple(8),
        b'f' => simple(12),
        b'n' => simple(b'\n'),
        b'r' => simple(b'\r'),
        b't' => simple(b'\t'),
        b'v' => simple(11),
        b'\\' => simple(b'\\'),
        b if b == quote => simple(b),
        b'x' => number(1, 2, 16).map(|n| (Escaped::Byte(n as u8), 3)).ok_or_else(bad),
        b'0'..=b'7' => number(0, 3, 8).filter(|&n| n < 256).map(|n| (Escaped::Byte(n as u8), 3)).ok_or_else(bad),
        b'u' => number(1, 4, 16).and_then(char::from_u32).map(|c| (Escaped::Char(c), 5)).ok_or_else(bad),
        b'U' => number(1, 8, 16).and_then(char::from_u32).map(|c| (Escaped::Char(c), 9)).ok_or_else(bad),
        _ => Err(bad()),
    }
}

/// Returns the code point of the Go character literal `text`, quotes included.
pub(super) fn character(text: &str) -> Result<Value, String> {
    let malformed = || format!("malformed character constant: {text}");
    let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or("");
    let (code, len) = match inner.strip_prefix('\\') {
        Some(rest) => match escape(rest, b'\'')? {
            (Escaped::Byte(b), len) => (i64::from(b), len + 1),
            (Escaped::Char(c), len) => (i64::from(u32::from(c)), len + 1),
        },
        None => {
            let c = inner.chars().next().ok_or_else(malformed)?;
            (i64::from(u32::from(c)), c.len_utf8())
        }
    };
    if len == inner.len() { Ok(Value::Int(code)) } else { Err(malformed()) }
}

/// Returns the number that the Go literal `text` stands for: an integer, or a float if it is written as one.
pub(super) fn number(text: &str) -> Result<Value, String> {
    if text.ends_with('i') {
        return Err(format!("complex number `{text}` is not supported"));
    }
    let illegal = || format!("illegal number syntax: `{text}`");
    if !underscores_ok(text) {
        return Err(illegal());
    }
    let plain: Cow<'_, str> = if text.contains('_') { text.replace('_', "").into() } else { text.into() };
    let (negative, digits) = match plain.as_bytes().first() {
        Some(b'-') => (true, plain.get(1..).unwrap_or("")),
        Some(b'+') => (false, plain.get(1..).unwrap_or("")),
        _ => (false, &*plain),
    };
    let lower = |n: usize| digits.as_bytes().get(n).map(u8::to_ascii_lowercase);
    let (radix, body) = match (lower(0), lower(1)) {
        (Some(b'0'), Some(b'x')) => (16, digits.get(2..).unwrap_or("")),
        (Some(b'0'), Some(b'o')) => (8, digits.get(2..).unwrap_or("")),
        (Some(b'0'), Some(b'b')) => (2, digits.get(2..).unwrap_or("")),
        (Some(b'0'), Some(b'0'..=b'9')) if digits.bytes().all(|b| b.is_ascii_digit()) => (8, digits),
        _ => (10, digits),
    };
    if !body.is_empty() && body.bytes().all(|b| char::from(b).is_digit(radix)) {
        let n = i128::from_str_radix(body, radix).map(|n| if negative { -n } else { n });
        let n = n.ok().and_then(|n| i64::try_from(n).ok());
        return n.map(Value::Int).ok_or_else(|| format!("integer overflow: `{text}`"));
    }
    let float = match radix {
        16 => hex_float(body),
        10 => body.parse::<f64>().ok(),
        _ => None,
    };
    match float {
        Some(f) if f.is_finite() => Ok(Value::Float(if negative { -f } else { f })),
        _ => Err(illegal()),
    }
}

/// Underscores stand between digits, or behind a base prefix; a decimal fraction has none.
fn underscores_ok(text: &str) -> bool {
    if !text.contains('_') {
        return true;
    }
    let unsigned = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
    let based = ["0x", "0o", "0b"].iter().any(|p| unsigned.starts_with(p));
    let hex = unsigned.starts_with("0x");
    let body = if based { unsigned.get(2..).unwrap_or("") } else { &unsigned };
    let mut last = if based { '0' } else { '!' };
    for c in body.chars() {
        let digit = c.is_ascii_digit() || hex && c.is_ascii_hexdigit();
        match c {
            '_' if last != '0' => return false,
            '_' => last = '_',
            _ if digit => last = '0',
            _ if last == '_' => return false,
            _ => last = '!',
        }
    }
    last != '_'
}

/// Reads a hexadecimal float without its `0x`: the exponent is required, the mantissa holds at most 30 digits.
fn hex_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.len() + fraction.len() > 30 || whole.len() + fraction.len() == 0 {
        return None;
    }
    let mut value = 0u128;
    for c in whole.chars().chain(fraction.chars()) {
        value = value << 4 | u128::from(c.to_digit(16)?);
    }
    let exponent = exponent.parse::<i32>().ok().filter(|e| e.abs() < 5000)? - 4 * fraction.len() as i32;
    let mut float = value as f64;
    for _ in 0..exponent.abs() {
        float = if exponent < 0 { float / 2.0 } else { float * 2.0 };
    }
    Some(float)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        let cases: &[(&str, Option<Value>)] = &[
            ("0", Some(Value::Int(0))),
            ("-0", Some(Value::Int(0))),
            ("1_000", Some(Value::Int(1000))),
            ("0x_ff", Some(Value::Int(255))),
            ("0644", Some(Value::Int(420))),
            ("0o17", Some(Value::Int(15))),
            ("0b101", Some(Value::Int(5))),
            ("-9223372036854775808", Some(Value::Int(i64::MIN))),
            ("9223372036854775808", None),
            ("1e3", Some(Value::Float(1000.0))),
            (".5", Some(Value::Float(0.5))),
            ("1.", Some(Value::Float(1.0))),
            ("0x1p4", Some(Value::Float(16.0))),
            ("0x.8p1", Some(Value::Float(1.0))),
            ("089", None),
            ("1__0", None),
            ("_1", None),
            ("1_", None),
            ("0x", None),
            ("1e", None),
            ("1e999", None),
            ("2i", None),
        ];
        for (text, expected) in cases {
            assert_eq!(number(text).ok(), *expected, "{text}");
        }
    }

    #[test]
    fn strings_are_unquoted_as_go_unquotes_them() {
        let cases: &[(&str, Option<&str>)] = &[
            (r#""a\tb""#, Some("a\tb")),
            (r#""\x41\101\u00e9\U0001F600""#, Some("AAé😀")),
            (r#""\xc3\xa9""#, Some("é")),
            (r#""\xff""#, None),
            (r#""\'""#, None),
            (r#""\400""#, None),
            (r#""\ud800""#, None),
            ("`a\\n\r`", Some("a\\n")),
        ];
        for (text, expected) in cases {
            assert_eq!(unquote(text).ok().as_deref(), *expected, "{text}");
        }
    }
}
