//! Local accounts: the shadow suite, BusyBox, and the files themselves where no tool can be run.

mod group;
mod settings;
mod user;

pub(crate) use group::{BusyBoxGroups, FileGroups, ShadowGroups};
pub(crate) use user::{BusyBoxUsers, FileUsers, ShadowUsers};
