//! Operations by the calls of unix.

mod account;
mod fault;
#[cfg(target_os = "linux")]
mod linux;
mod list;
mod meta;
mod metadata;
mod open;
mod output;
#[cfg(any(test, not(target_os = "linux")))]
#[cfg_attr(target_os = "linux", expect(dead_code, unused_imports, reason = "there it is tested, not used"))]
mod posix;
mod read;
mod remove;
mod resolve;
mod run;
mod secret_file;
mod signal;
mod temp;
mod unsynced;
mod write;

#[cfg(target_os = "linux")]
use linux as kernel;
#[cfg(not(target_os = "linux"))]
use posix as kernel;

pub(crate) use fault::{Fault, kind_of, kind_of_io};
pub(crate) use list::list_dir;
pub(crate) use meta::{hard_link, make_dir, make_parents, rename, set_context_at, set_mode, set_owner, symlink};
pub(crate) use read::{CHUNK, hash_file, read_file, space, stat};
pub(crate) use remove::remove;
pub(crate) use resolve::{Last, Place, Resolver};
pub(crate) use run::Programs;
pub(crate) use signal::signal;
pub(crate) use unsynced::Unsynced;
