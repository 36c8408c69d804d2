//! Policies: real trees, resolved and signed as a server does.

use crate::bundle::{PolicyBundle, Signed, SigningKey, sign};
use crate::config::Config;
use crate::fleet::ClassOf;
use crate::resolve::{ClassTable, classes as resolved};
use crate::secret::SecretNeeds;
use crate::server::{ServedClass, ServedPolicy};
use crate::source::{Sources, Tree};
use alloc::format;
use alloc::sync::Arc;
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
        let of = |name: &str, content: u64, secret: u64| {
            format!(
                "resources:\n  - {{name: motd, type: file, target_path: /etc/{name}, \
                 content: 'is {content} secret:{name}/{secret}'}}\n"
            )
        };
        let (web, db) = (of("web", number, number / 2), of("db", number / 3, number / 6));
        let files = [("configcrates/web.vgo", &*web), ("configcrates/db.vgo", &*db), ("envoys.vgo", ENVOYS)];
        let sources = Sources::read(&Tree::from_texts(files));
        let (mut bundles, mut classes) = (Vec::new(), Vec::new());
        let mut serve = |bundle: &PolicyBundle| {
            let Ok(signed) = sign(bundle, key) else { return };
            let class = ServedClass::new(&signed, Default::default(), false, false);
            classes.push(class.with_secrets(Arc::new(SecretNeeds::of(bundle))));
            bundles.push(signed);
        };
        let table = resolved(&Config::read(&sources), &mut |class| serve(&class.bundle)).ok()?.table;
        Some(Self { policy: ServedPolicy { classes, is_published: true }, table, bundles })
    }

    pub(super) fn class_of(&self, hostname: &str) -> ClassOf {
        let index = self.table.class_of(hostname).and_then(|index| u32::try_from(index).ok());
        index.map_or(ClassOf::None, ClassOf::Class)
    }

    /// Returns the secrets that it has for a name.
    pub(super) fn secrets_for(&self, hostname: &str) -> Option<&Arc<SecretNeeds>> {
        self.table.class_of(hostname).and_then(|index| self.policy.classes.get(index)).map(|class| &class.secrets)
    }

    /// Returns the digest of what it has for a name.
    pub(super) fn digest_for(&self, hostname: &str) -> Option<[u8; 32]> {
        self.table.class_of(hostname).and_then(|index| self.bundles.get(index)).map(Signed::digest)
    }
}
