//! Names of files that are not there yet.

use std::ffi::OsString;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// What such a name starts with.
const PREFIX: &str = ".vigo-";

/// Bytes of the name that is meant which are taken over: a file system takes 255 in all.
const NAME_BYTES_MAX: usize = 200;

/// Returns a name that nobody guesses, `.vigo-<random>-<name>`, cut to what a file system takes.
pub(crate) fn name_for(name: &[u8]) -> OsString {
    static NEXT: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(seed()));
    // SplitMix64: every number once, in an order that the seed decides.
    let mut number = NEXT.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
    number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^= number >> 31;
    let mut out = format!("{PREFIX}{number:016x}-").into_bytes();
    out.extend_from_slice(name.get(..name.len().min(NAME_BYTES_MAX)).unwrap_or(name));
    os_string(out)
}

#[cfg(unix)]
fn os_string(bytes: Vec<u8>) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes)
}

/// A name that was cut within a character gets another one there.
#[cfg(windows)]
fn os_string(bytes: Vec<u8>) -> OsString {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

fn seed() -> u64 {
    let mut bytes = [0u8; 8];
    match getrandom::fill(&mut bytes) {
        Ok(()) => u64::from_le_bytes(bytes),
        // Without a source a name is only likely to be free; the system says whether it is.
        Err(_) => std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |t| t.as_nanos() as u64),
    }
}

/// Returns whether a name is one of these.
pub(crate) fn is_temp(name: &[u8]) -> bool {
    name.strip_prefix(PREFIX.as_bytes())
        .is_some_and(|rest| rest.len() > 17 && rest[16] == b'-' && rest[..16].iter().all(u8::is_ascii_hexdigit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_by_its_form_and_never_too_long() {
        let name = |of: &[u8]| name_for(of).into_encoded_bytes();
        assert!(is_temp(&name(b"hosts")) && name(b"hosts").ends_with(b"-hosts") && name(b"a") != name(b"a"));
        assert!(name(&[b'x'; 300]).len() < 255);
        for other in ["hosts", ".vigo-", ".vigo-0123456789abcdef-", ".vigo-0123456789abcdeg-x"] {
            assert!(!is_temp(other.as_bytes()), "{other}");
        }
    }
}
