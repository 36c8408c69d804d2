//! One key in the place of another, in `tls/`.
//!
//! The file `keyset` says which keys are in force, and each step is done when it is replaced, at once. What a step needs
//! lies beside it before: `bundle_key.next`, or `ca_key.next` and `ca.next`; and `keyset.next`, the version that makes them
//! active, which the root signed when the rotation began. [`finish`] moves them to their places, or takes away what no key
//! set has come to name: a kill at any moment leaves either the state before or the one after.

use super::keys::{keyset_text, new_key, read_keyset, read_secret, root, secret_text};
use super::{DataDirError, Keys, private};
use crate::ca::{Authority, certificate_from_pem, certificate_to_pem};
use std::fs;
use std::path::Path;
use vigo_core::bundle::{KeyKind, KeySet, KeyState, NewKey, Signed, SigningKey, VerifyingKey};
use vigo_core::time::Timestamp;
use vigo_driver::disk;

/// What came of a key set that is newer than the server's own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TakenOver {
    /// All its keys are here: it is the server's own now.
    Whole,
    /// Keys of these kinds are not here: new ones were made, and the root signed for them.
    Replaced(Vec<KeyKind>),
    /// Keys of these kinds are not here, nor is the root.
    NeedsRoot(Vec<KeyKind>),
}

impl Keys {
    /// Makes a new key of `kind` and announces it. [`Keys::load`] has it from then on.
    ///
    /// # Errors
    /// [`DataDirError`]; [`DataDirError::Rotating`] while another is announced.
    pub fn announce(&self, tls: &Path, kind: KeyKind, root: &SigningKey, now: Timestamp) -> Result<(), DataDirError> {
        let new = make_next(tls, kind, &self.keyset.fleet(), now)?;
        let announced = self.keyset.announcing(new).ok_or(DataDirError::Rotating)?;
        let switched = announced.switched().ok_or(DataDirError::Rotating)?;
        replace_keyset(tls, "keyset.next", &switched.sign(root))?;
        replace_keyset(tls, "keyset", &announced.sign(root))
    }

    /// Makes the key that was announced the active one, and retires the one before.
    ///
    /// # Errors
    /// [`DataDirError`]; nothing has changed then.
    pub fn switch(&self, tls: &Path) -> Result<(), DataDirError> {
        let path = tls.join("keyset.next");
        let (next, _) = read_keyset(&path, &self.keyset.root)?;
        let lacking = next.lacking(&bundle_keys(tls)?, &slices(&authorities(tls)?));
        if next.version <= self.keyset.version || !lacking.is_empty() {
            let why = "expected the key set that follows, with keys that are here".into();
            return Err(DataDirError::Damaged { path, why });
        }
        disk::rename(&path, &tls.join("keyset")).map_err(DataDirError::file("move", &path))?;
        private::sync(tls)
    }

    /// Takes over a key set that is newer than the server's own, which was restored from before a rotation, say. Where it
    /// names keys that are not here, new ones take their place, with `root`; without it the key set is kept until somebody
    /// brings that.
    ///
    /// # Errors
    /// [`DataDirError`]; [`DataDirError::KeySet`] for one that is not newer, or not the root's.
    pub fn take_over(
        &self,
        tls: &Path,
        signed: &Signed,
        root: Option<&SigningKey>,
        now: Timestamp,
    ) -> Result<TakenOver, DataDirError> {
        let path = tls.join("keyset.learned");
        let refused = |error| DataDirError::KeySet { path: path.clone(), error };
        let learned = self.keyset.successor(signed).map_err(refused)?;
        replace_keyset(tls, "keyset.learned", signed)?;
        let mut lacking = learned.lacking(&bundle_keys(tls)?, &slices(&authorities(tls)?));
        // What is announced cannot become active without the key set that makes it so.
        let follows = read_keyset(&tls.join("keyset.next"), &self.keyset.root).ok();
        let is_whole = follows.is_some_and(|(next, _)| learned.switched() == Some(next));
        lacking.extend(learned.rotating().filter(|kind| !is_whole && !lacking.contains(kind)));
        if lacking.is_empty() {
            replace_keyset(tls, "keyset", signed)?;
            return Ok(TakenOver::Whole);
        }
        let Some(root) = root else { return Ok(TakenOver::NeedsRoot(lacking)) };
        let mut new = Vec::new();
        for kind in &lacking {
            new.push(make_next(tls, *kind, &learned.fleet(), now)?);
        }
        replace_keyset(tls, "keyset", &learned.replacing(new).sign(root))?;
        Ok(TakenOver::Replaced(lacking))
    }

    /// Takes the root's secret half away from this machine.
    ///
    /// # Errors
    /// [`DataDirError::File`].
    pub fn remove_root(tls: &Path) -> Result<(), DataDirError> {
        let path = tls.join("root_key");
        disk::step(|| fs::remove_file(&path)).map_err(DataDirError::file("remove", &path))?;
        private::sync(tls)
    }
}

