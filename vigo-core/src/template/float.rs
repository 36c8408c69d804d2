//! Floats in the formats of Go's `strconv.FormatFloat`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

/// Digits behind which a float has only zeros; more precision is written as zeros.
const DIGITS_MAX: usize = 1100;

/// The decimal digits of a positive float, without zeros at the end: `0.d1d2d3… × 10^point`.
struct Digits {
    digits: Vec<u8>,
    point: i32,
}

fn digits(printed: &str) -> Digits {
    let (mantissa, exponent) = printed.split_once('e').unwrap_or((printed, "0"));
    let mut digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
    while digits.last() == Some(&b'0') {
        digits.pop();
    }
    let point = if digits.is_empty() { 0 } else { exponent.parse::<i32>().unwrap_or(0) + 1 };
    Digits { digits, point }
}

/// Returns `f` as Go's verb `verb` (`e E f g G b x X`) has it, with a sign only if it is negative; `precision`: `None`
/// for as many digits as tell it from its neighbours.
pub(super) fn format_float(f: f64, verb: u8, precision: Option<usize>) -> String {
    if f.is_nan() {
        return "NaN".into();
    }
    if f.is_infinite() {
        return if f < 0.0 { "-Inf".into() } else { "+Inf".into() };
    }
    let mut out = String::new();
    if f.is_sign_negative() {
        out.push('-');
    }
    let f = f.abs();
    match verb {
        b'b' => binary(&mut out, f),
        b'x' | b'X' => hex(&mut out, f, verb, precision),
        b'e' | b'E' => match precision {
            None => {
                let d = digits(&format!("{f:e}"));
                exponential(&mut out, &d, d.digits.len().saturating_sub(1), verb);
            }
            Some(p) => {
                let d = digits(&format!("{f:.*e}", p.min(DIGITS_MAX)));
                exponential(&mut out, &d, p, verb);
            }
        },
        b'f' => match precision {
            None => {
                let d = digits(&format!("{f:e}"));
                let fraction = (d.digits.len() as i32 - d.point).max(0) as usize;
                fixed(&mut out, &d, fraction);
            }
            Some(p) => {
                let _ = write!(out, "{f:.*}", p.min(DIGITS_MAX));
                zeros(&mut out, p.saturating_sub(DIGITS_MAX));
            }
        },
        _ => {
            let e = if verb == b'G' { b'E' } else { b'e' };
            let (d, mut precision, shortest) = match precision {
                None => {
                    let d = digits(&format!("{f:e}"));
                    let n = d.digits.len();
                    (d, n, true)
                }
                Some(p) => {
                    let p = p.max(1);
                    (digits(&format!("{f:.*e}", (p - 1).min(DIGITS_MAX))), p, false)
                }
            };
            let n = d.digits.len();
            let mut limit = precision as i32;
            if limit > n as i32 && n as i32 >= d.point {
                limit = n as i32;
            }
            if shortest {
                limit = 6;
            }
            let exponent = d.point - 1;
            if n > 0 && exponent < -4 || exponent >= limit.max(1) {
                precision = precision.min(n);
                exponential(&mut out, &d, precision.saturating_sub(1), e);
            } else {
                fixed(&mut out, &d, (n as i32 - d.point).max(0) as usize);
            }
        }
    }
    out
}

fn zeros(out: &mut String, n: usize) {
    out.extend(core::iter::repeat_n('0', n));
}

fn exponential(out: &mut String, d: &Digits, precision: usize, e: u8) {
    let digit = |i: usize| char::from(d.digits.get(i).copied().unwrap_or(b'0'));
    out.push(digit(0));
    if precision > 0 {
        out.push('.');
        let there = precision.min(d.digits.len().saturating_sub(1));
        out.extend((1..=there).map(digit));
        zeros(out, precision - there);
    }
    let exponent = if d.digits.is_empty() { 0 } else { d.point - 1 };
    let sign = if exponent < 0 { '-' } else { '+' };
    let _ = write!(out, "{}{sign}{:02}", char::from(e), exponent.abs());
}

