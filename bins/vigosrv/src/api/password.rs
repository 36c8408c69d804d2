//! Passwords: Argon2id, with a salt of its own for each.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sha2::{Digest as _, Sha256};
use std::ops::RangeInclusive;

/// A password was not hashed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum PasswordError {
    /// It is too short or too long.
    #[error("expected {} to {} bytes, found {found}", LENGTH.start(), LENGTH.end())]
    Length {
        /// How long it is.
        found: usize,
    },
    /// The system has no random bytes, or no memory.
    #[error("hash a password: {0}")]
    System(String),
}

/// Bytes of a password. Long ones only cost time.
const LENGTH: RangeInclusive<usize> = 10..=1024;

/// KiB, passes and lanes of new hashes: OWASP's, some 30 ms of a processor.
const WORK: [u32; 3] = [19_456, 2, 1];

/// Largest work of a hash that is read: nobody but this server writes them.
const WORK_MAX: [u32; 3] = [1 << 20, 64, 16];

/// Hashes a password. Takes some 30 ms of a processor and 19 MiB.
pub(super) fn hash(password: &str) -> Result<String, PasswordError> {
    if !LENGTH.contains(&password.len()) {
        return Err(PasswordError::Length { found: password.len() });
    }
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|e| PasswordError::System(e.to_string()))?;
    let output = derive(password, &salt, WORK).map_err(PasswordError::System)?;
    let [memory, passes, lanes] = WORK;
    let (salt, output) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(output));
    Ok(format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${output}"))
}

/// Returns whether `hash` is that of the password.
pub(super) fn is_of(password: &str, hash: &str) -> bool {
    let Some((work, salt, wanted)) = parse(hash) else { return false };
    // The time of comparing two hashes of what came out says nothing of it.
    LENGTH.contains(&password.len())
        && derive(password, &salt, work).is_ok_and(|output| Sha256::digest(output) == Sha256::digest(&wanted))
}

/// Returns a hash that no password has: what is looked at where there is no such user takes as long.
pub(super) fn decoy() -> String {
    let [memory, passes, lanes] = WORK;
    let zeros = STANDARD_NO_PAD.encode([0; 16]);
    format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${zeros}${}", STANDARD_NO_PAD.encode([0; 32]))
}

fn derive(password: &str, salt: &[u8], [memory, passes, lanes]: [u32; 3]) -> Result<[u8; 32], String> {
    let params = Params::new(memory, passes, lanes, Some(32)).map_err(|e| e.to_string())?;
    let mut output = [0; 32];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(password.as_bytes(), salt, &mut output).map_err(|e| e.to_string())?;
    Ok(output)
}

/// Reads a hash: its work, its salt, its output.
fn parse(hash: &str) -> Option<([u32; 3], Vec<u8>, Vec<u8>)> {
    let mut parts = hash.strip_prefix("$argon2id$v=19$")?.split('$');
    let mut numbers = parts.next()?.split(',');
    let mut number = |name: &str| numbers.next()?.strip_prefix(name)?.parse::<u32>().ok();
    let work = [number("m=")?, number("t=")?, number("p=")?];
    let mut bytes = || STANDARD_NO_PAD.decode(parts.next()?).ok();
    let (salt, output) = (bytes()?, bytes()?);
    let is_bounded = work.iter().zip(WORK_MAX).all(|(number, max)| *number <= max);
    is_bounded.then_some((work, salt, output))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_that_of_its_password_alone() {
        let [one, two] = ["correct horse", "correct horse"].map(|password| hash(password).unwrap());
        assert_ne!(one, two, "each has a salt of its own");
        assert!(is_of("correct horse", &one) && is_of("correct horse", &two));
        for wrong in ["correct horsf", "correct horse ", "", "x"] {
            assert!(!is_of(wrong, &one), "{wrong}");
        }
        for broken in ["", "$argon2id$v=19$m=1,t=1,p=1", &one.replace("m=19456", "m=4294967295"), &one[..one.len() - 2]]
        {
            assert!(!is_of("correct horse", broken), "{broken}");
        }
        assert!(!is_of("correct horse", &decoy()));
        assert_eq!(hash("short"), Err(PasswordError::Length { found: 5 }));
        assert_eq!(hash(&"x".repeat(1025)), Err(PasswordError::Length { found: 1025 }));
    }
}
