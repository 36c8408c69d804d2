//! SHA-512-crypt, the `$6$` of crypt(5), after Ulrich Drepper, "Unix crypt using SHA-256 and SHA-512", version 0.6.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use sha2::{Digest, Sha512};

/// The longest password taken, in bytes: what libxcrypt takes. The work grows with its square.
pub const PASSWORD_BYTES_MAX: usize = 511;

/// More rounds than this in a stored hash are not followed: it counts as another password.
const ROUNDS_FOLLOWED_MAX: u32 = 1_000_000;
const ROUNDS_DEFAULT: u32 = 5000;
const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A salt for a new hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Salt([u8; 16]);

impl Salt {
    /// Returns 16 characters made of fresh bytes.
    pub fn new(entropy: crate::entropy::Entropy) -> Self {
        let bytes = entropy.into_bytes();
        let mut salt = [b'.'; 16];
        for (character, byte) in salt.iter_mut().zip(bytes) {
            *character = letter(u32::from(byte));
        }
        Self(salt)
    }

    /// Returns the 16 characters.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Returns the hash of `password` with 5000 rounds, ready for `/etc/shadow`.
pub fn hash(password: &str, salt: &Salt) -> String {
    let salt_text: String = salt.0.iter().map(|&b| char::from(b)).collect();
    format!("$6${salt_text}${}", derive(password.as_bytes(), &salt.0, ROUNDS_DEFAULT))
}

/// Returns whether `stored` is a `$6$` hash of `password`: derived again with the salt and rounds that it names. Every
/// other kind of hash is a no.
pub fn verify(password: &str, stored: &str) -> bool {
    let Some(rest) = stored.strip_prefix("$6$") else { return false };
    let (rounds, rest) = match rest.strip_prefix("rounds=") {
        None => (ROUNDS_DEFAULT, rest),
        Some(rest) => match rest.split_once('$').and_then(|(n, rest)| Some((n.parse::<u32>().ok()?, rest))) {
            Some((rounds, rest)) => (rounds.max(1000), rest),
            None => return false,
        },
    };
    let Some((salt, digest)) = rest.split_once('$') else { return false };
    let fits = salt.len() <= 16 && password.len() <= PASSWORD_BYTES_MAX && rounds <= ROUNDS_FOLLOWED_MAX;
    fits && derive(password.as_bytes(), salt.as_bytes(), rounds) == digest
}

fn derive(key: &[u8], salt: &[u8], rounds: u32) -> String {
    let b = digest(&[key, salt, key]);
    let mut a = Sha512::new();
    a.update(key);
    a.update(salt);
    a.update(stretch(&b, key.len()));
    let mut bits = key.len();
    while bits > 0 {
        a.update(if bits & 1 == 1 { &b[..] } else { key });
        bits >>= 1;
    }
    let mut c: [u8; 64] = a.finalize().into();

    let p = stretch(&repeated(key, key.len()), key.len());
    let s = stretch(&repeated(salt, 16 + usize::from(c[0])), salt.len());
    for round in 0..rounds {
        let odd = round % 2 == 1;
        let mut h = Sha512::new();
        h.update(if odd { &p[..] } else { &c[..] });
        if round % 3 != 0 {
            h.update(&s);
        }
        if round % 7 != 0 {
            h.update(&p);
        }
        h.update(if odd { &c[..] } else { &p[..] });
        c = h.finalize().into();
    }
    encode(&c)
}

fn digest(parts: &[&[u8]]) -> [u8; 64] {
    let mut h = Sha512::new();
    parts.iter().for_each(|part| h.update(part));
    h.finalize().into()
}

fn repeated(bytes: &[u8], times: usize) -> [u8; 64] {
    let mut h = Sha512::new();
    (0..times).for_each(|_| h.update(bytes));
    h.finalize().into()
}

fn stretch(digest: &[u8; 64], len: usize) -> Vec<u8> {
    digest.iter().copied().cycle().take(len).collect()
}

/// Three bytes make four characters, low bits first; the bytes are taken 21 apart, rotated by one each time.
fn encode(c: &[u8; 64]) -> String {
    let mut text = String::with_capacity(86);
    let mut push = |mut bits: u32, characters: usize| {
        for _ in 0..characters {
            text.push(char::from(letter(bits)));
            bits >>= 6;
        }
    };
    for i in 0..21 {
        let at = |k: usize| u32::from(c[i + 21 * ((i + k) % 3)]);
        push(at(0) << 16 | at(1) << 8 | at(2), 4);
    }
    push(u32::from(c[63]), 2);
    text
}

fn letter(bits: u32) -> u8 {
    ALPHABET[(bits & 63) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::Entropy;
    use alloc::string::ToString;

    /// The test vectors of the specification, without those of more rounds than a debug build should do, and hashes that
    /// `openssl passwd -6` made.
    const VECTORS: &[(&str, &str)] = &[
        (
            "Hello world!",
            "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
        ),
        (
            "Hello world!",
            "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/\
             YTBmSK6H9qs/y3RnOaw5v.",
        ),
        (
            "we have a short salt string but not a short password",
            "$6$rounds=77777$short$WuQyW2YR.hBNpjjRhpYD/ifIw05xdfeEyQoMxIXbkvr0gge1a1x3yRULJ5CCaUeOxFmtlcGZelFl5CxtgfiAc0",
        ),
        (
            "secret",
            "$6$abcdefghijklmnop$J/AWykHqo2Tx5UtavGnFc3ytI33la50JpzLTarSWVhkIXK6wOjNwwZjsrIw2UgmrER2EKrSHCeQyAINEEXAk1/",
        ),
        ("öäü pass", "$6$ab$Z/0SOArJ0S24O/z0hpuq8CdQ08YREoHvTL45blKGLGW45CXJN.XHOKgKGTb3hE2YKSOG8hHSmJ5vLboV28OJD/"),
        ("x", "$6$ab$jnZj29NS/hK2GaouP6AGMIBwD6owZFRejcn9QRdlwSjZaVr.fR9dH2TXrKL/PaacUXwtGfI.4O9zxvy2k6fbE1"),
    ];

    #[test]
    fn known_hashes_are_derived_again() {
        for (password, stored) in VECTORS {
            assert!(verify(password, stored), "{stored}");
            assert!(!verify(&alloc::format!("{password}!"), stored), "{stored}");
        }
    }

    #[test]
    fn what_is_no_sha512_hash_is_another_password() {
        let good = VECTORS[3].1;
        let cases = [
            ("empty", String::new()),
            ("locked", "!".into()),
            ("yescrypt", "$y$j9T$abc$def".into()),
            ("no digest", "$6$abcdefghijklmnop".into()),
            ("cut", good[..good.len() - 1].to_string()),
            ("rounds are no number", "$6$rounds=x$abc$def".into()),
            ("too many rounds", good.replace("$6$", "$6$rounds=999999999$")),
            ("salt too long", good.replace("$6$", "$6$aaaaa")),
        ];
        for (name, stored) in cases {
            assert!(!verify("secret", &stored), "{name}");
        }
    }

    #[test]
    fn a_password_longer_than_a_digest_is_hashed_whole() {
        let stored = "$6$ab$8mFk8ELifuE/xn8ZypVQNxbAiR.UEMzm4RJagNLsnpX8BuZh4FbiDV9vzNp2iOy9BqYseupKnN6ShPp8dqfn1/";
        assert!(verify(&"a".repeat(134), stored));
        assert!(!verify(&"a".repeat(133), stored));
    }

    #[test]
    fn a_new_hash_has_sixteen_characters_of_salt_and_verifies() {
        let stored = hash("s:ecret", &Salt::new(Entropy::new([0xff; 32])));
        assert!(stored.starts_with("$6$zzzzzzzzzzzzzzzz$") && stored.len() == 20 + 86, "{stored}");
        assert!(verify("s:ecret", &stored));
    }
}
