//! Publishing: `stacks/` to signed bundles, all of it or nothing.
//!
//! The tree is read once: what was checked is what is signed and kept. Everything is written to `history/<id>/` and synced;
//! then `.live` is made to lead there, in one step: before it nothing has happened, after it the publish stands. What
//! `.live` says at start is the truth.
//!
//! ```text
//! history/<id>/publish       what was published: see `record.rs`
//!              classes       which class a name is of
//!              tree/         the tree
//!              bundles/      the signed bundles, by digest; files that stay the same from one publish to the next are one
//! .live → history/<id>
//! ```

mod diff;
mod disk;
mod entry;
mod error;
mod published;
mod publisher;
mod record;
#[cfg(test)]
mod tests;

pub use diff::diff;
pub use error::PublishError;
pub use published::{Published, PublishedClass};
pub use publisher::{Publication, Publisher, live_in};
pub use record::{Record, RecordClass};
