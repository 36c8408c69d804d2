//! OpenPGP public keys, as far as telling them apart needs: armor, packets, fingerprints (RFC 9580).

use crate::base64;
use crate::hex;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::Write;
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// A file of public keys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keys {
    /// The keys without armor.
    pub binary: Arc<[u8]>,
    /// The fingerprints of the primary keys, in capital hexadecimal digits.
    pub fingerprints: Vec<String>,
}

/// The packet that begins a key.
const PUBLIC_KEY: u8 = 6;

const BEGIN: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
const END: &str = "-----END PGP PUBLIC KEY BLOCK-----";

impl Keys {
    /// Reads keys, with or without armor.
    ///
    /// # Errors
    /// A fragment: what was expected, and found.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let armored = core::str::from_utf8(bytes).ok().filter(|text| text.contains(BEGIN));
        let binary = match armored {
            Some(text) => unarmored(text)?,
            None => bytes.to_vec(),
        };
        let fingerprints = fingerprints(&binary)?;
        if fingerprints.is_empty() {
            return Err("expected an OpenPGP public key, found none".into());
        }
        Ok(Self { binary: binary.into(), fingerprints })
    }

    /// Returns the keys in armor, a block for each: rpm takes no other form, and of a block the first key alone.
    pub fn armored(&self) -> String {
        let mut out = String::new();
        let mut block: &[u8] = &self.binary;
        let mut rest = block;
        while let Some((_, _, after)) = packet(rest) {
            rest = after;
            if packet(rest).is_none_or(|(tag, ..)| tag == PUBLIC_KEY) {
                let (one, others) = block.split_at(block.len() - rest.len());
                armor(one, &mut out);
                block = others;
            }
        }
        out
    }

    /// Returns whether a file is in armor.
    pub fn is_armored(bytes: &[u8]) -> bool {
        bytes.starts_with(BEGIN.as_bytes())
    }

    /// Returns the first key that is none of `allowed`. An empty list allows all.
    pub fn stranger(&self, allowed: &[Arc<str>]) -> Option<&str> {
        let known = |f: &&String| !allowed.iter().any(|a| a.eq_ignore_ascii_case(f));
        self.fingerprints.iter().find(known).filter(|_| !allowed.is_empty()).map(String::as_str)
    }
}

/// Returns the bytes of all armored blocks of public keys, joined.
fn unarmored(text: &str) -> Result<Vec<u8>, String> {
    let mut binary = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let Some((block, after)) = after.split_once(END) else {
            return Err(format!("expected `{END}`, found the end of the key"));
        };
        rest = after;
        // Headers such as `Version:` end at an empty line; without headers that line may be missing, too.
        let lines: Vec<&str> = block.lines().map(str::trim).collect();
        let headers = lines.iter().skip(1).take_while(|l| l.contains(": ")).count() + 1;
        let body = lines.get(headers..).unwrap_or(&[]);
        // The line that starts with `=` is a checksum, which newer writers leave out and readers ignore.
        let data: String = body.iter().filter(|l| !l.starts_with('=')).copied().collect();
        binary.extend(base64::decode_lenient(&data).ok_or("expected base64 in the armored key, found something else")?);
    }
    Ok(binary)
}

/// Writes a block: base64 in lines of 64, and the CRC-24 that old readers want (RFC 9580, 6.1).
fn armor(binary: &[u8], out: &mut String) {
    let text = base64::encode(binary);
    let lines = text.as_bytes().chunks(64).filter_map(|line| core::str::from_utf8(line).ok());
    let crc = binary.iter().fold(0x00b7_04ceu32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 16, |crc, _| {
            let shifted = crc << 1;
            if shifted & 0x0100_0000 == 0 { shifted } else { shifted ^ 0x0186_4cfb }
        })
    });
    let [_, crc @ ..] = crc.to_be_bytes();
    // Writing to a `String` cannot fail.
    let _ = writeln!(out, "{BEGIN}\n");
    for line in lines {
        let _ = writeln!(out, "{line}");
    }
    let _ = writeln!(out, "={}\n{END}", base64::encode(crc));
}

/// Returns the fingerprints of the primary keys among the packets.
fn fingerprints(mut bytes: &[u8]) -> Result<Vec<String>, String> {
    const SECRET_KEYS: [u8; 2] = [5, 7];
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (tag, body, rest) = packet(bytes).ok_or("expected an OpenPGP public key, found something else")?;
        bytes = rest;
        if SECRET_KEYS.contains(&tag) {
            return Err("expected a public key, found a private one".into());
        }
        if tag == PUBLIC_KEY {
            found.push(fingerprint(body)?);
        }
    }
    Ok(found)
}

/// Returns tag, body and what follows.
fn packet(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&head, rest) = bytes.split_first()?;
    if head & 0x80 == 0 {
        return None;
    }
    let (tag, length, rest) = if head & 0x40 != 0 {
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=191 => (usize::from(first), rest),
            192..=223 => {
                let (&second, rest) = rest.split_first()?;
                (((usize::from(first) - 192) << 8) + usize::from(second) + 192, rest)
            }
            255 => number(rest, 4)?,
            // Partial lengths are for data, not for keys.
            _ => return None,
        };
        (head & 0x3f, length, rest)
    } else {
        let (length, rest) = match head & 3 {
            0 => number(rest, 1)?,
            1 => number(rest, 2)?,
            2 => number(rest, 4)?,
            _ => return None,
        };
        ((head >> 2) & 0x0f, length, rest)
    };
    let body = rest.get(..length)?;
    Some((tag, body, rest.get(length..)?))
}

