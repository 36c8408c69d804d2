//! Encryption for those who hold a key elsewhere: the X25519 part of the age format, version 1 (age-encryption.org/v1).
//!
//! A file is a header, in which the file's key is wrapped for each recipient, sixteen bytes that are used once, and chunks of
//! 64 KiB, each with its own tag. Whoever has none of the recipients' keys reads nothing; a chunk that is changed, lost, or in
//! another's place is refused, and so is an end that comes too early.
//!
//! To write: [`FileKey::new`], [`FileKey::header`], sixteen fresh bytes, then [`Stream::seal`] for each chunk. To read:
//! [`Header::parse`], [`Header::open`], the sixteen bytes, then [`Stream::open`] for each chunk.

use crate::entropy::Entropy;
use crate::limits;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::AeadInOut as _;
use core::fmt;
use core::str::FromStr;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

/// Bytes of a chunk before it is encrypted; the last one may have fewer.
pub const CHUNK_BYTES: usize = 64 << 10;

/// Bytes that each chunk has more when it is encrypted.
pub const TAG_BYTES: usize = 16;

/// Bytes behind the header that are used once.
pub const NONCE_BYTES: usize = 16;

/// What a file begins with, whatever its version.
pub const MAGIC: &[u8] = b"age-encryption.org/";

const VERSION: &str = "age-encryption.org/v1\n";
const INFO_WRAP: &[u8] = b"age-encryption.org/v1/X25519";
const COLUMNS: usize = 64;
const RECIPIENT: &str = "age";
const IDENTITY: &str = "age-secret-key-";

/// Why something is not encrypted, or not decrypted. Never with a key in it.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum AgeError {
    /// It is no recipient of a kind that is known here.
    #[error("expected a recipient such as `age1…`, of `age-keygen`, found `{found}`")]
    Recipient {
        /// The beginning of what was given.
        found: String,
    },
    /// Somebody's secret key was given where the public half is wanted.
    #[error("expected a recipient such as `age1…`, found a secret key")]
    SecretKey,
    /// There is no secret key in a file that should have one.
    #[error("line {line}: expected a key of `age-keygen`, `AGE-SECRET-KEY-1…`, found something else")]
    Identity {
        /// The line, from 1.
        line: usize,
    },
    /// There is no key in it.
    #[error("expected a key of `age-keygen`, `AGE-SECRET-KEY-1…`, found none")]
    NoIdentity,
    /// There are too many recipients.
    #[error("expected 1 to {} recipients, found {found}", limits::AGE_RECIPIENTS_MAX)]
    Recipients {
        /// So many.
        found: usize,
    },
    /// The header is none.
    #[error("its header {why}")]
    Header {
        /// What is wrong with it.
        why: &'static str,
    },
    /// None of the keys is one of those that it is encrypted for.
    #[error("it is encrypted for others than the keys that were given")]
    NoMatch,
    /// The header is not the one that was written for this file's key.
    #[error("its header was changed")]
    Changed,
    /// A chunk is not what was encrypted, or not at its place.
    #[error("it was changed, or cut short, at byte {at} of what was encrypted")]
    Chunk {
        /// Where the chunk begins, in what was encrypted.
        at: u64,
    },
}

impl AgeError {
    /// Returns what to do about it.
    pub const fn help(&self) -> &'static str {
        match self {
            Self::Recipient { .. } | Self::SecretKey | Self::Recipients { .. } => {
                "give what `age-keygen -y KEYFILE` prints; keep the key file itself away from the server"
            }
            Self::Identity { .. } | Self::NoIdentity | Self::NoMatch => {
                "give the file of the key that it is encrypted for with `--identity FILE`"
            }
            Self::Header { .. } | Self::Changed | Self::Chunk { .. } => {
                "copy it again from where it was made, or take another backup"
            }
        }
    }
}

/// For whom something is encrypted: the public half of a key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Recipient([u8; 32]);

/// The secret half of a key.
#[derive(Clone)]
pub struct Identity(Zeroizing<[u8; 32]>);

/// The key of one file.
#[derive(Clone)]
pub struct FileKey(Zeroizing<[u8; 16]>);

impl FromStr for Recipient {
    type Err = AgeError;

