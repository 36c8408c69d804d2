//! Package managers.

mod apt;
mod apt_output;
mod deb_version;
mod dpkg;
mod select;

pub(crate) use select::select;
