//! The server's disk goes back in time, by whatever means, and agents remember more than it.

use super::link::Link;
use super::server::{Disk, Row, Server, Token, issue};
use crate::id::EnvoyId;
use crate::server::{
    AuditStamp, Found, NotAdopted, Remembered, RestoreMark, Stranger, WentBack, WentBackBy, adopt, went_back,
};
use crate::time::Timestamp;
use crate::wire::Envelope;
use crate::wire::message::Refused;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use sha2::{Digest as _, Sha256};

/// How the disk is put back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum By {
    /// By a restore, which leaves its mark.
    Restore,
    /// By hand: the stamp beside the keys tells.
    Hand,
    /// With all that lies beside it: nothing tells but the agents.
    Volume,
}

/// What lies beside the server's disk, and what only somebody who watches knows.
#[derive(Default)]
pub(super) struct Beside {
    /// Who was thrown out; no restore takes that back.
    pub(super) revoked: BTreeSet<EnvoyId>,
    mark: Option<RestoreMark>,
    stamp: Option<AuditStamp>,
    /// Rows of the audit that were ever written: no two are the same.
    written: u64,
    /// How often an envoy has told that the disk went back.
    pub(super) told: u64,
    /// Envoys that were taken up again.
    pub(super) adopted: u64,
    /// Of them those that somebody has let in.
    pub(super) let_in: u64,
    /// Envoys that were enrolled anew without a token.
    pub(super) enrolled_anew: u64,
    /// Names in the certificates that were made.
    pub(super) names: BTreeMap<EnvoyId, String>,
    /// Envoys that every token has made, whatever the disk knows of them.
    pub(super) uses: BTreeMap<String, usize>,
    /// The past is void, as far as this process knows: the disk went back.
    is_void: bool,
    /// The newest time on the disk when the server started.
    newest: Timestamp,
    /// Orders of up to then are void, whatever the disk says.
    pub(super) void_until: Timestamp,
    /// One of them was offered.
    pub(super) is_stale: bool,
}

impl Beside {
    /// Loses what lies beside the disk, but for what only somebody who watches knows, and whom he throws out again.
    pub(super) fn forget(&mut self) {
        (self.mark, self.stamp) = (None, None);
    }
}

impl Server {
    /// Puts the disk back to an earlier state; the server is down.
    pub(super) fn put_back(&mut self, disk: Disk, by: By) {
        if by == By::Restore {
            let audit = i64::try_from(disk.audit.len()).unwrap_or(0);
            self.beside.mark = Some(RestoreMark { created: disk.newest, schema: 1, audit });
        }
        if by == By::Volume {
            self.beside.stamp = stamp(&disk);
        } else {
            self.beside.void_until = disk.newest;
        }
        self.disk = disk;
    }

    /// Notes something in the audit.
    pub(super) fn audit(&mut self) {
        self.beside.written += 1;
        let before = self.disk.audit.last().copied().unwrap_or_default();
        let hash = Sha256::new().chain_update(before).chain_update(self.beside.written.to_be_bytes());
        self.disk.audit.push(hash.finalize().into());
    }

    /// Notes beside the disk what it has.
    pub(super) fn stamp(&mut self) {
        self.beside.stamp = stamp(&self.disk).or(self.beside.stamp);
    }

    /// Returns whether a restore by hand would show: there is more than the stamp of the disk tells of.
    pub(super) fn tells(&self, disk: &Disk) -> bool {
        let row = |stamp: AuditStamp| disk.audit.get(usize::try_from(stamp.id - 1).unwrap_or(usize::MAX)).copied();
        self.beside.stamp.is_some_and(|stamp| row(stamp) != Some(stamp.hash))
    }

    /// Looks at the start whether the disk went back.
    pub(super) fn look_back(&mut self, now: Timestamp) {
        let stamp = self.beside.stamp;
        let row = |stamp: AuditStamp| self.disk.audit.get(usize::try_from(stamp.id - 1).ok()?).copied();
        let found = Found {
            mark: self.beside.mark.take(),
            stamp,
            at_stamp: stamp.and_then(row),
            newest: self.disk.newest,
            now,
            ends_at_stamp: false,
            is_other_file: false,
        };
        (self.beside.newest, self.beside.is_void) = (self.disk.newest, false);
        for id in &self.beside.revoked {
            self.disk.envoys.get_mut(id).into_iter().for_each(|row| row.revoked = true);
        }
        if let Some(went_back) = went_back(&found) {
            self.void_past(&went_back);
        }
        self.stamp();
    }