    fn from_str(text: &str) -> Result<Self, AgeError> {
        if text.get(..IDENTITY.len()).is_some_and(|head| head.eq_ignore_ascii_case(IDENTITY)) {
            return Err(AgeError::SecretKey);
        }
        let bytes = bech32_decode(RECIPIENT, text).filter(|_| !text.starts_with('A'));
        // A point of small order is no key: whatever is encrypted for it can be read by all.
        let bytes = bytes.filter(|bytes| x25519_dalek::x25519([9; 32], **bytes) != [0; 32]);
        let found = || text.chars().filter(|c| !c.is_control()).take(80).collect();
        bytes.map(|bytes| Self(*bytes)).ok_or_else(|| AgeError::Recipient { found: found() })
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bech32_encode(RECIPIENT, &self.0))
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Identity {
    /// Makes a new one.
    pub fn new(entropy: Entropy) -> Self {
        Self(Zeroizing::new(entropy.into_bytes()))
    }

    /// Reads the keys of a file as `age-keygen` writes it: one a line, between comments.
    ///
    /// # Errors
    /// [`AgeError::Identity`], [`AgeError::NoIdentity`].
    pub fn read_all(text: &str) -> Result<Vec<Self>, AgeError> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        let read = |(at, line): (usize, &str)| {
            let line = line.trim_end();
            // `age` writes them in capitals, and takes no others.
            let bytes = line.starts_with('A').then(|| bech32_decode(IDENTITY, line)).flatten();
            bytes.map(Self).ok_or(AgeError::Identity { line: at + 1 })
        };
        let found = lines.map(read).collect::<Result<Vec<_>, _>>()?;
        if found.is_empty() { Err(AgeError::NoIdentity) } else { Ok(found) }
    }

    /// Returns its public half.
    pub fn recipient(&self) -> Recipient {
        Recipient(x25519_dalek::x25519(*self.0, x25519_dalek::X25519_BASEPOINT_BYTES))
    }

    /// Returns the text of its file.
    pub fn text(&self) -> Zeroizing<String> {
        let mut text = bech32_encode(IDENTITY, &self.0);
        text.make_ascii_uppercase();
        Zeroizing::new(text)
    }

    /// Returns the file's key, if it is wrapped for this one.
    fn unwrap(&self, share: &[u8; 32], body: &[u8]) -> Result<Option<FileKey>, AgeError> {
        let key = wrap_key(*self.0, share, share, &self.recipient());
        let key = key.ok_or(AgeError::Header { why: "has a share that is no key" })?;
        let mut bytes = Zeroizing::new(body.to_vec());
        let is_ours = key.decrypt_in_place(&[0; 12].into(), b"", &mut *bytes).is_ok();
        let key = <[u8; 16]>::try_from(&**bytes).ok().filter(|_| is_ours);
        Ok(key.map(|key| FileKey(Zeroizing::new(key))))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity(of {})", self.recipient())
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileKey")
    }
}

impl FileKey {
    /// Makes the key of a new file.
    pub fn new(entropy: Entropy) -> Self {
        let bytes = Zeroizing::new(entropy.into_bytes());
        let mut key = Zeroizing::new([0; 16]);
        key.iter_mut().zip(*bytes).for_each(|(to, from)| *to = from);
        Self(key)
    }

    /// Returns the header of the file, for these recipients, each with fresh bytes of its own.
    ///
    /// # Errors
    /// [`AgeError::Recipients`] for none, or too many.
    pub fn header(&self, recipients: &[Recipient], mut fresh: impl FnMut() -> Entropy) -> Result<Vec<u8>, AgeError> {
        if recipients.is_empty() || recipients.len() > limits::AGE_RECIPIENTS_MAX {
            return Err(AgeError::Recipients { found: recipients.len() });
        }
        let mut text = String::from(VERSION);
        for recipient in recipients {
            // Such a recipient was refused when it was read.
            let failed = || AgeError::Recipient { found: recipient.to_string() };
            let secret = Zeroizing::new(fresh().into_bytes());
            let share = x25519_dalek::x25519(*secret, x25519_dalek::X25519_BASEPOINT_BYTES);
            let key = wrap_key(*secret, &recipient.0, &share, recipient).ok_or_else(failed)?;
            // With room for the tag: what has to grow leaves itself behind.
            let mut body = Zeroizing::new(Vec::with_capacity(self.0.len() + TAG_BYTES));
            body.extend_from_slice(&*self.0);
            key.encrypt_in_place(&[0; 12].into(), b"", &mut *body).map_err(|_| failed())?;
            text.push_str(&format!("-> X25519 {}\n{}\n", BASE64.encode(share), BASE64.encode(&*body)));
        }
        text.push_str("---");
        let mac = self.mac(text.as_bytes()).finalize().into_bytes();
        text.push_str(&format!(" {}\n", BASE64.encode(mac)));
        Ok(text.into_bytes())
    }