/// Puts the keys that the key set names as active into their places, and takes away what it does not name.
pub(super) fn finish(tls: &Path) -> Result<(), DataDirError> {
    let (root, _) = root(tls)?;
    let (set, _) = read_keyset(&tls.join("keyset"), &root)?;
    let place = |from: &str, to: Option<&str>| {
        let path = tls.join(from);
        match to {
            _ if !path.exists() => Ok(()),
            Some(to) => disk::rename(&path, &tls.join(to)).map_err(DataDirError::file("move", &path)),
            None => disk::remove_file(&path).map(drop).map_err(DataDirError::file("remove", &path)),
        }
    };
    let bundle = next_bundle_key(tls)?.map(|key| state_of(&set, &NewKey::Bundle(key.verifying_key())));
    match bundle {
        None | Some(Some(KeyState::Next)) => {}
        Some(Some(KeyState::Active)) => place("bundle_key.next", Some("bundle_key"))?,
        Some(Some(KeyState::Retired) | None) => place("bundle_key.next", None)?,
    }
    match next_authority(tls)?.map(|certificate| state_of(&set, &NewKey::Ca(certificate))) {
        Some(Some(KeyState::Next)) => {}
        Some(Some(KeyState::Active)) => {
            place("ca_key.next", Some("ca_key"))?;
            place("ca.next", Some("ca"))?;
        }
        // The certificate is written last and moved last: a key alone is of one that nobody has seen.
        None | Some(Some(KeyState::Retired) | None) => {
            place("ca.next", None)?;
            place("ca_key.next", None)?;
        }
    }
    if set.rotating().is_none() {
        place("keyset.next", None)?;
    }
    let learned = tls.join("keyset.learned");
    if learned.exists() && read_keyset(&learned, &root)?.0.version <= set.version {
        place("keyset.learned", None)?;
    }
    private::sync(tls)
}

/// Makes a key that is to be announced.
fn make_next(tls: &Path, kind: KeyKind, fleet: &str, now: Timestamp) -> Result<NewKey, DataDirError> {
    match kind {
        KeyKind::Bundle => {
            let key = new_key()?;
            private::replace(&tls.join("bundle_key.next"), secret_text(&key).as_bytes())?;
            Ok(NewKey::Bundle(key.verifying_key()))
        }
        KeyKind::Ca => {
            let path = tls.join("ca.next");
            let failed = |error| DataDirError::Certificate { path: path.clone(), error };
            let authority = Authority::generate(fleet, now).map_err(failed)?;
            private::replace(&tls.join("ca_key.next"), authority.key_pem().as_bytes())?;
            private::replace(&path, certificate_to_pem(authority.certificate()).as_bytes())?;
            Ok(NewKey::Ca(authority.certificate().to_vec()))
        }
    }
}

fn replace_keyset(tls: &Path, name: &str, signed: &Signed) -> Result<(), DataDirError> {
    private::replace(&tls.join(name), keyset_text(signed).as_bytes())
}

fn state_of(set: &KeySet, key: &NewKey) -> Option<KeyState> {
    match key {
        NewKey::Bundle(key) => set.bundle_keys.iter().find(|k| k.key == *key).map(|k| k.state),
        NewKey::Ca(certificate) => set.cas.iter().find(|ca| ca.certificate == *certificate).map(|ca| ca.state),
    }
}

fn next_bundle_key(tls: &Path) -> Result<Option<SigningKey>, DataDirError> {
    let path = tls.join("bundle_key.next");
    path.exists().then(|| read_secret(&path)).transpose()
}

fn next_authority(tls: &Path) -> Result<Option<Vec<u8>>, DataDirError> {
    let path = tls.join("ca.next");
    path.exists().then(|| read_certificate(&path)).transpose()
}

/// Returns the bundle keys whose secret halves are here.
fn bundle_keys(tls: &Path) -> Result<Vec<VerifyingKey>, DataDirError> {
    let own = read_secret(&tls.join("bundle_key"))?;
    Ok(std::iter::once(own).chain(next_bundle_key(tls)?).map(|key| key.verifying_key()).collect())
}

/// Returns the authorities whose keys are here.
fn authorities(tls: &Path) -> Result<Vec<Vec<u8>>, DataDirError> {
    let own = read_certificate(&tls.join("ca"))?;
    Ok(std::iter::once(own).chain(next_authority(tls)?).collect())
}

fn slices(certificates: &[Vec<u8>]) -> Vec<&[u8]> {
    certificates.iter().map(Vec::as_slice).collect()
}

fn read_certificate(path: &Path) -> Result<Vec<u8>, DataDirError> {
    let failed = |error| DataDirError::Certificate { path: path.to_owned(), error };
    private::read(path).and_then(|text| certificate_from_pem(&text).map_err(failed))
}
