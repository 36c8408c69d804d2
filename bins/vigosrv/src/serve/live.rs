//! What is published, as requests see it.

use crate::publish::Published;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use vigo_core::bundle::PolicyBundle;
use vigo_core::fleet::ClassOf;
use vigo_core::resolve::ClassTable;
use vigo_core::secret::SecretNeeds;
use vigo_core::server::{ServedClass, ServedPolicy, secrets_epoch};

/// What is published.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// Its classes.
    pub policy: ServedPolicy,
    /// Their names.
    names: Vec<Arc<str>>,
    /// Which of them a name is of; none before the first publish.
    table: Option<Arc<ClassTable>>,
    /// The publishes before, the newest first: an envoy that has not checked in since may still run one of them.
    before: VecDeque<Earlier>,
}

/// Of an earlier publish, what tells an envoy that is behind from one that asks for what was never its own.
#[derive(Clone, Debug)]
struct Earlier {
    table: Arc<ClassTable>,
    secrets: Vec<Arc<SecretNeeds>>,
}

/// Publishes that an envoy may be behind.
const BEFORE_MAX: usize = 8;

impl Live {
    /// Returns what a publish serves.
    pub fn of(published: &Published) -> Self {
        let class = |c: &crate::publish::PublishedClass| {
            let class = ServedClass::new(&c.bundle, String::from(&*c.environment), c.observe_only, c.always_hold);
            if c.secret_refs.is_empty() {
                return class;
            }
            match PolicyBundle::decode(&c.bundle.bytes) {
                Ok(bundle) => class.with_secrets(Arc::new(SecretNeeds::of(&bundle))),
                Err(error) => {
                    // Whoever published it could read it; without it nobody gets its secrets.
                    tracing::error!("the bundle of class `{}`: {error}", c.name);
                    class
                }
            }
        };
        Self {
            policy: ServedPolicy { classes: published.classes.iter().map(class).collect(), is_published: true },
            names: published.classes.iter().map(|class| class.name.clone()).collect(),
            table: Some(Arc::new(published.table.clone())),
            before: VecDeque::new(),
        }
    }

    /// Returns it as what follows `old`.
    pub(super) fn after(mut self, old: &Self) -> Self {
        self.before = old.before.clone();
        if let Some(table) = &old.table {
            let secrets = old.policy.classes.iter().map(|class| class.secrets.clone()).collect();
            self.before.push_front(Earlier { table: table.clone(), secrets });
        }
        self.before.truncate(BEFORE_MAX);
        self
    }

    /// Returns it with the epochs that come of the secrets' revisions.
    pub(super) fn with_revisions(mut self, revision: impl Fn(&str) -> Option<u64>) -> Self {
        for class in &mut self.policy.classes {
            class.secrets_epoch = secrets_epoch(class, &revision);
        }
        self
    }

    /// Returns the class of a name.
    pub fn class_of(&self, hostname: &str) -> ClassOf {
        let Some(table) = &self.table else { return ClassOf::Pending };
        let index = table.class_of(hostname).map(u32::try_from);
        index.map_or(ClassOf::None, |index| index.map_or(ClassOf::Pending, ClassOf::Class))
    }

    /// Returns the name of a class.
    pub(super) fn name_of(&self, class: ClassOf) -> Option<&Arc<str>> {
        match class {
            ClassOf::Class(index) => self.names.get(index as usize),
            ClassOf::None | ClassOf::Pending => None,
        }
    }

    /// Returns what the policies before needed for a name, the newest first.
    pub(super) fn secrets_before<'a>(&'a self, hostname: &'a str) -> impl Iterator<Item = &'a Arc<SecretNeeds>> {
        self.before.iter().filter_map(move |earlier| earlier.secrets.get(earlier.table.class_of(hostname)?))
    }

    /// Returns the secrets that the policy refers to, each with the names of the classes that do.
    pub(super) fn secret_uses(&self) -> BTreeMap<Arc<str>, Vec<Arc<str>>> {
        let mut uses: BTreeMap<Arc<str>, Vec<Arc<str>>> = BTreeMap::new();
        for (class, name) in self.policy.classes.iter().zip(&self.names) {
            for path in class.secrets.all() {
                uses.entry(path.clone()).or_default().push(name.clone());
            }
        }
        uses
    }
}

impl From<Option<Published>> for Live {
    fn from(published: Option<Published>) -> Self {
        published.as_ref().map(Self::of).unwrap_or_default()
    }
}
