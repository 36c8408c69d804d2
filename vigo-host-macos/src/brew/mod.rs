//! Homebrew.

mod cellar;
mod package;
mod place;
mod tap;

pub(crate) use package::Brew;
pub(crate) use tap::Taps;
