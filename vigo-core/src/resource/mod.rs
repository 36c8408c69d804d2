//! Resource types: what each takes, how it is compared, and what follows from a difference.
//!
//! One file a type. A type is one declaration ([`TypeDecl`]) from which parsing, checks, schema and docs follow, and one
//! [`crate::host::Family`]: want, state, comparison. What touches files only is adapted here too (`Native`); the rest is
//! adapted by a host crate.

pub(crate) mod accounts;
mod change;
mod check;
mod claim;
mod decl;
mod diff;
pub(crate) mod digest;
mod edit;
mod editing;
mod fields;
mod instance;
mod kind;
mod lines;
mod registry;
mod snapshot;
mod ssh_key;

#[cfg(test)]
pub(crate) mod rig;
#[cfg(test)]
mod sample;

pub mod authorized_key;
pub mod blockinfile;
pub mod cron;
pub mod custom;
pub mod directory;
pub mod exec;
pub mod file;
pub mod file_line;
pub mod fstab;
pub mod git;
pub mod group;
pub mod host_entry;
pub mod hostname;
pub mod ini;
pub mod json_file;
pub mod mount;
pub mod package;
pub mod process;
pub mod registry_key;
pub mod replace;
pub mod repository;
pub mod service;
pub mod swap;
pub mod symlink;
pub mod sysctl;
pub mod systemd_dropin;
pub mod systemd_unit;
pub mod timezone;
pub mod user;
pub mod vfstab;

pub use change::Change;
pub use check::check;
pub use claim::{Claim, claim};
pub use decl::{Attr, Footprint, Need, Prepare, Refresh, TypeDecl};
pub use diff::{Diff, FileDiff, Side};
pub use edit::{Edit, FileAction, Seen};
pub use fields::{Datum, Field, FieldValue, Fields};
pub use instance::{Instance, Managed, Prediction, Verdict};
pub use kind::Kind;
pub use registry::{find, types};
pub use snapshot::{KEPT_BYTES_MAX, Keep, Kept, Snapshot};
pub(crate) use snapshot::{PATHS, command_digest, kept_under, restore};
