//! Local accounts.

mod group;
mod role;
mod settings;
mod user;

pub(crate) use group::LocalGroups;
pub(crate) use user::LocalUsers;
