//! OpenPGP public keys, as far as telling them apart needs: armor, packets, fingerprints (RFC 9580).

use crate::resource::ssh_key::base64;
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
        binary.extend(base64(&data).ok_or("expected base64 in the armored key, found something else")?);
    }
    Ok(binary)
}

/// Returns the fingerprints of the primary keys among the packets.
fn fingerprints(mut bytes: &[u8]) -> Result<Vec<String>, String> {
    const PUBLIC_KEY: u8 = 6;
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
            Ok(hex(&digest))
        }
        Some(version @ (5 | 6)) => {
            let head = if *version == 5 { 0x9a } else { 0x9b };
            let digest =
                Sha256::new().chain_update([head]).chain_update(length.to_be_bytes()).chain_update(body).finalize();
            Ok(hex(&digest))
        }
        Some(version) => Err(format!("expected an OpenPGP key of version 4 to 6, found version {version}")),
        None => Err("expected an OpenPGP key, found an empty packet".into()),
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02X}");
    }
    text
}
