//! Local accounts: Directory Service, asked by dscl(1) and dseditgroup(8).

mod directory;
mod group;
mod shadow_hash;
mod user;

pub(crate) use directory::{database, reads};
pub(crate) use group::DirectoryGroups;
pub(crate) use user::DirectoryUsers;
