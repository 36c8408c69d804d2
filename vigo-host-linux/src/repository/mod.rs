//! Sources of packages.

mod apt;
mod apt_source;
mod select;

pub(crate) use select::select;
