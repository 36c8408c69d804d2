//! Base64 with the alphabet of RFC 4648, section 4. Bits that are left over behind the last byte are passed over, as Go does.

use ::base64::Engine as _;
use ::base64::alphabet::STANDARD;
use ::base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use alloc::string::String;
use alloc::vec::Vec;

const TOLERANT: GeneralPurposeConfig = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
const PADDED: GeneralPurpose = GeneralPurpose::new(&STANDARD, TOLERANT);
const BARE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    TOLERANT.with_encode_padding(false).with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// Returns the letters of some bytes, with padding.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    PADDED.encode(bytes)
}

/// Returns the letters of some bytes, without padding.
pub fn encode_bare(bytes: impl AsRef<[u8]>) -> String {
    BARE.encode(bytes)
}

/// Returns the bytes that letters stand for; `None` when they are none, or are not padded as they should be.
///
/// ```
/// use vigo_core::base64::decode;
///
/// assert_eq!(decode("aGk=").as_deref(), Some(&b"hi"[..]));
/// assert_eq!(decode("aGk"), None);
/// ```
pub fn decode(letters: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    PADDED.decode(letters).ok()
}

/// Returns the bytes that letters stand for, whether they are padded or not: people cut keys when they copy them. `None`
/// when they are none, or have more padding than there ever is.
///
/// ```
/// use vigo_core::base64::decode_lenient;
///
/// assert_eq!(decode_lenient("aGk"), decode_lenient("aGk="));
/// ```
pub fn decode_lenient(letters: &str) -> Option<Vec<u8>> {
    let bare = letters.trim_end_matches('=');
    (letters.len() - bare.len() <= 2).then(|| BARE.decode(bare).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_as_they_were() {
        // RFC 4648, section 10.
        for (bytes, letters) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            let bare = letters.trim_end_matches('=');
            assert_eq!((encode(bytes), encode_bare(bytes)), (letters.into(), bare.into()));
            for seen in [decode(letters), decode_lenient(letters), decode_lenient(bare)] {
                assert_eq!(seen.as_deref(), Some(bytes.as_bytes()), "{letters}");
            }
            assert_eq!(decode(bare).is_some(), bare == letters, "{bare}");
        }
    }

    #[test]
    fn bits_that_are_left_over_are_passed_over() {
        for letters in ["Zh==", "Zm9="] {
            let bare = letters.trim_end_matches('=');
            let read = [decode(letters), decode_lenient(letters), decode_lenient(bare)];
            assert!(read.iter().flatten().all(|bytes| b"fo".starts_with(bytes)), "{read:?}");
            assert_eq!(read.iter().flatten().count(), 3, "{letters}");
        }
    }

    #[test]
    fn what_is_no_base64_is_none() {
        // Padding, how much is decoded with it, how much without.
        for (letters, padded, lenient) in [
            ("Z", None, None),
            ("Zm9vY", None, None),
            ("Zg=", None, Some(1)),
            ("Zg===", None, None),
            ("Zm9v=", None, Some(3)),
            ("====", None, None),
            ("=", None, Some(0)),
            ("Z=g=", None, None),
            ("Zg==Zg==", None, None),
            ("Zm9v\n", None, None),
            ("Z m9", None, None),
            ("Zm-_", None, None),
            ("Zm9\u{e9}", None, None),
        ] {
            assert_eq!(decode(letters).map(|bytes| bytes.len()), padded, "{letters:?}");
            assert_eq!(decode_lenient(letters).map(|bytes| bytes.len()), lenient, "{letters:?}");
        }
    }
}
