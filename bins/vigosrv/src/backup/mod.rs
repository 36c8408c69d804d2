//! Backups of this server: making one while it runs, looking whether one is whole, and coming back from one.
//!
//! An archive is a tar, compressed by zstd or gzip, of regular files alone: first the signed manifest, then what it lists, in
//! its order (see `vigo_core::backup`). Everything that is to be in it is laid beside first, while nothing is published and no
//! key and no secret is changed; check-ins are answered meanwhile. Restoring writes everything beside, looks at all of it, and
//! then swaps it in: see `data_dir/swap.rs`.

mod age;
mod book;
mod create;
mod error;
mod leftover;
mod pack;
mod read;
mod restore;
mod scheduled;
mod stage;
#[cfg(test)]
mod tests;
mod verify;
mod view;

pub use create::{Backups, Places, Wanted, create};
pub use error::ArchiveError;
pub use read::manifest;
pub use restore::{Restore, restore};
pub use scheduled::{Ailing, Scheduled, keep};
pub use verify::{Verify, list, verify};
pub use view::summary;

/// Is told how many bytes of how many are done.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);
