//! Package managers.

mod apt;
mod apt_output;
mod deb_version;
mod dpkg;
mod select;

pub(crate) use apt_output::classify as classify_apt;
pub(crate) use deb_version::compare as compare_versions;
pub(crate) use select::{native, select};