    /// Makes void what the disk has of the past.
    fn void_past(&mut self, went_back: &WentBack) {
        let until = match went_back.by {
            WentBackBy::Mark | WentBackBy::Stamp | WentBackBy::OtherFile => Timestamp::from_epoch_ms(i64::MAX),
            WentBackBy::Shown(_) => self.beside.newest,
        };
        self.disk.tokens.values_mut().for_each(|token: &mut Token| token.record.uses_left = 0);
        self.disk.orders.retain(|_, order| order.issued_at > until);
        if let Some(fleet) = self.fleet_mut() {
            fleet.void_orders(until);
        }
        self.beside.is_void = true;
        self.audit();
    }

    /// Takes what an envoy has shown that the disk does not remember.
    pub(super) fn remembered(&mut self, id: EnvoyId, seen: &Remembered) {
        self.beside.told += 1;
        if !self.beside.is_void {
            self.beside.void_until = self.beside.newest;
            self.void_past(&WentBack { by: WentBackBy::Shown(id), from: self.beside.newest, to: seen.at });
        }
        if let (Some(row), Some(maintenance)) = (self.disk.envoys.get_mut(&id), seen.maintenance) {
            row.maintenance = maintenance;
        }
        if self.is_calm {
            // Somebody ends it, as with all others.
            self.wake(id);
        }
    }

    /// Takes up an envoy that the disk has lost.
    pub(super) fn adopt(&mut self, link: &mut Link, envelope: &Envelope, now: Timestamp) -> Result<(), Refused> {
        let unknown = || Refused { code: Refused::UNKNOWN.into(), message: "it is not known".into() };
        let (id, not_after) = link.certificate.ok_or_else(unknown)?;
        let hostname = self.beside.names.get(&id).cloned().ok_or_else(unknown)?;
        let caller = crate::server::Caller { id, not_after, is_trusted: link.is_trusted };
        let stranger = Stranger { caller: &caller, hostname: &hostname, keyset: &self.set };
        let fleet = self.fleet().ok_or_else(unknown)?;
        let adoption = adopt(envelope, stranger, &link.exporter, &mut link.replays, fleet, now);
        if self.beside.revoked.contains(&id) {
            return Err(NotAdopted::Revoked(id).refused());
        }
        let is_good = adoption.is_ok();
        let adoption = match adoption {
            Err(NotAdopted::Certificate(adoption)) => {
                let from = core::net::IpAddr::from([192, 0, 2, 1]);
                match self.waiting.heard((*adoption).clone(), from, now) {
                    Some(_) => *adoption,
                    None => return Err(NotAdopted::Certificate(adoption).refused()),
                }
            }
            adoption => adoption.map_err(|why| why.refused())?,
        };
        self.beside.adopted += 1;
        self.disk.envoys.insert(id, Row::new(adoption.key, adoption.hostname.clone()));
        self.audit();
        self.take_up(&adoption, now);
        if is_good {
            return Ok(());
        }
        self.beside.let_in += 1;
        self.waiting.forget(id);
        Err(Refused { code: Refused::RENEW.into(), message: "renew the certificate".into() })
    }

    /// Returns the certificate of an envoy.
    pub(super) fn certify(&mut self, id: EnvoyId, hostname: &str, now: Timestamp) -> alloc::vec::Vec<u8> {
        self.beside.names.insert(id, hostname.into());
        let certificate = issue(now);
        self.issued.insert(certificate.clone(), self.authority);
        certificate
    }
}

fn stamp(disk: &Disk) -> Option<AuditStamp> {
    let id = i64::try_from(disk.audit.len()).ok()?;
    disk.audit.last().map(|hash| AuditStamp { id, hash: *hash, at: disk.newest })
}