fn fixed(out: &mut String, d: &Digits, precision: usize) {
    let digit = |i: i32| char::from(usize::try_from(i).ok().and_then(|i| d.digits.get(i).copied()).unwrap_or(b'0'));
    if d.point > 0 {
        out.extend((0..d.point).map(digit));
    } else {
        out.push('0');
    }
    if precision > 0 {
        out.push('.');
        out.extend((0..precision as i32).map(|i| digit(d.point + i)));
    }
}

/// Mantissa and exponent: `f = mantissa × 2^exponent`.
fn parts(f: f64) -> (u64, i32) {
    let bits = f.to_bits();
    let (exponent, fraction) = ((bits >> 52 & 0x7ff) as i32, bits & ((1 << 52) - 1));
    if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) }
}

fn binary(out: &mut String, f: f64) {
    let (mantissa, exponent) = parts(f);
    let _ = write!(out, "{mantissa}p{exponent:+}");
}

fn hex(out: &mut String, f: f64, verb: u8, precision: Option<usize>) {
    let (mut mantissa, mut exponent) = parts(f);
    if mantissa == 0 {
        exponent = 0;
    } else {
        // The leading 1 goes to bit 60, so that each digit behind the point is 4 bits.
        let shift = mantissa.leading_zeros() as i32 - 3;
        mantissa <<= shift;
        exponent += 60 - shift;
    }
    if let Some(p) = precision.filter(|&p| p < 15) {
        let shift = 60 - 4 * p as u32;
        let (rest, half) = (mantissa & ((1 << shift) - 1), 1 << (shift - 1));
        mantissa >>= shift;
        if rest > half || rest == half && mantissa & 1 == 1 {
            mantissa += 1;
        }
        mantissa <<= shift;
        if mantissa >> 61 != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let upper = verb == b'X';
    out.push_str(if upper { "0X" } else { "0x" });
    out.push(if mantissa >> 60 & 1 == 1 { '1' } else { '0' });
    let mut rest = mantissa << 4;
    if precision.map_or(rest != 0, |p| p > 0) {
        out.push('.');
        let mut written = 0;
        while precision.map_or(rest != 0, |p| written < p.min(16)) {
            let digit = char::from_digit((rest >> 60) as u32, 16).unwrap_or('0');
            out.push(if upper { digit.to_ascii_uppercase() } else { digit });
            rest <<= 4;
            written += 1;
        }
        zeros(out, precision.unwrap_or(0).saturating_sub(written));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    let _ = write!(out, "{}{sign}{:02}", if upper { 'P' } else { 'p' }, exponent.abs());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_as_strconv_prints_them() {
        let cases: &[(f64, u8, Option<usize>, &str)] = &[
            (0.0, b'g', None, "0"),
            (-0.0, b'g', None, "-0"),
            (1.5, b'g', None, "1.5"),
            (100000.0, b'g', None, "100000"),
            (1e6, b'g', None, "1e+06"),
            (123456789.0, b'g', None, "1.23456789e+08"),
            (0.0001, b'g', None, "0.0001"),
            (0.00001, b'g', None, "1e-05"),
            (1e100, b'G', None, "1E+100"),
            (100.0, b'g', Some(2), "1e+02"),
            (123.456, b'g', Some(4), "123.5"),
            (2.5, b'f', Some(0), "2"),
            (3.15, b'f', Some(1), "3.1"),
            (1234.5678, b'e', Some(3), "1.235e+03"),
            (0.0, b'e', Some(2), "0.00e+00"),
            (1e21, b'f', None, "1000000000000000000000"),
            (1.0, b'x', None, "0x1p+00"),
            (1.1, b'x', Some(3), "0x1.19ap+00"),
            (1.0, b'b', None, "4503599627370496p-52"),
            (f64::INFINITY, b'g', None, "+Inf"),
        ];
        for (f, verb, precision, expected) in cases {
            assert_eq!(format_float(*f, *verb, *precision), *expected, "{f} %{}", char::from(*verb));
        }
    }
}
