//! bcrypt, the `$2a$` and `$2b$` of crypt(3): Provos and Mazières, "A Future-Adaptable Password Scheme".

use super::Salt;
use alloc::format;
use alloc::string::String;

/// More of a password than this does not count, in bytes.
pub const PASSWORD_BYTES_MAX: usize = 72;

/// The work of a new hash: 2^10 rounds, what OpenBSD's `blowfish,a` comes to on a machine of some years.
const COST: u32 = 10;
/// A stored hash of more work than this is not followed: it counts as another password.
const COST_FOLLOWED_MAX: u32 = 14;
const ALPHABET: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Returns the hash of `password` for master.passwd(5), of the scheme with this letter.
pub fn hash(password: &str, letter: char, salt: &Salt) -> String {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(salt.as_bytes()).for_each(|(place, byte)| *place = *byte);
    format!("$2{letter}${COST:02}${}{}", encode(&bytes), encode(&derive(password, COST, bytes)))
}

/// Returns whether `stored` is a `$2a$`, `$2b$` or `$2y$` hash of `password`: derived again with the salt and the work that
/// it names. Every other kind of hash is a no.
pub fn verify(password: &str, stored: &str) -> bool {
    let Some(rest) = ["$2a$", "$2b$", "$2y$"].iter().find_map(|scheme| stored.strip_prefix(scheme)) else {
        return false;
    };
    let Some((cost, rest)) = rest.split_once('$') else { return false };
    let (Ok(cost), Some((salt, digest))) = (cost.parse::<u32>(), rest.split_at_checked(22)) else { return false };
    let Some(salt) = decode(salt).filter(|_| (4..=COST_FOLLOWED_MAX).contains(&cost)) else { return false };
    encode(&derive(password, cost, salt)) == digest
}

/// Returns the 23 bytes that are kept. The password is ended by a zero byte, which counts unless 72 bytes came before it.
fn derive(password: &str, cost: u32, salt: [u8; 16]) -> [u8; 23] {
    let mut key = [0; PASSWORD_BYTES_MAX];
    key.iter_mut().zip(password.bytes()).for_each(|(place, byte)| *place = byte);
    let used = (password.len() + 1).min(PASSWORD_BYTES_MAX);
    let whole = ::bcrypt::bcrypt(cost, salt, key.get(..used).unwrap_or(&key));
    let mut kept = [0; 23];
    kept.iter_mut().zip(whole).for_each(|(place, byte)| *place = byte);
    kept
}

/// Six bits a character, high bits first, without padding.
fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 4 / 3 + 1);
    for group in bytes.chunks(3) {
        let at = |i: usize| group.get(i).copied().map_or(0, u32::from);
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for i in 0..=group.len() {
            text.push(char::from(ALPHABET[(bits >> (18 - 6 * i) & 63) as usize]));
        }
    }
    text
}

/// Reads 22 characters; `None` when one is none of the alphabet's.
fn decode(text: &str) -> Option<[u8; 16]> {
    let mut bytes = [0u8; 16];
    for (i, character) in text.bytes().enumerate() {
        let value = ALPHABET.iter().position(|&c| c == character)?;
        for bit in (0..6).filter(|bit| value >> (5 - bit) & 1 == 1) {
            let at = i * 6 + bit;
            if let Some(byte) = bytes.get_mut(at / 8) {
                *byte |= 0x80 >> (at % 8);
            }
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::Entropy;

    /// Hashes of the test suites of OpenBSD's and of OpenWall's crypt.
    const VECTORS: &[(&str, &str)] = &[
        ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        ("U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
        ("U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"),
        ("", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"),
    ];

    #[test]
    fn known_hashes_are_derived_again() {
        for (password, stored) in VECTORS {
            assert!(verify(password, stored), "{stored}");
            assert!(verify(password, &stored.replace("$2a$", "$2b$")), "the letter differs beyond 255 bytes only");
            assert!(!verify(&format!("{password}!"), stored), "{stored}");
        }
    }

    #[test]
    fn what_is_no_bcrypt_hash_is_another_password() {
        let good = VECTORS[0].1;
        let cases = [
            ("empty", String::new()),
            ("locked", format!("*{good}")),
            ("another scheme", "$6$ab$cd".into()),
            ("cut", good[..good.len() - 1].into()),
            ("cut in the salt", good[..20].into()),
            ("longer", format!("{good}x")),
            ("too much work", good.replace("$05$", "$31$")),
            ("too little work", good.replace("$05$", "$03$")),
            ("no number", good.replace("$05$", "$xx$")),
            ("none of the alphabet", good.replace("CCCC", "C+-C")),
            ("a letter of two bytes in the middle", format!("$2a$05${}é{}", "C".repeat(21), "x".repeat(31))),
        ];
        for (name, stored) in cases {
            assert!(!verify("U*U", &stored), "{name}");
        }
    }

    #[test]
    fn a_new_hash_verifies() {
        for letter in ['a', 'b'] {
            let stored = hash("s:ecret", letter, &Salt::new(Entropy::new([0xff; 32])));
            assert!(stored.starts_with(&format!("$2{letter}$10$")), "{stored}");
            assert_eq!(stored.len(), 60);
            assert!(verify("s:ecret", &stored));
        }
    }
}
