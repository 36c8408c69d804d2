//! How a key takes the place of another.
//!
//! The new key is announced as [`KeyState::Next`]; when those who should know it do, it becomes [`KeyState::Active`] and
//! the one before [`KeyState::Retired`]. Each is a version of the key set, signed by the root; both may be signed when it
//! begins, so that the root is needed once.

use super::{Ca, KeySet, KeyState, TrustedKey};
use crate::limits::RETIRED_KEYS_MAX;
use alloc::vec::Vec;
use core::fmt;
use ed25519_dalek::VerifyingKey;

/// Which of a fleet's keys are rotated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyKind {
    /// The key that signs bundles and assignments.
    Bundle,
    /// The authority that signs certificates.
    Ca,
}

/// A key that is to take the place of another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NewKey {
    /// The public half of a bundle key.
    Bundle(VerifyingKey),
    /// The certificate of an authority, DER.
    Ca(Vec<u8>),
}

impl KeyKind {
    /// Returns the word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Bundle => "bundle",
            Self::Ca => "ca",
        }
    }

    /// Returns what the word stands for.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Bundle, Self::Ca].into_iter().find(|kind| kind.word() == word)
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bundle => "bundle key",
            Self::Ca => "authority",
        })
    }
}

impl KeySet {
    /// Returns which kind of key is being rotated: one of it is announced.
    pub fn rotating(&self) -> Option<KeyKind> {
        let is_next = |state: KeyState| state == KeyState::Next;
        match () {
            () if self.bundle_keys.iter().any(|k| is_next(k.state)) => Some(KeyKind::Bundle),
            () if self.cas.iter().any(|ca| is_next(ca.state)) => Some(KeyKind::Ca),
            () => None,
        }
    }

    /// Returns the next version, which announces `key`; none while another is announced.
    pub fn announcing(&self, key: NewKey) -> Option<Self> {
        self.rotating().is_none().then(|| self.with(key, KeyState::Next))
    }

    /// Returns the next version, in which what was announced is active; none when nothing is.
    pub fn switched(&self) -> Option<Self> {
        let kind = self.rotating()?;
        let mut next = self.following();
        let step = |state: &mut KeyState| match *state {
            KeyState::Active => *state = KeyState::Retired,
            KeyState::Next => *state = KeyState::Active,
            KeyState::Retired => {}
        };
        match kind {
            KeyKind::Bundle => next.bundle_keys.iter_mut().for_each(|k| step(&mut k.state)),
            KeyKind::Ca => next.cas.iter_mut().for_each(|ca| step(&mut ca.state)),
        }
        next.forget_oldest();
        Some(next)
    }

    /// Returns the next version, in which each of `keys` is the one that is active of its kind: the others' secret halves
    /// are lost, or not to be trusted.
    pub fn replacing(&self, keys: impl IntoIterator<Item = NewKey>) -> Self {
        let mut next = self.following();
        for key in keys {
            match key {
                NewKey::Bundle(_) => next.bundle_keys.iter_mut().for_each(|k| k.state = KeyState::Retired),
                NewKey::Ca(_) => next.cas.iter_mut().for_each(|ca| ca.state = KeyState::Retired),
            }
            next = Self { version: next.version, ..next.with(key, KeyState::Active) };
        }
        next
    }

    /// Returns the kinds of which a key is active or announced that is none of those at hand.
    pub fn lacking(&self, bundle_keys: &[VerifyingKey], cas: &[&[u8]]) -> Vec<KeyKind> {
        let lives = |state: KeyState| state != KeyState::Retired;
        let bundle = self.bundle_keys.iter().any(|k| lives(k.state) && !bundle_keys.contains(&k.key));
        let ca = self.cas.iter().any(|ca| lives(ca.state) && !cas.contains(&&*ca.certificate));
        [(bundle, KeyKind::Bundle), (ca, KeyKind::Ca)].into_iter().filter(|k| k.0).map(|k| k.1).collect()
    }

    fn following(&self) -> Self {
        Self { version: self.version.saturating_add(1), ..self.clone() }
    }

    /// Returns the next version with one key more. Of the retired, the oldest make room.
    fn with(&self, key: NewKey, state: KeyState) -> Self {
        let mut next = self.following();
        match key {
            NewKey::Bundle(key) => next.bundle_keys.push(TrustedKey { key, state }),
            NewKey::Ca(certificate) => next.cas.push(Ca { certificate, state }),
        }
        next.forget_oldest();
        next
    }

    fn forget_oldest(&mut self) {
        forget_oldest(&mut self.bundle_keys, |k| k.state);
        forget_oldest(&mut self.cas, |ca| ca.state);
    }
}

