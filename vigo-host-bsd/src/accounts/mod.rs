//! Local accounts by the user(8) family of NetBSD and OpenBSD: useradd, usermod, userdel, groupadd, groupmod, groupdel.

mod doas;
mod expiry;
pub(crate) mod group;
pub(crate) mod master;
mod observe;
mod settings;
mod tools;
mod user;

pub(crate) use tools::{NETBSD, OPENBSD};
