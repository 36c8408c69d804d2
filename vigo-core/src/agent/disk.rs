//! What an agent has stored, held in memory: for whole fleets in one process, simulated or generated.

use super::policy::Policy;
use super::step::{BundleRecord, Counters, OrderState, Record, Stored};
use crate::bundle::{OrderId, Signed, VerifyingKey};
use crate::time::Timestamp;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The disk of an envoy: a database, and what lies beside the identity. It is as durable as the memory that it is in.
///
/// A driver hands the records of a [`Step::Store`](super::Step::Store) to [`Disk::store_in_database`], and then each to
/// [`Disk::store_beside`].
#[derive(Clone, Debug)]
pub struct Disk {
    /// As [`Record::KeySet`].
    pub keyset: Signed,
    /// As [`Record::Certificate`].
    pub certificate: Vec<u8>,
    /// As [`Record::Highest`].
    pub highest: Option<Signed>,
    /// As [`Record::Servers`].
    pub servers: Vec<String>,
    /// As [`Record::Policy`].
    pub policy: Option<Policy>,
    /// The reports that are not forgotten, by their numbers.
    pub reports: BTreeMap<u64, Arc<[u8]>>,
    /// As [`Record::Taken`].
    pub taken: Option<u64>,
    /// As [`Record::Order`].
    pub orders: BTreeMap<OrderId, (Timestamp, OrderState)>,
    /// As [`Record::Counters`].
    pub counters: Counters,
}

impl Disk {
    /// Returns the disk of a machine that has just enrolled; `incarnation` is random.
    pub fn new(keyset: Signed, certificate: Vec<u8>, incarnation: u64) -> Self {
        let mut disk = Self {
            keyset,
            certificate,
            highest: None,
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

    /// The database is gone, and there is a new one; `incarnation` is random.
    pub fn lose_database(&mut self, incarnation: u64) {
        self.policy = None;
        self.reports.clear();
        self.taken = None;
        self.orders.clear();
        self.counters = Counters { incarnation, ..Counters::default() };
    }

    /// Returns what an agent with this identity starts with.
    pub fn stored(&self, identity: VerifyingKey, root: VerifyingKey) -> Stored {
        let waiting = self.reports.range(self.taken.map_or(0, |taken| taken.saturating_add(1))..);
        Stored {
            identity,
            root,
            keyset: self.keyset.clone(),
            certificate: self.certificate.clone(),
            highest: self.highest.clone(),
            policy: self.policy.clone(),
            reports: waiting.map(|(seq, bytes)| (*seq, bytes.len() as u64)).collect(),
            taken: self.taken,
            orders: self.orders.iter().map(|(id, (at, state))| (*id, *at, state.clone())).collect(),
            counters: self.counters,
        }
    }

    /// Makes the records for the database durable: all or none.
    pub fn store_in_database(&mut self, records: &[Record]) {
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
                Record::KeySet(_) | Record::Highest(_) | Record::Certificate(_) | Record::Servers(_) => {}
            }
        }
    }

    /// Makes a record durable that lies beside the identity.
    pub fn store_beside(&mut self, record: &Record) {
        match record.clone() {
            Record::KeySet(signed) => self.keyset = signed,
            Record::Highest(signed) => self.highest = Some(signed),
            Record::Certificate(der) => self.certificate = der,
            Record::Servers(servers) => self.servers = servers,
            _ => {}
        }
    }
}
