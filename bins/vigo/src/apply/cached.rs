//! The policy that a tree came to last time, kept in the state directory: parsing and resolving are most of a local run
//! that has nothing to do.
//!
//! Kept is only what came of a tree without a single mistake or warning, under the digest of all that it was made from.
//! It holds no secret, only references. A file that is not exactly as it was written is passed over.

use crate::state::{make_dir, replace_file};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;
use vigo_core::bundle::PolicyBundle;
use vigo_driver::Print;

const NAME: &str = "policy";

/// Length of a digest in bytes.
const DIGEST: usize = 32;

/// What a run needs of the resolved tree.
pub(super) struct Policy {
    /// What is to be converged.
    pub(super) bundle: PolicyBundle,
    /// The environment of the host.
    pub(super) environment: String,
    /// Changes are reported, not made.
    pub(super) observe_only: bool,
}

/// What a policy is made from.
pub(super) struct Key([u8; DIGEST]);

impl Key {
    /// Returns the key of files, in the order of their paths, for a host, as this very agent reads them.
    pub(super) fn of(files: &[Print<'_>], hostname: &str, environment: Option<&str>) -> Self {
        let mut hash = Sha256::new();
        let mut add = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        add(agent().as_bytes());
        add(hostname.as_bytes());
        add(environment.map_or(&[], |_| &[1]));
        add(environment.unwrap_or_default().as_bytes());
        for file in files {
            add(file.path.as_bytes());
            add(&[u8::from(file.executable)]);
            add(&file.sha256);
        }
        Self(hash.finalize().into())
    }
}

/// Returns whether a policy is kept at all.
pub(super) fn is_there(state_dir: &Path) -> bool {
    state_dir.join(NAME).exists()
}

/// Returns what tells this build of the agent from every other one.
fn agent() -> String {
    let built = fs::metadata("/proc/self/exe").or_else(|_| std::env::current_exe().and_then(fs::metadata));
    let written = |m: &fs::Metadata| m.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let built = built.map(|m| format!("{} {} {:?}", number(&m), m.len(), written(&m)));
    format!("{} {}", env!("CARGO_PKG_VERSION"), built.unwrap_or_default())
}

/// Returns a file's own number, where it is told.
#[cfg(unix)]
fn number(meta: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(meta)
}

#[cfg(windows)]
fn number(_: &fs::Metadata) -> u64 {
    0
}

/// Returns what tells bytes from those that a failing disk makes of them. (Nobody else writes in the state directory.)
fn checksum(bytes: &[u8]) -> [u8; 8] {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    // Each step is one to one, in the sum as in the word: one word that is another always shows.
    let mix = |sum: u64, word: u64| (sum.rotate_left(29) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let sum = words.iter().fold(bytes.len() as u64, |sum, word| mix(sum, u64::from_le_bytes(*word)));
    mix(sum, u64::from_le_bytes(last)).to_be_bytes()
}

/// Returns the policy that was kept under `key`.
pub(super) fn read(state_dir: &Path, key: &Key) -> Option<Policy> {
    let bytes = fs::read(state_dir.join(NAME)).ok()?;
    let (kept, rest) = bytes.split_first_chunk::<DIGEST>()?;
    let (sum, body) = rest.split_first_chunk::<8>()?;
    if *kept != key.0 || *sum != checksum(body) {
        return None;
    }
    let (&observe_only, body) = body.split_first()?;
    let (len, body) = body.split_first_chunk::<4>()?;
    let (environment, bundle) = body.split_at_checked(u32::from_be_bytes(*len) as usize)?;
    Some(Policy {
        bundle: PolicyBundle::decode(bundle).ok()?,
        environment: String::from_utf8(environment.to_vec()).ok()?,
        observe_only: observe_only != 0,
    })
}

/// Keeps a policy. Nothing is lost when that fails: the next run resolves again.
pub(super) fn keep(state_dir: &Path, key: &Key, policy: &Policy) {
    let bundle = match policy.bundle.encode() {
        Ok(bundle) if PolicyBundle::decode(&bundle).is_ok_and(|read| read == policy.bundle) => bundle,
        Ok(_) => return tracing::debug!("the policy was not kept: it would not be read as it is"),
        Err(error) => return tracing::debug!("the policy was not kept: {error}"),
    };
    let mut body = vec![u8::from(policy.observe_only)];
    body.extend((policy.environment.len() as u32).to_be_bytes());
    body.extend(policy.environment.as_bytes());
    body.extend(bundle);
    let bytes = [&key.0[..], &checksum(&body), &body].concat();
    let written = make_dir(state_dir).and_then(|()| replace_file(&state_dir.join(NAME), &bytes));
    if let Err(error) = written {
        tracing::debug!("the policy was not kept: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> [Print<'static>; 1] {
        [Print { path: "configcrates/a.vgo", executable: false, sha256: Sha256::digest(text).into() }]
    }

    #[test]
    fn a_policy_is_found_under_what_it_was_made_from_and_nothing_else() {
        let dir = tempdir();
        let policy = || Policy {
            bundle: PolicyBundle { files: vec!["configcrates/a.vgo".into()], ..PolicyBundle::default() },
            environment: "prod".into(),
            observe_only: true,
        };
        let key = Key::of(&tree("name: a\n"), "h", None);
        assert!(read(&dir, &key).is_none());
        keep(&dir, &key, &policy());
        let found = read(&dir, &key).expect("it was kept");
        assert_eq!((found.bundle, found.environment, found.observe_only), (policy().bundle, "prod".into(), true));
        let others = [
            ("another text", Key::of(&tree("name: b\n"), "h", None)),
            ("another host", Key::of(&tree("name: a\n"), "g", None)),
            ("another environment", Key::of(&tree("name: a\n"), "h", Some(""))),
            ("no file", Key::of(&[], "h", None)),
        ];
        for (name, other) in others {
            assert!(read(&dir, &other).is_none(), "{name}");
        }
        let path = dir.join(NAME);
        let whole = fs::read(&path).expect("the file");
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            fs::write(&path, &bytes).expect("write");
            assert!(read(&dir, &key).is_none(), "byte {at} is another one");
            fs::write(&path, &whole[..at]).expect("write");
            assert!(read(&dir, &key).is_none(), "{at} bytes are left");
        }
        fs::remove_dir_all(&dir).expect("remove");
    }

    fn tempdir() -> std::path::PathBuf {
        let dir = std::env::temp_dir().join(format!("vigo-policy-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        dir
    }
}
