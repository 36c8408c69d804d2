//! Local users and groups, by PowerShell.

mod group;
mod listing;
mod user;

pub(crate) use group::LocalGroups;
pub(crate) use listing::{LISTING, Listing, LocalGroup, LocalUser, is_built_in, number, read as list};
pub(crate) use user::LocalUsers;