fn number(bytes: &[u8], width: usize) -> Option<(usize, &[u8])> {
    let digits = bytes.get(..width)?;
    let value = digits.iter().fold(0usize, |n, d| n.wrapping_shl(8) | usize::from(*d));
    Some((value, bytes.get(width..)?))
}

fn fingerprint(body: &[u8]) -> Result<String, String> {
    let length = u32::try_from(body.len()).map_err(|_| "expected a key of a sane size")?;
    match body.first() {
        Some(4) => {
            let short = u16::try_from(length).map_err(|_| "expected a key of at most 64 KiB")?;
            let digest =
                Sha1::new().chain_update([0x99]).chain_update(short.to_be_bytes()).chain_update(body).finalize();
            Ok(hex::encode(digest).to_ascii_uppercase())
        }
        Some(version @ (5 | 6)) => {
            let head = if *version == 5 { 0x9a } else { 0x9b };
            let digest =
                Sha256::new().chain_update([head]).chain_update(length.to_be_bytes()).chain_update(body).finalize();
            Ok(hex::encode(digest).to_ascii_uppercase())
        }
        Some(version) => Err(format!("expected an OpenPGP key of version 4 to 6, found version {version}")),
        None => Err("expected an OpenPGP key, found an empty packet".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ONE: &str = include_str!("../../../tests/fixtures/openpgp/one.asc");
    const BOTH: &str = include_str!("../../../tests/fixtures/openpgp/both.asc");
    // As `gpg --list-keys --with-colons` prints them.
    const FIRST: &str = "29011B6A1D1D58D3C35927C4B9A65451EFFA2333";
    const SECOND: &str = "D58134D682C2EEB6C4E2699DE9438BF579A2003F";

    #[test]
    fn fingerprints_are_those_of_gpg() {
        let one = Keys::read(ONE.as_bytes()).unwrap();
        assert_eq!(one.fingerprints, [FIRST]);
        assert_eq!(Keys::read(&one.binary), Ok(one.clone()), "without armor it is the same");
        assert_eq!(Keys::read(BOTH.as_bytes()).unwrap().fingerprints, [FIRST, SECOND]);
        let with_header = ONE.replace("BLOCK-----\n\n", "BLOCK-----\nVersion: 1\nComment: x\n\n");
        assert_eq!(Keys::read(with_header.as_bytes()), Ok(one.clone()));
        let twice = alloc::format!("hello\n{ONE}{ONE}");
        assert_eq!(Keys::read(twice.as_bytes()).unwrap().fingerprints, [FIRST, FIRST]);
    }

    #[test]
    fn armor_is_that_of_gpg_a_block_for_each_key() {
        let one = Keys::read(ONE.as_bytes()).unwrap();
        assert_eq!(one.armored(), ONE);
        let both = Keys::read(BOTH.as_bytes()).unwrap();
        assert_eq!(both.armored().matches(BEGIN).count(), 2);
        assert!(both.armored().starts_with(ONE));
        assert_eq!(Keys::read(both.armored().as_bytes()), Ok(both.clone()));
        assert!(Keys::is_armored(one.armored().as_bytes()) && !Keys::is_armored(&one.binary));
    }

    #[test]
    fn a_key_that_nobody_named_is_a_stranger() {
        let both = Keys::read(BOTH.as_bytes()).unwrap();
        let first: Arc<str> = FIRST.to_ascii_lowercase().into();
        let second: Arc<str> = SECOND.into();
        assert_eq!(both.stranger(&[]), None);
        assert_eq!(both.stranger(core::slice::from_ref(&first)), Some(SECOND));
        assert_eq!(both.stranger(&[second, first]), None);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let cut = &ONE[..200];
        let private = [0xc5, 1, 4];
        let cases: [(&str, &[u8], &str); 6] = [
            ("nothing", b"", "expected an OpenPGP public key, found none"),
            ("text", b"<html>", "expected an OpenPGP public key, found something else"),
            ("cut", cut.as_bytes(), "expected `-----END PGP PUBLIC KEY BLOCK-----`, found the end of the key"),
            ("private", &private, "expected a public key, found a private one"),
            ("old", &[0xc6, 1, 3], "expected an OpenPGP key of version 4 to 6, found version 3"),
            ("user id alone", &[0xcd, 1, b'x'], "expected an OpenPGP public key, found none"),
        ];
        for (name, bytes, expected) in cases {
            assert_eq!(Keys::read(bytes), Err(expected.into()), "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100), at in 0..500usize) {
            let _ = Keys::read(&bytes).map(|keys| keys.armored());
            let mut text = ONE.as_bytes().to_vec();
            let at = at % text.len();
            text.splice(at..at, bytes);
            let _ = Keys::read(&text);
        }
    }
}
