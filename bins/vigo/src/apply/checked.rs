//! Remembering that a tree was checked whole, so that the next run of the same tree need not check it again.

use crate::state::make_dir;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;
use vigo_core::source::Tree;

const NAME: &str = "checked";

/// Returns the digest of a tree and of the agent that reads it.
pub(super) fn digest(tree: &Tree) -> String {
    let mut files: Vec<_> = tree.files.iter().collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut hash = Sha256::new();
    hash.update(env!("CARGO_PKG_VERSION"));
    for file in files {
        hash.update((file.path.len() as u64).to_be_bytes());
        hash.update(file.path.as_bytes());
        hash.update([u8::from(file.executable)]);
        hash.update((file.bytes.len() as u64).to_be_bytes());
        hash.update(&file.bytes);
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

/// Returns whether the last tree that was found to be without mistakes is this one.
pub(super) fn is_known(state_dir: &Path, digest: &str) -> bool {
    fs::read_to_string(state_dir.join(NAME)).is_ok_and(|known| known == digest)
}

/// Remembers it. Nothing is lost when that fails: the next run checks again.
pub(super) fn remember(state_dir: &Path, digest: &str) {
    let written = make_dir(state_dir).and_then(|()| fs::write(state_dir.join(NAME), digest));
    if let Err(error) = written {
        tracing::debug!("the digest of the tree was not kept: {error}");
    }
}