    /// Returns what encrypts or decrypts the chunks behind these sixteen bytes.
    pub fn stream(&self, nonce: &[u8; NONCE_BYTES]) -> Stream {
        let key = derive(&*self.0, nonce, b"payload");
        Stream { key: ChaCha20Poly1305::new((&*key).into()), chunks: 0, at: 0, is_over: false }
    }

    fn mac(&self, bytes: &[u8]) -> Hmac<Sha256> {
        let mut mac = hmac(&*derive(&*self.0, b"", b"header"));
        mac.update(bytes);
        mac
    }
}

/// The header of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    stanzas: Vec<Stanza>,
    /// All of it, up to the mark before its code.
    text: Vec<u8>,
    mac: Vec<u8>,
}

/// What is in a header for one recipient.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Stanza {
    words: Vec<String>,
    body: Vec<u8>,
}

impl Header {
    /// Reads the header that bytes begin with, and says how many of them it has; `None` where there have to be more.
    ///
    /// # Errors
    /// [`AgeError::Header`].
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, AgeError> {
        let wrong = |why| AgeError::Header { why };
        let bytes = bytes.get(..limits::AGE_HEADER_BYTES_MAX).unwrap_or(bytes);
        let is_all = bytes.len() == limits::AGE_HEADER_BYTES_MAX;
        let mut lines = Lines { bytes, at: 0 };
        let mut next = || match lines.next() {
            Some(line) => line.map(Some),
            None if is_all => Err(wrong("is too long")),
            None => Ok(None),
        };
        match next()? {
            None if VERSION.as_bytes().starts_with(bytes) => return Ok(None),
            Some((line, _)) if line == VERSION.trim_end() => {}
            _ if bytes.starts_with(b"-----BEGIN AGE") => return Err(wrong("is armoured; take that off with `age`")),
            _ if bytes.starts_with(MAGIC) => return Err(wrong("is of another version than 1")),
            _ => return Err(wrong("is none of age")),
        }
        let mut stanzas: Vec<Stanza> = Vec::new();
        loop {
            let Some((line, end)) = next()? else { return Ok(None) };
            if let Some(mac) = line.strip_prefix("--- ") {
                let mac = BASE64.decode(mac).ok().filter(|mac| mac.len() == 32);
                let mac = mac.ok_or(wrong("has no code at its end"))?;
                if stanzas.is_empty() {
                    return Err(wrong("has no recipient"));
                }
                if stanzas.len() > 1 && stanzas.iter().any(|stanza| stanza.is_of("scrypt")) {
                    return Err(wrong("has a passphrase beside other recipients"));
                }
                // A line feed, the code and the space before it are not in what it is made of.
                let text = bytes.get(..end.saturating_sub(line.len() + 1) + 3).unwrap_or_default();
                return Ok(Some((Self { stanzas, text: text.to_vec(), mac }, end)));
            }
            let words = line.strip_prefix("-> ").ok_or(wrong("has a line that is no recipient"))?;
            let words: Vec<String> = words.split(' ').map(String::from).collect();
            if words.iter().any(|word| word.is_empty() || !word.bytes().all(|b| b.is_ascii_graphic())) {
                return Err(wrong("has a recipient that is none"));
            }
            let mut body = String::new();
            loop {
                let Some((line, _)) = next()? else { return Ok(None) };
                body.push_str(line);
                match line.len() {
                    COLUMNS => {}
                    len if len < COLUMNS => break,
                    _ => return Err(wrong("has a line that is too long")),
                }
            }
            let body = BASE64.decode(&body).map_err(|_| wrong("has a recipient that is not base64"))?;
            stanzas.push(Stanza { words, body });
        }
    }

