//! What survives the crash of a machine.

use crate::agent::{BundleRecord, Counters, OrderState, Policy, Record, Stored};
use crate::bundle::{OrderId, Signed, VerifyingKey};
use crate::time::Timestamp;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The disk of an envoy: a database, and what lies beside the identity.
#[derive(Clone)]
pub(super) struct Disk {
    pub(super) keyset: Signed,
    pub(super) certificate: Vec<u8>,
    floor: u64,
    servers: Vec<String>,
    pub(super) policy: Option<Policy>,
    pub(super) reports: BTreeMap<u64, Arc<[u8]>>,
    taken: Option<u64>,
    orders: BTreeMap<OrderId, (Timestamp, OrderState)>,
    pub(super) counters: Counters,
}

impl Disk {
    /// Returns the disk of a machine that has just enrolled.
    pub(super) fn new(keyset: Signed, certificate: Vec<u8>, incarnation: u64) -> Self {
        let mut disk = Self {
            keyset,
            certificate,
            floor: 0,
            servers: Vec::new(),
            policy: None,
            reports: BTreeMap::new(),
            taken: None,
            orders: BTreeMap::new(),
            counters: Counters::default(),
        };
        disk.lose_database(incarnation);
        disk
    }

    /// The database is gone, and there is a new one.
    pub(super) fn lose_database(&mut self, incarnation: u64) {
        self.policy = None;
        self.reports.clear();
        self.taken = None;
        self.orders.clear();
        self.counters = Counters { incarnation, ..Counters::default() };
    }

    pub(super) fn stored(&self, identity: VerifyingKey, root: VerifyingKey) -> Stored {
        let waiting = self.reports.range(self.taken.map_or(0, |taken| taken.saturating_add(1))..);
        Stored {
            identity,
            root,
            keyset: self.keyset.clone(),
            certificate: self.certificate.clone(),
            serial_floor: self.floor,
            policy: self.policy.clone(),
            reports: waiting.map(|(seq, bytes)| (*seq, bytes.len() as u64)).collect(),
            taken: self.taken,
            orders: self.orders.iter().map(|(id, (at, state))| (*id, *at, state.clone())).collect(),
            counters: self.counters,
        }
    }

    /// Makes the records for the database durable: all or none.
    pub(super) fn store_in_database(&mut self, records: &[Record]) {
        for record in records {
            match record.clone() {
                Record::Policy { keyset, assignment, bundle } => {
                    let bundle = match bundle {
                        BundleRecord::Kept => self.policy.take().and_then(|policy| policy.bundle),
                        BundleRecord::New(bundle) => Some(bundle),
                        BundleRecord::None => None,
                    };
                    self.policy = Some(Policy { keyset, assignment, bundle });
                }
                Record::Report { seq, bytes } => _ = self.reports.insert(seq, bytes),
                Record::Forget { seqs } => seqs.iter().for_each(|seq| _ = self.reports.remove(seq)),
                Record::Taken(seq) => {
                    self.reports = self.reports.split_off(&seq);
                    self.taken = Some(seq);
                }
                Record::Counters(counters) => self.counters = counters,
                Record::Order { id, not_after, state } => _ = self.orders.insert(id, (not_after, state)),
                Record::ForgetOrders(ids) => ids.iter().for_each(|id| _ = self.orders.remove(id)),
                Record::KeySet(_) | Record::SerialFloor(_) | Record::Certificate(_) | Record::Servers(_) => {}
            }
        }
    }

    /// Makes a record durable that lies beside the identity.
    pub(super) fn store_beside(&mut self, record: &Record) {
        match record.clone() {
            Record::KeySet(signed) => self.keyset = signed,
            Record::SerialFloor(serial) => self.floor = serial,
            Record::Certificate(der) => self.certificate = der,
            Record::Servers(servers) => self.servers = servers,
            _ => {}
        }
    }
}
