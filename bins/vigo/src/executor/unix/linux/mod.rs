//! What Linux does by calls of its own.

mod account;
mod attributes;
mod disk;
mod process;
mod resolve;
mod rights;

pub(super) use account::{ask, more_groups};
pub(super) use attributes::{context, copy_attributes, has_selinux, set_context, set_context_at, set_mode};
pub(super) use disk::{fsync, mount_of, rename_new, sync_system, unlink};
pub(super) use process::{become_account, groups, has_ended, signal, watch};
pub(super) use resolve::{AtOnce, ENTER, LOOK, component};
pub(super) use rights::create;