    /// Returns the file's key, by the first of `identities` that it is wrapped for.
    ///
    /// # Errors
    /// [`AgeError::NoMatch`], [`AgeError::Header`], [`AgeError::Changed`].
    pub fn open(&self, identities: &[Identity]) -> Result<FileKey, AgeError> {
        for stanza in self.stanzas.iter().filter(|stanza| stanza.is_of("X25519")) {
            let [_, share] = &*stanza.words else {
                return Err(AgeError::Header { why: "has a recipient with other words than it should have" });
            };
            let share = BASE64.decode(share).ok().and_then(|share| <[u8; 32]>::try_from(share).ok());
            let share = share.ok_or(AgeError::Header { why: "has a share that is no key" })?;
            if stanza.body.len() != 16 + TAG_BYTES {
                return Err(AgeError::Header { why: "has a wrapped key of another length" });
            }
            for identity in identities {
                if let Some(key) = identity.unwrap(&share, &stanza.body)? {
                    return self.check(&key).map(|()| key);
                }
            }
        }
        Err(AgeError::NoMatch)
    }

    /// Looks whether it is the header of the file that has this key.
    ///
    /// # Errors
    /// [`AgeError::Changed`].
    pub fn check(&self, key: &FileKey) -> Result<(), AgeError> {
        key.mac(&self.text).verify_slice(&self.mac).map_err(|_| AgeError::Changed)
    }
}

impl Stanza {
    fn is_of(&self, kind: &str) -> bool {
        self.words.first().is_some_and(|word| word == kind)
    }
}

/// The lines of a header, each with the place behind it.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = Result<(&'a str, usize), AgeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.at..)?;
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        self.at += end + 1;
        let line = rest.get(..end).and_then(|line| core::str::from_utf8(line).ok());
        Some(line.map(|line| (line, self.at)).ok_or(AgeError::Header { why: "has bytes that are no text" }))
    }
}

/// Encrypts or decrypts the chunks of a file, one after another.
pub struct Stream {
    key: ChaCha20Poly1305,
    chunks: u64,
    at: u64,
    is_over: bool,
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stream(chunk {})", self.chunks)
    }
}

impl Stream {
    /// Encrypts the next chunk: [`CHUNK_BYTES`] but for the last, which is empty only where all is.
    ///
    /// # Errors
    /// [`AgeError::Chunk`] where it is no such chunk, or comes behind the last.
    pub fn seal(&mut self, chunk: &mut Vec<u8>, is_last: bool) -> Result<(), AgeError> {
        let (nonce, wrong) = self.next(chunk.len(), is_last)?;
        self.key.encrypt_in_place(&nonce.into(), b"", chunk).map_err(|_| wrong)
    }

    /// Decrypts the next chunk.
    ///
    /// # Errors
    /// [`AgeError::Chunk`]; nothing more can be read then.
    pub fn open(&mut self, chunk: &mut Vec<u8>, is_last: bool) -> Result<(), AgeError> {
        let wrong = AgeError::Chunk { at: self.at };
        let (nonce, wrong) = self.next(chunk.len().checked_sub(TAG_BYTES).ok_or(wrong)?, is_last)?;
        self.key.decrypt_in_place(&nonce.into(), b"", chunk).map_err(|_| wrong)
    }

    /// Returns what is used once for a chunk of `len` bytes.
    fn next(&mut self, len: usize, is_last: bool) -> Result<([u8; 12], AgeError), AgeError> {
        let wrong = AgeError::Chunk { at: self.at };
        let fits = match is_last {
            true => len <= CHUNK_BYTES && (len > 0 || self.chunks == 0),
            false => len == CHUNK_BYTES,
        };
        if !fits || self.is_over {
            return Err(wrong);
        }
        let mut nonce = [0; 12];
        // Eleven bytes, big endian, of which no disk fills more than the last eight.
        nonce.iter_mut().skip(3).zip(self.chunks.to_be_bytes()).for_each(|(to, from)| *to = from);
        if let Some(flag) = nonce.last_mut() {
            *flag = u8::from(is_last);
        }
        self.chunks += 1;
        self.at += len as u64;
        self.is_over = is_last;
        Ok((nonce, wrong))
    }
}

/// Returns the key that wraps a file's key between the two; `None` where they agree on nothing.
fn wrap_key(secret: [u8; 32], other: &[u8; 32], share: &[u8; 32], recipient: &Recipient) -> Option<ChaCha20Poly1305> {
    let shared = Zeroizing::new(x25519_dalek::x25519(secret, *other));
    if *shared == [0; 32] {
        return None;
    }
    let salt: Vec<u8> = share.iter().chain(&recipient.0).copied().collect();
    Some(ChaCha20Poly1305::new((&*derive(&*shared, &salt, INFO_WRAP)).into()))
}

