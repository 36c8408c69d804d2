//! Bytes as people and ledgers have them.

/// Returns bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the bytes that these digits are; `None` where they are none.
pub fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair: &[u8]| {
        let digits = std::str::from_utf8(pair).ok().filter(|d| d.len() == 2 && !d.starts_with('+'))?;
        u8::from_str_radix(digits, 16).ok()
    };
    pairs.map(byte).collect()
}

/// Returns 32 bytes.
pub fn array(digits: &str) -> Option<[u8; 32]> {
    bytes(digits)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_back_and_nothing_else_is() {
        assert_eq!(bytes(&hex(&[0, 1, 0xab, 255])), Some(vec![0, 1, 0xab, 255]));
        assert_eq!(bytes(""), Some(vec![]));
        for bad in ["a", "abc", "zz", "+1", "é"] {
            assert_eq!(bytes(bad), None, "{bad}");
        }
        assert_eq!(array("00"), None);
    }
}
