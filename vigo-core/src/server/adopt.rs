//! An envoy that the database has lost, and that proves itself all the same.
//!
//! Its certificate says that this fleet enrolled it, and under which name; its id is made of its identity key, so that
//! whoever shows the key that fits the id, and signs with it, is that envoy.

use super::enrol::{checked_name, screened};
use super::{Caller, NotAdmitted};
use crate::bundle::{Assignment, KeySet, Signed};
use crate::fleet::FleetIndex;
use crate::id::EnvoyId;
use crate::time::Timestamp;
use crate::wire::message::{CheckIn, Refused};
use crate::wire::{Channel, Envelope, Exporter, ReplayWindow, WireError};
use alloc::boxed::Box;
use alloc::string::String;
use ed25519_dalek::VerifyingKey;
use thiserror::Error;

/// An envoy that may be taken up again. Whether it was revoked is for the driver to look up, in what no restore takes back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Adoption {
    /// Its id.
    pub id: EnvoyId,
    /// Its identity key.
    pub key: VerifyingKey,
    /// The name that it has had last, as far as is known.
    pub hostname: String,
}

/// Why an envoy that is not known is not adopted.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum NotAdopted {
    /// It has not shown its identity key: it is to do so with its next check-in.
    #[error("this server does not know the envoy")]
    NotShown,
    /// The certificate has ended, or its authority is retired: by itself it proves nothing any more. Somebody may let the
    /// machine in all the same: see [`Waiting`](super::Waiting).
    #[error("this server does not know the envoy, and its certificate has expired or is of a retired authority")]
    Certificate(Box<Adoption>),
    /// The key is not that of the id, is weak, or has not signed this request, or the name is none.
    #[error("this server does not know the envoy, which does not prove itself: {0}")]
    Unproven(#[from] NotAdmitted),
    /// Another has its name by now.
    #[error("this server does not know the envoy, and `{hostname}` is enrolled as envoy {holder}")]
    NameTaken {
        /// The name.
        hostname: String,
        /// Who has it.
        holder: EnvoyId,
    },
    /// It was thrown out; its id never comes back.
    #[error("envoy {0} was revoked")]
    Revoked(EnvoyId),
}

impl NotAdopted {
    /// Returns what the machine is told.
    pub fn refused(&self) -> Refused {
        let (code, help) = match self {
            Self::NotShown => (Refused::UNKNOWN, "run bootstrap again"),
            Self::Certificate(_) => {
                (Refused::UNKNOWN, "it waits for `vigocli envoys rebootstrap --all`, or run bootstrap again")
            }
            Self::Unproven(_) => (Refused::INVALID, "run bootstrap again"),
            // To enrol helps no more than to show what was shown.
            Self::NameTaken { .. } => (Refused::NOT_ADMITTED, "give that one another name by `vigocli envoys rename`"),
            Self::Revoked(_) => (Refused::REVOKED, "enrol it with a new identity"),
        };
        Refused { code: code.into(), message: alloc::format!("{self}; {help}") }
    }
}

/// Somebody who is not known, over a connection with a certificate.
#[derive(Clone, Copy, Debug)]
pub struct Stranger<'a> {
    /// What the certificate says.
    pub caller: &'a Caller,
    /// The name in the certificate.
    pub hostname: &'a str,
    /// By which it is judged what it shows.
    pub keyset: &'a KeySet,
}

/// Decides whether the sender of a check-in, who is not known, is an envoy of this fleet. It gets the name of the assignment
/// that it shows, where a key that is believed has signed that: it was renamed since its certificate was made. Where its
/// certificate is no good the word of a retired key does, since a person looks at it. A request that is proved counts as
/// seen, whatever comes of it.
///
/// # Errors
/// [`NotAdopted`]; never [`NotAdopted::Revoked`].
pub fn adopt(
    envelope: &Envelope,
    stranger: Stranger<'_>,
    exporter: &Exporter,
    replays: &mut ReplayWindow,
    fleet: &FleetIndex,
    now: Timestamp,
) -> Result<Adoption, NotAdopted> {
    let Stranger { caller, hostname, keyset } = stranger;
    let check_in: CheckIn = envelope.message().map_err(NotAdmitted::from)?;
    if check_in.identity_key.is_empty() {
        return Err(NotAdopted::NotShown);
    }
    let key = screened(&check_in.identity_key)?;
    if EnvoyId::of(&key) != caller.id || envelope.envoy_id != caller.id {
        return Err(NotAdmitted::from(WireError::BadSignature).into());
    }
    envelope.verify(Channel::Request, &key, exporter).map_err(NotAdmitted::from)?;
    replays.accept(envelope.sequence).map_err(NotAdmitted::from)?;
    let is_good = caller.is_trusted && caller.not_after >= now;
    let keys = match is_good {
        true => keyset.believed(),
        false => keyset.bundle_keys.iter().map(|known| known.key).collect(),
    };
    let shown = Signed::decode(&check_in.shown_assignment).ok();
    let shown = shown.and_then(|signed| Assignment::verify(&signed, &keys).ok());
    let shown = shown.filter(|assignment| assignment.envoy_id == caller.id);
    let hostname = checked_name(shown.as_ref().map_or(hostname, |assignment| &assignment.hostname))?;
    match fleet.named(&hostname) {
        Some(holder) => Err(NotAdopted::NameTaken { hostname, holder: holder.id }),
        None if !is_good => Err(NotAdopted::Certificate(Box::new(Adoption { id: caller.id, key, hostname }))),
        None => Ok(Adoption { id: caller.id, key, hostname }),
    }
}
