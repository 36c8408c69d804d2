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
pub(crate) struct Disk {
    pub(crate) keyset: Signed,
    pub(crate) certificate: Vec<u8>,
    pub(crate) highest: Option<Signed>,
    pub(crate) servers: Vec<String>,
    pub(crate) policy: Option<Policy>,
    pub(crate) reports: BTreeMap<u64, Arc<[u8]>>,
    pub(crate) taken: Option<u64>,
    pub(crate) orders: BTreeMap<OrderId, (Timestamp, OrderState)>,
    pub(crate) counters: Counters,
}

impl Disk {
    /// Returns the disk of a machine that has just enrolled.
    pub(crate) fn new(keyset: Signed, certificate: Vec<u8>, incarnation: u64) -> Self {
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

    /// The database is gone, and there is a new one.
    pub(crate) fn lose_database(&mut self, incarnation: u64) {
        self.policy = None;
        self.reports.clear();
        self.taken = None;
        self.orders.clear();
        self.counters = Counters { incarnation, ..Counters::default() };
    }

    pub(crate) fn stored(&self, identity: VerifyingKey, root: VerifyingKey) -> Stored {
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
    pub(crate) fn store_in_database(&mut self, records: &[Record]) {
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
    pub(crate) fn store_beside(&mut self, record: &Record) {
        match record.clone() {
            Record::KeySet(signed) => self.keyset = signed,
            Record::Highest(signed) => self.highest = Some(signed),
            Record::Certificate(der) => self.certificate = der,
            Record::Servers(servers) => self.servers = servers,
            _ => {}
        }
    }
}
