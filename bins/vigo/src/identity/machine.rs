//! What tells machines apart that have the same identity.

use crate::system;
use sha2::{Digest as _, Sha256};

/// Returns a fingerprint of this machine: another one for a clone of it. What the system says stays here.
pub fn fingerprint() -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(b"vigo machine v1\0");
    for mark in system::machine_marks() {
        hash.update((mark.len() as u64).to_be_bytes());
        hash.update(&mark);
    }
    hash.finalize().to_vec()
}
