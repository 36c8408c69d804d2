//! tzutil.exe, and the names that it takes.

mod adapter;
mod zones;

pub(crate) use adapter::Tzutil;
