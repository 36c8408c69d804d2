//! Backups of a server: what one consists of, which are believed, and what a restore may put where.
//!
//! An archive begins with a [`Manifest`], signed by the bundle key; the files that it lists follow, in its order, and
//! nothing else. A reader goes through it in this order:
//!
//! 1. [`Manifest::verify`] the first member, then [`Manifest::trust`] with what is known of the fleet's root,
//! 2. [`check_restore`], where it is to be restored: nothing has been written until then,
//! 3. an [`Intake`] for the rest: [`Intake::begin`] for the head of each member, [`Intake::bytes`] for what is in it,
//!    [`Intake::end`] behind it, and [`Intake::finish`] at the end of the archive.

pub mod age;
mod error;
mod intake;
mod manifest;
mod place;
mod plan;
mod schedule;
#[cfg(test)]
mod tests;
mod trust;

pub use error::BackupError;
pub use intake::{Intake, Member, Taken};
pub use manifest::{AuditHead, BackupCopy, BackupFile, MANIFEST_NAME, Manifest};
pub use place::{Part, REVOKED_PATH, part_of};
pub use plan::{Ground, check_restore};
pub use schedule::{
    Due, Kept, Listed, Verdict, due, retry_after, scheduled_at, scheduled_name, surplus, too_old_since,
};
pub use trust::{Expect, root_of};
