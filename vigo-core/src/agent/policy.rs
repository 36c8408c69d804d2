//! A policy as it is stored, and whether it is believed.

use crate::bundle::{Assignment, BundleError, KeyId, KeySet, KeySetError, PolicyBundle, Signed, VerifyingKey, verify};
use crate::id::EnvoyId;
use alloc::string::String;
use alloc::sync::Arc;
use thiserror::Error;

/// What a server assigned, with all that it takes to believe it again without a server.
///
/// The key set is the one by which it was believed when it came: a key that was retired since signs nothing new, and what
/// it signed before runs until the server replaces it.
#[derive(Clone, PartialEq, Debug)]
pub struct Policy {
    /// The key set.
    pub keyset: Signed,
    /// The assignment.
    pub assignment: Signed,
    /// The bundle that it names, if it names one.
    pub bundle: Option<Signed>,
}

/// Why a policy is not believed.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The key set is not.
    #[error(transparent)]
    KeySet(#[from] KeySetError),
    /// The assignment or the bundle is not signed as it should be, or is none.
    #[error("{what}: {why}")]
    Signed {
        /// Which of them.
        what: &'static str,
        /// What is wrong.
        why: BundleError,
    },
    /// The assignment or the order is another envoy's.
    #[error("expected what is for `{expected}`, found what is for `{found}`")]
    Foreign {
        /// This envoy.
        expected: EnvoyId,
        /// The other.
        found: EnvoyId,
    },
    /// The assignment is older than one that was believed.
    #[error("expected an assignment of serial {floor} or later, found {found}")]
    Older {
        /// The serial of the newest that was believed.
        floor: u64,
        /// Its serial.
        found: u64,
    },
    /// The bundle is not the one that the assignment names.
    #[error("expected the bundle `{expected}`, found {found}")]
    OtherBundle {
        /// The digest in the assignment.
        expected: String,
        /// The digest of the bundle, or that there is none.
        found: String,
    },
}

/// A policy that was verified.
pub(super) struct Verified {
    pub(super) held: Held,
    pub(super) bundle: Option<Arc<PolicyBundle>>,
}

/// What an agent holds in memory of its policy.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) assignment: Assignment,
    /// As it came, to be shown to a server that has an older one.
    pub(super) signed: Signed,
    /// [`Assignment::digest`].
    pub(super) digest: [u8; 32],
    /// Who signed the bundle.
    pub(super) bundle_key: Option<KeyId>,
}

impl Policy {
    /// Verifies all of it.
    pub(super) fn verified(&self, root: &VerifyingKey, id: EnvoyId) -> Result<Verified, PolicyError> {
        let keys = KeySet::verify(&self.keyset, root)?.believed();
        let assignment = assignment(&self.assignment, &keys, id)?;
        let bundle = match (assignment.bundle_digest, &self.bundle) {
            (None, _) => None,
            (Some(digest), Some(bundle)) => Some((bundle, policy_bundle(bundle, digest, &keys)?)),
            (Some(digest), None) => return Err(other_bundle(digest, None)),
        };
        let bundle_key = bundle.as_ref().map(|(signed, _)| signed.key_id);
        let held = Held::new(assignment, self.assignment.clone(), bundle_key);
        Ok(Verified { held, bundle: bundle.map(|(_, bundle)| Arc::new(bundle)) })
    }
}

impl Held {
    pub(super) fn new(assignment: Assignment, signed: Signed, bundle_key: Option<KeyId>) -> Self {
        let digest = assignment.digest(signed.key_id, bundle_key.unwrap_or(KeyId([0; 32])));
        Self { assignment, signed, digest, bundle_key }
    }
}

/// Verifies an assignment to `id`.
pub(super) fn assignment(signed: &Signed, keys: &[VerifyingKey], id: EnvoyId) -> Result<Assignment, PolicyError> {
    let assignment =
        Assignment::verify(signed, keys).map_err(|why| PolicyError::Signed { what: "the assignment", why })?;
    if assignment.envoy_id != id {
        return Err(PolicyError::Foreign { expected: id, found: assignment.envoy_id });
    }
    Ok(assignment)
}

/// Verifies the bundle that an assignment names by `digest`.
pub(super) fn policy_bundle(
    signed: &Signed,
    digest: [u8; 32],
    keys: &[VerifyingKey],
) -> Result<PolicyBundle, PolicyError> {
    let found = signed.digest();
    if found != digest {
        return Err(other_bundle(digest, Some(found)));
    }
    verify(signed, keys).map_err(|why| PolicyError::Signed { what: "the bundle", why })
}

/// Returns the error of a bundle that is not the one named.
pub(super) fn other_bundle(expected: [u8; 32], found: Option<[u8; 32]>) -> PolicyError {
    let shown = |digest| alloc::format!("{}", KeyId(digest));
    let found = found.map_or("none".into(), |digest| alloc::format!("`{}`", shown(digest)));
    PolicyError::OtherBundle { expected: shown(expected), found }
}
