//! What is published, as requests see it.

use crate::publish::Published;
use vigo_core::fleet::ClassOf;
use vigo_core::resolve::ClassTable;
use vigo_core::server::{ServedClass, ServedPolicy};

/// What is published.
#[derive(Debug, Default)]
pub struct Live {
    /// Its classes.
    pub policy: ServedPolicy,
    /// Which of them a name is of; none before the first publish.
    table: Option<ClassTable>,
}

impl Live {
    /// Returns what a publish serves.
    pub fn of(published: &Published) -> Self {
        let class = |c: &crate::publish::PublishedClass| {
            ServedClass::new(&c.bundle, String::from(&*c.environment), c.observe_only, c.always_hold)
        };
        let classes = published.classes.iter().map(class).collect();
        Self { policy: ServedPolicy { classes, is_published: true }, table: Some(published.table.clone()) }
    }

    /// Returns the class of a name.
    pub fn class_of(&self, hostname: &str) -> ClassOf {
        let Some(table) = &self.table else { return ClassOf::Pending };
        let index = table.class_of(hostname).map(u32::try_from);
        index.map_or(ClassOf::None, |index| index.map_or(ClassOf::Pending, ClassOf::Class))
    }
}

impl From<Option<Published>> for Live {
    fn from(published: Option<Published>) -> Self {
        published.as_ref().map(Self::of).unwrap_or_default()
    }
}