/// Takes the oldest of the retired away: what is not named is not believed, either.
fn forget_oldest<K>(keys: &mut Vec<K>, state: impl Fn(&K) -> KeyState) {
    let retired = keys.iter().filter(|k| state(k) == KeyState::Retired).count();
    let mut surplus = retired.saturating_sub(RETIRED_KEYS_MAX);
    keys.retain(|k| {
        let goes = surplus > 0 && state(k) == KeyState::Retired;
        surplus -= usize::from(goes);
        !goes
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::SigningKey;
    use alloc::vec;

    fn key(seed: u8) -> VerifyingKey {
        SigningKey::from_bytes(&[seed; 32]).verifying_key()
    }

    fn first() -> KeySet {
        KeySet {
            version: 1,
            root: key(1),
            bundle_keys: vec![TrustedKey { key: key(2), state: KeyState::Active }],
            cas: vec![Ca { certificate: vec![3], state: KeyState::Active }],
        }
    }

    type States<K> = Vec<(K, KeyState)>;

    fn states(set: &KeySet) -> (States<VerifyingKey>, States<u8>) {
        let cas = set.cas.iter().map(|ca| (ca.certificate[0], ca.state)).collect();
        (set.bundle_keys.iter().map(|k| (k.key, k.state)).collect(), cas)
    }

    #[test]
    fn a_key_is_announced_then_active_and_the_other_retired() {
        use KeyState::{Active, Next, Retired};
        let set = first();
        assert_eq!((set.rotating(), set.switched()), (None, None));
        let announced = set.announcing(NewKey::Bundle(key(4))).expect("nothing is under way");
        assert_eq!((announced.version, announced.rotating()), (2, Some(KeyKind::Bundle)));
        assert_eq!(states(&announced), (vec![(key(2), Active), (key(4), Next)], vec![(3, Active)]));
        assert_eq!(announced.announcing(NewKey::Ca(vec![5])), None, "one at a time");
        let switched = announced.switched().expect("it was announced");
        assert_eq!((switched.version, switched.rotating()), (3, None));
        assert_eq!(states(&switched), (vec![(key(2), Retired), (key(4), Active)], vec![(3, Active)]));
        assert_eq!(switched.believed(), [key(4)]);

        let ca = switched.announcing(NewKey::Ca(vec![5])).and_then(|set| set.switched()).expect("a rotation");
        assert_eq!(ca.version, 5);
        assert_eq!(states(&ca).1, [(3, Retired), (5, Active)]);
        assert_eq!(ca.authorities().collect::<Vec<_>>(), [&[5][..]]);
    }

    #[test]
    fn what_a_server_has_lost_is_retired_for_what_it_has_made() {
        use KeyState::{Active, Retired};
        let newer = first().announcing(NewKey::Bundle(key(4))).and_then(|set| set.switched()).expect("a rotation");
        assert_eq!(newer.lacking(&[key(2)], &[&[3]]), [KeyKind::Bundle]);
        assert_eq!(newer.lacking(&[key(4)], &[&[3]]), []);
        assert_eq!(newer.lacking(&[], &[]), [KeyKind::Bundle, KeyKind::Ca]);
        let own = newer.replacing([NewKey::Bundle(key(6)), NewKey::Ca(vec![7])]);
        assert_eq!(own.version, 4);
        let keys = vec![(key(2), Retired), (key(4), Retired), (key(6), Active)];
        assert_eq!(states(&own), (keys, vec![(3, Retired), (7, Active)]));
        let announced = first().announcing(NewKey::Ca(vec![9])).expect("nothing is under way");
        assert_eq!(announced.lacking(&[key(2)], &[&[3]]), [KeyKind::Ca], "one that is announced counts");
    }

    #[test]
    fn a_key_set_of_many_rotations_fits_the_smallest_envelope() {
        let mut set = first();
        for n in 0..100u8 {
            set = set.announcing(NewKey::Ca(vec![n; 480])).and_then(|set| set.switched()).expect("a rotation");
            set = set.announcing(NewKey::Bundle(key(n))).and_then(|set| set.switched()).expect("a rotation");
        }
        assert_eq!((set.cas.len(), set.bundle_keys.len()), (RETIRED_KEYS_MAX + 1, RETIRED_KEYS_MAX + 1));
        assert_eq!(set.authorities().next(), Some(&[99; 480][..]));
        let root = SigningKey::from_bytes(&[1; 32]);
        assert!(set.sign(&root).encode().len() + 512 < crate::limits::ENROL_BYTES_MAX);
    }
}
