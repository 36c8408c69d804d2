//! What binds a bundle to one envoy and one moment.

use super::{BundleError, Purpose, Signed};
use crate::id::EnvoyId;
use crate::time::{Duration, Timestamp};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use ed25519_dalek::{SigningKey, VerifyingKey};
use prost::Message;
use sha2::{Digest as _, Sha256};

/// Which bundle one envoy applies from now on, and what is the envoy's own beside it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assignment {
    /// The envoy; no other believes it.
    pub envoy_id: EnvoyId,
    /// Its name, which the server decided.
    pub hostname: String,
    /// Its environment; empty where none applies.
    pub environment: String,
    /// [`Signed::digest`] of the bundle; `None` is *manage nothing*.
    pub bundle_digest: Option<[u8; 32]>,
    /// Changes are reported, not made.
    pub observe_only: bool,
    /// Whether nothing is converged for now.
    pub maintenance: Maintenance,
    /// How long it is applied without a word of the server; zero is for ever.
    pub max_age: Duration,
    /// Time between check-ins.
    pub interval: Duration,
    /// The most that is added to an interval.
    pub splay: Duration,
    /// Rises with every assignment that a server makes: an agent never goes back.
    pub serial: u64,
    /// When it was made, by the server's clock.
    pub issued_at: Timestamp,
}

/// Whether an envoy leaves its machine alone for now: somebody works on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Maintenance {
    /// It converges.
    #[default]
    No,
    /// It does not, until it is told otherwise.
    Open,
    /// It does not before this time; then it does, whether or not a server is there.
    Until(Timestamp),
}

impl Maintenance {
    /// Returns whether nothing is converged at `now`.
    pub fn holds(self, now: Timestamp) -> bool {
        match self {
            Self::No => false,
            Self::Open => true,
            Self::Until(end) => now < end,
        }
    }

    /// Returns what is left of it at `now`: one that is over is none.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        if self.holds(now) { self } else { Self::No }
    }

    /// Returns when it ends by itself, if it does.
    pub fn end(self) -> Option<Timestamp> {
        match self {
            Self::No | Self::Open => None,
            Self::Until(end) => Some(end),
        }
    }
}

impl fmt::Display for Maintenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::No => f.write_str("no maintenance"),
            Self::Open => f.write_str("maintenance until somebody ends it"),
            Self::Until(end) => write!(f, "maintenance until {end}"),
        }
    }
}

#[derive(Clone, PartialEq, Message)]
struct Proto {
    #[prost(bytes = "vec", tag = "1")]
    envoy_id: Vec<u8>,
    #[prost(string, tag = "2")]
    hostname: String,
    #[prost(string, tag = "3")]
    environment: String,
    #[prost(bytes = "vec", optional, tag = "4")]
    bundle_digest: Option<Vec<u8>>,
    #[prost(bool, tag = "5")]
    observe_only: bool,
    #[prost(bool, tag = "6")]
    maintenance: bool,
    #[prost(uint64, tag = "7")]
    interval_ms: u64,
    #[prost(uint64, tag = "8")]
    splay_ms: u64,
    #[prost(uint64, tag = "9")]
    serial: u64,
    #[prost(sint64, tag = "10")]
    issued_at_ms: i64,
    #[prost(sint64, optional, tag = "11")]
    maintenance_until_ms: Option<i64>,
    #[prost(uint64, tag = "12")]
    max_age_ms: u64,
}

impl Assignment {
    /// Encodes and signs it.
    pub fn sign(&self, key: &SigningKey) -> Signed {
        Signed::new(Purpose::Assignment, self.proto().encode_to_vec().into(), key)
    }

