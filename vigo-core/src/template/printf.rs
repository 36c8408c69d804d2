//! Go's `Sprintf` over our kinds of values.

use alloc::format;
use alloc::string::String;
use core::fmt::Write;

use super::float::format_float;
use super::fuel::{Failure, Out};
use super::quote::{can_backquote, is_print, quote, quote_char};
use super::val::{Val, go_type};
use crate::limits::TEMPLATE_VALUE_DEPTH_MAX;
use crate::value::Value;

/// The largest width or precision, as in Go.
const NUMBER_MAX: i64 = 1_000_000;

#[derive(Clone, Copy, Default)]
struct Flags {
    width: Option<usize>,
    precision: Option<usize>,
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    /// `%#v`.
    sharp_v: bool,
}

struct Printer<'o> {
    out: &'o mut Out,
    flags: Flags,
}

/// Prints `args` by `format`.
pub(super) fn sprintf(out: &mut Out, format: &str, args: &[Val<'_>]) -> Result<(), Failure> {
    let mut printer = Printer { out, flags: Flags::default() };
    let mut verbs = Verbs { rest: format, args, next: 0, reordered: false, good: true };
    while let Some(at) = verbs.rest.find('%') {
        if printer.out.is_full() {
            return Ok(());
        }
        printer.out.str(verbs.rest.get(..at).unwrap_or(""));
        verbs.skip(at + 1);
        if !verbs.one(&mut printer)? {
            return verbs.extra(&mut printer);
        }
    }
    printer.out.str(verbs.rest);
    verbs.extra(&mut printer)
}

/// The part of a format that is not yet printed, and the arguments for it.
struct Verbs<'f, 'v, 'a> {
    rest: &'f str,
    args: &'v [Val<'a>],
    next: usize,
    /// Whether an argument was named by its number: then none counts as left over.
    reordered: bool,
    /// Whether the numbers of the verb in hand are good.
    good: bool,
}

impl Verbs<'_, '_, '_> {
    fn skip(&mut self, n: usize) {
        self.rest = self.rest.get(n..).unwrap_or("");
    }

    fn first(&self) -> Option<u8> {
        self.rest.as_bytes().first().copied()
    }

    /// Prints one verb, behind its `%`. Returns false at the end of the format.
    fn one(&mut self, p: &mut Printer<'_>) -> Result<bool, Failure> {
        self.good = true;
        p.flags = Flags::default();
        while let Some(b) = self.first() {
            match b {
                b'#' => p.flags.sharp = true,
                b'0' => p.flags.zero = !p.flags.minus,
                b'+' => p.flags.plus = true,
                b'-' => {
                    p.flags.minus = true;
                    p.flags.zero = false;
                }
                b' ' => p.flags.space = true,
                _ => break,
            }
            self.skip(1);
        }
        let mut indexed = self.argument_number();
        if self.first() == Some(b'*') {
            self.skip(1);
            let width = self.number_argument();
            if width.is_none() {
                p.out.str("%!(BADWIDTH)");
            }
            if width.is_some_and(|w| w < 0) {
                p.flags.minus = true;
                p.flags.zero = false;
            }
            p.flags.width = width.map(|w| w.unsigned_abs() as usize);
            indexed = false;
        } else {
            p.flags.width = self.number();
            if indexed && p.flags.width.is_some() {
                self.good = false;
            }
        }
        if self.first() == Some(b'.') && self.rest.len() > 1 {
            self.skip(1);
            if indexed {
                self.good = false;
            }
            indexed = self.argument_number();
            if self.first() == Some(b'*') {
                self.skip(1);
                p.flags.precision = self.number_argument().and_then(|n| usize::try_from(n).ok());
                if p.flags.precision.is_none() {
                    p.out.str("%!(BADPREC)");
                }
                indexed = false;
            } else {
                p.flags.precision = Some(self.number().unwrap_or(0));
            }
        }
        if !indexed {
            self.argument_number();
        }
        let Some(verb) = self.rest.chars().next() else {
            p.out.str("%!(NOVERB)");
            return Ok(false);
        };
        self.skip(verb.len_utf8());
        if verb == '%' {
            p.out.char('%');
        } else if !self.good {
            p.bang(verb, "(BADINDEX)");
        } else if let Some(arg) = self.args.get(self.next) {
            if verb == 'v' {
                p.flags.sharp_v = core::mem::take(&mut p.flags.sharp);
                // `%+v` differs from `%v` for structures only.
                p.flags.plus = false;
            }
            p.argument(arg.value(), verb)?;
            self.next += 1;
        } else {
            p.bang(verb, "(MISSING)");
        }
        Ok(true)
    }

    /// Takes a decimal number. One that is too large takes the rest of the format with it, as in Go.
    fn number(&mut self) -> Option<usize> {
        let mut n: Option<i64> = None;
        while let Some(b @ b'0'..=b'9') = self.first() {
            if n.unwrap_or(0) > NUMBER_MAX {
                self.rest = "";
                return None;
            }
            n = Some(n.unwrap_or(0) * 10 + i64::from(b - b'0'));
            self.skip(1);
        }
        n.and_then(|n| usize::try_from(n).ok())
    }

    /// Takes the argument for a `*`.
    fn number_argument(&mut self) -> Option<i64> {
        let arg = self.args.get(self.next)?;
        self.next += 1;
        arg.value().as_int().filter(|n| n.unsigned_abs() <= NUMBER_MAX as u64)
    }

    /// Takes `[n]`, the number of the argument to go on with. Returns whether one stood here.
    fn argument_number(&mut self) -> bool {
        if self.first() != Some(b'[') {
            return false;
        }
        self.reordered = true;
        // No number is longer: looking further for a bracket at each of many verbs would take long.
        let close = self.rest.bytes().take(64).position(|b| b == b']');
        let Some(close) = close.filter(|_| self.rest.len() > 2) else {
            self.good = false;
            self.skip(1);
            return false;
        };
        let inner = self.rest.get(1..close).unwrap_or("");
        let digits = !inner.is_empty() && inner.bytes().all(|b| b.is_ascii_digit());
        let number = inner.parse::<usize>().ok().filter(|&n| digits && n <= NUMBER_MAX as usize * 10);
        self.skip(close + 1);
        match number {
            Some(n @ 1..) if n <= self.args.len() => {
                self.next = n - 1;
                true
            }
            _ => {
                self.good = false;
                number.is_some()
            }
        }
    }

    /// Prints the arguments that no verb took.
    fn extra(&self, p: &mut Printer<'_>) -> Result<(), Failure> {
        let left = self.args.get(self.next..).unwrap_or(&[]);
        if self.reordered || left.is_empty() {
            return Ok(());
        }
        p.flags = Flags::default();
        p.out.str("%!(EXTRA ");
        for (i, arg) in left.iter().enumerate() {
            if i > 0 {
                p.out.str(", ");
            }
            p.typed(arg.value())?;
        }
        p.out.char(')');
        Ok(())
    }
}

