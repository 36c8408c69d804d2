//! X.509 certificates, RFC 5280, as far as people ask about them: names, serial, validity. Nothing is verified.

use crate::base64::decode_lenient;
use crate::time::Timestamp;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OID: u8 = 0x06;
const BMP_STRING: u8 = 0x1e;
const T61_STRING: u8 = 0x14;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// The words for parts of a name: those of RFC 4514, and of openssl for others that are usual.
const WORDS: &[(&[u8], &str)] = &[
    (COMMON_NAME, "CN"),
    (&[0x55, 4, 5], "serialNumber"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 9], "street"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01], "UID"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19], "DC"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01], "emailAddress"),
];

/// What a certificate says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Certificate {
    /// The subject's common name, the first if there are several.
    pub(super) cn: Option<String>,
    /// The subject, as RFC 4514 writes names.
    pub(super) subject: String,
    /// The issuer, the same way.
    pub(super) issuer: String,
    /// In capital hexadecimal digits.
    pub(super) serial: String,
    /// Other names of the subject: of hosts, addresses, mail and URIs.
    pub(super) sans: Vec<String>,
    /// The first second of its validity.
    pub(super) not_before: Timestamp,
    /// The last one.
    pub(super) not_after: Timestamp,
    /// Whether it may sign others.
    pub(super) is_ca: bool,
}

/// Reads the certificates of a PEM file. What is between them, and what is none, is passed over.
pub(super) fn certificates(text: &str) -> impl Iterator<Item = Certificate> {
    let blocks = text.split(BEGIN).skip(1).filter_map(|rest| rest.split_once(END));
    blocks.filter_map(|(block, _)| {
        let digits: String = block.split_ascii_whitespace().collect();
        certificate(&decode_lenient(&digits)?)
    })
}

fn certificate(der: &[u8]) -> Option<Certificate> {
    let mut signed = Der(Der(der).take(SEQUENCE)?);
    let mut fields = Der(signed.take(SEQUENCE)?);
    fields.take(VERSION);
    let serial = fields.take(INTEGER)?;
    fields.take(SEQUENCE)?;
    let issuer = fields.take(SEQUENCE)?;
    let mut validity = Der(fields.take(SEQUENCE)?);
    let (not_before, not_after) = (time(validity.next()?)?, time(validity.next()?)?);
    let subject = fields.take(SEQUENCE)?;
    fields.take(SEQUENCE)?;
    let mut found = Certificate {
        cn: parts(subject).into_iter().find(|part| part.oid == COMMON_NAME).map(|part| part.text),
        subject: name(subject),
        issuer: name(issuer),
        serial: serial.iter().skip_while(|byte| **byte == 0).map(|byte| format!("{byte:02X}")).collect(),
        sans: Vec::new(),
        not_before,
        not_after,
        is_ca: false,
    };
    // Two kinds of unique identifiers may come before.
    while let Some((tag, content)) = fields.next() {
        if tag == EXTENSIONS {
            extensions(content, &mut found);
        }
    }
    Some(found)
}

fn extensions(content: &[u8], found: &mut Certificate) -> Option<()> {
    let mut all = Der(Der(content).take(SEQUENCE)?);
    while let Some(extension) = all.take(SEQUENCE) {
        let mut fields = Der(extension);
        let oid = fields.take(OID)?;
        // Whether it is critical, which is no matter here.
        fields.take(BOOLEAN);
        let mut inner = Der(Der(fields.take(OCTETS)?).take(SEQUENCE).unwrap_or_default());
        match oid {
            BASIC_CONSTRAINTS => found.is_ca = inner.take(BOOLEAN).is_some_and(|value| value != [0]),
            SUBJECT_ALT_NAME => {
                while let Some((tag, content)) = inner.next() {
                    found.sans.extend(general_name(tag, content));
                }
            }
            _ => {}
        }
    }
    Some(())
}

/// Returns a name of mail, host, URI or address; the other kinds are not asked for.
fn general_name(tag: u8, content: &[u8]) -> Option<String> {
    match tag & 0x1f {
        1 | 2 | 6 => Some(String::from_utf8_lossy(content).into_owned()),
        7 => match (<[u8; 4]>::try_from(content), <[u8; 16]>::try_from(content)) {
            (Ok(four), _) => Some(Ipv4Addr::from(four).to_string()),
            (_, Ok(six)) => Some(Ipv6Addr::from(six).to_string()),
            _ => None,
        },
        _ => None,
    }
}

