//! bcrypt, the `$2a$` and `$2b$` of crypt(3): Provos and Mazières, "A Future-Adaptable Password Scheme".

use super::Salt;
use ::base64::Engine as _;
use ::base64::alphabet;
use ::base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use alloc::format;
use alloc::string::String;

/// More of a password than this does not count, in bytes.
pub const PASSWORD_BYTES_MAX: usize = 72;

/// The work of a new hash: 2^10 rounds, what OpenBSD's `blowfish,a` comes to on a machine of some years.
const COST: u32 = 10;
/// A stored hash of more work than this is not followed: it counts as another password.
const COST_FOLLOWED_MAX: u32 = 14;
/// An alphabet of its own, without padding; four bits are left over behind a salt, and two behind a digest.
const LETTERS: GeneralPurpose = GeneralPurpose::new(
    &alphabet::BCRYPT,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// Returns the hash of `password` for master.passwd(5), of the scheme with this letter.
pub fn hash(password: &str, letter: char, salt: &Salt) -> String {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(salt.as_bytes()).for_each(|(place, byte)| *place = *byte);
    format!("$2{letter}${COST:02}${}{}", LETTERS.encode(bytes), LETTERS.encode(derive(password, COST, bytes)))
}

/// Returns whether `stored` is a `$2a$`, `$2b$` or `$2y$` hash of `password`: derived again with the salt and the work that
/// it names. Every other kind of hash is a no.
pub fn verify(password: &str, stored: &str) -> bool {
    let Some(rest) = ["$2a$", "$2b$", "$2y$"].iter().find_map(|scheme| stored.strip_prefix(scheme)) else {
        return false;
    };
    let Some((cost, rest)) = rest.split_once('$') else { return false };
    let (Ok(cost), Some((salt, digest))) = (cost.parse::<u32>(), rest.split_at_checked(22)) else { return false };
    let salt = LETTERS.decode(salt).ok().and_then(|salt| <[u8; 16]>::try_from(salt).ok());
    let Some(salt) = salt.filter(|_| (4..=COST_FOLLOWED_MAX).contains(&cost)) else { return false };
    LETTERS.encode(derive(password, cost, salt)) == digest
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
