//! Local accounts: Directory Service, asked by dscl(1) and dseditgroup(8).

mod bplist;
mod directory;
mod group;
mod property_list;
mod shadow_hash;
mod user;

pub(crate) use bplist::{Bplist, Value as Binary};
pub(crate) use directory::{database, reads};
pub(crate) use group::DirectoryGroups;
pub(crate) use property_list::Plist;
pub(crate) use user::DirectoryUsers;
