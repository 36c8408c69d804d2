//! Local users and groups, by PowerShell.

mod group;
mod listing;
mod user;

pub(crate) use group::LocalGroups;
pub(crate) use listing::LISTING;
pub(crate) use user::LocalUsers;
