//! A user's `ShadowHashData`: the property list that holds the salted key of the password.

use crate::property_list::{Binary as Value, Bplist, written};
use alloc::format;
use alloc::vec::Vec;
use vigo_core::base64;
use vigo_core::resource::user::Stored;
use vigo_core::value::Text;

const KIND: &str = "SALTED-SHA512-PBKDF2";

/// Returns the key in the data as dscl(1) prints it: hexadecimal digits in groups. `None` when there is none of this kind.
pub(super) fn stored(printed: &str) -> Option<Stored> {
    let digits: Vec<u8> = printed.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok();
    let plain = digits.len().is_multiple_of(2) && digits.iter().all(u8::is_ascii_hexdigit);
    let bytes: Vec<u8> = if plain { digits.chunks(2).map(pair).collect::<Option<_>>()? } else { return None };
    let list = Bplist::parse(&bytes)?;
    let inner = list.get(list.top()?, KIND)?;
    let data = |key: &str| match list.get(inner, key) {
        Some(Value::Data(bytes)) => Some(bytes.to_vec()),
        _ => None,
    };
    let Some(Value::Number(iterations)) = list.get(inner, "iterations") else { return None };
    Some(Stored { iterations: u32::try_from(iterations).ok()?, salt: data("salt")?, key: data("entropy")? })
}

/// Returns what dsimport(1) reads to give `user` this key. The first line says how the rest is separated, and what it holds.
pub(super) fn import(user: &str, stored: &Stored, secret: &Text) -> Text {
    let list = written(KIND, &stored.key, stored.iterations, &stored.salt);
    let head = "0x0A 0x5C 0x3A 0x2C dsRecTypeStandard:Users 2 dsAttrTypeStandard:RecordName base64:dsAttrTypeNative:ShadowHashData";
    Text::plain(format!("{head}\n{user}:{}\n", base64::encode(list))).tainted_by(secret.secret_path())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};

    fn printed(bytes: &[u8]) -> String {
        bytes.chunks(4).map(|c| c.iter().map(|b| format!("{b:02x}")).collect::<String>() + " ").collect()
    }

    #[test]
    fn what_is_imported_holds_the_whole_list() {
        // Lists of each length modulo 3: one of them has no padding.
        for salt in 30..33 {
            let key = Stored { iterations: 37_174, salt: alloc::vec![1; salt], key: alloc::vec![2; 128] };
            let text = import("alice", &key, &Text::plain(""));
            let letters = text.as_str().lines().nth(1).and_then(|line| line.strip_prefix("alice:")).unwrap();
            let list = base64::decode(letters).unwrap();
            assert_eq!(stored(&printed(&list)).map(|s| s.to_string()), Some(key.to_string()), "{salt}");
        }
    }

    #[test]
    fn the_key_is_read_as_dscl_prints_it() {
        let key = Stored { iterations: 37_174, salt: alloc::vec![1; 32], key: alloc::vec![2; 128] };
        let list = written(KIND, &key.key, key.iterations, &key.salt);
        assert_eq!(stored(&format!("\n {}\n", printed(&list))).map(|s| s.to_string()), Some(key.to_string()));
        assert!(stored("").is_none() && stored("62706").is_none() && stored("zz").is_none());
        assert!(stored(&printed(&written("SALTED-SHA512", &[1], 1, &[2]))).is_none(), "the kind before 10.8");
    }
}
