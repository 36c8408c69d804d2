//! From when to when a certificate holds, RFC 5280 4.1.2.5: all that an agent has to know of its own.

use crate::time::{Duration, Timestamp};
use alloc::string::String;

/// When a certificate holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Validity {
    /// From here.
    pub not_before: Timestamp,
    /// To here.
    pub not_after: Timestamp,
}

impl Validity {
    /// Returns when to ask for a new one: at two thirds.
    pub fn renewal(&self) -> Timestamp {
        self.not_before + Duration::from_ms(self.not_after.since(self.not_before).as_ms() / 3 * 2)
    }
}

const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Returns the validity of a certificate, DER; `None` for what is none.
pub fn validity(certificate: &[u8]) -> Option<Validity> {
    let (_, certificate, _) = element(certificate).filter(|e| e.0 == SEQUENCE)?;
    let (_, mut body, _) = element(certificate).filter(|e| e.0 == SEQUENCE)?;
    // The version may be left out; serial number, signature algorithm and issuer stand before the validity.
    if body.first() == Some(&0xa0) {
        body = element(body)?.2;
    }
    for _ in 0..3 {
        body = element(body)?.2;
    }
    let (_, dates, _) = element(body).filter(|e| e.0 == SEQUENCE)?;
    let (tag, not_before, rest) = element(dates)?;
    let not_before = time(tag, not_before)?;
    let (tag, not_after, _) = element(rest)?;
    Some(Validity { not_before, not_after: time(tag, not_after)? })
}

/// What stands before id and name in an envoy's certificate.
const NAME_HEAD: &[u8] = b"vigo:envoy:";

/// Tag of a URI in a list of names, RFC 5280 4.2.1.6.
const URI: u8 = 0x86;

/// Returns the name in the machine's own certificate, `vigo:envoy:<id>/<name>`, DER; `None` where it has none.
pub(super) fn name_in(certificate: &[u8]) -> Option<String> {
    let starts = |at: &usize| certificate.get(*at) == Some(&URI);
    (0..certificate.len()).filter(starts).find_map(|at| {
        let (_, uri, _) = element(certificate.get(at..)?)?;
        let text = core::str::from_utf8(uri.strip_prefix(NAME_HEAD)?).ok()?;
        text.split_once('/').map(|(_, name)| name.into())
    })
}

/// Splits the first element off: its tag, its contents, what follows. Tags have one byte here.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (len, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (len, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (len.iter().fold(0usize, |n, byte| n << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (contents, rest) = rest.split_at_checked(len)?;
    Some((tag, contents, rest))
}

/// Reads `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn time(tag: u8, text: &[u8]) -> Option<Timestamp> {
    let digits = text.strip_suffix(b"Z")?;
    let mut pairs = [0i64; 7];
    let (first, count) = match tag {
        UTC_TIME => (1, 6),
        GENERALIZED_TIME => (0, 7),
        _ => return None,
    };
    if digits.len() != count * 2 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    for (slot, pair) in pairs.iter_mut().skip(first).zip(digits.chunks_exact(2)) {
        *slot = pair.iter().fold(0, |n, digit| n * 10 + i64::from(digit - b'0'));
    }
    let [century, short, month, day, hour, minute, second] = pairs;
    let year = match tag {
        UTC_TIME if short >= 50 => 1900 + short,
        UTC_TIME => 2000 + short,
        _ => century * 100 + short,
    };
    Timestamp::from_utc([year, month, day], [hour, minute, second])
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec;
    use alloc::vec::Vec;

    fn der(tag: u8, contents: &[u8]) -> Vec<u8> {
        let len = contents.len();
        let head = if len < 128 { vec![tag, len as u8] } else { vec![tag, 0x82, (len >> 8) as u8, len as u8] };
        [&head[..], contents].concat()
    }

    /// As much of a certificate as is read.
    pub(in super::super) fn certificate(not_before: &str, not_after: &str) -> Vec<u8> {
        let date = |text: &str| der(if text.len() == 13 { UTC_TIME } else { GENERALIZED_TIME }, text.as_bytes());
        let before = [der(0xa0, &der(2, &[2])), der(2, &[1]), der(SEQUENCE, &[]), der(SEQUENCE, &[0; 200])].concat();
        let body = [before, der(SEQUENCE, &[date(not_before), date(not_after)].concat()), vec![5, 0]].concat();
        der(SEQUENCE, &[der(SEQUENCE, &body), vec![5, 0]].concat())
    }

    #[test]
    fn validity_is_read_from_both_forms_of_dates() {
        let cases = [
            ("261122031500Z", "20501122031500Z", "2026-11-22T03:15:00Z", "2050-11-22T03:15:00Z"),
            ("700101000000Z", "000229235959Z", "1970-01-01T00:00:00Z", "2000-02-29T23:59:59Z"),
            ("500101000000Z", "99991231235959Z", "1950-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
        ];
        for (not_before, not_after, from, to) in cases {
            let read = validity(&certificate(not_before, not_after)).expect("it is one");
            assert_eq!((format!("{}", read.not_before), format!("{}", read.not_after)), (from.into(), to.into()));
        }
        let year = validity(&certificate("260101000000Z", "261231000000Z")).expect("it is one");
        assert_eq!(format!("{}", year.renewal()), "2026-08-31T16:00:00Z");
    }

    #[test]
    fn the_name_is_read_from_where_the_server_has_written_it() {
        let uri = |text: &[u8]| der(URI, text);
        let named = |text: &[u8]| [&[1, URI, 3, URI][..], &der(SEQUENCE, &uri(text)), &[0; 9]].concat();
        assert_eq!(name_in(&named(b"vigo:envoy:0102-03/web-1.prod")).as_deref(), Some("web-1.prod"));
        for bad in [&b"vigo:envoy:0102"[..], b"vigo:server:1/web", b"", b"vigo:envoy:1/\xff"] {
            assert_eq!(name_in(&named(bad)), None, "{bad:?}");
        }
        assert_eq!(name_in(&certificate("261122031500Z", "271122031500Z")), None);
    }

    #[test]
    fn what_is_no_certificate_has_no_validity() {
        let good = certificate("261122031500Z", "271122031500Z");
        for len in 0..250 {
            assert_eq!(validity(&good[..len]), None, "{len}");
        }
        for date in ["261322031500Z", "26112203150Z", "2611220315000", "261122031500+", "26112203x500Z"] {
            assert_eq!(validity(&certificate(date, "271122031500Z")), None, "{date}");
        }
        let mut broken = good.clone();
        broken[1] = 0x88;
        assert_eq!(validity(&broken), None);
    }
}
