//! What a server serves.

use super::HoldSettings;
use super::restored::UNWRITTEN_MAX;
use crate::bundle::{KeyId, Signed};
use crate::fleet::ClassOf;
use crate::secret::SecretNeeds;
use crate::time::{Duration, Timestamp};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;
use ed25519_dalek::SigningKey;

/// The policy that is published, as check-ins need it.
#[derive(Clone, Debug, Default)]
pub struct ServedPolicy {
    /// The classes; [`ClassOf::Class`](crate::fleet::ClassOf::Class) is an index into them.
    pub classes: Vec<ServedClass>,
    /// Whether there was a publish at all: before it no assignment is made.
    pub is_published: bool,
}

impl ServedPolicy {
    /// Returns the class that an envoy is of, if it is of one.
    pub fn class(&self, class: ClassOf) -> Option<&ServedClass> {
        match class {
            ClassOf::Class(index) => self.classes.get(index as usize),
            ClassOf::None | ClassOf::Pending => None,
        }
    }

    /// Returns whether an envoy that had `class` of the policy `before` gets the same by `own` of this one.
    pub fn gives_the_same(&self, own: ClassOf, before: &Self, class: ClassOf) -> bool {
        match (self.class(own), before.class(class)) {
            (None, None) => own == class,
            (Some(a), Some(b)) => {
                (a.digest, a.key_id, &a.environment) == (b.digest, b.key_id, &b.environment)
                    && (a.observe_only, a.always_hold, a.secrets_epoch)
                        == (b.observe_only, b.always_hold, b.secrets_epoch)
            }
            _ => false,
        }
    }
}

/// One class.
#[derive(Clone, Debug)]
pub struct ServedClass {
    /// Its environment; empty where none applies.
    pub environment: String,
    /// [`Signed::encode`] of its bundle.
    pub bundle: Arc<[u8]>,
    /// [`Signed::digest`] of it.
    pub digest: [u8; 32],
    /// Who signed it.
    pub key_id: KeyId,
    /// Changes are reported, not made.
    pub observe_only: bool,
    /// Its envoys stay connected.
    pub always_hold: bool,
    /// The secrets of its policy.
    pub secrets: Arc<SecretNeeds>,
    /// The newest revision of any of them; 0 where there is none.
    pub secrets_epoch: u64,
}

/// How often envoys come, and where to, from `server.yaml`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckInSettings {
    /// Time between check-ins.
    pub interval: Duration,
    /// The most that is added to it.
    pub splay: Duration,
    /// The whole fleet reports changes and makes none.
    pub observe_only: bool,
    /// How long envoys apply a policy without a word of the server; zero is for ever.
    pub bundle_max_age: Duration,
    /// Time until an envoy comes again whose class is not known yet.
    pub soon: Duration,
    /// Whose connection is held.
    pub hold: HoldSettings,
    /// Where agents find the fleet's servers, `host:port`; those that are to be dialled first come first. None: they are
    /// told nothing, and go on with what they have.
    pub servers: Arc<[String]>,
}

/// What makes assignments: the bundle key, and the highest serial so far.
pub struct Signer {
    key: SigningKey,
    last_serial: u64,
    /// Serials that were given before the start and after the newest row of the database: the time that it has lost.
    lost: Range<u64>,
}

impl Signer {
    /// Returns a signer that goes on after `last_serial`.
    pub fn new(key: SigningKey, last_serial: u64) -> Self {
        Self { key, last_serial, lost: 0..0 }
    }

    /// Returns it as that of a server which has started at `now`, with a database whose newest row has the time of the last
    /// serial: what was given between the two it has forgotten.
    pub fn started(mut self, now: Timestamp) -> Self {
        let first = self.last_serial.saturating_add(UNWRITTEN_MAX.as_ms()).saturating_add(1);
        self.lost = first..u64::try_from(now.epoch_ms()).unwrap_or(0);
        self
    }

    /// Returns whether a serial, if it is one of this fleet, was given by a server that knew more than this one.
    pub(super) fn has_lost(&self, serial: u64) -> bool {
        self.lost.contains(&serial)
    }

    /// Takes another key: the one before was retired. Serials go on.
    pub fn set_key(&mut self, key: SigningKey) {
        self.key = key;
    }

    /// Returns the highest serial so far.
    pub fn last_serial(&self) -> u64 {
        self.last_serial
    }

    /// Returns the key.
    pub(super) fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Returns the serial of an assignment made at `now_ms`, later than all before it.
    pub(super) fn next_serial(&self, now_ms: i64) -> u64 {
        u64::try_from(now_ms).unwrap_or(0).max(self.last_serial.saturating_add(1))
    }

    /// Takes a serial as used.
    pub(super) fn use_serial(&mut self, serial: u64) {
        self.last_serial = self.last_serial.max(serial);
        // The clock may have been ahead at the start, and been set back: what is given now was not given before.
        self.lost.end = self.lost.end.min(serial);
    }
}

impl ServedClass {
    /// Returns the class of a signed bundle.
    pub fn new(bundle: &Signed, environment: String, observe_only: bool, always_hold: bool) -> Self {
        let (digest, key_id) = (bundle.digest(), bundle.key_id);
        let bundle = bundle.encode().into();
        let (secrets, secrets_epoch) = (Arc::default(), 0);
        Self { environment, bundle, digest, key_id, observe_only, always_hold, secrets, secrets_epoch }
    }

    /// Returns it with the secrets that its policy needs.
    pub fn with_secrets(mut self, secrets: Arc<SecretNeeds>) -> Self {
        self.secrets = secrets;
        self
    }
}
