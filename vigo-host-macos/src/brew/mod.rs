//! Homebrew.

mod cellar;
mod package;
mod place;
mod tap;

pub(crate) use package::{Brew, installed_packages};
pub(crate) use place::{find, look};
pub(crate) use tap::{Taps, taps};
