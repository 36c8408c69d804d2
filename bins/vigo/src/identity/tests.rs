//! An identity on a disk that is full, or broken, or whose machine dies, at each step of each change.

use super::{Identity, IdentityError, Keys};
use std::fs;
use std::path::PathBuf;
use vigo_core::agent::Record;
use vigo_core::bundle::{Ca, KeyId, KeySet, KeyState, Signed, SigningKey, TrustedKey};
use vigo_driver::disk::{Fault, each_step};

struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("vigo-identity-faults-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        Self(dir)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn keyset(version: u64) -> Signed {
    let root = key(1);
    let set = KeySet {
        version,
        root: root.verifying_key(),
        bundle_keys: vec![TrustedKey { key: key(2).verifying_key(), state: KeyState::Active }],
        cas: vec![Ca { certificate: vec![1, 2, 3], state: KeyState::Active }],
    };
    set.sign(&root)
}

fn enrol(dir: &Dir) -> Result<(), IdentityError> {
    let keys = Keys::load_or_make(&dir.0)?;
    keys.enrolled(&key(1).verifying_key(), &keyset(1), &["a:1".into()], b"a certificate")
}

/// What of an identity changes.
#[derive(Clone, PartialEq, Debug)]
struct State(u64, Vec<String>, Vec<u8>);

fn state(identity: &Identity) -> State {
    let set = KeySet::verify(&identity.signed_keyset, &identity.root).expect("it is the root's");
    State(set.version, identity.servers.clone(), identity.certificate().to_vec())
}

#[test]
fn an_enrolment_that_the_disk_does_not_take_is_asked_for_again_by_the_same_keys() {
    let steps = each_step(
        |_| Dir::new("enrol"),
        enrol,
        |case, _, dir, done| {
            let kept = fs::read(dir.0.join("identity/key")).ok();
            let before = Identity::load(&dir.0).map(|identity| identity.id());
            match &before {
                Ok(_) | Err(IdentityError::Missing(_)) => {}
                Err(error) => panic!("{case}: {error}"),
            }
            assert!(done.is_err() || before.is_ok(), "{case}: it was said to be enrolled");
            enrol(dir).unwrap_or_else(|error| panic!("{case}: {error}"));
            let identity = Identity::load(&dir.0).unwrap_or_else(|error| panic!("{case}: {error}"));
            assert!(before.is_err() || before.is_ok_and(|id| id == identity.id()), "{case}");
            // A key that was there before, and that a server may have seen, is the one that there is.
            let now = fs::read(dir.0.join("identity/key")).expect("it is there");
            assert!(kept.is_none_or(|kept| kept == now), "{case}");
        },
    );
    // Six files, of six steps each.
    assert!(steps > 30, "{steps}");
}

#[test]
fn what_lies_beside_an_identity_is_old_or_new_whatever_the_disk_does() {
    let assignment =
        Signed { key_id: KeyId::of(&key(2).verifying_key()), bytes: vec![0; 8].into(), signature: [0; 64] };
    let records = [
        Record::KeySet(keyset(2)),
        Record::Certificate(b"another certificate".to_vec()),
        Record::Servers(vec!["b:2".into(), "c:3".into()]),
        Record::Highest(assignment),
    ];
    let states = [
        State(1, vec!["a:1".into()], b"a certificate".to_vec()),
        State(2, vec!["a:1".into()], b"a certificate".to_vec()),
        State(2, vec!["a:1".into()], b"another certificate".to_vec()),
        State(2, vec!["b:2".into(), "c:3".into()], b"another certificate".to_vec()),
    ];
    let steps = each_step(
        |_| {
            let dir = Dir::new("beside");
            enrol(&dir).expect("it is enrolled");
            let identity = Identity::load(&dir.0).expect("it is there");
            (dir, std::cell::RefCell::new(identity))
        },
        |(_, identity)| identity.borrow_mut().store(&records),
        |case, fault, (dir, identity), done| {
            let loaded = Identity::load(&dir.0).unwrap_or_else(|error| panic!("{case}: {error}"));
            let found = state(&loaded);
            // In their order: none is there without those before it.
            assert!(states.contains(&found), "{case}: {found:?}");
            assert!(done.is_err() || found == states[3], "{case}: it was said to be kept");
            let mut identity = identity.borrow_mut();
            if fault != Fault::Death {
                // What a step after the renaming refuses is there, but not believed to be.
                let at = |state: &State| states.iter().position(|s| s == state).expect("it is one of them");
                assert!(at(&state(&identity)) <= at(&found), "{case}");
                identity.store(&records).unwrap_or_else(|error| panic!("{case}: {error}"));
                assert_eq!(state(&identity), states[3], "{case}: the next time");
            }
        },
    );
    assert!(steps >= 24, "{steps}");
}
