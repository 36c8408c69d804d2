//! The salted PBKDF2 of macOS (`SALTED-SHA512-PBKDF2`), RFC 8018, as text: `$ml$ITERATIONS$SALT$KEY`, both in hexadecimal
//! digits, as password crackers write it.

use super::Salt;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256, Sha512};

/// What macOS itself takes for a new password, about: it measures the machine.
const ITERATIONS: u32 = 50_000;

/// More in a stored key are not followed: it counts as another password.
const ITERATIONS_FOLLOWED_MAX: u32 = 500_000;

/// Bytes of a stored key: two blocks.
const KEY_BYTES: usize = 128;
const SALT_BYTES_MAX: usize = 128;

/// A stored key with what it was made from.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    /// Rounds.
    pub iterations: u32,
    /// Salt.
    pub salt: Vec<u8>,
    /// The key: 128 bytes.
    pub key: Vec<u8>,
}

impl Stored {
    /// Reads `$ml$…`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("$ml$")?.split('$');
        let (iterations, salt, key) = (parts.next()?, parts.next()?, parts.next()?);
        let digits = iterations.bytes().all(|b| b.is_ascii_digit());
        let iterations = iterations.parse().ok().filter(|n| digits && (1..=ITERATIONS_FOLLOWED_MAX).contains(n))?;
        let (salt, key) = (bytes(salt)?, bytes(key)?);
        let fits = parts.next().is_none() && salt.len() <= SALT_BYTES_MAX && key.len() == KEY_BYTES;
        fits.then_some(Self { iterations, salt, key })
    }
}

impl core::fmt::Display for Stored {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "$ml${}${}${}", self.iterations, digits(&self.salt), digits(&self.key))
    }
}

/// Returns the key of `password`, ready to be stored.
pub fn hash(password: &str, salt: &Salt) -> String {
    // macOS has 32 bytes of salt.
    let salt: Vec<u8> = Sha256::digest(salt.as_bytes()).to_vec();
    let Some(mac) = mac(password) else { return String::new() };
    let key = [1, 2].map(|block| block_of(&mac, &salt, ITERATIONS, block)).concat();
    format!("{}", Stored { iterations: ITERATIONS, salt, key })
}

/// Returns whether `stored` is a `$ml$` key of `password`. Every other kind of hash is a no.
pub fn verify(password: &str, stored: &str) -> bool {
    let (Some(stored), Some(mac)) = (Stored::parse(stored), mac(password)) else { return false };
    // Each block of the key stands for itself: the first decides.
    let first = block_of(&mac, &stored.salt, stored.iterations, 1);
    stored.key.starts_with(&first)
}

fn mac(password: &str) -> Option<Hmac<Sha512>> {
    // A key of any length is taken.
    Hmac::new_from_slice(password.as_bytes()).ok()
}

fn block_of(mac: &Hmac<Sha512>, salt: &[u8], iterations: u32, block: u32) -> [u8; 64] {
    let once = |parts: &[&[u8]]| -> [u8; 64] {
        let mut mac = mac.clone();
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().into()
    };
    let mut u = once(&[salt, &block.to_be_bytes()]);
    let mut key = u;
    for _ in 1..iterations {
        u = once(&[&u]);
        key.iter_mut().zip(u).for_each(|(k, u)| *k ^= u);
    }
    key
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pair = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok();
    let plain = digits.len().is_multiple_of(2) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    if plain { digits.as_bytes().chunks(2).map(pair).collect() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::Entropy;
    use alloc::string::ToString;

    /// Made by `hashlib.pbkdf2_hmac` of Python.
    const VECTORS: &[(&str, &str)] = &[
        (
            "secret",
            "$ml$1000$6162636465666768696a6b6c6d6e6f70$\
             e56720e38b3e180e84b0ec8c4864c587f36bdec525d255bce0a08cf30fd4237cd6be494c1b95d4bfcf7db97a7371b553a764a065bb6af5aa\
             9a6ceed429013f0acdb1e95c9dc615dd4dc54c69a627bab1d6810c64646dcc207a5084ce326b063f55bf9b1ab99e97dbecd8344556b15669\
             7277b5a3a7e7dbf69d46a5d530d6ae49",
        ),
        (
            "x",
            "$ml$1$73$701d81560e53d9fbf6ff6d7ca844b9f9c6b211e48d99c871e28c935ed9e90a2358e1d8ce5ba6f915234dd7f32463167468cc88b6\
             e1bbf4c521c2da4cbfd2b957c01b317bba643b13c22b285d96086667d43dfc903fa8b4e319ffc2a5b63fe5f60ba49f2768c2a13a20d192b6\
             e107d13b3f07bff9d008236b45236c5500d2cce0",
        ),
    ];

    #[test]
    fn known_keys_are_derived_again() {
        for (password, stored) in VECTORS {
            assert!(verify(password, stored), "{stored}");
            assert!(!verify(&format!("{password}!"), stored), "{stored}");
            assert_eq!(Stored::parse(stored).unwrap().to_string(), *stored);
        }
    }

    #[test]
    fn both_blocks_of_a_key_are_derived() {
        let mac = mac("x").unwrap();
        let key = [1, 2].map(|block| block_of(&mac, b"s", 1, block)).concat();
        assert_eq!(key, Stored::parse(VECTORS[1].1).unwrap().key);
    }

    #[test]
    fn what_is_no_key_is_another_password() {
        let good = VECTORS[0].1;
        let cases = [
            ("empty", String::new()),
            ("crypt", "$6$abc$def".into()),
            ("cut", good[..good.len() - 2].into()),
            ("odd", good[..good.len() - 1].into()),
            ("no digits", good.replace("e56720", "e5672x")),
            ("signed", good.replace("$1000$", "$+1000$")),
            ("no rounds", good.replace("$1000$", "$0$")),
            ("too many rounds", good.replace("$1000$", "$999999999$")),
            ("more", format!("{good}$")),
            ("other bytes", "$ml$1$ü$ü".into()),
        ];
        for (name, stored) in cases {
            assert!(!verify("secret", &stored), "{name}");
        }
    }

    #[test]
    fn a_new_key_verifies_and_has_a_salt_of_32_bytes() {
        let stored = hash("s:ecret", &Salt::new(Entropy::new([7; 32])));
        let parsed = Stored::parse(&stored).unwrap();
        assert_eq!((parsed.salt.len(), parsed.key.len(), parsed.iterations), (32, 128, ITERATIONS));
        assert!(verify("s:ecret", &stored) && !verify("s:ecreT", &stored));
    }
}