/// Returns 32 bytes that are derived, by HKDF with SHA-256, RFC 5869: one block. `salt` has at most 64 bytes.
fn derive(secret: &[u8], salt: &[u8], info: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut extract = hmac(salt);
    extract.update(secret);
    let extracted = Zeroizing::new(<[u8; 32]>::from(extract.finalize().into_bytes()));
    let mut expand = hmac(&*extracted);
    expand.update(info);
    expand.update(&[1]);
    Zeroizing::new(expand.finalize().into_bytes().into())
}

/// Begins an HMAC with a key of at most 64 bytes: a shorter one counts as one with zeros behind it, RFC 2104.
fn hmac(key: &[u8]) -> Hmac<Sha256> {
    debug_assert!(key.len() <= 64);
    let mut block = Zeroizing::new([0; 64]);
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    Hmac::new((&*block).into())
}

const CHARSET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// Returns 32 bytes as text, Bech32: BIP 173, which has a code in it against slips of the pen.
fn bech32_encode(prefix: &str, bytes: &[u8; 32]) -> String {
    let mut data = groups(bytes.iter().copied(), 8, 5);
    let mut check = values(prefix);
    check.extend(&data);
    check.extend([0; 6]);
    let sum = polymod(&check) ^ 1;
    data.extend((0..6).map(|i| (sum >> (5 * (5 - i)) & 31) as u8));
    let digits = data.iter().filter_map(|value| CHARSET.get(usize::from(*value))).map(|byte| char::from(*byte));
    format!("{prefix}1{}", digits.collect::<String>())
}

/// Returns the 32 bytes of such a text with this prefix.
fn bech32_decode(prefix: &str, text: &str) -> Option<Zeroizing<[u8; 32]>> {
    // 52 digits of five bits, and six of the code.
    if text.len() != prefix.len() + 1 + 52 + 6 || !text.is_ascii() {
        return None;
    }
    if text.bytes().any(|b| b.is_ascii_uppercase()) && text.bytes().any(|b| b.is_ascii_lowercase()) {
        return None;
    }
    let text = Zeroizing::new(text.to_ascii_lowercase());
    let (head, digits) = text.rsplit_once('1').filter(|(head, _)| *head == prefix)?;
    let digit = |b: u8| CHARSET.iter().position(|c| *c == b).and_then(|at| u8::try_from(at).ok());
    let data = Zeroizing::new(digits.bytes().map(digit).collect::<Option<Vec<u8>>>()?);
    let mut check = Zeroizing::new(values(head));
    check.extend(&*data);
    if polymod(&check) != 1 {
        return None;
    }
    let bytes = Zeroizing::new(groups(data.iter().copied().take(52), 5, 8));
    // Four bits are left over, which are zeros.
    let (bytes, rest) = bytes.split_first_chunk::<32>()?;
    (rest == [0]).then(|| Zeroizing::new(*bytes))
}

/// Returns groups of `from` bits as ones of `to` bits; the last is filled with zeros.
fn groups(values: impl Iterator<Item = u8>, from: u32, to: u32) -> Vec<u8> {
    // No key moves to another place while it grows.
    let (mut out, mut held, mut bits) = (Vec::with_capacity(64), 0u32, 0);
    for value in values {
        held = (held << from | u32::from(value)) & 0xfff;
        bits += from;
        while bits >= to {
            bits -= to;
            out.push((held >> bits & ((1 << to) - 1)) as u8);
        }
    }
    if bits > 0 {
        out.push((held << (to - bits) & ((1 << to) - 1)) as u8);
    }
    out
}

/// Returns the prefix as the code counts it.
fn values(prefix: &str) -> Vec<u8> {
    let mut values = Vec::with_capacity(128);
    values.extend(prefix.bytes().map(|b| b >> 5));
    values.push(0);
    values.extend(prefix.bytes().map(|b| b & 31));
    values
}

fn polymod(values: &[u8]) -> u32 {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    values.iter().fold(1u32, |sum, value| {
        let shifted = (sum & 0x1ff_ffff) << 5 ^ u32::from(*value);
        let bits = GENERATOR.iter().enumerate().filter(|(i, _)| sum >> (25 + i) & 1 == 1);
        bits.fold(shifted, |sum, (_, generator)| sum ^ generator)
    })
}

#[cfg(test)]
mod tests;