    /// Returns the assignment, if one of `keys` signed it. Whether it is for this envoy and newer than the one before is
    /// the caller's to ask.
    ///
    /// # Errors
    /// As [`Signed::verify`]; [`BundleError::Malformed`] when it is of another version.
    pub fn verify(signed: &Signed, keys: &[VerifyingKey]) -> Result<Self, BundleError> {
        let malformed = |why: String| BundleError::Malformed { what: "the assignment", at: 0, why };
        let p =
            Proto::decode(signed.verify(Purpose::Assignment, keys)?).map_err(|e| malformed(alloc::format!("{e}")))?;
        let envoy_id = <[u8; 16]>::try_from(&*p.envoy_id).map_err(|_| malformed("expected 16 bytes of id".into()))?;
        let digest = p.bundle_digest.map(|d| <[u8; 32]>::try_from(&*d)).transpose();
        Ok(Self {
            envoy_id: EnvoyId(envoy_id),
            hostname: p.hostname,
            environment: p.environment,
            bundle_digest: digest.map_err(|_| malformed("expected 32 bytes of digest".into()))?,
            observe_only: p.observe_only,
            maintenance: match p.maintenance_until_ms.map(Timestamp::from_epoch_ms) {
                _ if !p.maintenance => Maintenance::No,
                None => Maintenance::Open,
                Some(end) => Maintenance::Until(end),
            },
            max_age: Duration::from_ms(p.max_age_ms),
            interval: Duration::from_ms(p.interval_ms),
            splay: Duration::from_ms(p.splay_ms),
            serial: p.serial,
            issued_at: Timestamp::from_epoch_ms(p.issued_at_ms),
        })
    }

    /// Returns the serial of an assignment that was verified when it was stored: the key that signed it may be retired
    /// since. `None` for what is no assignment.
    pub fn serial_of(stored: &Signed) -> Option<u64> {
        Proto::decode(&*stored.bytes).ok().map(|p| p.serial)
    }

    /// Returns the name in such an assignment, if it has one.
    pub fn hostname_of(stored: &Signed) -> Option<String> {
        Proto::decode(&*stored.bytes).ok().map(|p| p.hostname).filter(|name| !name.is_empty())
    }

    /// Returns what an agent and its server compare to see that nothing changed: all but serial and time, and the keys
    /// that signed assignment and bundle (the zero key where there is no bundle).
    pub fn digest(&self, assignment_key: super::KeyId, bundle_key: super::KeyId) -> [u8; 32] {
        let same = Proto { serial: 0, issued_at_ms: 0, ..self.proto() };
        let hash = Sha256::new().chain_update(assignment_key.0).chain_update(bundle_key.0);
        hash.chain_update(same.encode_to_vec()).finalize().into()
    }

    fn proto(&self) -> Proto {
        Proto {
            envoy_id: self.envoy_id.0.to_vec(),
            hostname: self.hostname.clone(),
            environment: self.environment.clone(),
            bundle_digest: self.bundle_digest.map(|d| d.to_vec()),
            observe_only: self.observe_only,
            // An agent of before the ends knows only this.
            maintenance: self.maintenance != Maintenance::No,
            interval_ms: self.interval.as_ms(),
            splay_ms: self.splay.as_ms(),
            serial: self.serial,
            issued_at_ms: self.issued_at.epoch_ms(),
            maintenance_until_ms: self.maintenance.end().map(Timestamp::epoch_ms),
            max_age_ms: self.max_age.as_ms(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maintenance_arrives_as_it_was_sent_and_that_of_an_older_server_has_no_end() {
        let key = SigningKey::from_bytes(&[1; 32]);
        let read = |proto: &Proto| {
            let signed = Signed::new(Purpose::Assignment, proto.encode_to_vec().into(), &key);
            Assignment::verify(&signed, &[key.verifying_key()]).expect("it is signed")
        };
        let older = Proto { envoy_id: [3; 16].to_vec(), maintenance: true, ..Proto::default() };
        let mut assignment = read(&older);
        assert_eq!((assignment.maintenance, assignment.max_age), (Maintenance::Open, Duration::ZERO));
        for maintenance in [Maintenance::No, Maintenance::Open, Maintenance::Until(Timestamp::from_epoch_ms(-5))] {
            assignment.maintenance = maintenance;
            assignment.max_age = Duration::from_ms(7);
            assert_eq!(read(&assignment.proto()), assignment);
        }
    }
}