/// A part of a name: what it is, and its text.
struct Part<'a> {
    oid: &'a [u8],
    text: String,
    /// Whether it belongs to the part before it.
    joined: bool,
}

fn parts(name: &[u8]) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut sets = Der(name);
    while let Some(set) = sets.take(SET) {
        let mut members = Der(set);
        let mut joined = false;
        while let Some(member) = members.take(SEQUENCE) {
            let mut fields = Der(member);
            if let (Some(oid), Some((tag, content))) = (fields.take(OID), fields.next()) {
                parts.push(Part { oid, text: string(tag, content), joined });
                joined = true;
            }
        }
    }
    parts
}

/// Writes a name as RFC 4514 does: the last part first.
fn name(name: &[u8]) -> String {
    let mut groups: Vec<String> = Vec::new();
    for part in parts(name) {
        let known = WORDS.iter().find(|(oid, _)| *oid == part.oid);
        let word = known.map_or_else(|| dotted(part.oid), |(_, word)| (*word).to_owned());
        let text = format!("{word}={}", escaped(&part.text));
        match groups.last_mut().filter(|_| part.joined) {
            Some(group) => {
                group.push('+');
                group.push_str(&text);
            }
            None => groups.push(text),
        }
    }
    groups.reverse();
    groups.join(",")
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (i, c) in text.char_indices() {
        let is_end = i + c.len_utf8() == text.len();
        if ",+\"\\<>;".contains(c) || (i == 0 && " #".contains(c)) || (is_end && c == ' ') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn string(tag: u8, content: &[u8]) -> String {
    match tag {
        BMP_STRING => {
            let units: Vec<u16> = content.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
            String::from_utf16_lossy(&units)
        }
        // What it is made of is seldom declared, and Latin 1 in practice.
        T61_STRING => content.iter().map(|byte| char::from(*byte)).collect(),
        _ => String::from_utf8_lossy(content).into_owned(),
    }
}

/// Writes an object identifier in numbers, X.690 8.19.
fn dotted(oid: &[u8]) -> String {
    let mut numbers: Vec<String> = Vec::new();
    let mut number = 0_u64;
    for byte in oid {
        number = (number << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if numbers.is_empty() {
                let first = (number / 40).min(2);
                numbers.push(first.to_string());
                number -= first * 40;
            }
            numbers.push(number.to_string());
            number = 0;
        }
    }
    numbers.join(".")
}

/// Reads a time, RFC 5280 4.1.2.5: in UTC, to the second; two digits of a year are those from 1950 to 2049.
fn time((tag, content): (u8, &[u8])) -> Option<Timestamp> {
    let text = core::str::from_utf8(content).ok()?.strip_suffix('Z')?;
    let digits = match tag {
        UTC_TIME if text.len() == 12 => format!("{}{text}", if text < "50" { "20" } else { "19" }),
        GENERALIZED_TIME if text.len() == 14 => text.to_owned(),
        _ => return None,
    };
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize, to: usize| digits.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(8, 10)?, number(10, 12)?, number(12, 14)?);
    if second > 59 {
        return None;
    }
    Timestamp::from_utc([year, month, day], [hour, minute, second])
}

/// What is left of a run of DER values, X.690: each a tag of one byte, a length, and as many bytes.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (len, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (bytes.iter().fold(0, |len, byte| (len << 8) | usize::from(*byte)), rest)
            }
            // A length that is not told is none of DER's, and more is none of a certificate's.
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// Takes the next value if it has this tag.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        if self.0.first() != Some(&tag) {
            return None;
        }
        self.next().map(|(_, content)| content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LEAF: &str = include_str!("../../../tests/fixtures/openssl/3.0/leaf.txt");
    const AUTHORITY: &str = include_str!("../../../tests/fixtures/openssl/3.0/authority.txt");

    /// What openssl x509 -noout -serial -subject -issuer -dates -nameopt RFC2253,utf8,-esc_msb prints of them.
    #[test]
    fn certificates_say_what_openssl_says() {
        let leaf: Vec<Certificate> = certificates(LEAF).collect();
        let [leaf] = leaf.as_slice() else { panic!("{leaf:?}") };
        assert_eq!((leaf.cn.as_deref(), &*leaf.serial, leaf.is_ca), (Some("www.acme.example"), "F1A2B3C4", false));
        assert_eq!(leaf.subject, "CN=www.acme.example,O=Acme\\, Inc.,C=DE");
        let sans = [
            "www.acme.example",
            "acme.example",
            "192.0.2.7",
            "2001:db8::1",
            "ops@acme.example",
            "https://acme.example/",
        ];
        assert_eq!(leaf.sans, sans);
        assert_eq!(leaf.not_before.to_string(), "2026-11-22T00:36:35Z");
        assert_eq!(leaf.not_after.to_string(), "2027-02-20T00:36:35Z");
        let both = format!("{AUTHORITY}\nsome words\n{LEAF}");
        let both: Vec<Certificate> = certificates(&both).collect();
        let [authority, second] = both.as_slice() else { panic!("{both:?}") };
        assert_eq!((&*authority.serial, authority.is_ca, &authority.sans), ("01", true, &Vec::new()));
        assert_eq!(authority.issuer, "CN=Acme Root \\+ CA,O=Bücher,DC=example");
        assert_eq!(authority.not_after.to_string(), "2081-08-25T00:36:53Z");
        assert_eq!(second, leaf);
    }

    #[test]
    fn times_are_read_with_both_lengths_of_years() {
        let cases = [
            (UTC_TIME, "700101000000Z", Some("1970-01-01T00:00:00Z")),
            (UTC_TIME, "491231235959Z", Some("2049-12-31T23:59:59Z")),
            (UTC_TIME, "000229120000Z", Some("2000-02-29T12:00:00Z")),
            (GENERALIZED_TIME, "99991231235959Z", Some("9999-12-31T23:59:59Z")),
            (UTC_TIME, "701301000000Z", None),
            (UTC_TIME, "70010100000Z", None),
            (GENERALIZED_TIME, "700101000000Z", None),
            (UTC_TIME, "+00101000000Z", None),
            (UTC_TIME, "700101000000", None),
        ];
        for (tag, text, expected) in cases {
            let seen = time((tag, text.as_bytes())).map(|t| t.to_string());
            assert_eq!(seen.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn parts_that_belong_together_stay_together() {
        let part = |last: u8, text: u8| [SEQUENCE, 8, OID, 3, 0x55, 4, last, 0x0c, 1, text];
        let set = |parts: &[[u8; 10]]| [&[SET, (parts.len() * 10) as u8], parts.concat().as_slice()].concat();
        let all = [set(&[part(6, b'D')]), set(&[part(11, b'x'), part(10, b'+'), part(3, b'n')])].concat();
        assert_eq!(name(&all), "OU=x+O=\\++CN=n,C=D");
    }

    #[test]
    fn strings_and_identifiers_of_all_kinds_are_read() {
        assert_eq!(string(BMP_STRING, &[0, b'a', 0x20, 0xac]), "a€");
        assert_eq!(string(T61_STRING, &[b'a', 0xfc]), "aü");
        assert_eq!(string(0x0c, &[b'a', 0xff]), "a\u{fffd}");
        assert_eq!(dotted(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d]), "1.2.840.113549");
        assert_eq!(dotted(&[0x88, 0x37]), "2.999");
        assert_eq!(escaped(" #a;b \\ "), "\\ #a\\;b \\\\\\ ");
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            certificate(&bytes);
        }

        #[test]
        fn a_broken_certificate_is_none_or_another(at in 0..400_usize, byte in any::<u8>(), left in 0..600_usize) {
            let block = LEAF.split(BEGIN).nth(1).and_then(|rest| rest.split(END).next()).unwrap_or_default();
            let mut der = decode_lenient(&block.split_whitespace().collect::<String>()).unwrap_or_default();
            prop_assert!(certificate(&der).is_some());
            if let Some(place) = der.get_mut(at) {
                *place = byte;
            }
            der.truncate(left);
            certificate(&der);
        }
    }
}
