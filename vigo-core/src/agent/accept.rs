//! What of an answer is believed.

use super::policy::{self, Held, PolicyError};
use super::step::{BundleRecord, Record};
use super::validity::Validity;
use crate::bundle::{KeyId, KeySet, KeySetError, Signed};
use crate::id::EnvoyId;

/// By what an agent judges an answer.
pub(super) struct Judge<'a> {
    pub(super) id: EnvoyId,
    pub(super) keyset: &'a KeySet,
    pub(super) signed: &'a Signed,
    pub(super) floor: u64,
    pub(super) held: Option<&'a Held>,
}

/// What of an answer is believed, until it is stored.
#[derive(Default)]
pub(super) struct Accepted {
    pub(super) keyset: Option<(KeySet, Signed)>,
    pub(super) policy: Option<Held>,
    pub(super) validity: Option<Validity>,
}

impl Judge<'_> {
    /// Judges the key set of an answer. `None` is the one at hand.
    pub(super) fn keyset(&self, bytes: &[u8]) -> Result<Option<(KeySet, Signed)>, PolicyError> {
        let signed = Signed::decode(bytes).map_err(KeySetError::from)?;
        let next = self.keyset.successor(&signed)?;
        Ok((next.version > self.keyset.version).then_some((next, signed)))
    }

    /// Judges assignment and bundle of an answer.
    pub(super) fn policy(&self, assignment: &[u8], bundle: Option<&[u8]>) -> Result<(Held, Record), PolicyError> {
        let bad = |what| move |why| PolicyError::Signed { what, why };
        let keys = self.keyset.believed();
        let signed = Signed::decode(assignment).map_err(bad("the assignment"))?;
        let assignment = policy::assignment(&signed, &keys, self.id)?;
        if assignment.serial < self.floor {
            return Err(PolicyError::Older { floor: self.floor, found: assignment.serial });
        }
        let is_believed = |key| keys.iter().any(|k| KeyId::of(k) == key);
        let (bundle_key, bundle) = match (assignment.bundle_digest, bundle, self.held) {
            (None, ..) => (None, BundleRecord::None),
            (Some(digest), Some(bytes), _) => {
                let bundle = Signed::decode(bytes).map_err(bad("the bundle"))?;
                policy::policy_bundle(&bundle, digest, &keys)?;
                (Some(bundle.key_id), BundleRecord::New(bundle))
            }
            // The bundle at hand was verified when it came, and is verified again before it is used.
            (Some(digest), None, Some(held))
                if held.assignment.bundle_digest == Some(digest) && held.bundle_key.is_some_and(is_believed) =>
            {
                (held.bundle_key, BundleRecord::Kept)
            }
            (Some(digest), None, _) => return Err(policy::other_bundle(digest, None)),
        };
        let record = Record::Policy { keyset: self.signed.clone(), assignment: signed.clone(), bundle };
        Ok((Held::new(assignment, signed, bundle_key), record))
    }
}
