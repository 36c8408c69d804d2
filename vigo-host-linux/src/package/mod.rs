//! Package managers.

mod apk;
mod apt;
mod apt_output;
mod deb_version;
mod dnf;
mod dpkg;
mod pacman;
mod rpm;
mod rpm_version;
mod select;
#[cfg(test)]
mod tests;
mod zypper;

pub(crate) use apk::classify as classify_apk;
pub(crate) use apt_output::classify as classify_apt;
pub(crate) use deb_version::compare as compare_versions;
pub(crate) use dnf::classify as classify_dnf;
pub(crate) use pacman::classify as classify_pacman;
pub(crate) use select::{native, select};
pub(crate) use zypper::classify as classify_zypper;
