//! Sources of packages.

mod apk;
mod apt;
mod apt_source;
mod pacman;
mod select;
#[cfg(test)]
mod tests;
mod yum;

pub(crate) use select::select;
