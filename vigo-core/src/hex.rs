//! Hexadecimal: two digits for each byte, RFC 4648, section 8. It takes as long for one byte as for another: keys are written so,
//! too.

use alloc::string::String;
use alloc::vec::Vec;

/// Returns the digits of some bytes, in lower case.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    base16ct::lower::encode_string(bytes.as_ref())
}

/// Returns the bytes that digits stand for, in either case; `None` when there are other signs among them, or one is alone.
///
/// ```
/// use vigo_core::hex::decode;
///
/// assert_eq!(decode("4A4b").as_deref(), Some(&b"JK"[..]));
/// assert_eq!(decode("4a4"), None);
/// ```
pub fn decode(digits: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    base16ct::mixed::decode_vec(digits).ok()
}

/// Returns the `N` bytes that digits stand for, in either case; `None` when they are others, or more or fewer.
pub fn decode_array<const N: usize>(digits: impl AsRef<[u8]>) -> Option<[u8; N]> {
    let digits = digits.as_ref();
    let mut bytes = [0; N];
    let is_whole = digits.len() == 2 * N && base16ct::mixed::decode(digits, &mut bytes).is_ok();
    is_whole.then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_as_they_were_and_nothing_else_is_read() {
        let all: Vec<u8> = (0..=255).collect();
        let digits = encode(&all);
        assert!(digits.starts_with("000102") && digits.ends_with("fdfeff") && digits.len() == 512);
        for digits in [&digits, &digits.to_uppercase()] {
            assert_eq!(decode(digits).as_deref(), Some(&*all));
            assert_eq!(decode_array::<256>(digits).as_ref().map(|bytes| &bytes[..]), Some(&*all));
        }
        assert_eq!((encode([]).as_str(), decode("")), ("", Some(Vec::new())));
        for bad in ["a", "abc", "zz", "+1", "0x", " 1", "1 ", "é", "g0"] {
            assert_eq!((decode(bad), decode_array::<1>(bad)), (None, None), "{bad:?}");
        }
        assert_eq!((decode_array::<1>(""), decode_array::<1>("0102"), decode_array::<2>("01")), (None, None, None));
    }
}
