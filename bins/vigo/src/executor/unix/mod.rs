//! Operations by the calls of unix.

mod account;
mod fault;
mod list;
mod meta;
mod metadata;
mod output;
mod read;
mod remove;
mod resolve;
mod run;
mod secret_file;
mod signal;
mod temp;
mod unsynced;
mod write;

pub(crate) use fault::{Fault, kind_of, kind_of_io};
pub(crate) use list::list_dir;
pub(crate) use meta::{hard_link, make_dir, make_parents, rename, set_context_at, set_mode, set_owner, symlink};
pub(crate) use read::{CHUNK, hash_file, read_file, space, stat};
pub(crate) use remove::remove;
pub(crate) use resolve::{Last, Place, Resolver};
pub(crate) use run::Programs;
pub(crate) use signal::signal;
pub(crate) use unsynced::Unsynced;
