//! The host as a plan sees it.

mod lowered;
#[path = "../../../vigo-host-macos/tests/host/machine.rs"]
mod machine;
mod quirks;