impl Printer<'_> {
    fn bang(&mut self, verb: char, what: &str) {
        self.out.str("%!");
        self.out.char(verb);
        self.out.str(what);
    }

    fn typed(&mut self, value: &Value) -> Result<(), Failure> {
        self.out.str(go_type(value));
        if *value == Value::Null {
            return Ok(());
        }
        self.out.char('=');
        self.value(value, 'v', 0)
    }

    fn bad_verb(&mut self, value: &Value, verb: char) -> Result<(), Failure> {
        self.bang(verb, "(");
        self.typed(value)?;
        self.out.char(')');
        Ok(())
    }

    fn argument(&mut self, value: &Value, verb: char) -> Result<(), Failure> {
        match (value, verb) {
            (Value::Null, 'T' | 'v') => self.pad("<nil>"),
            (_, 'T') => self.text(go_type(value)),
            (_, 'p' | 'w') | (Value::Null, _) => return self.bad_verb(value, verb),
            _ => return self.value(value, verb, 0),
        }
        Ok(())
    }

    fn value(&mut self, value: &Value, verb: char, depth: usize) -> Result<(), Failure> {
        match value {
            Value::List(_) | Value::Map(_) if depth >= TEMPLATE_VALUE_DEPTH_MAX => return Err(Failure::depth()),
            _ if self.out.is_full() => {}
            Value::Null if self.flags.sharp_v => self.out.str("interface {}(nil)"),
            Value::Null => self.out.str("<nil>"),
            Value::Bool(b) => match verb {
                't' | 'v' => self.pad(if *b { "true" } else { "false" }),
                _ => return self.bad_verb(value, verb),
            },
            Value::Int(n) => return self.int(*n, verb),
            Value::Float(f) => match verb {
                'v' => self.float(*f, 'g', None),
                'b' | 'g' | 'G' | 'x' | 'X' => self.float(*f, verb, None),
                'e' | 'E' => self.float(*f, verb, Some(6)),
                'f' | 'F' => self.float(*f, 'f', Some(6)),
                _ => return self.bad_verb(value, verb),
            },
            Value::Text(t) => match verb {
                'v' if self.flags.sharp_v => self.quoted(t.as_str()),
                'v' | 's' => self.text(t.as_str()),
                'q' => self.quoted(t.as_str()),
                'x' | 'X' => self.bytes(t.as_str(), verb == 'X'),
                _ => return self.bad_verb(value, verb),
            },
            Value::List(items) => {
                self.open(value, "[");
                for (i, item) in items.iter().enumerate() {
                    self.separate(i);
                    self.value(item, verb, depth + 1)?;
                }
                self.close();
            }
            Value::Map(map) => {
                self.open(value, "map[");
                for (i, (key, item)) in map.iter().enumerate() {
                    self.separate(i);
                    self.value(&Value::text(key.clone()), verb, depth + 1)?;
                    self.out.char(':');
                    self.value(item, verb, depth + 1)?;
                }
                self.close();
            }
        }
        Ok(())
    }

    fn open(&mut self, value: &Value, plain: &str) {
        if self.flags.sharp_v {
            self.out.str(go_type(value));
            self.out.char('{');
        } else {
            self.out.str(plain);
        }
    }

    fn separate(&mut self, i: usize) {
        if i > 0 {
            self.out.str(if self.flags.sharp_v { ", " } else { " " });
        }
    }

    fn close(&mut self) {
        self.out.char(if self.flags.sharp_v { '}' } else { ']' });
    }

    fn padding(&mut self, n: usize) {
        self.out.repeat(if self.flags.zero { "0" } else { " " }, n);
    }

    /// Prints `text` padded to the width.
    fn pad(&mut self, text: &str) {
        let missing = match self.flags.width {
            None | Some(0) => 0,
            Some(width) => width.saturating_sub(text.chars().count()),
        };
        if !self.flags.minus {
            self.padding(missing);
        }
        self.out.str(text);
        if self.flags.minus {
            self.padding(missing);
        }
    }

    fn pad_blank(&mut self, text: &str) {
        let zero = core::mem::take(&mut self.flags.zero);
        self.pad(text);
        self.flags.zero = zero;
    }

    fn truncated<'t>(&self, text: &'t str) -> &'t str {
        let end = self.flags.precision.and_then(|p| text.char_indices().nth(p)).map_or(text.len(), |(i, _)| i);
        text.get(..end).unwrap_or(text)
    }

    fn text(&mut self, text: &str) {
        self.pad(self.truncated(text));
    }

    fn quoted(&mut self, text: &str) {
        let text = self.truncated(text);
        if self.flags.sharp && can_backquote(text) {
            self.pad(&format!("`{text}`"));
        } else {
            self.pad(&quote(text, self.flags.plus));
        }
    }

    /// Prints the bytes of a text in hexadecimal.
    fn bytes(&mut self, text: &str, upper: bool) {
        let len = self.flags.precision.map_or(text.len(), |p| p.min(text.len()));
        let prefix = if upper { "0X" } else { "0x" };
        let (sharp, space) = (self.flags.sharp, self.flags.space);
        let width = match (len, space, sharp) {
            (0, ..) => 0,
            (_, true, true) => 5 * len - 1,
            (_, true, false) => 3 * len - 1,
            (_, false, sharp) => 2 * len + 2 * usize::from(sharp),
        };
        let missing = self.flags.width.unwrap_or(0).saturating_sub(width);
        if !self.flags.minus || len == 0 {
            self.padding(missing);
        }
        if len == 0 {
            return;
        }
        for (i, b) in text.bytes().take(len).enumerate() {
            if self.out.is_full() {
                return;
            }
            if space && i > 0 {
                self.out.char(' ');
            }
            if sharp && (i == 0 || space) {
                self.out.str(prefix);
            }
            let _ = if upper { write!(self.out, "{b:02X}") } else { write!(self.out, "{b:02x}") };
        }
        if self.flags.minus {
            self.padding(missing);
        }
    }

    fn int(&mut self, n: i64, verb: char) -> Result<(), Failure> {
        let magnitude = n.unsigned_abs();
        let digits = match verb {
            'v' | 'd' => format!("{magnitude}"),
            'b' => format!("{magnitude:b}"),
            'o' | 'O' => format!("{magnitude:o}"),
            'x' => format!("{magnitude:x}"),
            'X' => format!("{magnitude:X}"),
            'c' => {
                self.pad(self.character(n).encode_utf8(&mut [0; 4]));
                return Ok(());
            }
            'q' => {
                self.pad(&quote_char(self.character(n), self.flags.plus));
                return Ok(());
            }
            'U' => {
                self.unicode(n);
                return Ok(());
            }
            _ => return self.bad_verb(&Value::Int(n), verb),
        };
        let signed = n < 0 || self.flags.plus || self.flags.space;
        let precision = match self.flags.precision {
            Some(0) if n == 0 => {
                let zero = core::mem::take(&mut self.flags.zero);
                self.padding(self.flags.width.unwrap_or(0));
                self.flags.zero = zero;
                return Ok(());
            }
            Some(precision) => precision,
            None if self.flags.zero => self.flags.width.unwrap_or(0).saturating_sub(usize::from(signed)),
            None => 0,
        };
        let mut text = String::new();
        text.push_str(if n < 0 {
            "-"
        } else if self.flags.plus {
            "+"
        } else if self.flags.space {
            " "
        } else {
            ""
        });
        let zeros = precision.saturating_sub(digits.len());
        match verb {
            'O' => text.push_str("0o"),
            'b' if self.flags.sharp => text.push_str("0b"),
            'o' if self.flags.sharp && zeros == 0 && !digits.starts_with('0') => text.push('0'),
            'x' if self.flags.sharp => text.push_str("0x"),
            'X' if self.flags.sharp => text.push_str("0X"),
            _ => {}
        }
        // `%O` with `#` has Go's leading zero of `%#o` as well.
        if verb == 'O' && self.flags.sharp && zeros == 0 && !digits.starts_with('0') {
            text.push('0');
        }
        text.extend(core::iter::repeat_n('0', zeros));
        text.push_str(&digits);
        self.pad_blank(&text);
        Ok(())
    }

    fn character(&self, n: i64) -> char {
        u32::try_from(n).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    fn unicode(&mut self, n: i64) {
        let precision = self.flags.precision.unwrap_or(4).max(4);
        // Go takes the bits of a negative number.
        let mut text = format!("U+{:0precision$X}", n as u64, precision = precision.min(1000));
        if let Some(zeros) = precision.checked_sub(1000) {
            text.insert_str(2, &"0".repeat(zeros));
        }
        let printable = u32::try_from(n).ok().and_then(char::from_u32).filter(|&c| self.flags.sharp && is_print(c));
        if let Some(c) = printable {
            let _ = write!(text, " '{c}'");
        }
        self.pad_blank(&text);
    }

    fn float(&mut self, f: f64, verb: char, precision: Option<usize>) {
        let precision = self.flags.precision.or(precision);
        let mut text = format_float(f, verb as u8, precision);
        if !text.starts_with(['-', '+']) {
            text.insert(0, '+');
        }
        if self.flags.space && text.starts_with('+') && !self.flags.plus {
            text.replace_range(..1, " ");
        }
        let special = text.get(1..2).is_some_and(|c| c == "I" || c == "N");
        if special {
            let nan = text.ends_with('N') && !self.flags.space && !self.flags.plus;
            // Go keeps the sign of an infinity only where one is asked for, or it is negative.
            let text = if nan { text.get(1..).unwrap_or("") } else { &text };
            self.pad_blank(text);
            return;
        }
        if self.flags.sharp && verb != 'b' {
            text = with_point(&text, verb, precision);
        }
        if self.flags.plus || !text.starts_with('+') {
            let width = self.flags.width.unwrap_or(0);
            if self.flags.zero && width > text.len() {
                self.out.str(text.get(..1).unwrap_or(""));
                self.padding(width - text.len());
                self.out.str(text.get(1..).unwrap_or(""));
            } else {
                self.pad(&text);
            }
        } else {
            self.pad(text.get(1..).unwrap_or(""));
        }
    }
}

/// Returns the float `text`, its sign first, with a decimal point and the zeros that `%#g` keeps.
fn with_point(text: &str, verb: char, precision: Option<usize>) -> String {
    let mut digits = match verb {
        'g' | 'G' | 'x' => precision.map_or(6, |p| p as i64),
        _ => 0,
    };
    let tail_at = text.find(|c| matches!(c, 'p' | 'P') || verb != 'x' && verb != 'X' && matches!(c, 'e' | 'E'));
    let (head, tail) = text.split_at(tail_at.unwrap_or(text.len()));
    let mut nonzero = false;
    for b in head.bytes().skip(1).filter(|&b| b != b'.') {
        nonzero |= b != b'0';
        digits -= i64::from(nonzero);
    }
    let mut out = String::from(head);
    if !head.contains('.') {
        if head.len() == 2 && head.ends_with('0') {
            digits -= 1;
        }
        out.push('.');
    }
    out.extend(core::iter::repeat_n('0', digits.max(0) as usize));
    out.push_str(tail);
    out
}
