//! A tree as a whole: what is defined where, who uses it, and what of it nobody needs.
//!
//! [`Survey::of`] walks the files once; [`Survey::search`], [`files`] and [`dedup`] answer from it.

mod dedup;
mod entry;
mod fact;
mod files;
mod search;
mod uses;
mod walk;

pub use dedup::{Finding, FindingKind, Mention, dedup};
pub use entry::{FileEntry, FileKind, Item};
pub use fact::{Fact, FactKind, Survey};
pub use files::{Narrow, files};
pub use search::{Query, QueryError};
