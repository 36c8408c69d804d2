//! A policy in memory: what check-ins are answered from.

use super::{Record, RecordClass};
use std::collections::HashMap;
use std::sync::Arc;
use vigo_core::bundle::Signed;
use vigo_core::resolve::ClassTable;
use vigo_core::time::Timestamp;

/// What stands published.
#[derive(Clone, Debug)]
pub struct Published {
    /// Its number; each publish has the next one.
    pub id: u64,
    /// Who published it.
    pub author: String,
    /// When.
    pub at: Timestamp,
    /// The publish whose policy this one brought back.
    pub restores: Option<u64>,
    /// The classes, in the order of their match blocks.
    pub classes: Vec<PublishedClass>,
    /// Which of them a name is of.
    pub table: ClassTable,
}

/// One class of it.
#[derive(Clone, Debug)]
pub struct PublishedClass {
    /// For people: `production/web/web.vgo#1@production`.
    pub name: Arc<str>,
    /// The environment; empty where none applies.
    pub environment: Arc<str>,
    /// The bundle. Classes of one policy share it.
    pub bundle: Arc<Signed>,
    /// [`Signed::digest`] of it.
    pub digest: [u8; 32],
    /// Changes are reported, not made.
    pub observe_only: bool,
    /// The envoys of this class stay connected.
    pub always_hold: bool,
    /// Paths of the secrets that the bundle refers to, sorted.
    pub secret_refs: Arc<[Arc<str>]>,
}

/// Bundles by their digest.
pub(super) type Bundles = HashMap<[u8; 32], Arc<Signed>>;

impl Published {
    /// Returns the class of a name; `None` is *manage nothing*.
    pub fn class_of(&self, hostname: &str) -> Option<&PublishedClass> {
        self.classes.get(self.table.class_of(hostname)?)
    }

    /// Puts a record and its bundles together; `None` when one is missing, or the table is of other classes.
    pub(super) fn new(record: &Record, bundles: &Bundles, table: ClassTable) -> Option<Self> {
        let class = |c: &RecordClass| {
            Some(PublishedClass {
                name: c.name.as_str().into(),
                environment: c.environment.as_str().into(),
                bundle: bundles.get(&c.digest)?.clone(),
                digest: c.digest,
                observe_only: c.observe_only,
                always_hold: c.always_hold,
                secret_refs: c.secret_refs.iter().map(|r| Arc::from(r.as_str())).collect(),
            })
        };
        let classes = record.classes.iter().map(class).collect::<Option<Vec<_>>>()?;
        if classes.len() != table.len() {
            return None;
        }
        let Record { id, author, at, restores, .. } = record.clone();
        Some(Self { id, author, at, restores, classes, table })
    }
}
