//! Policies: real trees, resolved and signed as a server does.

use crate::bundle::{Signed, SigningKey, sign};
use crate::config::Config;
use crate::fleet::ClassOf;
use crate::resolve::{ClassTable, classes};
use crate::server::{ServedClass, ServedPolicy};
use crate::source::{Sources, Tree};
use alloc::format;
use alloc::vec::Vec;

/// One publish.
pub(super) struct Publish {
    pub(super) policy: ServedPolicy,
    table: ClassTable,
    bundles: Vec<Signed>,
}

const ENVOYS: &str = "envoys:
  - {match: 'web-*', configcrates: [web]}
  - {match: 'db-*', configcrates: [db]}
";

impl Publish {
    /// Resolves and signs the tree of this number. Every publish differs from the one before for `web-*`, every third for
    /// `db-*`; other names are of no class. `None` never comes: the tree is right.
    pub(super) fn new(number: u64, key: &SigningKey) -> Option<Self> {
        let of = |name: &str, content: u64| {
            format!("resources:\n  - {{name: motd, type: file, target_path: /etc/{name}, content: 'is {content}'}}\n")
        };
        let (web, db) = (of("web", number), of("db", number / 3));
        let files = [("configcrates/web.vgo", &*web), ("configcrates/db.vgo", &*db), ("envoys.vgo", ENVOYS)];
        let sources = Sources::read(&Tree::from_texts(files));
        let mut bundles = Vec::new();
        let table = classes(&Config::read(&sources), &mut |class| bundles.extend(sign(&class.bundle, key))).ok()?.table;
        let classes = bundles.iter().map(|bundle| ServedClass::new(bundle, Default::default(), false, false)).collect();
        Some(Self { policy: ServedPolicy { classes, is_published: true }, table, bundles })
    }

    pub(super) fn class_of(&self, hostname: &str) -> ClassOf {
        let index = self.table.class_of(hostname).and_then(|index| u32::try_from(index).ok());
        index.map_or(ClassOf::None, ClassOf::Class)
    }

    /// Returns the digest of what it has for a name.
    pub(super) fn digest_for(&self, hostname: &str) -> Option<[u8; 32]> {
        self.table.class_of(hostname).and_then(|index| self.bundles.get(index)).map(Signed::digest)
    }
}
