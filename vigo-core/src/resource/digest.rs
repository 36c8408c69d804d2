//! SHA-256 digests, and how they are shown.

use alloc::format;
use alloc::string::String;
use sha2::{Digest as _, Sha256};

/// Returns the SHA-256 of `bytes`.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Returns the digest in lower-case hexadecimal.
pub(crate) fn hex(digest: &[u8; 32]) -> String {
    let mut text = String::with_capacity(64);
    for byte in digest {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// Returns the digest as a change shows it: its first 12 digits.
pub(crate) fn short(digest: &[u8; 32]) -> String {
    let mut text = String::from("sha256 ");
    for byte in &digest[..6] {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// Reads 64 hexadecimal digits.
pub(crate) fn parse(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut digest = [0; 32];
    for (byte, digits) in digest.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_read_and_shown() {
        let empty = sha256(b"");
        let text = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hex(&empty), text);
        assert_eq!(parse(text), Some(empty));
        assert_eq!(parse(&text.to_ascii_uppercase()), Some(empty));
        assert_eq!(short(&empty), "sha256 e3b0c44298fc");
        for bad in ["", "e3b0", &text.replace('e', "g"), &text.replacen("e3", "é", 1)] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
