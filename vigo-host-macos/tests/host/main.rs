//! The host as a plan sees it.

mod lowered;
mod machine;
mod quirks;
